/** Where pictures come from: dropped, chosen, pasted. */

import { h } from "./dom.js";
import { paint } from "./picture.js";

/** A tile that takes a picture by click, drop or keyboard, and shows it. */
export class PictureTile {
  constructor(words, onFile) {
    this.words = words;
    this.input = h("input", {
      type: "file",
      accept: "image/png,image/jpeg,image/webp",
      class: "tile-input",
      "aria-label": words,
      onchange: () => this.input.files[0] && onFile(this.input.files[0]),
    });
    this.image = h("img", { alt: "", hidden: true });
    this.text = h("span", { class: "tile-text" }, words);
    this.element = h("label", { class: "tile tile-drop" }, this.input, this.image, this.text);
  }

  /** Show a file; null shows the invitation again. */
  show(address) {
    this.image.hidden = !address;
    this.element.classList.toggle("full", Boolean(address));
    if (address) this.image.src = address;
    this.text.textContent = address ? "Change" : this.words;
    this.input.value = "";
  }
}

/** Pictures that are dropped anywhere on the page, or pasted. */
export function takePictures(onFile) {
  const over = (on) => document.body.classList.toggle("dropping", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? over(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    const file = [...event.dataTransfer.files].find((one) => one.type.startsWith("image/"));
    if (file) onFile(file, event.target);
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (file) onFile(file, event.target);
  });
}

/** The original and what the model makes of it, beside the edit; a button puts either under the wipe. */
export class Sources {
  constructor(host, { bench, wipe, shape }, onFile) {
    this.wipe = wipe;
    this.tile = new PictureTile("Drop a picture here, or choose one", onFile);
    const made = h("canvas", { "aria-hidden": "true" });
    const button = (words, original) => {
      const label = `Put the ${words} under the wipe`;
      const properties = { type: "button", class: "small", "aria-label": label, onclick: () => this.#under(original) };
      return h("button", properties, "Wipe");
    };
    [this.first, this.second] = [button("original", true), button("reconstruction", false)];
    host.replaceChildren(
      h("figure", {}, this.tile.element, h("figcaption", {}, "Original", this.first)),
      h("figure", {}, h("div", { class: "tile" }, made), h("figcaption", {}, "Reconstruction", this.second)),
    );
    bench.addEventListener("painted", () => paint(made, bench.before, shape));
  }

  /** Show an original; null where there is none. */
  show(address) {
    this.address = address;
    this.tile.show(address);
    this.first.disabled = !address;
    this.#under(Boolean(address));
  }

  #under(original) {
    this.wipe.showPhoto(original ? this.address : null);
    this.first.setAttribute("aria-pressed", String(original));
    this.second.setAttribute("aria-pressed", String(!original));
  }
}

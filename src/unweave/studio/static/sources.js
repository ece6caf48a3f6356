/** Where pictures come from: dropped, chosen, pasted. */

import { h } from "./dom.js";

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

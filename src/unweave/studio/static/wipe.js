/** The edited picture, with what it was before under a wipe. */

import { h } from "./dom.js";
import { paint } from "./picture.js";

export class Wipe {
  /** @param {HTMLElement} host is emptied; `shape` (H, W, C) of the pictures */
  constructor(host, shape) {
    this.shape = shape;
    this.after = h("canvas", { class: "wipe-after", role: "img", "aria-label": "Edited picture" });
    this.before = h("canvas", { class: "wipe-before", role: "img", "aria-label": "Picture before the edit" });
    this.photo = h("img", { class: "wipe-before", alt: "Original picture", hidden: true });
    this.range = h("input", {
      type: "range",
      class: "wipe-range",
      min: 0,
      max: 100,
      value: 0,
      step: 1,
      "aria-label": "Wipe between before and after",
      oninput: () => this.#place(),
    });
    this.picture = h(
      "div",
      { class: "wipe-picture" },
      this.after,
      this.before,
      this.photo,
      h("span", { class: "wipe-line", "aria-hidden": "true" }),
      h("span", { class: "wipe-tag wipe-tag-before", "aria-hidden": "true" }, "before"),
      h("span", { class: "wipe-tag wipe-tag-after", "aria-hidden": "true" }, "after"),
    );
    this.picture.style.aspectRatio = `${shape[1]} / ${shape[0]}`;
    const row = h("label", { class: "wipe-row" }, h("span", {}, "Before"), this.range);
    host.replaceChildren(this.picture, row);
    this.picture.addEventListener("pointerdown", (event) => this.#drag(event));
    this.#place();
  }

  showAfter(pixels) {
    paint(this.after, pixels, this.shape);
  }

  showBefore(pixels) {
    paint(this.before, pixels, this.shape);
  }

  /** Wipe to the original instead of to what the model made of it; null for the latter. */
  showPhoto(address) {
    this.photo.hidden = !address;
    if (address) this.photo.src = address;
    this.before.style.visibility = address ? "hidden" : "visible";
  }

  /** Share of the picture, from the left, that shows what was before. */
  set(percent) {
    this.range.value = percent;
    this.#place();
  }

  get at() {
    return Number(this.range.value);
  }

  #place() {
    this.picture.style.setProperty("--at", `${this.range.value}%`);
    this.range.setAttribute("aria-valuetext", `${this.range.value} % before`);
  }

  #drag(event) {
    if (event.button !== 0) return;
    const move = ({ clientX }) => {
      const { left, width } = this.picture.getBoundingClientRect();
      this.set(Math.round(Math.min(100, Math.max(0, (100 * (clientX - left)) / width))));
    };
    this.picture.setPointerCapture(event.pointerId);
    this.picture.addEventListener("pointermove", move);
    const stop = () => this.picture.removeEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.picture.addEventListener(name, stop, { once: true });
    move(event);
  }
}

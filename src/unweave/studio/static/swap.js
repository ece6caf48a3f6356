/** Swap: factors that this picture takes from another one. */

import { readings } from "./arithmetic/edit.js";
import { h, labelText, title } from "./dom.js";
import { paint } from "./picture.js";
import { PictureTile } from "./sources.js";

export class Swap {
  /** @param {HTMLElement} host is emptied; `onFile` is called with the second picture's file */
  constructor(host, workbench, onFile) {
    Object.assign(this, { workbench, bench: workbench.bench });
    this.tile = new PictureTile("Take factors from: drop a second picture here, or choose one", onFile);
    [this.own, this.result] = [
      h("canvas", { role: "img", "aria-label": "This picture" }),
      h("canvas", { role: "img", "aria-label": "With the factors taken over" }),
    ];
    const figure = (words, content) => h("figure", {}, content, h("figcaption", {}, words));
    this.list = h("div", { class: "swap-list" });
    host.replaceChildren(
      h(
        "div",
        { class: "swap-row" },
        figure("This picture", h("div", { class: "tile" }, this.own)),
        h("span", { class: "swap-sign", "aria-hidden": "true" }, "+"),
        figure("Take from", this.tile.element),
        h("span", { class: "swap-sign", "aria-hidden": "true" }, "="),
        figure("Result", h("div", { class: "tile" }, this.result)),
      ),
      h("fieldset", { class: "panel" }, h("legend", {}, "Take over"), this.list),
    );
    this.bench.addEventListener("start", () => this.fill());
    this.bench.addEventListener("edit", () => this.#mark());
    this.bench.addEventListener("painted", () => this.#painted());
  }

  /** The second picture: its code, and where it is shown. */
  take(code, file, address) {
    Object.assign(this, { file, code: Array.from(code) });
    this.tile.show(address);
    const { changes } = this.bench;
    this.bench.borrow(this.code);
    this.fill();
    if ([...changes.values()].some((change) => change.swap)) this.bench.replace(changes);
  }

  /** One line per factor, with what both pictures have of it. */
  fill() {
    if (!this.code) {
      this.list.replaceChildren(
        h("p", { class: "quiet" }, "Choose a second picture, then which of its factors this one takes over."),
      );
      return;
    }
    this.bench.borrow(this.code);
    const [mine, theirs] = [this.bench.code, this.code].map((code) => readings(this.bench.signatures, code));
    this.lines = this.bench.signatures.all.map((signature) => {
      const { name } = signature;
      const words = ({ name: label, exact }) =>
        signature.path === "classes" ? label : labelText(signature.chart, exact, 3 * signature.chart.scale);
      const box = h("input", { type: "checkbox", id: `swap-${name}`, onchange: () => this.#toggle(name, box.checked) });
      return {
        name,
        box,
        row: h(
          "label",
          { class: "swap-line" },
          box,
          h("span", {}, title(name)),
          h("span", { class: "dial-value" }, `${words(mine[name])} → ${words(theirs[name])}`),
        ),
      };
    });
    this.list.replaceChildren(...this.lines.map(({ row }) => row));
    this.#mark();
  }

  #toggle(factor, on) {
    this.bench.change(factor, on ? { factor, swap: true } : null);
    this.bench.settle();
  }

  #mark() {
    for (const { name, box } of this.lines ?? []) box.checked = Boolean(this.bench.changes.get(name)?.swap);
  }

  #painted() {
    paint(this.own, this.bench.before, this.workbench.shape);
    paint(this.result, this.bench.pixels, this.workbench.shape);
  }
}

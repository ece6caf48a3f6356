/** Kept edits: a gallery beside the picture that leads back to each. */

import { h, title } from "./dom.js";
import { paint } from "./picture.js";

const $ = (id) => document.getElementById(id);

export class Kept {
  /** @param {{keep: () => object, back: (item: object) => Promise<void>}} tasks `keep` tells of the edit and says what
   *   belongs to it; `back` puts an item's picture on the bench again */
  constructor(workbench, { keep, back }) {
    Object.assign(this, { workbench, bench: workbench.bench, keep, back });
    this.button = workbench.addAction("Keep", "Keep this edit (K)", () => this.#add());
    this.button.classList.add("main");
    $("actions").prepend(this.button);
    for (const name of ["start", "edit"]) this.bench.addEventListener(name, () => this.#refresh());
    $("kept").replaceChildren();
    $("kept-part").hidden = true;
  }

  #refresh() {
    this.button.disabled = this.bench.changes.size === 0;
  }

  #add() {
    const { bench, workbench } = this;
    const { code, others, changes } = bench;
    bench.settle();
    const item = { ...this.keep(), code, others, changes };
    const canvas = h("canvas", { "aria-hidden": "true" });
    paint(canvas, bench.pixels, workbench.shape);
    const words = [...changes.keys()].map(title).join(", ");
    const label = `Kept: ${words}. Go back to it`;
    $("kept").prepend(
      h(
        "button",
        { type: "button", class: "start", "aria-label": label, title: words, onclick: () => this.#open(item) },
        canvas,
      ),
    );
    $("kept-part").hidden = false;
  }

  async #open(item) {
    if (this.bench.code.some((x, k) => x !== item.code[k])) await this.back(item);
    this.bench.borrow(item.others);
    this.bench.replace(item.changes);
  }
}

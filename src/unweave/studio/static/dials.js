/** One dial per factor, in its own units, with its safe range and what else is predicted to move. */

import { readings } from "./arithmetic/edit.js";
import { Choice } from "./choice.js";
import { Slider } from "./slider.js";

/** Dials that work on a bench; `host` is emptied. */
export class Dials {
  constructor(host, bench) {
    this.bench = bench;
    this.dials = bench.signatures.all.map((signature) => new (dialOf(signature))(signature, bench));
    host.replaceChildren(...this.dials.map((dial) => dial.element));
    bench.addEventListener("start", () => this.#start());
    bench.addEventListener("edit", () => this.#show());
  }

  #start() {
    const found = readings(this.bench.signatures, this.bench.code);
    for (const dial of this.dials) dial.start(found[dial.signature.name]);
    this.#show();
  }

  #show() {
    const { changes, result } = this.bench;
    for (const dial of this.dials) {
      const { name } = dial.signature;
      dial.show(
        changes.get(name) ?? null,
        result.done.find((one) => one.factor === name),
      );
      dial.leak(changes.size && result.leakage && !changes.has(name) ? result.leakage.factors[name] : null);
    }
  }
}

function dialOf(signature) {
  return signature.path === "classes" && signature.classes.length > 2 ? Choice : Slider;
}

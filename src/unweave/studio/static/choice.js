/** The dial of one of several classes. */

import { Dial } from "./dial.js";
import { h, title } from "./dom.js";

export class Choice extends Dial {
  constructor(signature, bench) {
    super(signature, bench);
    const { values } = signature.chart.factor;
    this.inputs = signature.classes.map((code) =>
      h("input", {
        type: "radio",
        name: this.id,
        value: values[code],
        id: `${this.id}-${code}`,
        onchange: (event) => this.#pick(event.target.value),
        onkeydown: (event) => this.#key(event),
      }),
    );
    const pills = this.inputs.map((input) => h("label", { class: "pill" }, input, h("span", {}, title(input.value))));
    const heading = h("span", { class: "dial-name", id: this.id }, this.label);
    this.frame("div", heading, h("div", { class: "pills", role: "radiogroup", "aria-labelledby": this.id }, pills));
  }

  #key(event) {
    if (!["Backspace", "Delete", "0"].includes(event.key)) return;
    event.preventDefault();
    this.ask(null, true);
  }

  #pick(value) {
    this.ask(value === this.reading.name ? null : { factor: this.signature.name, to: value }, true);
  }

  start(reading) {
    this.reading = reading;
  }

  show(change, done) {
    const now = change ? this.signature.chart.factor.values[done.wanted] : this.reading.name;
    for (const input of this.inputs) {
      input.checked = input.value === now;
      input.parentElement.classList.toggle("origin", input.value === this.reading.name);
    }
    const missed = change && !done.reached;
    this.value.textContent = missed ? "the probe does not say so" : "";
    this.mark(change !== null);
  }
}

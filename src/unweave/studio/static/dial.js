/** What all dials have: name, value, a way back, and the bar of leakage. */

import { h, percent, title } from "./dom.js";

/** Leakage, in changes between two random pictures, that fills the bar. */
const FULL = 0.5;

export class Dial {
  constructor(signature, bench) {
    Object.assign(this, { signature, bench });
    this.id = `dial-${signature.name.replaceAll(/[^\w-]/g, "_")}`;
    this.label = title(signature.name);
    this.value = h("output", { class: "dial-value", for: this.id });
    this.back = h(
      "button",
      {
        class: "dial-back",
        type: "button",
        title: `Put ${this.label} back`,
        "aria-label": `Put ${this.label} back`,
        onclick: () => this.ask(null, true),
      },
      "↺",
    );
    this.bar = h("span", { class: "leak-bar" });
    this.leakText = h("span", { class: "leak-text" });
    this.leakage = h(
      "div",
      {
        class: "leak",
        hidden: true,
        title: `Predicted change of ${this.label}, as a share of the change between two random pictures`,
      },
      h("span", { class: "leak-track" }, this.bar),
      this.leakText,
    );
  }

  /** The dial's parts around its control. */
  frame(tag, heading, ...control) {
    this.element = h(
      tag,
      { class: "dial", "data-factor": this.signature.name },
      h("div", { class: "dial-head" }, heading, this.back, this.value),
      ...control,
      this.leakage,
    );
    const { description } = this.signature.chart.factor;
    if (description) heading.title = description;
  }

  ask(change, settled) {
    this.bench.change(this.signature.name, change);
    if (settled) this.bench.settle();
  }

  /** Share by which leakage is predicted to move this factor, or null. */
  leak(share) {
    this.leakage.hidden = share == null;
    if (share == null) return;
    this.bar.style.width = `${Math.min(100, (100 * share) / FULL)}%`;
    this.leakText.textContent = `leaks ${percent(share)}`;
  }

  mark(changed) {
    this.element.classList.toggle("changed", changed);
    this.back.disabled = !changed;
  }
}

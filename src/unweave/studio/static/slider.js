/** The dial of a level, a measurement, an angle, or the way between two classes. */

import { Dial } from "./dial.js";
import { h, labelText, signed } from "./dom.js";

const STEPS = 200;

/** How far beyond the safe range a dial goes: what lies there is possible for some pictures. */
const BEYOND = 1.25;

export class Slider extends Dial {
  constructor(signature, bench) {
    super(signature, bench);
    const settle = () => bench.settle(signature.name);
    this.input = h("input", {
      type: "range",
      id: this.id,
      oninput: () => this.ask(this.#change()),
      onchange: settle,
      onkeydown: (event) => this.#key(event),
      ondblclick: () => this.ask(null, true),
    });
    [this.safe, this.fill, this.origin] = ["safe", "fill", "origin"].map((name) =>
      h("span", { class: `track-${name}` }),
    );
    this.ends = h("div", { class: "dial-ends", "aria-hidden": "true" }, h("span"), h("span"));
    this.frame(
      "div",
      h("label", { for: this.id, class: "dial-name" }, this.label),
      h("div", { class: "track" }, this.safe, this.fill, this.origin, this.input),
      this.ends,
    );
  }

  /** Steps that the slider asks for; near 0 it is left alone. */
  #change() {
    const by = Number(this.input.value);
    return Math.abs(by) < this.step / 2 ? null : { factor: this.signature.name, by };
  }

  #key(event) {
    if (!["Backspace", "Delete", "0"].includes(event.key)) return;
    event.preventDefault();
    this.ask(null, true);
  }

  start(reading) {
    this.reading = reading;
    const [low, high] = this.#extent();
    const [safeLow, safeHigh] = this.#safe();
    this.step = (high - low) / STEPS;
    // Steps count from the lowest value, which is moved so that 0 is one of them.
    [this.low, this.high] = [-Math.round(-low / this.step) * this.step, high];
    Object.assign(this.input, { min: this.low, max: this.high, step: this.step });
    this.#place(this.safe, Math.max(safeLow, this.low), Math.min(safeHigh, this.high));
    this.origin.style.left = `${this.#share(0)}%`;
    this.ends.children[0].textContent = this.#end(this.low, 0);
    this.ends.children[1].textContent = this.#end(this.high, 1);
  }

  /** The safe range in steps of the slider. */
  #safe() {
    const { safe, path } = this.signature;
    return path === "classes" ? [-safe[1], safe[1]] : safe;
  }

  /** The slider goes somewhat beyond what is safe, and hardly beyond the labels that were declared. */
  #extent() {
    const { chart, path, turns } = this.signature;
    if (turns) return [-chart.period / 2, chart.period / 2];
    const [low, high] = this.#safe().map((end) => BEYOND * end);
    if (path === "classes") return [Math.min(low, -1), Math.max(high, 1)];
    const { range, values } = chart.factor;
    const declared = range ?? (values ? [0, values.length - 1] : null);
    if (!declared) return [low, high];
    const slack = 0.05 * (declared[1] - declared[0]);
    const [least, most] = [declared[0] - slack, declared[1] + slack].map(
      (end) => (end - this.reading.exact) / chart.scale,
    );
    return [Math.min(Math.max(low, least), -0.1), Math.max(Math.min(high, most), 0.1)];
  }

  #share(by) {
    return (100 * (by - this.low)) / (this.high - this.low);
  }

  #place(element, from, to) {
    const [a, b] = [from, to].map((by) => Math.min(100, Math.max(0, this.#share(by)))).sort((x, y) => x - y);
    element.style.left = `${a}%`;
    element.style.width = `${b - a}%`;
  }

  get #span() {
    const { chart, turns } = this.signature;
    return turns ? chart.period : (this.high - this.low) * chart.scale;
  }

  #end(by, side) {
    const { chart, path, turns, classes } = this.signature;
    if (path === "classes") return chart.factor.values[classes[side]];
    if (turns) return signed(by, this.#span);
    return this.#label(this.reading.exact + by * chart.scale);
  }

  #label(value) {
    return labelText(this.signature.chart, value, this.#span);
  }

  show(change, done) {
    const by = change?.by ?? (change ? this.#by(done) : 0);
    if (document.activeElement !== this.input || Number(this.input.value) !== by) this.input.value = by;
    this.#place(this.fill, 0, by);
    const text = this.#text(change, done, by);
    this.value.replaceChildren(...text);
    this.input.setAttribute("aria-valuetext", text.map((part) => part.textContent ?? part).join(" "));
    const [low, high] = this.#safe();
    this.element.classList.toggle("unsafe", by < low - this.step || by > high + this.step);
    this.mark(change !== null);
  }

  /** Where a change that is not in steps ends, in steps. */
  #by(done) {
    const { chart, path, turns } = this.signature;
    if (path === "classes") return done.wanted === done.before ? 0 : done.wanted === this.signature.classes[1] ? 1 : -1;
    const way = done.wanted - (turns ? done.before : this.reading.exact);
    if (!turns) return way / chart.scale;
    return ((((way + chart.period / 2) % chart.period) + chart.period) % chart.period) - chart.period / 2;
  }

  #text(change, done, by) {
    const { path, turns, chart } = this.signature;
    const old = h("span", { class: "was" });
    if (path === "classes") {
      old.textContent = this.reading.name;
      return change ? [old, ` ${signed(by, 1)} → `, h("b", {}, chart.factor.values[done.after])] : [old];
    }
    old.textContent = this.#label(this.reading.exact);
    if (!change) return [old];
    const exact = turns ? done.wanted : this.reading.exact + by * chart.scale;
    return [old, " → ", h("b", {}, this.#label(exact))];
  }
}

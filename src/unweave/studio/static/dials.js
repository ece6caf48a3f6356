/** One dial per factor, in its own units, with its safe range and what else is predicted to move. */

import { readings } from "./arithmetic/edit.js";
import { h, labelText, percent, signed, title } from "./dom.js";

const STEPS = 200;

/** How far beyond the safe range a dial goes: what lies there is possible for some pictures. */
const BEYOND = 1.25;

/** Leakage, in changes between two random pictures, that fills the bar. */
const FULL = 0.5;

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

/** What all dials have: name, value, a way back, and the bar of leakage. */
class Dial {
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

/** A level, a measurement, an angle, or the way between two classes. */
class Slider extends Dial {
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
    const { chart, path } = this.signature;
    if (path === "rotation") return [-chart.period / 2, chart.period / 2];
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
    const { chart, path } = this.signature;
    return path === "rotation" ? chart.period : (this.high - this.low) * chart.scale;
  }

  #end(by, side) {
    const { chart, path, classes } = this.signature;
    if (path === "classes") return chart.factor.values[classes[side]];
    if (path === "rotation") return signed(by, this.#span);
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
    const { chart, path } = this.signature;
    if (path === "classes") return done.wanted === done.before ? 0 : done.wanted === this.signature.classes[1] ? 1 : -1;
    const way = done.wanted - (path === "rotation" ? done.before : this.reading.exact);
    if (path !== "rotation") return way / chart.scale;
    return ((((way + chart.period / 2) % chart.period) + chart.period) % chart.period) - chart.period / 2;
  }

  #text(change, done, by) {
    const { path, chart } = this.signature;
    const old = h("span", { class: "was" });
    if (path === "classes") {
      old.textContent = this.reading.name;
      return change ? [old, ` ${signed(by, 1)} → `, h("b", {}, chart.factor.values[done.after])] : [old];
    }
    old.textContent = this.#label(this.reading.exact);
    if (!change) return [old];
    const exact = path === "rotation" ? done.wanted : this.reading.exact + by * chart.scale;
    return [old, " → ", h("b", {}, this.#label(exact))];
  }
}

/** One of several classes. */
class Choice extends Dial {
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

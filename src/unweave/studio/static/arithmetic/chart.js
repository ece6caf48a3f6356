/** Labels of a factor as coordinates in which moving is adding; mirrors `unweave.signatures.chart` and `reader`. */

import { combine, dot, column } from "./linalg.js";

/** Index of the piece between knots where x is; the outer pieces go on. */
export function piece(x, knots) {
  let right = 0;
  while (right < knots.length && knots[right] <= x) right++;
  return Math.min(Math.max(right - 1, 0), knots.length - 2);
}

/** Round to the nearest whole number, halves to the even one, as NumPy does. */
function roundEven(x) {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** Place of the largest number; the first one where several are. */
export function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

export const TURN = 2 * Math.PI;

/** Remainder that is never below 0. */
export function modulo(x, divisor) {
  return ((x % divisor) + divisor) % divisor;
}

export class Chart {
  /** @param {{target: object, knots: number[], cut?: number}} data as in signatures.json */
  constructor({ target, knots = [], cut = null }) {
    this.factor = target.factor;
    this.centre = target.centre;
    this.scale = target.scale;
    this.knots = knots;
    this.cut = cut;
  }

  /** Length of one turn of an angle, in the units of its labels. */
  get period() {
    return this.factor.range[1] - this.factor.range[0];
  }

  /** Number of classes or levels; 0 for a measurement. */
  get classes() {
    return (this.factor.values ?? []).length;
  }

  restore(number) {
    return number * this.scale + this.centre;
  }

  normalise(label) {
    return (label - this.centre) / this.scale;
  }

  /** Coordinates (m) of a label in the units of the factor. */
  of(label) {
    if (this.factor.kind === "categorical") {
      const unit = new Array(this.classes).fill(0);
      unit[label] = 1;
      return unit;
    }
    const number = this.normalise(label);
    if (this.knots.length) return this.#hats(number);
    return this.factor.kind === "circular" ? [Math.cos(number), Math.sin(number)] : [number];
  }

  /** Label of coordinates (m), of an angle without knots: the likeliest class, the direction of the point, the number. */
  label(coordinates) {
    if (this.factor.kind === "categorical") return argmax(coordinates);
    if (this.factor.kind === "circular") return this.restore(modulo(Math.atan2(coordinates[1], coordinates[0]), TURN));
    const found = this.number(coordinates);
    if (this.factor.kind === "ordinal") return Math.min(Math.max(roundEven(found), 0), Math.max(this.classes - 1, 0));
    return found;
  }

  /** The label of a level or a measurement, not rounded to a level. */
  number(coordinates) {
    return this.restore(this.knots.length ? dot(coordinates, this.knots) : coordinates[0]);
  }

  /** Knots of the pieces: those of a closed path end with the first, a turn later. */
  get ends() {
    const closed = this.factor.kind === "circular" && this.cut === null;
    return closed ? [...this.knots, this.knots[0] + TURN] : this.knots;
  }

  #hats(number) {
    const { ends } = this;
    if (this.factor.kind === "circular") {
      const start = this.cut ?? ends[0];
      number = start + modulo(number - start, TURN);
    }
    const left = piece(number, ends);
    const share = (number - ends[left]) / (ends[left + 1] - ends[left]);
    const weights = new Array(this.knots.length).fill(0);
    weights[left] = 1 - share;
    weights[(left + 1) % weights.length] += share;
    return weights;
  }
}

/** What a linear probe knows: how to read a factor off codes. */
export class Reader {
  constructor({ target, weights, offset }) {
    this.chart = new Chart({ target });
    this.weights = weights;
    this.offset = offset.map((x) => (x === null ? -Infinity : x));
  }

  /** Outputs (m) of a code (D). */
  outputs(code) {
    return combine(code, this.weights).map((x, k) => x + this.offset[k]);
  }

  /** The label that it reads, in the units of the factor. */
  read(code) {
    return this.chart.label(this.outputs(code));
  }

  /** Probabilities of the classes. */
  probabilities(code) {
    const outputs = this.outputs(code);
    const most = Math.max(...outputs);
    const odds = outputs.map((x) => Math.exp(x - most));
    const sum = odds.reduce((a, b) => a + b, 0);
    return odds.map((x) => x / sum);
  }

  /** What output k reads off codes, (D). */
  weight(k) {
    return column(this.weights, k);
  }
}

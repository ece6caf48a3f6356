/** What a factor's probe should say of an edited code, and along what it moves there; mirrors `unweave.signatures.goals`.
 *
 * A goal has `width` parameters p. `shift(at)` is what they add to the code (D); `linear(at, code)` is the goal near an
 * edited code: `tangent` and `read` (p, D), `rest` (p), `pinned` (p).
 */

import { TURN, argmax, modulo, piece } from "./chart.js";
import { combine, dot, plus } from "./linalg.js";

/** Log-odds by which a class that is set wins over every other one: nine to one. */
export const MARGIN = Math.log(9);

/** Distance from the centre of the circle that a turned point has at least. */
export const LEAST_RADIUS = 0.25;

const NEAR = 1e-3;
const REST = 1e-9;
const TINY = 2.2250738585072014e-308;

/** The probe of a level or a measurement shall say `want`, along the signature's path. */
export class ReadingGoal {
  width = 1;

  constructor(signature, start, want) {
    Object.assign(this, { signature, start, want });
  }

  get wanted() {
    return this.signature.chart.restore(this.want);
  }

  #between(from, to) {
    const { chart } = this.signature;
    return this.signature.offset(chart.restore(from), chart.restore(to));
  }

  shift(at) {
    return this.#between(this.start, this.start + at[0]);
  }

  linear(at, code) {
    const { reader } = this.signature;
    const rest = this.want - reader.outputs(code)[0];
    return {
      tangent: [this.#chord(this.start + at[0], rest)],
      read: [reader.weight(0)],
      rest: [rest],
      pinned: [false],
    };
  }

  /** Codes per standard step from a place on the path to where the probe reads `rest` more. */
  #chord(place, rest) {
    const { chart, directions, reader } = this.signature;
    const { knots } = chart;
    if (!knots.length) return directions[0];
    const read = directions.map((row) => dot(row, reader.weight(0)));
    const here = piece(place, knots);
    const gap = knots[here + 1] - knots[here];
    const local = plus(directions[here + 1], directions[here], -1).map((x) => x / gap);
    if (read.some((x, k) => k > 0 && x <= read[k - 1])) return local;
    const there = along(along(place, knots, read) + rest, read, knots);
    const way = there - place;
    return Math.abs(way) > REST ? this.#between(place, there).map((x) => x / way) : local;
  }

  allowed(at) {
    return at;
  }

  amount() {
    return Math.abs(this.want - this.start);
  }

  says(outputs) {
    return Math.abs(outputs[0] - this.want) <= NEAR;
  }

  scaled(share) {
    return new ReadingGoal(this.signature, this.start, this.start + share * (this.want - this.start));
  }
}

/** The point (cos, sin) that the probe of an angle reads shall turn, and keep its distance from the centre. */
export class TurnGoal {
  width = 2;

  constructor(signature, start, turn, grow) {
    Object.assign(this, { signature, start, turn, grow });
  }

  /** The turn, with a point near the centre brought out to `LEAST_RADIUS`. */
  static of(signature, start, turn) {
    const radius = Math.max(Math.hypot(start[0], start[1]), TINY);
    const grow = turn === 0 ? 0 : Math.log(Math.max(radius, LEAST_RADIUS) / radius);
    return new TurnGoal(signature, start, turn, grow);
  }

  get point() {
    const [cos, sin, size] = [Math.cos(this.turn), Math.sin(this.turn), Math.exp(this.grow)];
    const [x, y] = this.start;
    return [(cos * x - sin * y) * size, (sin * x + cos * y) * size];
  }

  get wanted() {
    return this.signature.chart.label(this.point);
  }

  shift(at) {
    return combine(at, this.signature.directions);
  }

  linear(at, code) {
    const { reader, directions } = this.signature;
    const rest = plus(this.point, reader.outputs(code), -1);
    return { tangent: directions, read: [reader.weight(0), reader.weight(1)], rest, pinned: [false, false] };
  }

  allowed(at) {
    return at;
  }

  amount() {
    return Math.abs(this.turn);
  }

  says(outputs) {
    const [x, y] = this.point;
    const across = x * outputs[1] - y * outputs[0];
    return Math.abs(Math.atan2(across, x * outputs[0] + y * outputs[1])) <= NEAR;
  }

  scaled(share) {
    return new TurnGoal(this.signature, this.start, share * this.turn, share * this.grow);
  }
}

/** An angle shall turn along a path that bends, from its nearest place there to another. */
export class LoopGoal {
  width = 1;

  /** @param {number} start radians that are read; @param {number} turn radians */
  constructor(signature, start, turn) {
    Object.assign(this, { signature, start, turn });
  }

  get wanted() {
    return this.signature.chart.restore(modulo(this.start + this.turn, TURN));
  }

  get way() {
    const { chart } = this.signature;
    return this.signature.offset(chart.restore(this.start), chart.restore(this.start + this.turn));
  }

  shift(at) {
    return this.way.map((x) => at[0] * x);
  }

  linear(at) {
    const { way } = this;
    return { tangent: [way], read: [way], rest: [1 - at[0]], pinned: [true] };
  }

  allowed(at) {
    return at;
  }

  amount() {
    return Math.abs(this.turn);
  }

  says(outputs) {
    const apart = Math.atan2(outputs[1], outputs[0]) - this.start - this.turn;
    return Math.abs(modulo(apart + Math.PI, TURN) - Math.PI) <= Math.PI / this.signature.chart.knots.length;
  }

  scaled(share) {
    return new LoopGoal(this.signature, this.start, share * this.turn);
  }
}

/** Go from class to class: by a given multiple of the way, or (`fixed` null) so far that the probe says the class. */
export class ClassGoal {
  width = 1;

  constructor(signature, start, to, fixed) {
    Object.assign(this, { signature, start, to, fixed });
  }

  get wanted() {
    return this.to;
  }

  get way() {
    const { directions } = this.signature;
    return plus(directions[this.to], directions[this.start], -1);
  }

  shift(at) {
    return this.way.map((x) => at[0] * x);
  }

  linear(at, code) {
    const { reader } = this.signature;
    const { way } = this;
    const outputs = reader.outputs(code);
    const lead = outputs.map((x, k) => (k === this.to ? Infinity : outputs[this.to] - x));
    const rival = argmax(lead.map((x) => -x));
    const read = plus(reader.weight(this.to), reader.weight(rival), -1);
    const missing = MARGIN - lead[rival];
    const free = this.fixed === null;
    const enough = free && missing <= 0 && at[0] <= REST;
    const stuck = free && !enough && dot(read, way) <= 0;
    const pinned = !free || enough || stuck;
    const goal = free ? (stuck ? 1 : 0) : this.fixed;
    return { tangent: [way], read: [read], rest: [pinned ? goal - at[0] : missing], pinned: [pinned] };
  }

  allowed(at) {
    return this.fixed === null ? [Math.max(at[0], 0)] : at;
  }

  amount(at) {
    return Math.abs(at[0]);
  }

  says(outputs) {
    return this.fixed !== null || argmax(outputs) === this.to;
  }

  scaled(share, at) {
    return new ClassGoal(this.signature, this.start, this.to, share * at[0]);
  }
}

/** The line through (knots, values) at x, its ends going on as they are. */
function along(x, knots, values) {
  const k = piece(x, knots);
  return values[k] + ((values[k + 1] - values[k]) / (knots[k + 1] - knots[k])) * (x - knots[k]);
}

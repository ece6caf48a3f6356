/** Reading an angle as the nearest place on a path that bends; mirrors `unweave.signatures.place`. */

import { Chart, TURN } from "./chart.js";
import { combine, dot, plus } from "./linalg.js";

const TINY = 2.2250738585072014e-308;

export class PlaceReader {
  /** @param {{chart: object, corners: number[][], metric: number[][]}} data as in signatures.json */
  constructor({ chart, corners, metric }) {
    this.path = new Chart(chart);
    this.chart = new Chart({ target: chart.target });
    this.corners = corners;
    this.metric = metric;
  }

  /** Point (cos, sin) of the angle of a code (D). */
  outputs(code) {
    const angle = this.angle(code);
    return [Math.cos(angle), Math.sin(angle)];
  }

  /** The label that it reads, in the units of the factor. */
  read(code) {
    return this.chart.label(this.outputs(code));
  }

  /** Radians of the nearest place on each piece, and of these the nearest. */
  angle(code) {
    const { ends, cut } = this.path;
    let [best, found] = [Infinity, 0];
    for (let k = 0; k + 1 < ends.length; k++) {
      const gap = ends[k + 1] - ends[k];
      const slope = plus(this.corners[(k + 1) % this.corners.length], this.corners[k], -1).map((x) => x / gap);
      const away = plus(code, this.corners[k], -1);
      const seen = combine(slope, this.metric);
      const low = cut !== null && k === 0 ? cut - ends[0] : 0;
      const high = cut !== null && k + 2 === ends.length ? cut + TURN - ends[k] : gap;
      const along = Math.min(Math.max(dot(away, seen) / Math.max(dot(slope, seen), TINY), low), high);
      const off = plus(away, slope, -along);
      const distance = dot(combine(off, this.metric), off);
      if (distance < best) [best, found] = [distance, ends[k] + along];
    }
    return found;
  }
}

/** One factor's directions and what is known of them; mirrors `unweave.signatures.signature`. */

import { Chart, Reader } from "./chart.js";
import { Density } from "./density.js";
import { combine, plus } from "./linalg.js";
import { PlaceReader } from "./place.js";

/** Who is believed about leakage, the best first. */
const MEASURES = ["exact", "judge", "codes"];

export class Signature {
  constructor(data) {
    this.name = data.factor;
    this.chart = new Chart(data.chart);
    this.directions = data.directions;
    this.path = data.path;
    this.reader = this.path === "loop" ? new PlaceReader(data.reader) : new Reader(data.reader);
    this.safe = data.safe;
    this.classes = data.classes;
    this.quality = data.quality;
    this.labels = data.labels;
    this.leakage = MEASURES.map((m) => data.leakage.find((row) => row.measure === m)).find(Boolean) ?? null;
  }

  /** Whether the path goes round: amounts are then in labels. */
  get turns() {
    return this.path === "rotation" || this.path === "loop";
  }

  /** What to add to a code, (D), for label `before` to become `after`. */
  offset(before, after) {
    return combine(plus(this.chart.of(after), this.chart.of(before), -1), this.directions);
  }

  /** Change of the factor between two random rows whose labels spread evenly: the unit of leakage. */
  get betweenRows() {
    if (this.chart.factor.kind === "circular") return Math.PI / 2;
    if (this.chart.factor.kind === "categorical") return (this.chart.classes - 1) / this.chart.classes;
    return 2 / Math.sqrt(3);
  }
}

export class Signatures {
  /** @param {object} data content of signatures.json */
  constructor(data) {
    if (![1, 2].includes(data.format)) {
      throw new Error(`signatures of format ${data.format}; this page reads formats 1 and 2.`);
    }
    this.model = data.model;
    this.density = new Density(data.density);
    this.all = data.signatures.map((one) => new Signature(one));
  }

  get names() {
    return this.all.map((one) => one.name);
  }

  of(name) {
    const found = this.all.find((one) => one.name === name);
    if (!found) throw new Error(`no signature moves ${name}. There are: ${this.names.join(", ") || "none"}.`);
    return found;
  }
}

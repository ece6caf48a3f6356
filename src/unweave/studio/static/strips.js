/** Strips: one factor from end to end of its safe range, a row of pictures per factor. */

import { stripChanges } from "./arithmetic/strips.js";
import { editCodes, readings } from "./arithmetic/edit.js";
import { h, labelText, title } from "./dom.js";
import { paint } from "./picture.js";

const COLUMNS = 7;

/** Draw the strips of the code on a bench into `host`; a click on a picture asks the bench for that change. */
export class Strips {
  #turn = 0;

  constructor(host, bench, shape, onPick) {
    Object.assign(this, { host, bench, shape, onPick });
  }

  /** What a column sets the factor to, in its own units. */
  #label(signature, steps, { by }) {
    const { chart, path, turns, safe } = signature;
    if (path === "classes") return title(steps);
    const own = readings({ all: [signature] }, this.bench.code)[signature.name].exact;
    if (!turns) return labelText(chart, own + by * chart.scale, (safe[1] - safe[0]) * chart.scale);
    const low = chart.factor.range[0];
    return labelText(chart, low + ((own + by - low) % chart.period), chart.period);
  }

  async draw() {
    const turn = ++this.#turn;
    const { signatures, code } = this.bench;
    const jobs = [];
    const rows = signatures.all.map((signature) => {
      const own = signature.path === "classes" ? signature.reader.read(code) : null;
      const cells = stripChanges(signature, COLUMNS).map(({ title: steps, change }, k) => {
        const name = this.#label(signature, steps, change);
        const unedited = signature.path === "classes" ? signature.classes[k] === own : change.by === 0;
        const canvas = h("canvas", { "aria-hidden": "true" });
        const result = editCodes(signatures, code, unedited ? [] : [change]);
        jobs.push([canvas, result.codes]);
        const words = `${title(signature.name)} ${name}${unedited ? ", as it is" : ""}${result.clipped ? ", stopped where the data end" : ""}`;
        return h(
          "button",
          {
            type: "button",
            class: `strip-cell${unedited ? " unedited" : ""}${result.clipped ? " clipped" : ""}`,
            "aria-label": words,
            title: words,
            onclick: () => this.onPick(signature.name, unedited ? null : change),
          },
          canvas,
          h("span", { "aria-hidden": "true" }, name),
        );
      });
      return h(
        "section",
        { class: "strip" },
        h("h3", {}, title(signature.name)),
        h("div", { class: "strip-cells" }, cells),
      );
    });
    this.host.replaceChildren(...rows);
    for (const [canvas, codes] of jobs) {
      const pixels = await this.bench.decode(codes);
      if (turn !== this.#turn) return; // somebody has asked for others meanwhile
      paint(canvas, pixels, this.shape);
    }
  }
}

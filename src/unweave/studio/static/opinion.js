/** What the person kept, undid and adjusted, told to the server one after the other. */

import { say } from "./workbench.js";

export class Opinion {
  #before = Promise.resolve();

  /** @param {Api} api  @param {() => boolean} wanted whether the person lets it be told */
  constructor(api, wanted) {
    Object.assign(this, { api, wanted });
  }

  /** Another picture: what was kept of the last one is not adjusted any more. */
  forget() {
    this.kept = null;
  }

  /** Tell a verdict of an edit; the edit is asked of the server first, so that it has an identifier there. */
  tell(verdict, edit) {
    if (!this.wanted() || !edit.image || !edit.changes.length) return this.#before;
    this.#before = this.#before
      .then(() => this.#tell(verdict, edit))
      .catch((error) => say(`The server did not take the feedback: ${error.message}`, true));
    return this.#before;
  }

  async #tell(verdict, edit) {
    const { model, image, other, changes } = edit;
    const swapped = changes.every((change) => change.swap);
    const edits = changes.map((change) => (change.swap ? plain(change, edit) : change));
    const made =
      swapped && other
        ? await this.api.swap(
            model,
            image,
            other,
            changes.map((change) => change.factor),
          )
        : await this.api.edit(model, image, edits);
    await this.api.feedback(made.id, verdict);
    if (verdict !== "kept") return;
    if (this.kept && this.kept.image === image) await this.api.feedback(this.kept.id, "adjusted", edits);
    this.kept = { id: made.id, image };
  }
}

/** What another picture has of a factor, as something that the factor can be set to. */
function plain({ factor }, { signatures, others }) {
  const signature = signatures.of(factor);
  const { values, range } = signature.chart.factor;
  const label = signature.reader.read(others);
  if (values) return { factor, to: values[label] };
  const [low, high] = range ?? [-Infinity, Infinity];
  return { factor, to: Math.min(high, Math.max(low, label)) };
}

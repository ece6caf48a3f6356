/** What is on the bench: a code, the changes asked of it, and what was asked before. */

import { editCodes } from "./arithmetic/edit.js";
import { newest } from "./picture.js";

/** @typedef {import("./arithmetic/edit.js").Change} Change */

const BURST_MS = 800;

export class Bench extends EventTarget {
  #past = [];
  #future = [];
  #burst = null;

  /** Fires `start` for a new code, `edit` when changes are asked, `painted` when their pixels are there, `failed`.
   *
   * @param {Signatures} signatures of the model
   * @param {(code: Float32Array) => Promise<Float32Array>} decode
   */
  constructor(signatures, decode) {
    super();
    this.signatures = signatures;
    this.decode = decode;
    this.#draw = newest(async (result) => {
      try {
        const pixels = await this.decode(result.codes);
        if (this.#drawn !== this.code) await this.#drawBefore(result, pixels);
        Object.assign(this, { pixels, painted: result });
        this.#tell("painted");
      } catch (error) {
        this.error = error;
        this.#tell("failed");
      }
    });
  }

  /** The picture without an edit: its own drawing may have been overtaken by that of a first edit. */
  async #drawBefore(result, pixels) {
    const { code } = this;
    this.before = result.done.length ? await this.decode(Float32Array.from(code)) : pixels;
    this.#drawn = code;
  }

  #draw;
  #drawn = null;

  /** Begin with another code (D). */
  start(code) {
    this.code = Array.from(code);
    this.others = null;
    this.changes = new Map();
    [this.#past, this.#future, this.#burst] = [[], [], null];
    this.result = editCodes(this.signatures, this.code, []);
    this.#tell("start");
    return this.#draw(this.result);
  }

  /** Ask for a change of one factor; null leaves it as it is. */
  change(factor, change) {
    const changes = new Map(this.changes);
    changes.delete(factor);
    if (change) changes.set(factor, change);
    return this.#apply(changes);
  }

  /** The factors of another picture's code, for changes that say `swap`; null for none. */
  borrow(code) {
    this.others = code && Array.from(code);
  }

  /** A step that undo comes back to; quick movements of the same factor, as of an arrow key held, are one. */
  settle(factor = null) {
    if (same(this.#past.at(-1) ?? new Map(), this.changes)) return;
    const now = performance.now();
    if (factor && this.#burst?.factor === factor && now - this.#burst.at < BURST_MS) this.#past.pop();
    this.#burst = { factor, at: now };
    this.#past.push(this.changes);
    this.#future = [];
    this.#tell("settled");
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  undo() {
    if (!this.canUndo) return;
    this.#burst = null;
    this.#future.push(this.#past.pop());
    this.#apply(this.#past.at(-1) ?? new Map());
    this.#tell("settled");
  }

  redo() {
    if (!this.canRedo) return;
    this.#past.push(this.#future.pop());
    this.#apply(this.#past.at(-1));
    this.#tell("settled");
  }

  /** Ask for these changes and for no others. */
  replace(changes) {
    this.#apply(new Map(changes));
    this.settle();
  }

  #apply(changes) {
    try {
      this.result = editCodes(this.signatures, this.code, [...changes.values()], { others: this.others });
      this.changes = changes;
    } catch (error) {
      this.error = error;
      this.#tell("failed");
      return Promise.resolve();
    }
    this.#tell("edit");
    return this.#draw(this.result);
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}

function same(a, b) {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}

/** User studies: how natural edits look, and which of two models' edits people take, without saying whose is whose. */

import { h, title } from "./dom.js";
import { say } from "./workbench.js";

const RATER = "unweave-rater";
const PER_PICTURE = 3;

/** An opaque name of whoever sits here, new for each browser. */
function rater() {
  const found = localStorage.getItem(RATER) ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
  localStorage.setItem(RATER, found);
  return found;
}

function pick(list) {
  return list[Math.floor(Math.random() * list.length)];
}

/** A change of one factor, evenly over its safe range, or to one of its classes. */
export function randomChange(signatures) {
  const { name: factor, path, safe, classes, chart } = pick(signatures.all);
  if (path === "classes") return { factor, to: chart.factor.values[pick(classes)] };
  return { factor, by: safe[0] + (safe[1] - safe[0]) * Math.random() };
}

export class Rate {
  /** @param {{signatures: Signatures, model: string, models: string[]}} now what is served, and on show */
  constructor(host, api, now) {
    Object.assign(this, { host, api, now });
    this.setUp();
  }

  setUp() {
    const { model, models } = this.now;
    const study = h("input", { type: "text", id: "study", value: "first-look", required: true, maxlength: 200 });
    const files = h("input", {
      type: "file",
      id: "study-files",
      accept: "image/png,image/jpeg,image/webp",
      multiple: true,
      required: true,
    });
    const kinds = [
      ["naturalness", "How natural does an edit look? From 1 to 5", true],
      ["ab", "Which of two models' edits is better? Blind", models.length > 1],
    ];
    const radios = kinds.map(([value, words, possible]) =>
      h(
        "label",
        { class: "field" },
        h("input", { type: "radio", name: "study-kind", value, checked: value === "naturalness", disabled: !possible }),
        words,
      ),
    );
    const rival = h(
      "select",
      { id: "rival" },
      models.filter((name) => name !== model).map((name) => h("option", {}, name)),
    );
    const form = h(
      "form",
      { class: "panel rate-form" },
      h("h2", {}, "A user study"),
      h(
        "p",
        { class: "quiet" },
        `Each picture is edited ${PER_PICTURE} times, by a factor and an amount drawn at random within what is safe. The server keeps the answers under the study's name; "unweave study NAME" shows them with intervals.`,
      ),
      h("label", { class: "field" }, "Study", study),
      h("label", { class: "field" }, "Pictures", files),
      h("fieldset", { class: "plain" }, h("legend", {}, "Question"), radios),
      models.length > 1
        ? h("label", { class: "field" }, `Compare ${model} with`, rival)
        : h("p", { class: "quiet" }, "The server has one model: to compare two, serve two."),
      h("button", { class: "main" }, "Start"),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start({
        study: study.value.trim(),
        kind: form.elements["study-kind"].value,
        rival: rival.value,
        files: [...files.files],
      });
    });
    this.host.replaceChildren(form);
  }

  /** Ask about every picture, in a random order. */
  start({ study, kind, rival, files }) {
    this.items = files
      .flatMap((file) =>
        Array.from({ length: PER_PICTURE }, () => ({
          file,
          change: randomChange(this.now.signatures),
          at: Math.random(),
        })),
      )
      .sort((a, b) => a.at - b.at);
    Object.assign(this, { study, kind, rival, done: 0 });
    return this.next();
  }

  async next() {
    const item = this.items[this.done];
    if (!item) return this.#end();
    const { file, change } = item;
    const ask = (model) => this.api.edit(model, file, [change]);
    try {
      if (this.kind === "naturalness") return this.#naturalness(await ask(this.now.model), change);
      const both = await Promise.all([this.now.model, this.rival].map(ask));
      if (Math.random() < 0.5) both.reverse();
      this.#choice(both, change);
    } catch (error) {
      say(error.message, true);
      this.setUp();
    }
  }

  #question(words, pictures, answers) {
    const figures = pictures.map(({ image }, k) =>
      h(
        "figure",
        {},
        h("img", { src: `data:image/png;base64,${image}`, alt: `Edited picture ${pictures.length > 1 ? k + 1 : ""}` }),
        pictures.length > 1 ? h("figcaption", {}, ["Left", "Right"][k]) : null,
      ),
    );
    const buttons = answers.map(([name, key, send]) =>
      h(
        "button",
        { type: "button", "data-key": key, onclick: () => this.#answer(buttons, send) },
        h("kbd", { "aria-hidden": "true" }, key),
        ` ${name}`,
      ),
    );
    this.host.replaceChildren(
      h(
        "div",
        { class: "rate-item" },
        h("p", { class: "quiet", role: "status" }, `${this.done + 1} of ${this.items.length}`),
        h("h2", { tabindex: -1 }, words),
        h("div", { class: "rate-pictures" }, figures),
        h("div", { class: "rate-answers" }, buttons),
      ),
    );
    this.host.querySelector("h2").focus();
  }

  #naturalness({ image, id }, change) {
    const names = ["not at all", "hardly", "somewhat", "mostly", "fully"];
    this.#question(
      `${title(change.factor)} was changed. How natural does it look?`,
      [{ image }],
      names.map((name, k) => [name, String(k + 1), { kind: "naturalness", score: k + 1, edit: id }]),
    );
  }

  #choice([left, right], change) {
    const rating = (chosen) => ({ kind: "ab", left: left.id, right: right.id, chosen });
    this.#question(
      `${title(change.factor)} was changed. Which looks better?`,
      [left, right],
      [
        ["Left", "1", rating("left")],
        ["Neither", "0", rating("neither")],
        ["Right", "2", rating("right")],
      ],
    );
  }

  async #answer(buttons, rating) {
    for (const button of buttons) button.disabled = true;
    try {
      await this.api.rate({ study: this.study, rater: rater(), ...rating });
      this.done++;
      await this.next();
    } catch (error) {
      say(error.message, true);
      for (const button of buttons) button.disabled = false;
    }
  }

  /** Digits answer. */
  key(event) {
    if (event.target.matches?.("input, select")) return;
    this.host.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  }

  #end() {
    this.host.replaceChildren(
      h(
        "div",
        { class: "panel rate-form" },
        h("h2", { tabindex: -1 }, "Done, thank you"),
        h("p", {}, `${this.done} answers are kept. Results: `, h("code", {}, `unweave study ${this.study}`)),
        h("button", { type: "button", class: "main", onclick: () => this.setUp() }, "Another round"),
      ),
    );
    this.host.querySelector("h2").focus();
  }
}

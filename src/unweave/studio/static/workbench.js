/** What the explorer and the studio share of a page: wipe, dials, actions, side effects, strips, card, keys. */

import { Bench } from "./bench.js";
import { Dials } from "./dials.js";
import { h, percent, title } from "./dom.js";
import { showCard } from "./card.js";
import { Strips } from "./strips.js";
import { Wipe } from "./wipe.js";

const $ = (id) => document.getElementById(id);

/** A bench with the parts of the page that show it.
 *
 * @param {{signatures: Signatures, card: object, decode: Function}} model
 */
export class Workbench {
  constructor({ signatures, card, decode }) {
    Object.assign(this, { signatures, card, shape: card.shape });
    this.bench = new Bench(signatures, decode);
    this.wipe = new Wipe($("wipe"), card.shape);
    this.dials = new Dials($("dials"), this.bench);
    this.strips = new Strips($("strips"), this.bench, card.shape, (factor, change) => this.#pick(factor, change));
    showCard($("card"), card, signatures);
    this.#actions();
    this.bench.addEventListener("painted", () => this.#painted());
    for (const name of ["start", "edit", "settled"]) this.bench.addEventListener(name, () => this.#refresh());
    this.bench.addEventListener("failed", () => say(this.bench.error.message, true));
  }

  #actions() {
    const button = (name, words, act, key) =>
      h("button", { type: "button", onclick: act, title: key ? `${words} (${key})` : words }, name);
    this.undo = button("Undo", "Take the last change back", () => this.bench.undo(), "Ctrl+Z");
    this.redo = button("Redo", "Make the last change again", () => this.bench.redo(), "Ctrl+Shift+Z");
    this.reset = button("Reset", "Put all dials back", () => this.bench.replace([]));
    this.save = button("Save picture", "Save the edited picture as PNG", () => this.#save());
    $("actions").replaceChildren(this.undo, this.redo, this.reset, h("span", { class: "gap" }), this.save);
  }

  /** Another button before the one that saves. */
  addAction(name, words, act) {
    const button = h("button", { type: "button", title: words, onclick: act }, name);
    this.save.before(button);
    return button;
  }

  #painted() {
    const { bench, wipe } = this;
    wipe.showAfter(bench.pixels);
    wipe.showBefore(bench.before);
    this.#busy();
    document.dispatchEvent(new CustomEvent("painted", { detail: Array.from(bench.painted.codes) }));
  }

  /** Whether the picture lags behind the dials. */
  #busy() {
    this.wipe.picture.setAttribute("aria-busy", String(this.bench.painted !== this.bench.result));
  }

  #refresh() {
    const { bench } = this;
    this.#busy();
    this.undo.disabled = !bench.canUndo;
    this.redo.disabled = !bench.canRedo;
    this.reset.disabled = bench.changes.size === 0;
    $("effects").replaceChildren(...effects(bench));
  }

  #pick(factor, change) {
    this.bench.change(factor, change);
    this.bench.settle();
    openTab("edit");
  }

  #save() {
    const name = [this.card.name, ...[...this.bench.changes.keys()]].join("-").replaceAll(/[^\w-]+/g, "_");
    this.wipe.after.toBlob((blob) => {
      const link = h("a", { href: URL.createObjectURL(blob), download: `${name}.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  }

  /** Undo and redo from anywhere, and the picture before the edit while B is held. */
  key(event) {
    const typing = event.target.matches?.(
      "input:not([type=range]):not([type=radio]):not([type=checkbox]), select, textarea",
    );
    if (
      event.type === "keydown" &&
      (event.ctrlKey || event.metaKey) &&
      ["z", "y"].includes(event.key.toLowerCase()) &&
      !typing
    ) {
      event.preventDefault();
      if (event.shiftKey || event.key.toLowerCase() === "y") this.bench.redo();
      else this.bench.undo();
    } else if (event.key.toLowerCase() === "b" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.type === "keydown" && !event.repeat) [this.held, this.wipe.range.value] = [this.wipe.at, 100];
      else if (event.type === "keyup" && this.held != null) [this.wipe.range.value, this.held] = [this.held, null];
      this.wipe.set(this.wipe.range.value);
    }
  }
}

/** What the edit is predicted to move besides, and where it was stopped. */
function effects({ changes, result }) {
  if (!changes.size) return [h("p", {}, "Move a dial. What else it is predicted to move shows beside the others.")];
  const { leakage } = result;
  const others = leakage && Object.keys(leakage.factors).length > 0;
  const words = !leakage
    ? "What else this moves was not measured."
    : others
      ? "Side effects"
      : "All factors are set: nothing is left to leak to.";
  const meter = others ? [meterOf(leakage.mean), h("b", {}, percent(leakage.mean))] : [];
  const lines = [
    h(
      "p",
      {
        class: "effects-line",
        title: "Predicted mean change of the other factors, as a share of the change between two random pictures",
      },
      words,
      " ",
      ...meter,
    ),
  ];
  if (result.clipped)
    lines.push(h("p", { class: "stopped" }, `Stopped at ${percent(result.kept)} of the way: there the data end.`));
  const missed = result.done.filter((one) => !one.reached && !result.clipped).map((one) => title(one.factor));
  if (missed.length)
    lines.push(h("p", { class: "stopped" }, `${missed.join(", ")}: moved all the way, and the probe does not say so.`));
  return lines;
}

/** A bar that is full where the others change half as much as chance would. */
function meterOf(share) {
  const bar = h("span");
  bar.style.width = `${Math.min(100, 200 * share)}%`;
  return h("span", { class: "meter", "aria-hidden": "true" }, bar);
}

let tabs = {};

/** Tabs that show one section each; `opened` is told which. */
export function makeTabs(names, opened) {
  const host = document.querySelector("[role=tablist]");
  const buttons = Object.entries(names).map(([id, name], k) => {
    $(id).setAttribute("role", "tabpanel");
    $(id).setAttribute("aria-labelledby", `tab-${id}`);
    return h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${id}`,
        "aria-controls": id,
        "aria-selected": k === 0,
        tabindex: k ? -1 : 0,
        onclick: () => openTab(id),
      },
      name,
    );
  });
  host.replaceChildren(...buttons);
  host.addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
  });
  tabs = { buttons, opened };
}

/** Show one tab's section and hide the others. */
export function openTab(id) {
  for (const button of tabs.buttons) {
    const own = button.getAttribute("aria-controls");
    button.setAttribute("aria-selected", own === id);
    button.tabIndex = own === id ? 0 : -1;
    $(own).hidden = own !== id;
  }
  tabs.opened(id);
}

/** Words in the status line; none hide it. */
export function say(words, wrong = false) {
  $("status").textContent = words;
  $("status").hidden = !words;
  $("status").classList.toggle("wrong", wrong);
}

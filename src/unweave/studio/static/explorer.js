/** The explorer: decoder, signatures and starting codes are in the page itself. */

import { Signatures } from "./arithmetic/signature.js";
import { gunzip, openDecoder } from "./decoder.js";
import { h } from "./dom.js";
import { paint } from "./picture.js";
import { makeTabs, say, Workbench } from "./workbench.js";

const $ = (id) => document.getElementById(id);

function bytes(id) {
  const letters = atob($(id).textContent);
  const found = new Uint8Array(letters.length);
  for (let k = 0; k < found.length; k++) found[k] = letters.charCodeAt(k);
  return found;
}

async function main() {
  const { card, signatures: data, starts } = JSON.parse($("content").textContent);
  const signatures = new Signatures(data);
  const decode = await openDecoder(bytes("runtime"), await gunzip(bytes("graph")));
  const workbench = new Workbench({ signatures, card, decode });
  makeTabs({ edit: "Edit", strips: "Strips", card: "Model" }, (id) => id === "strips" && workbench.strips.draw());
  for (const name of ["keydown", "keyup"]) document.addEventListener(name, (event) => workbench.key(event));
  say("");
  await gallery(workbench, starts);
  await workbench.bench.start(starts[0]);
  document.body.dataset.ready = "yes";
}

/** Pictures to start from: codes of real rows, and one that is drawn anew with every click. */
async function gallery({ bench, shape }, starts) {
  const choose = (button, code) => {
    for (const other of $("starts").children) other.setAttribute("aria-pressed", other === button);
    bench.start(code);
  };
  const buttons = starts.map((code, k) => {
    const button = h(
      "button",
      {
        type: "button",
        class: "start",
        "aria-pressed": k === 0,
        "aria-label": `Picture ${k + 1}`,
        onclick: () => choose(button, code),
      },
      h("canvas", { "aria-hidden": "true" }),
    );
    return button;
  });
  const surprise = h(
    "button",
    {
      type: "button",
      class: "start surprise",
      "aria-pressed": false,
      onclick: () => choose(surprise, bench.signatures.density.draw()),
    },
    "Surprise me",
  );
  $("starts").replaceChildren(...buttons, surprise);
  for (const [k, code] of starts.entries())
    paint(buttons[k].firstChild, await bench.decode(Float32Array.from(code)), shape);
}

main().catch((error) => {
  say(`The explorer could not start: ${error.message}`, true);
  throw error;
});

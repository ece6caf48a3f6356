/** The studio: encodes on the server, decodes here where the decoder is small and quick enough, else on the server. */

import { Api } from "./api.js";
import { Signatures } from "./arithmetic/signature.js";
import { openDecoder, timeDecoder } from "./decoder.js";
import { h } from "./dom.js";
import { Opinion } from "./opinion.js";
import { paint } from "./picture.js";
import { Rate } from "./rate.js";
import { PictureTile, takePictures } from "./sources.js";
import { Swap } from "./swap.js";
import { makeTabs, openTab, say, Workbench } from "./workbench.js";

const $ = (id) => document.getElementById(id);

/** Bytes of a decoder that is fetched at most, and milliseconds that it may take here. */
const MOST_BYTES = 64 << 20;
const MOST_MS = 60;

const api = new Api(askForKey);
const opinion = new Opinion(api, () => $("tell").checked);
let [models, model, workbench, swap, rate, photo] = [[], null, null, null, null, null];

function askForKey() {
  $("key-dialog").showModal();
  return new Promise((resolve) =>
    $("key-dialog").addEventListener("close", () => resolve($("key").value), { once: true }),
  );
}

/** A function from a code to float pixels that asks the server. */
function serverDecoder(name) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (code) => {
    const picture = await createImageBitmap(await api.decode(name, code));
    const { width, height } = Object.assign(canvas, { width: picture.width, height: picture.height });
    context.drawImage(picture, 0, 0);
    const bytes = context.getImageData(0, 0, width, height).data;
    const channels = workbench.shape[2];
    return Float32Array.from(
      { length: width * height * channels },
      (_, k) => bytes[4 * Math.floor(k / channels) + (k % channels)] / 255,
    );
  };
}

/** Decode here from now on, if the server gives the decoder away and it is quick enough. */
async function decodeHere(name, bench) {
  const asked = new URLSearchParams(location.search).get("decode");
  $("decodes").textContent = "Decodes on the server";
  if (asked === "server") return;
  const graph = await api.decoder(name, MOST_BYTES);
  if (!graph) return;
  const runtime = new Uint8Array(await (await fetch("vendor/ort.wasm.gz")).arrayBuffer());
  const decode = await openDecoder(runtime, graph);
  const took = await timeDecoder(decode, bench.signatures.density.mean.length);
  if ((took > MOST_MS && asked !== "browser") || bench !== workbench.bench) return;
  bench.decode = decode;
  $("decodes").textContent = "Decodes in the browser";
  $("decodes").title = `${took.toFixed(1)} ms a picture`;
}

async function openModel(name) {
  say("Opening the model …");
  model = name;
  const [card, data] = await Promise.all([api.card(name), api.signatures(name)]);
  const signatures = new Signatures(data);
  workbench = new Workbench({ signatures, card, decode: serverDecoder(name) });
  addKeep();
  addSources();
  swap = new Swap($("swap"), workbench, takeOther);
  rate = new Rate($("rate"), api, { signatures, model: name, models: models.map((one) => one.name) });
  watchUndo();
  openTab("edit");
  if (photo) await take(photo.file);
  else await workbench.bench.start(signatures.density.mean);
  say("");
  decodeHere(name, workbench.bench).then(
    () => (document.body.dataset.ready = name),
    (error) => say(`The decoder could not be opened here, so the server decodes: ${error.message}`, true),
  );
}

/** The original and what the model makes of it; a click puts either under the wipe. */
function addSources() {
  const tile = new PictureTile("Drop a picture here, or choose one", take);
  const made = h("canvas", { "aria-hidden": "true" });
  const under = (original) => {
    workbench.wipe.showPhoto(original && photo ? photo.address : null);
    for (const [button, own] of [
      [first, true],
      [second, false],
    ])
      button.setAttribute("aria-pressed", own === original);
  };
  const first = h(
    "button",
    {
      type: "button",
      class: "small",
      disabled: true,
      "aria-pressed": false,
      "aria-label": "Put the original under the wipe",
      onclick: () => under(true),
    },
    "Wipe",
  );
  const second = h(
    "button",
    {
      type: "button",
      class: "small",
      "aria-pressed": true,
      "aria-label": "Put the reconstruction under the wipe",
      onclick: () => under(false),
    },
    "Wipe",
  );
  $("sources").replaceChildren(
    h("figure", {}, tile.element, h("figcaption", {}, "Original", first)),
    h("figure", {}, h("div", { class: "tile" }, made), h("figcaption", {}, "Reconstruction", second)),
  );
  workbench.bench.addEventListener("painted", () => paint(made, workbench.bench.before, workbench.shape));
  workbench.sources = { tile, under, first };
}

/** Keep: the picture goes to the gallery, and the server is told. */
function addKeep() {
  const { bench } = workbench;
  const keep = h(
    "button",
    { type: "button", class: "main", title: "Keep this edit (K)", onclick: () => keepEdit(), disabled: true },
    "Keep",
  );
  const open = h(
    "button",
    { type: "button", title: "Choose another picture", onclick: () => workbench.sources.tile.input.click() },
    "Open …",
  );
  $("actions").prepend(keep);
  workbench.save.before(open);
  for (const name of ["start", "edit"]) bench.addEventListener(name, () => (keep.disabled = bench.changes.size === 0));
  workbench.keep = keep;
  $("kept").replaceChildren();
  $("kept-part").hidden = true;
}

function keepEdit() {
  const { bench, shape } = workbench;
  const changes = new Map(bench.changes);
  const canvas = h("canvas", { "aria-hidden": "true" });
  paint(canvas, bench.pixels, shape);
  const words = [...changes.keys()].join(", ");
  const [code, others] = [bench.code, bench.others];
  const again = async () => {
    if (bench.code !== code) await bench.start(code);
    bench.borrow(others);
    bench.replace(changes);
  };
  $("kept").prepend(
    h(
      "button",
      { type: "button", class: "start", "aria-label": `Kept: ${words}. Go back to it`, title: words, onclick: again },
      canvas,
    ),
  );
  $("kept-part").hidden = false;
  bench.settle();
  opinion.tell("kept", asEdit(changes));
}

/** What an opinion is about. */
function asEdit(changes) {
  const { bench } = workbench;
  const { code, others, signatures } = bench;
  const plain = ({ factor }) => ({ factor, to: borrowed(signatures.of(factor), others) });
  return {
    model,
    image: photo?.code === code ? photo.file : null,
    other: swap.file,
    changes: [...changes.values()],
    plain,
  };
}

/** What another picture has of a factor, as something that the factor can be set to. */
function borrowed(signature, others) {
  const { factor, values = factor.values } = signature.chart;
  const label = signature.reader.read(others);
  if (values) return values[label];
  const [low, high] = factor.range ?? [-Infinity, Infinity];
  return Math.min(high, Math.max(low, label));
}

/** Tell the server of edits that are taken back. */
function watchUndo() {
  const { bench } = workbench;
  const undo = bench.undo.bind(bench);
  bench.undo = () => {
    const edit = asEdit(bench.changes);
    undo();
    opinion.tell("undone", edit);
  };
}

async function encode(file) {
  try {
    return await api.encode(model, file);
  } catch (error) {
    say(error.message, true);
    return null;
  }
}

/** Another picture to edit. */
async function take(file) {
  say("Encoding …");
  const found = await encode(file);
  if (!found) return;
  if (photo) URL.revokeObjectURL(photo.address);
  photo = { file, address: URL.createObjectURL(file) };
  const { bench, sources } = workbench;
  sources.tile.show(photo.address);
  sources.first.disabled = false;
  opinion.forget();
  const done = bench.start(found.mean);
  photo.code = bench.code;
  sources.under(true);
  await done;
  say("");
}

/** A second picture to take factors from. */
async function takeOther(file) {
  const found = await encode(file);
  if (!found) return;
  if (swap.address) URL.revokeObjectURL(swap.address);
  swap.address = URL.createObjectURL(file);
  swap.take(found.mean, file, swap.address);
  say("");
}

function onKey(event) {
  if (!$("rate").hidden && event.type === "keydown") rate?.key(event);
  else workbench?.key(event);
  const typing = event.target.matches?.("input[type=text], input[type=password]");
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !typing;
  if (event.type === "keydown" && plain && event.key.toLowerCase() === "k" && !$("edit").hidden)
    workbench?.keep.click();
}

async function main() {
  makeTabs({ edit: "Edit", strips: "Strips", swap: "Swap", rate: "Rate", card: "Model" }, (id) => {
    if (id === "strips") workbench.strips.draw();
    document.body.dataset.tab = id;
  });
  for (const name of ["keydown", "keyup"]) document.addEventListener(name, onKey);
  takePictures((file, target) =>
    !$("swap").hidden && swap && target.closest?.("#swap") ? takeOther(file) : take(file),
  );
  models = (await api.models()).filter((one) => one.shape.length === 3);
  if (!models.length) return say("This server has no model of pictures for you.", true);
  $("model").replaceChildren(...models.map(({ name }) => h("option", {}, name)));
  $("model-label").hidden = models.length < 2;
  $("model").addEventListener("change", () => openModel($("model").value).catch(failed));
  const first = models.find((one) => one.default) ?? models[0];
  $("model").value = first.name;
  await openModel(first.name);
}

function failed(error) {
  say(error.message, true);
}

main().catch(failed);

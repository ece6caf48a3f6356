/** The studio: encodes on the server, edits here, decodes here or there. */

import { Api } from "./api.js";
import { Signatures } from "./arithmetic/signature.js";
import { browserDecoder, serverDecoder } from "./decoding.js";
import { h } from "./dom.js";
import { Kept } from "./kept.js";
import { Opinion } from "./opinion.js";
import { Rate } from "./rate.js";
import { Sources, takePictures } from "./sources.js";
import { Swap } from "./swap.js";
import { makeTabs, openTab, say, Workbench } from "./workbench.js";

const $ = (id) => document.getElementById(id);

const api = new Api(askForKey);
const opinion = new Opinion(api, () => $("tell").checked);

/** What is open: the model's name, its parts of the page, and the picture (file and address), if there is one. */
let [models, model, workbench, sources, kept, swap, rate, photo] = [[], null, null, null, null, null, null, null];

function askForKey() {
  $("key-dialog").showModal();
  return new Promise((resolve) => {
    $("key-dialog").addEventListener("close", () => resolve($("key").value), { once: true });
  });
}

async function openModel(name) {
  say("Opening the model …");
  const [card, data] = await Promise.all([api.card(name), api.signatures(name)]);
  model = name;
  const signatures = new Signatures(data);
  workbench = new Workbench({ signatures, card, decode: serverDecoder(api, name, card.shape[2]) });
  sources = new Sources($("sources"), workbench, take);
  kept = new Kept(workbench, { keep, back: (item) => present(item.photo, item.code) });
  swap = new Swap($("swap"), workbench, takeOther);
  rate = new Rate($("rate"), api, { signatures, model: name, models: models.map((one) => one.name) });
  workbench.addAction("Open …", "Choose another picture", () => sources.tile.input.click());
  watchUndo(workbench.bench);
  openTab("edit");
  if (photo) await take(photo.file);
  else await present(null, signatures.density.mean);
  say("");
  decodeHere(name, workbench.bench).catch((error) => {
    say(`The decoder could not be opened here, so the server decodes: ${error.message}`, true);
  });
}

async function decodeHere(name, bench) {
  const asked = new URLSearchParams(location.search).get("decode");
  $("decodes").textContent = "Decodes on the server";
  const found = await browserDecoder(api, name, bench.code.length, asked);
  if (bench !== workbench.bench) return; // another model is open by now
  if (found) {
    bench.decode = found.decode;
    $("decodes").textContent = "Decodes in the browser";
    $("decodes").title = `${found.took.toFixed(1)} ms a picture`;
  }
  document.body.dataset.ready = name;
}

/** Edit a picture with this code from now on; null where the model made it up. */
function present(picture, code) {
  photo = picture;
  opinion.forget();
  const done = workbench.bench.start(code);
  sources.show(picture?.address ?? null);
  return done;
}

async function encode(file) {
  try {
    say("Encoding …");
    return await api.encode(model, file);
  } catch (error) {
    failed(error);
    return null;
  }
}

/** Another picture to edit. Addresses of pictures stay good, since kept edits lead back to them. */
async function take(file) {
  const found = await encode(file);
  if (!found) return;
  await present(photo?.file === file ? photo : { file, address: URL.createObjectURL(file) }, found.mean);
  say("");
}

/** A second picture to take factors from. */
async function takeOther(file) {
  const found = await encode(file);
  if (!found) return;
  swap.take(found.mean, file, URL.createObjectURL(file));
  say("");
}

/** What an opinion is about. */
function asEdit(changes) {
  const { signatures, others } = workbench.bench;
  return { model, image: photo?.file, other: swap.file, changes: [...changes.values()], signatures, others };
}

/** The picture on the bench as something to come back to; the server is told. */
function keep() {
  opinion.tell("kept", asEdit(workbench.bench.changes));
  return { photo };
}

/** Tell the server of edits that are taken back. */
function watchUndo(bench) {
  const undo = bench.undo.bind(bench);
  bench.undo = () => {
    const edit = asEdit(bench.changes);
    undo();
    opinion.tell("undone", edit);
  };
}

function onKey(event) {
  if (!$("rate").hidden && event.type === "keydown") rate?.key(event);
  else workbench?.key(event);
  const typing = event.target.matches?.("input[type=text], input[type=password]");
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !typing;
  if (event.type === "keydown" && plain && event.key.toLowerCase() === "k" && !$("edit").hidden) kept?.button.click();
}

async function main() {
  makeTabs({ edit: "Edit", strips: "Strips", swap: "Swap", rate: "Rate", card: "Model" }, (id) => {
    if (id === "strips") workbench.strips.draw();
  });
  for (const name of ["keydown", "keyup"]) document.addEventListener(name, onKey);
  takePictures((file, target) => (target.closest?.("#swap") ? takeOther(file) : take(file)));
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

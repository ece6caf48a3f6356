/** The model card and the scorecard of a bundle. */

import { h, percent, score, title } from "./dom.js";

/** Fill `host` with what card.json and the signatures say. */
export function showCard(host, card, signatures) {
  const { statement } = card;
  host.replaceChildren(
    h(
      "section",
      { class: "card-head" },
      h("h2", {}, card.name),
      card.notes ? h("p", {}, card.notes) : null,
      facts([
        ["Run", card.run],
        ["Licence", statement.licence || "not stated"],
        ["Intended use", statement.intended_use || "not stated"],
        ["Pictures", card.shape.join(" × ")],
        ["Code", `${card.latent} dimensions`],
        ["Trained on", `${(card.training.rows.train ?? 0).toLocaleString("en")} pictures`],
        ["Model", card.model_hash.slice(0, 12)],
        ["Data", card.data_hash.slice(0, 12)],
      ]),
    ),
    limits([...statement.limits, ...card.findings]),
    table(
      "What each factor's dial does",
      ["Factor", "Labels", "Probe", "Leaks to others", "Measured by"],
      signatures.all.map((one) => factorRow(one)),
      "Probe: its main score on held-out rows. Leaks: mean change of the other factors per unit of this one, in changes between two random pictures.",
    ),
    table(
      "Scorecard",
      ["Score", "Value", "95 % interval", "Random codes"],
      Object.entries(card.scores).map(([name, one]) => [
        name,
        score(one.value),
        one.interval ? one.interval.map(score).join(" to ") : "–",
        score(one.null),
      ]),
      "On held-out rows. Random codes: what the score says of codes that know nothing.",
    ),
    card.gates.length
      ? table(
          "Gates",
          ["Score", "Wanted", "Value", ""],
          card.gates.map((gate) => [gate.score, gate.wanted, score(gate.value), gate.passed ? "passed" : "failed"]),
        )
      : null,
  );
}

function factorRow(signature) {
  const main = Object.entries(signature.quality)[0];
  const { leakage } = signature;
  const mean = leakage?.values.length ? leakage.values.reduce((a, b) => a + b, 0) / leakage.values.length : null;
  const by = { exact: "exact pictures", judge: "models of the pixels", codes: "probes on codes" };
  return [
    title(signature.name),
    signature.labels.toLocaleString("en"),
    main ? `${score(main[1].value)} ${main[0].split(".").at(-1).replaceAll("_", " ")}` : "–",
    mean == null ? "–" : percent(mean),
    leakage ? by[leakage.measure] : "not measured",
  ];
}

function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

function limits(words) {
  if (!words.length) return h("section", {});
  return h(
    "section",
    {},
    h("h3", {}, "Limits"),
    h(
      "ul",
      { class: "limits" },
      words.map((one) => h("li", {}, one)),
    ),
  );
}

function table(name, columns, rows, note) {
  const head = h(
    "tr",
    {},
    columns.map((column) => h("th", { scope: "col" }, column)),
  );
  const body = rows.map(([first, ...rest]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, first),
      rest.map((cell) => h("td", {}, cell)),
    ),
  );
  const content = rows.length
    ? h(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": name },
        h("table", {}, h("thead", {}, head), h("tbody", {}, body)),
      )
    : h("p", { class: "quiet" }, "None were made.");
  return h("section", {}, h("h3", {}, name), content, note ? h("p", { class: "quiet" }, note) : null);
}

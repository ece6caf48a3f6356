/** Edits of one code: what was asked, what was done, and why they differ; mirrors `unweave.signatures.apply`. */

import { TURN, modulo } from "./chart.js";
import { ClassGoal, LoopGoal, ReadingGoal, TurnGoal } from "./goals.js";
import { dot, plus } from "./linalg.js";
import { solve } from "./solve.js";

/**
 * @typedef {{factor: string, by: number} | {factor: string, to: number|string} | {factor: string, swap: true}} Change
 * @typedef {{factor: string, before: number, wanted: number, after: number, reached: boolean}} Done
 */

/** A code in single precision, as the decoder takes it, and what became of each factor.
 *
 * @param {Signatures} signatures of the model
 * @param {number[]} code (D)
 * @param {Change[]} changes in any order; each factor once
 * @param {{others?: number[], budget?: number}} options `others`: code to take factors from where a change says `swap`
 * @returns {{codes: Float32Array, done: Done[], kept: number, clipped: boolean, trimmed: boolean,
 *   leakage: {mean: number, factors: Record<string, number>} | null}} `kept`: share of the way that budget and data
 *   left; `leakage`: predicted change of the other factors in changes between two random rows, null where not measured
 */
export function editCodes(signatures, code, changes, { others = null, budget = null } = {}) {
  const asked = new Map(changes.map((change) => [signatures.of(change.factor).name, change]));
  const goals = signatures.all
    .filter((signature) => asked.has(signature.name))
    .map((signature) => goalOf(signature, asked.get(signature.name), code, others));
  let { at, shift } = goals.length ? solve(code, goals) : { at: [], shift: code.map(() => 0) };
  const leakage = predicted(goals, at);
  let share = 1;
  if (budget !== null && leakage && leakage.mean > budget) {
    share = budget / leakage.mean;
    shift = solve(
      code,
      goals.map((goal, k) => goal.scaled(share, at[k])),
    ).shift;
  }
  const within = Math.min(Math.max(signatures.density.reach(code, shift)[1], 0), 1);
  const codes = Float32Array.from(plus(code, shift, within));
  const edited = Array.from(codes);
  return {
    codes,
    done: goals.map((goal) => done(goal, code, edited)),
    kept: share * within,
    clipped: within < 1,
    trimmed: share < 1,
    leakage: leakage && scaledLeakage(leakage, share * within),
  };
}

/** What probes read off a code, by factor: `value` in the units of the factor, `name` of a class or level. */
export function readings(signatures, code) {
  return Object.fromEntries(
    signatures.all.map((signature) => {
      const value = signature.reader.read(code);
      const name = signature.chart.factor.values?.[value] ?? null;
      const exact = ["continuous", "ordinal"].includes(signature.chart.factor.kind)
        ? signature.reader.chart.number(signature.reader.outputs(code))
        : value;
      return [signature.name, { value, name, exact }];
    }),
  );
}

function done(goal, code, edited) {
  const { reader, name } = goal.signature;
  const reached = goal.says(reader.outputs(edited));
  return { factor: name, before: reader.read(code), wanted: goal.wanted, after: reader.read(edited), reached };
}

/** Change of the factors that are not edited, as measured leakage predicts it; null where it was not measured. */
function predicted(goals, at) {
  const edited = new Set(goals.map((goal) => goal.signature.name));
  const factors = {};
  for (const [k, goal] of goals.entries()) {
    const row = goal.signature.leakage;
    if (!row) return null;
    const amount = goal.amount(at[k]) / goal.signature.betweenRows;
    row.factors.forEach((name, j) => {
      if (!edited.has(name)) factors[name] = (factors[name] ?? 0) + amount * row.values[j];
    });
  }
  return { mean: mean(Object.values(factors)), factors };
}

function scaledLeakage({ mean: whole, factors }, share) {
  const part = Object.fromEntries(Object.entries(factors).map(([name, value]) => [name, value * share]));
  return { mean: whole * share, factors: part };
}

function mean(values) {
  return values.length ? values.reduce((a, b) => a + b, 0) / values.length : 0;
}

function goalOf(signature, change, code, others) {
  if ("by" in change) return moved(signature, change.by, code);
  if ("to" in change) return goalTo(signature, labelOf(signature, change.to), code);
  if (!others) throw new Error("`swap` takes factors from another picture: choose one.");
  if (signature.path === "classes") return goalTo(signature, signature.reader.read(others), code);
  const [own, other] = [signature.reader.outputs(code), signature.reader.outputs(others)];
  if (signature.turns) return turned(signature, own, angle(other) - angle(own));
  return new ReadingGoal(signature, own[0], other[0]);
}

function goalTo(signature, label, code) {
  const outputs = signature.reader.outputs(code);
  if (signature.path === "classes") {
    const ranked = outputs.map((_, k) => k).sort((a, b) => outputs[b] - outputs[a]);
    // Where the class is read already, but not by the margin, the way leads away from the next.
    return new ClassGoal(signature, ranked[0] === label ? ranked[1] : ranked[0], label, null);
  }
  const number = signature.chart.normalise(label);
  if (signature.turns) {
    return turned(signature, outputs, modulo(number - angle(outputs) + Math.PI, TURN) - Math.PI);
  }
  return new ReadingGoal(signature, outputs[0], number);
}

function moved(signature, amount, code) {
  const outputs = signature.reader.outputs(code);
  if (signature.path === "classes") {
    if (signature.classes.length !== 2) throw new Error(`${signature.name}: say to which class, not how far.`);
    return new ClassGoal(signature, signature.classes[0], signature.classes[1], amount);
  }
  const { chart } = signature;
  if (signature.turns) return turned(signature, outputs, amount / chart.scale);
  const way = signature.offset(chart.restore(outputs[0]), chart.restore(outputs[0] + amount));
  return new ReadingGoal(signature, outputs[0], outputs[0] + dot(way, signature.reader.weight(0)));
}

/** The goal that a point turns by radians. */
function turned(signature, start, turn) {
  return signature.path === "loop"
    ? new LoopGoal(signature, angle(start), turn)
    : TurnGoal.of(signature, start, turn);
}

/** A name or a number as a label: a class code, or a number in the units of the factor. */
function labelOf(signature, value) {
  const { factor } = signature.chart;
  if (factor.kind !== "categorical" && factor.kind !== "ordinal") return numberOf(factor, value);
  let code = factor.values.indexOf(value);
  if (code < 0) code = factor.values.findIndex((name) => name.trim() !== "" && Number(name) === Number(value));
  const known = signature.path !== "classes" || signature.classes.includes(code);
  if (code < 0 || !known) throw new Error(`${factor.name} cannot be set to ${value}.`);
  return code;
}

function numberOf(factor, value) {
  const number = Number(value);
  if (!Number.isFinite(number)) throw new Error(`${factor.name}: expected a number to set it to, got ${value}.`);
  const [low, high] = factor.range ?? [-Infinity, Infinity];
  if (factor.kind !== "circular" && (number < low || number > high)) {
    throw new Error(`${factor.name}: ${number} lies outside its range, ${low} to ${high}.`);
  }
  return number;
}

function angle([x, y]) {
  return Math.atan2(y, x);
}

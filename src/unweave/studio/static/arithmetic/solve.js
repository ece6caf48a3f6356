/** Edits of several factors at once, so that all their probes are satisfied together; mirrors `unweave.signatures.solve`. */

import { dot, leastSingularValue, norm, plus, solveLinear } from "./linalg.js";

const STEPS = 60;
const DONE = 1e-10;
const DEPENDENT = 1e-7;

/** Parameters of every goal, `at`, and what they add to the code together, `shift` (D). */
export function solve(code, goals) {
  let at = goals.map((goal) => new Array(goal.width).fill(0));
  for (let step = 0; step < STEPS; step++) {
    const moved = plus(code, together(goals, at, code.length));
    const found = newton(
      goals.map((goal, k) => goal.linear(at[k], moved)),
      goals,
    );
    let start = 0;
    const after = goals.map((goal, k) => {
      const own = found.slice(start, (start += goal.width));
      return goal.allowed(plus(at[k], own));
    });
    const change = Math.max(0, ...after.flatMap((a, k) => a.map((x, j) => Math.abs(x - at[k][j]))));
    at = after;
    if (change <= DONE) break;
  }
  return { at, shift: together(goals, at, code.length) };
}

function together(goals, at, latent) {
  return goals.reduce((sum, goal, k) => plus(sum, goal.shift(at[k])), new Array(latent).fill(0));
}

/** One Newton step of all parameters, in units of what each factor does to its own probe. */
function newton(parts, goals) {
  const [tangent, read, rest, pinned] = ["tangent", "read", "rest", "pinned"].map((n) => parts.flatMap((p) => p[n]));
  const owner = parts.flatMap((part, k) => part.rest.map(() => k));
  const system = read.map((r, i) => tangent.map((t, j) => (pinned[i] ? Number(i === j) : dot(r, t))));
  const own = system.map((row, i) => Math.abs(row[i]));
  own.forEach((size, i) => {
    const goal = goals[owner[i]];
    const weak = !pinned[i] && size <= DEPENDENT * norm(read[i]) * norm(tangent[i]);
    // A point on the circle has two outputs: either of its directions may serve either.
    if (weak && goal.width === 1) {
      throw new Error(`the signature of ${goal.signature.name} does not move what its probe reads.`);
    }
  });
  const unit = own.map((size) => Math.sqrt(size > 0 ? size : 1));
  const scaled = system.map((row, i) => row.map((x, j) => x / unit[i] / unit[j]));
  if (leastSingularValue(scaled) <= DEPENDENT) {
    const names = goals.map((goal) => goal.signature.name).join(" and ");
    throw new Error(`the signatures of ${names} move the same in the code. Edit them one after the other.`);
  }
  return solveLinear(
    scaled,
    rest.map((x, i) => x / unit[i]),
  ).map((x, i) => x / unit[i]);
}

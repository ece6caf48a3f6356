/** The columns of a strip: one factor from one end of its safe range to the other; mirrors `unweave.signatures.strips`. */

/** A title and a change per column; the change by 0 is the picture without an edit.
 *
 * @param {Signature} signature of the factor
 * @param {number} steps odd: columns of a line; classes have their own number
 * @returns {{title: string, change: object}[]}
 */
export function stripChanges(signature, steps = 7) {
  const { name: factor, chart, path } = signature;
  if (path === "classes") {
    return signature.classes.map((code) => ({
      title: chart.factor.values[code],
      change: { factor, to: chart.factor.values[code] },
    }));
  }
  if (signature.turns) {
    const turns = Array.from({ length: steps }, (_, k) => (k * chart.period) / steps);
    return turns.map((by) => ({
      title: by ? signed(by, Number(by.toPrecision(3)).toString()) : "0",
      change: { factor, by },
    }));
  }
  const side = Math.floor(steps / 2);
  const [low, high] = [Math.min(signature.safe[0], 0), Math.max(signature.safe[1], 0)];
  const amounts = [...spread(low, side).reverse(), 0, ...spread(high, side)];
  return amounts.map((by) => ({ title: by ? signed(by, Math.abs(by).toFixed(1)) : "0", change: { factor, by } }));
}

function spread(end, count) {
  return Array.from({ length: count }, (_, k) => (end * (k + 1)) / count);
}

function signed(by, size) {
  return (by < 0 ? "-" : "+") + size;
}

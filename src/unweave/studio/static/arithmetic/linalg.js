/** Small dense linear algebra: matrices are arrays of rows, numbers are doubles. */

/** Sum of products of two vectors. */
export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a + factor * b. */
export function plus(a, b, factor = 1) {
  return a.map((x, i) => x + factor * b[i]);
}

/** A row of weights (m) times a matrix (m, D). */
export function combine(weights, rows) {
  const found = new Array(rows[0].length).fill(0);
  for (let k = 0; k < rows.length; k++) {
    for (let j = 0; j < found.length; j++) found[j] += weights[k] * rows[k][j];
  }
  return found;
}

/** Column j of a matrix. */
export function column(matrix, j) {
  return matrix.map((row) => row[j]);
}

/** Length of a vector. */
export function norm(a) {
  return Math.sqrt(dot(a, a));
}

/** x with A x = b, by elimination with the largest pivot of each column. */
export function solveLinear(matrix, right) {
  const a = matrix.map((row, i) => [...row, right[i]]);
  const n = a.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i][k]) > Math.abs(a[pivot][k])) pivot = i;
    [a[k], a[pivot]] = [a[pivot], a[k]];
    for (let i = k + 1; i < n; i++) {
      const share = a[i][k] / a[k][k];
      for (let j = k; j <= n; j++) a[i][j] -= share * a[k][j];
    }
  }
  const x = new Array(n);
  for (let i = n - 1; i >= 0; i--) {
    let rest = a[i][n];
    for (let j = i + 1; j < n; j++) rest -= a[i][j] * x[j];
    x[i] = rest / a[i][i];
  }
  return x;
}

const SWEEPS = 40;

/** The smallest singular value of a square matrix, by one-sided rotations (Hestenes 1958). */
export function leastSingularValue(matrix) {
  const columns = matrix[0].map((_, j) => column(matrix, j));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let turned = false;
    for (let i = 0; i < columns.length; i++) {
      for (let j = i + 1; j < columns.length; j++) turned = rotate(columns, i, j) || turned;
    }
    if (!turned) break;
  }
  return Math.min(...columns.map(norm));
}

function rotate(columns, i, j) {
  const [p, q] = [columns[i], columns[j]];
  const [pp, qq, pq] = [dot(p, p), dot(q, q), dot(p, q)];
  if (Math.abs(pq) <= 1e-15 * Math.sqrt(pp * qq) || pq === 0) return false;
  const zeta = (qq - pp) / (2 * pq);
  const tangent = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cos = 1 / Math.sqrt(1 + tangent * tangent);
  const sin = cos * tangent;
  columns[i] = p.map((x, k) => cos * x - sin * q[k]);
  columns[j] = p.map((x, k) => sin * x + cos * q[k]);
  return true;
}

/** The lower root L of a positive definite matrix: L Lᵀ. */
export function cholesky(matrix) {
  const root = matrix.map((row) => row.map(() => 0));
  for (let i = 0; i < matrix.length; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = matrix[i][j] - dot(root[i].slice(0, j), root[j].slice(0, j));
      root[i][j] = i === j ? Math.sqrt(rest) : rest / root[j][j];
    }
  }
  return root;
}

/** x with L x = b for a lower triangle L. */
export function solveLower(root, right) {
  const x = new Array(right.length);
  for (let i = 0; i < x.length; i++) {
    let rest = right[i];
    for (let j = 0; j < i; j++) rest -= root[i][j] * x[j];
    x[i] = rest / root[i][i];
  }
  return x;
}

/** How far codes may go before they leave the data; mirrors `unweave.signatures.density`. */

import { cholesky, dot, plus, solveLower } from "./linalg.js";

export class Density {
  constructor({ mean, covariance, radius }) {
    this.mean = mean;
    this.radius = radius;
    this.root = cholesky(covariance);
  }

  /** Mahalanobis distance of a code from the mean. */
  distance(code) {
    const away = solveLower(this.root, plus(code, this.mean, -1));
    return Math.sqrt(dot(away, away));
  }

  /** How far a code can go along a direction and stay inside, [lowest, highest]. */
  reach(code, direction) {
    const z = solveLower(this.root, plus(code, this.mean, -1));
    const d = solveLower(this.root, direction);
    const [square, half, away] = [dot(d, d), dot(z, d), dot(z, z)];
    if (!(square > 0)) return [-Infinity, Infinity];
    // A code that is outside from the start may go where it comes no further out.
    const limit = Math.max(this.radius * this.radius, away);
    const room = Math.max(half * half - square * (away - limit), 0);
    const [middle, width] = [-half / square, Math.sqrt(room) / square];
    return [middle - width, middle + width];
  }

  /** A code drawn from the normal distribution of the reference codes, a little towards its mean. */
  draw(random = Math.random) {
    const normal = this.mean.map(() => {
      const radius = Math.sqrt(-2 * Math.log(1 - random()));
      return 0.8 * radius * Math.cos(2 * Math.PI * random());
    });
    return this.mean.map((m, i) => m + dot(this.root[i], normal));
  }
}

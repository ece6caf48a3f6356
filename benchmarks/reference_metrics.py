"""The published algorithms, as the reference implementations write them, for `metrics_speed.py` to measure against.

Loops and calls of scikit-learn are those of disentanglement_lib (MIG to UDR), latent_quantization (InfoMEC) and the
repository of MED; only their gin settings and their transposed arrays are gone. Codes are float32 (N, D), factors
integers (N, K); the first `train` rows are learnt from.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.linalg import sqrtm
from scipy.stats import spearmanr
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

warnings.filterwarnings("ignore")  # of convergence: the references stop there too

Scores = dict[str, float]


def bins(codes: np.ndarray, count: int = 20) -> np.ndarray:
    return np.stack([np.digitize(c, np.histogram(c, count)[1][:-1]) for c in codes.T], axis=1)


def information(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    binned = bins(codes)
    return np.array([[mutual_info_score(v, z) for v in factors.T] for z in binned.T])


def one_less_entropy(table: np.ndarray) -> np.ndarray:
    shares = (table + 1e-11) / (table + 1e-11).sum(axis=1, keepdims=True)
    return 1 + (shares * np.log(shares)).sum(axis=1) / np.log(table.shape[1])


def aggregated(importance: np.ndarray) -> tuple[float, float]:
    by_code, by_factor = importance.sum(axis=1), importance.sum(axis=0)
    d = float(one_less_entropy(importance) @ by_code / by_code.sum())
    return d, float(one_less_entropy(importance.T) @ by_factor / by_factor.sum())


def mig(codes: np.ndarray, factors: np.ndarray, train: int) -> Scores:
    top = np.sort(information(codes, factors), axis=0)[::-1]
    entropies = np.array([mutual_info_score(v, v) for v in factors.T])
    return {"mig": float(np.mean((top[0] - top[1]) / entropies))}


def modularity(codes: np.ndarray, factors: np.ndarray, train: int) -> Scores:
    squared = information(codes, factors) ** 2
    best = squared.max(axis=1)
    off = (squared.sum(axis=1) - best) / (best * (factors.shape[1] - 1))
    return {"modularity": float(np.mean(np.where(best == 0, 0, 1 - off)))}


def sap(codes: np.ndarray, factors: np.ndarray, train: int) -> Scores:
    accuracy, correlation = (
        np.zeros((codes.shape[1], factors.shape[1])),
        np.corrcoef(codes[:train].T, factors[:train].T),
    )
    for d in range(codes.shape[1]):
        for k in range(factors.shape[1]):
            model = LinearSVC(C=0.01, class_weight="balanced").fit(codes[:train, [d]], factors[:train, k])
            accuracy[d, k] = np.mean(model.predict(codes[train:, [d]]) == factors[train:, k])
    squared = correlation[: codes.shape[1], codes.shape[1] :] ** 2
    gaps = [np.sort(table, axis=0) for table in (accuracy, squared)]
    return {name: float((g[-1] - g[-2]).mean()) for name, g in zip(("sap", "sap.continuous"), gaps, strict=True)}


def explicitness(codes: np.ndarray, factors: np.ndarray, train: int) -> Scores:
    mean, spread = codes[:train].mean(axis=0), codes[:train].std(axis=0)
    codes, areas = (codes - mean) / spread, []
    for v in factors.T:
        model = LogisticRegression().fit(codes[:train], v[:train])
        areas.append(roc_auc_score(np.eye(v.max() + 1)[v[train:]], model.predict_proba(codes[train:])))
    return {"explicitness": float(np.mean(areas))}


def irs(codes: np.ndarray, factors: np.ndarray, train: int) -> Scores:
    factors = bins(factors)
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    moved = np.zeros((codes.shape[1], factors.shape[1]))
    for k, v in enumerate(factors.T):
        values = np.unique(v)
        for value in values:
            some = codes[v == value]
            moved[:, k] += np.percentile(np.abs(some - some.mean(axis=0)), 99, axis=0) / len(values)
    return {"irs": float(np.average((1 - moved / largest[:, None]).max(axis=1), weights=largest))}


def infomec(codes: np.ndarray, factors: np.ndarray, train: int) -> Scores:
    standard = StandardScaler().fit_transform(codes)
    entropies = np.array([mutual_info_score(v, v) for v in factors.T])
    rows = [[mutual_info_classif(z[:, None], v, n_neighbors=10)[0] for z in standard.T] for v in factors.T]
    spread = np.ptp(codes, axis=0)
    shares = (np.array(rows) / entropies[:, None])[:, spread > spread.max() / 20]
    gains = []
    for v in factors.T:
        model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=100).fit(standard, v)
        none = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=100).fit(0 * standard, v)
        null = log_loss(v, none.predict_proba(0 * standard))
        gains.append((null - log_loss(v, model.predict_proba(standard))) / null)

    def above_even(parts: np.ndarray, count: int) -> float:
        return float((np.mean(parts) - 1 / count) / (1 - 1 / count))

    return {
        "infomec.infom": above_even(shares.max(axis=0) / shares.sum(axis=0), len(shares)),
        "infomec.infoe": float(np.mean(gains)),
        "infomec.infoc": above_even(shares.max(axis=1) / shares.sum(axis=1), shares.shape[1]),
    }


def med(codes: np.ndarray, factors: np.ndarray, train: int) -> Scores:
    table = information(codes[:train], factors[:train])
    d, c = aggregated(table / table.sum(axis=0))
    standard = (codes - codes[:train].mean(axis=0)) / codes[:train].std(axis=0)
    fits = [LogisticRegression().fit(standard[:train], v[:train]) for v in factors.T]
    right = [fit.score(standard[train:], v[train:]) for fit, v in zip(fits, factors.T, strict=True)]
    return {"med.disentanglement": d, "med.completeness": c, "med.informativeness": float(np.mean(right))}


def unsupervised(codes: np.ndarray, factors: np.ndarray, train: int) -> Scores:
    covariance, binned = np.cov(codes.T), bins(codes)
    variances, count = np.diag(covariance), codes.shape[1]
    distance = 2 * np.trace(covariance) - 2 * np.trace(sqrtm(variances[:, None] * covariance)).real
    pairs = [mutual_info_score(binned[:, i], binned[:, j]) for i in range(count) for j in range(count) if i != j]
    return {
        "gaussian_total_correlation": float(0.5 * (np.log(variances).sum() - np.linalg.slogdet(covariance)[1])),
        "wasserstein_correlation": float(distance),
        "wasserstein_correlation_norm": float(distance / np.trace(covariance)),
        "mutual_info_score": float(np.mean(pairs)),
    }


def dci(codes: np.ndarray, factors: np.ndarray, train: int) -> Scores:
    fits = [GradientBoostingClassifier().fit(codes[:train], v[:train]) for v in factors.T]
    d, c = aggregated(np.stack([np.abs(fit.feature_importances_) for fit in fits], axis=1))
    right = [np.mean(fit.predict(codes[train:]) == v[train:]) for fit, v in zip(fits, factors.T, strict=True)]
    return {"dci.disentanglement": d, "dci.completeness": c, "dci.informativeness": float(np.mean(right))}


def beta_vae(table: np.ndarray, sizes: tuple[int, ...], points: int = 10_000, tests: int = 5_000) -> Scores:
    random, places = np.random.RandomState(0), np.array(sizes)

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        shown, labels = np.zeros((count, table.shape[1])), np.zeros(count, dtype=int)
        for i in range(count):
            labels[i] = random.randint(len(places))
            first, second = (np.stack([random.randint(s, size=64) for s in places], axis=1) for _ in range(2))
            second[:, labels[i]] = first[:, labels[i]]
            one, two = (table[np.ravel_multi_index(tuple(cells.T), sizes)] for cells in (first, second))
            shown[i] = np.mean(np.abs(one - two), axis=0)
        return shown, labels

    model = LogisticRegression(random_state=random).fit(*draw(points))
    return {"beta_vae": float(model.score(*draw(tests)))}


def factor_vae(table: np.ndarray, sizes: tuple[int, ...], points: int = 10_000, tests: int = 5_000) -> Scores:
    random, places = np.random.RandomState(0), np.array(sizes)

    def cells(count: int) -> np.ndarray:
        return np.stack([random.randint(s, size=count) for s in places], axis=1)

    def look_up(found: np.ndarray) -> np.ndarray:
        return table[np.ravel_multi_index(tuple(found.T), sizes)]

    overall = np.var(look_up(cells(10_000)), axis=0, ddof=1)
    active = np.sqrt(overall) >= 0.05

    def votes(count: int) -> np.ndarray:
        found = np.zeros((len(places), table.shape[1]), dtype=int)
        for _ in range(count):
            k, batch = random.randint(len(places)), cells(64)
            batch[:, k] = batch[0, k]
            local = np.var(look_up(batch), axis=0, ddof=1)
            found[k, np.flatnonzero(active)[np.argmin(local[active] / overall[active])]] += 1
        return found

    classifier, test = votes(points).argmax(axis=0), votes(tests)
    return {"factor_vae": float(test[classifier, np.arange(table.shape[1])].sum() / test.sum())}


def udr(reps: np.ndarray, kl: np.ndarray, method: str) -> Scores:
    count, used = len(reps), kl > 0.01
    reps = np.stack([StandardScaler().fit_transform(rep) for rep in reps]) * used[:, None]
    strength = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            if i == j:
                continue
            if method == "lasso":
                match = np.abs(Lasso(random_state=0, alpha=0.1).fit(reps[i], reps[j]).coef_).T
            else:
                match = np.array([[abs(spearmanr(a, b)[0]) for b in reps[j].T] for a in reps[i].T])
            match = match[np.ix_(used[i], used[j])]
            sides = (np.nan_to_num(match.max(axis=side) ** 2 / match.sum(axis=side)).mean() for side in (0, 1))
            strength[i, j] = sum(sides) / 2
    off = [np.median(np.delete(strength[:, j], j)) for j in range(count)]
    return {f"udr.{method} {j}": float(value) for j, value in enumerate(off)}

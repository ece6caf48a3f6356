"""Unsupervised disentanglement ranking: which of several models agrees best with the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unweave.core import ConfigError, FactorTable, Score, ShapeError, Stamp
from unweave.core.seeds import generator
from unweave.metrics.agreement import Floats, lasso_weights, rank_correlations, relative_strength, rotated, standardised
from unweave.metrics.inputs import Mode, Problem, check_codes, check_mode
from unweave.metrics.resampling import null_range
from unweave.metrics.stamps import make_stamp

Method = Literal["lasso", "spearman"]

INFORMATIVE = 0.01
"""KL in nats below which the publication sets a dimension to 0, whatever the threshold for leaving it out."""

RESAMPLED = 10
"""Bootstrap samples of the rows: each one repeats all comparisons."""

MAX_NULLS = 5
"""Rotations at most, for the same reason."""


@dataclass(frozen=True)
class Ranking:
    """Scores of M models, and which of them to take.

    Attributes:
        scores: one `udr.lasso` or `udr.spearman` per model, in the order given; the matrix of each is `pairwise`.
        choice: index of the model that agrees best with the others, or None where the scores cannot tell.
        reason: why there is no choice, in words, or None.
        pairwise: agreement (M, M); column j holds that of model j with each other one. 0 on the diagonal, NaN where a
            model has nothing to compare.
        relations: lasso weights or rank correlations of each pair, without sign, (M, M, D, D).
    """

    scores: tuple[Score, ...]
    choice: int | None
    reason: str | None
    pairwise: Floats
    relations: Floats

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {"scores": [s.to_json() for s in self.scores], "choice": self.choice, "reason": self.reason}


def udr(
    reps: ArrayLike,
    kl: ArrayLike | None = None,
    *,
    method: Method = "lasso",
    filter_low_kl: bool = True,
    threshold: float = INFORMATIVE,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 5,
    seed: int = 0,
) -> Ranking:
    """How far each model's codes match those of other models one to one, without labels (Duan et al. 2020, section 4).

    Codes of models i and j are related to one another, R (D, D); a pair scores the mean over rows and columns of
    max² / sum of |R|, and a model the median over the other models. In [0, 1] by rank correlation; by lasso a perfect
    match is 0.9, its penalty being 0.1. A model that is unlike all others scores low even if it is the best one, and
    where all models are alike the ranking is no better than chance: then `choice` is None.

    Args:
        reps: codes of the same N rows by M models of the same D dimensions, (M, N, D).
        kl: mean KL of each dimension to its prior, in nats, (M, D). None takes every dimension that varies.
        method: "lasso" (penalty 0.1) or "spearman" (rank correlation).
        filter_low_kl: leave out dimensions with a KL up to `threshold`.
        threshold: in nats.
        mode: "reference" is the definition of disentanglement_lib: one dead dimension makes every rank correlation
            with it NaN and, unfiltered, the score 0. "robust" takes dead dimensions for uncorrelated.
        bootstrap: samples for the intervals, of the rows (ten of them, as each repeats all comparisons) and of the
            other models; 0 leaves intervals out, and scores are not tested for being alike.
        nulls: times that all models are rotated at random, five at most, for the score of models that agree on what
            they hold but not on how; 0 leaves it out.
        seed: seed of everything drawn.

    Returns:
        One score per model, and the choice.

    Raises:
        ShapeError: arrays do not fit together, or there is one model only.
        DataError: codes are not finite numbers.
        ConfigError: the method does not exist.
    """
    check_mode(mode)
    if method not in get_args(Method):
        raise ConfigError(f"method: expected one of {', '.join(get_args(Method))}, got {method!r}.")
    panel = _Panel.of(reps, kl, method, filter_low_kl, threshold, mode)
    nulls = min(nulls, MAX_NULLS)
    settings = {
        "method": method,
        "filter_low_kl": filter_low_kl,
        "threshold": threshold,
        "models": len(panel.codes),
        "null": "random rotations",
        "row_samples": RESAMPLED if bootstrap else 0,
        "bootstrap": bootstrap,
        "nulls": nulls,
        "seed": seed,
    }
    problem = Problem(panel.codes[0], FactorTable.empty(len(panel.codes[0])))
    stamp = make_stamp("udr", mode, problem, settings, libraries=("scikit-learn", "scipy"))
    relations = panel.relations(panel.codes)
    pairwise = panel.pairwise(relations)
    values = _medians(pairwise)
    draws = panel.draws(pairwise, bootstrap, generator(seed, "udr", "bootstrap")) if bootstrap else None
    random = generator(seed, "udr", "null")
    turned = np.array([_medians(panel.pairwise(panel.relations(panel.turned(random)))) for _ in range(nulls)])
    scores = tuple(_score(model, panel, stamp, pairwise, values, draws, turned) for model in range(len(panel.codes)))
    choice, reason = _choose(scores, draws)
    return Ranking(scores, choice, reason, pairwise, relations)


@dataclass(frozen=True)
class _Panel:
    """Models that are compared: standardised codes (M, N, D), and which dimensions of each are kept (M, D)."""

    codes: Floats
    kept: NDArray[np.bool_]
    method: Method
    mode: Mode

    @classmethod
    def of(
        cls, reps: ArrayLike, kl: ArrayLike | None, method: Method, filtered: bool, threshold: float, mode: Mode
    ) -> _Panel:
        array = np.asarray(reps)
        if array.ndim != 3 or len(array) < 2:
            hint = "Agreement needs at least two models with the same number of dimensions."
            raise ShapeError("reps", want="(models, rows, codes)", got=array.shape, hint=hint)
        codes = np.stack([check_codes(model).astype(np.float64) for model in array])
        informative = np.full((len(codes), codes.shape[2]), np.inf) if kl is None else np.asarray(kl, dtype=np.float64)
        if informative.shape != (len(codes), codes.shape[2]):
            raise ShapeError(
                "kl", want=f"({len(codes)}, {codes.shape[2]})", got=informative.shape, hint="(models, codes)"
            )
        dead = np.stack([Problem(model, FactorTable.empty(len(model))).dead for model in codes])
        kept = informative > threshold if filtered else np.ones_like(dead)
        if mode == "robust":
            kept = kept & ~dead
        return cls(standardised(codes) * (informative > INFORMATIVE)[:, None, :], kept, method, mode)

    def relations(self, codes: Floats) -> Floats:
        """Relations (M, M, D, D) of all pairs, without sign."""
        if self.method == "lasso":
            return lasso_weights(codes)
        found = rank_correlations(codes)
        return np.nan_to_num(found) if self.mode == "robust" else found

    def pairwise(self, relations: Floats) -> Floats:
        """Agreement (M, M) of all pairs, 0 on the diagonal; NaN where a model keeps no dimension."""
        found = np.zeros(relations.shape[:2])
        for i, j in np.ndindex(found.shape):
            if i != j:
                part = relations[i, j][np.ix_(self.kept[i], self.kept[j])]
                found[i, j] = relative_strength(part) if part.size else np.nan
        return found

    def turned(self, random: np.random.Generator) -> Floats:
        """Codes with the dimensions that are kept and vary rotated at random, each model on its own."""
        return np.stack(
            [rotated(c, k & (c.std(axis=0) > 0), random) for c, k in zip(self.codes, self.kept, strict=True)]
        )

    def draws(self, pairwise: Floats, count: int, random: np.random.Generator) -> Floats:
        """Scores (count, M) of other rows and other panels of models.

        Pairs are moved by normal combinations of what bootstrap samples of the rows moved them, which have the same
        covariance; then models to compare with are drawn with replacement, the same ones for every
        model.
        """
        models, rows = self.codes.shape[:2]
        samples = [random.integers(rows, size=rows) for _ in range(RESAMPLED)]
        moved = np.stack([self.pairwise(self.relations(standardised(self.codes[:, s]))) for s in samples])
        moved = (moved - moved.mean(axis=0)) / np.sqrt(RESAMPLED - 1)
        found = np.empty((count, models))
        for draw in range(count):
            pairs = pairwise + (random.standard_normal(RESAMPLED)[:, None, None] * moved).sum(axis=0)
            panel: NDArray[np.int64] = random.integers(models, size=(models,))
            for model in range(models):
                others = _others(pairwise, model)
                drawn = panel[np.isin(panel, others)]
                chosen = drawn if len(drawn) else others
                found[draw, model] = np.median(pairs[chosen, model]) if len(chosen) else np.nan
        return found


def _others(pairwise: Floats, model: int) -> NDArray[np.int64]:
    """Models that a model can be compared with."""
    found = ~np.isnan(pairwise[:, model])
    found[model] = False
    return np.flatnonzero(found)


def _medians(pairwise: Floats) -> Floats:
    """Scores (M,) of all models, NaN where there is nothing to compare."""
    columns = [pairwise[_others(pairwise, model), model] for model in range(len(pairwise))]
    return np.array([np.median(column) if len(column) else np.nan for column in columns])


def _score(
    model: int, panel: _Panel, stamp: Stamp, pairwise: Floats, values: Floats, draws: Floats | None, turned: Floats
) -> Score:
    name = f"udr.{panel.method}"
    details: dict[str, Any] = {"dropped_codes": tuple(np.flatnonzero(~panel.kept[model]).tolist())}
    if not panel.kept[model].any():
        return Score(name, None, stamp, reason="no dimension of this model is live.", **details)
    if np.isnan(values[model]):
        return Score(name, None, stamp, reason="no dimension of any other model is live.", **details)
    value = float(values[model])
    if draws is not None:
        # Of n models, samples with replacement show (n - 1) / n of the variance, which matters where there are few.
        several = max(len(_others(pairwise, model)), 2)
        wider = value + np.sqrt(several / (several - 1)) * (draws[:, model] - value)
        low, high = np.quantile(wider, [0.025, 0.975]).tolist()
        details["interval"] = (min(value, max(0.0, low)), max(value, high))
    if len(turned):
        details["null"], details["null_interval"] = null_range(turned[:, model], 0, np.inf)
    return Score(name, value, stamp, matrix=np.nan_to_num(pairwise), **details)


def _choose(scores: tuple[Score, ...], draws: Floats | None) -> tuple[int | None, str | None]:
    """The model with the highest score, or why no model should be taken for it."""
    scored = [model for model, score in enumerate(scores) if score.value is not None]
    if len(scored) < 3:
        return None, f"the ranking compares at least three models, and {len(scored)} can be compared."
    values = {model: score.value or 0.0 for model, score in enumerate(scores)}
    best = max(scored, key=lambda model: values[model])
    tops = {model: score.null_interval[1] for model, score in enumerate(scores) if score.null_interval is not None}
    if tops and all(values[model] <= tops[model] for model in scored if model in tops):
        return None, (
            f"the models agree too little: the best scores {values[best]:.3f}, and the same models rotated at random "
            f"{scores[best].null:.3f}. Train longer or change the method before choosing."
        )
    if draws is not None:
        noise = draws[:, scored] - draws[:, scored].mean(axis=0)
        chance = float(np.quantile(np.ptp(noise, axis=1), 0.95))
        spread = values[best] - min(values[model] for model in scored)
        if spread <= chance:
            return None, (
                f"the models agree too much for a choice: their scores are {spread:.3f} apart, and chance alone makes "
                f"that up to {chance:.3f}. Choose by something else, such as reconstruction or a few labels."
            )
    return best, None

"""Scores as scikit-learn's `scoring=`: to choose a transformer by how well its codes separate the factors.

search = GridSearchCV(FastICA(), {"n_components": [2, 4, 8]}, scoring=make_scorer("mig"))
search.fit(X, factors)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unweave.core import ConfigError, DataError
from unweave.metrics.registry import choose
from unweave.metrics.scorecard import scorecard


@dataclass(frozen=True)
class Scorer:
    """Calls `scorer(estimator, X, y)` as scikit-learn does; made by `make_scorer`.

    Attributes:
        score: name of the score.
        sign: 1, or -1 where less is better, since scikit-learn takes the largest.
        method: method of the estimator that gives codes.
        settings: arguments of `scorecard`.
    """

    score: str
    sign: int
    method: str
    settings: Mapping[str, Any]

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:  # noqa: ANN401 - whatever scikit-learn passes
        """The score of the codes of X (N, …) against the factors y (N, K), times the sign.

        Raises:
            ConfigError: the estimator gives no codes, or the metric has no such score for these factors.
            DataError: the score has no value; scikit-learn then warns, and takes `error_score`.
        """
        encode = getattr(estimator, self.method, None)
        if encode is None:
            raise ConfigError(
                f"{type(estimator).__name__} has no {self.method!r}. Say which method gives codes: method=…"
            )
        score = scorecard(encode(X), y, metrics=[self.score], **self.settings)[self.score]
        if score.value is None:
            raise DataError(f"{self.score} has no value: {score.reason}")
        return self.sign * score.value


def make_scorer(score: str, *, method: str = "transform", **settings: Any) -> Scorer:  # noqa: ANN401 - of scorecard
    """A scorer for `cross_val_score`, `GridSearchCV` and their like.

    Args:
        score: name of one score, such as "mig", "dci.disentanglement" or "probe.factor_0".
        method: method of the estimator that gives codes (N, D) of X: `transform`, or `encode` of a `LatentModel`.
        settings: arguments of `scorecard`, such as mode, seed and weights. Intervals and nulls are not computed.

    Returns:
        A scorer; the larger the better, so a score of which less is better (`gaussian_total_correlation`) is negated.
        Pass y as an array (N, K), with NaN or "" for missing labels.

    Raises:
        ConfigError: no metric gives the score, or the name stands for several.
    """
    ((entry, wanted),) = choose([score])
    if not wanted and entry.scores != (score,):
        raise ConfigError(f"scorer: {score!r} gives several scores; name one of {', '.join(entry.scores)}.")
    sign = -1 if score in entry.lower or entry.label_blind else 1
    return Scorer(score, sign, method, {"bootstrap": 0, "nulls": 0, **settings})

"""Every metric of codes and factors, in the order in which a scorecard should be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from unweave.core import ConfigError, Score, Scorecard
from unweave.metrics.beta_vae import beta_vae
from unweave.metrics.dci import NAMES as DCI_NAMES
from unweave.metrics.dci import dci
from unweave.metrics.factor_vae import factor_vae
from unweave.metrics.gaussian_dependence import (
    gaussian_total_correlation,
    wasserstein_correlation,
    wasserstein_correlation_norm,
)
from unweave.metrics.mig import mig
from unweave.metrics.probe import probe

Metric = Callable[..., Score | Scorecard]
"""`metric(codes, factors, *, mode, bootstrap, nulls, seed)` gives one score, or several by name."""


@dataclass(frozen=True)
class Entry:
    """A metric and what a scorecard has to know of it.

    Attributes:
        metric: the function.
        scores: names of the scores that it gives; "probe.*" stands for one score per factor.
        split: whether it learns from some rows and tests on others, and so takes `train_rows`.
        default: whether a scorecard computes it unless told otherwise.
        label_blind: whether it does not look at factors: it measures how far codes depend on one another, 0 is best.
    """

    metric: Metric
    scores: tuple[str, ...]
    split: bool = False
    default: bool = False
    label_blind: bool = False


METRICS: Mapping[str, Entry] = {
    "mig": Entry(mig, ("mig",), default=True),
    "dci": Entry(dci, DCI_NAMES, split=True, default=True),
    "beta_vae": Entry(beta_vae, ("beta_vae",), split=True),
    "factor_vae": Entry(factor_vae, ("factor_vae",), split=True),
    "gaussian_total_correlation": Entry(gaussian_total_correlation, ("gaussian_total_correlation",), label_blind=True),
    "wasserstein_correlation": Entry(wasserstein_correlation, ("wasserstein_correlation",), label_blind=True),
    "wasserstein_correlation_norm": Entry(
        wasserstein_correlation_norm, ("wasserstein_correlation_norm",), label_blind=True
    ),
    "probe": Entry(probe, ("probe.*",), default=True),
}
"""Metrics by name."""

DEFAULT = tuple(name for name, entry in METRICS.items() if entry.default)
"""What a scorecard computes unless told otherwise."""


def choose(names: Iterable[str]) -> Iterator[tuple[Entry, tuple[str, ...]]]:
    """The metrics of some names, each once, with the scores that are wanted of it (none: all of them).

    A name is that of a metric ("dci") or of one of its scores ("dci.completeness").

    Raises:
        ConfigError: a name that nothing has.
    """
    owners = {score: name for name, entry in METRICS.items() for score in entry.scores}
    wanted: dict[str, tuple[str, ...]] = {}
    for name in names:
        owner = name if name in METRICS else owners.get(name)
        if owner is None:
            raise ConfigError(f"metrics: there is no metric {name!r}. Choose from {', '.join(METRICS)}.")
        whole = owner == name or wanted.get(owner) == ()
        wanted[owner] = () if whole else (*wanted.get(owner, ()), name)
    for owner, scores in wanted.items():
        yield METRICS[owner], scores

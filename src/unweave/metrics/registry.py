"""Every metric of codes and factors, in the order in which a scorecard should be read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property, partial
from typing import Any

from unweave.core import ConfigError, Score, Scorecard
from unweave.metrics.beta_vae import beta_vae
from unweave.metrics.budget import BUDGETS, budget
from unweave.metrics.dci import NAMES as DCI_NAMES
from unweave.metrics.dci import dci
from unweave.metrics.dci_es import NAMES as DCI_ES_NAMES
from unweave.metrics.dci_es import dci_es
from unweave.metrics.explicitness import explicitness
from unweave.metrics.factor_vae import factor_vae
from unweave.metrics.gaussian_dependence import (
    gaussian_total_correlation,
    wasserstein_correlation,
    wasserstein_correlation_norm,
)
from unweave.metrics.infomec import NAMES as INFOMEC_NAMES
from unweave.metrics.infomec import infomec
from unweave.metrics.irs import irs
from unweave.metrics.jemmig import jemmig
from unweave.metrics.med import NAMES as MED_NAMES
from unweave.metrics.med import med
from unweave.metrics.mig import mig
from unweave.metrics.mig_sup import mig_sup
from unweave.metrics.modularity import modularity
from unweave.metrics.mutual_info import mutual_info_score
from unweave.metrics.probe import probe
from unweave.metrics.rmig import rmig
from unweave.metrics.sap import NAMES as SAP_NAMES
from unweave.metrics.sap import sap

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
        slow: whether it takes minutes on a large problem, so that `unweave score` leaves it out unless asked.
        exempt: checks of `unweave.testing.metrics` that some of its scores cannot pass by definition, by score.
        label_blind: whether it does not look at factors: it measures how far codes depend on one another, 0 is best.
        lower: whether less is better although it looks at factors.
    """

    metric: Metric
    scores: tuple[str, ...]
    split: bool = False
    default: bool = False
    slow: bool = False
    exempt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    label_blind: bool = False
    lower: bool = False

    @cached_property
    def bound(self) -> frozenset[str]:
        """Names of its arguments that `functools.partial` binds; they stay as they are."""
        return frozenset(self.metric.keywords) if isinstance(self.metric, partial) else frozenset()

    @cached_property
    def takes(self) -> frozenset[str]:
        """Names of its arguments that are free."""
        return frozenset(inspect.signature(self.metric).parameters) - self.bound

    def keywords(self, always: Mapping[str, Any], optional: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments to call it with: those that every metric takes, and of the optional ones those that it takes."""
        kept = {name: value for name, value in always.items() if name not in self.bound}
        return kept | {name: value for name, value in optional.items() if name in self.takes}


_OF_VALUES = (
    "check_identity",
    "check_noise",
    "check_order_and_units",
    "check_precision",
    "check_labels",
    "check_outlier",
    "check_dead_code",
    "check_constant_factor",
    "check_duplicated_code",
    "check_missing_labels",
    "check_complete",
)
"""Checks that need a value on the suite's 600 rows."""

METRICS: Mapping[str, Entry] = {
    "mig": Entry(mig, ("mig",), default=True),
    "mig_sup": Entry(mig_sup, ("mig_sup",)),
    "rmig": Entry(rmig, ("rmig",)),
    # Lower is better: perfect codes have 0, and noise the largest value.
    "jemmig": Entry(jemmig, ("jemmig",), exempt={"jemmig": ("check_identity", "check_noise")}, lower=True),
    "modularity": Entry(modularity, ("modularity",)),
    # Trees fit noise where they learn from it; and counts of codes and factors are the same for noise.
    "dci": Entry(dci, DCI_NAMES, split=True, default=True, exempt={"dci.informativeness_train": ("check_noise",)}),
    "dci_es": Entry(dci_es, DCI_ES_NAMES, split=True, exempt={"dci_es.size": ("check_noise",)}, slow=True),
    "sap": Entry(sap, SAP_NAMES, split=True),
    "explicitness": Entry(explicitness, ("explicitness",), split=True),
    "irs": Entry(irs, ("irs",)),
    "infomec": Entry(infomec, INFOMEC_NAMES),
    # A linear model fits noise where it learns from it.
    "med": Entry(med, MED_NAMES, split=True, exempt={"med.informativeness_train": ("check_noise",)}),
    "mutual_info_score": Entry(mutual_info_score, ("mutual_info_score",), label_blind=True),
    # Ten labels are too few for a linear model of five classes; a thousand are more than the suite has.
    "budget": Entry(
        budget,
        tuple(f"labels.{labels}" for labels in BUDGETS),
        split=True,
        exempt={"labels.10": ("check_identity",), "labels.1000": _OF_VALUES},
    ),
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


def choose(metrics: Iterable[str | Metric]) -> Iterator[tuple[Entry, tuple[str, ...]]]:
    """Metrics in the order of their first mention, each once, with the scores that are wanted of it (none: all).

    A name is that of a metric ("dci") or of one of its scores ("dci.completeness"); a function stands for itself.

    Raises:
        ConfigError: a name that nothing has.
    """
    wanted: dict[str | Metric, tuple[str, ...]] = {}
    for metric in metrics:
        owner = _owner(metric) if isinstance(metric, str) else metric
        whole = owner == metric or wanted.get(owner) == ()
        wanted[owner] = () if whole else (*wanted.get(owner, ()), str(metric))
    for owner, scores in wanted.items():
        yield METRICS[owner] if isinstance(owner, str) else entry_of(owner), scores


def entry_of(metric: Metric) -> Entry:
    """What is known of a function: the entry of the metric that it is or binds arguments of, else its name."""
    function = metric.func if isinstance(metric, partial) else metric
    for entry in METRICS.values():
        if entry.metric is function:
            return replace(entry, metric=metric)
    return Entry(metric, (getattr(function, "__name__", "metric"),))


def _owner(name: str) -> str:
    if name in METRICS:
        return name
    for owner, entry in METRICS.items():
        if any(fnmatchcase(name, score) for score in entry.scores):
            return owner
    raise ConfigError(f"metrics: there is no metric {name!r}. Choose from {', '.join(METRICS)}.")

"""Every metric keeps the public contract."""

import os
from functools import partial

import pytest

from unweave.metrics.registry import METRICS
from unweave.testing.metrics import CHECKS, ONCE, checks_for, without

FIRST, _, LAST = os.environ.get("SEEDS", "0").partition("-")
SEEDS = range(int(FIRST), int(LAST or FIRST) + 1)

CASES = [
    pytest.param(name, check, seed, id=f"{name}-{check.__name__}-{seed}")
    for name, entry in METRICS.items()
    for check in checks_for(label_blind=entry.label_blind)
    for seed in (SEEDS[:1] if check in ONCE else SEEDS)
]


@pytest.mark.parametrize(("name", "check", "seed"), CASES)
def test_metric_keeps_the_contract(name, check, seed):
    entry = METRICS[name]
    # One worker keeps the tests' CPU time on one core.
    metric = partial(entry.metric, workers=1) if name in ("dci", "dci_es") else entry.metric
    spared = {score for score, checks in entry.exempt.items() if check.__name__ in checks}
    check(without(metric, spared) if spared else metric, seed)


def test_exemptions_name_scores_and_checks():
    known = {check.__name__ for check in CHECKS}
    for entry in METRICS.values():
        assert set(entry.exempt) <= set(entry.scores)
        assert all(set(checks) <= known for checks in entry.exempt.values())

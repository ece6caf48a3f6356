"""Every metric keeps the public contract."""

from functools import partial

import pytest

from unweave.metrics import dci
from unweave.metrics.registry import METRICS
from unweave.testing.metrics import checks_for

CASES = [
    pytest.param(name, check, id=f"{name}-{check.__name__}")
    for name, entry in METRICS.items()
    for check in checks_for(label_blind=entry.label_blind)
]


@pytest.mark.parametrize(("name", "check"), CASES)
def test_metric_keeps_the_contract(name, check):
    # One worker keeps the tests' CPU time on one core.
    check(partial(dci, workers=1) if name == "dci" else METRICS[name].metric)

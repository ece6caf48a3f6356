"""Every metric keeps the public contract."""

from functools import partial

import pytest

from unweave.metrics import dci
from unweave.metrics.registry import METRICS
from unweave.testing.metrics import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", METRICS)
def test_metric_keeps_the_contract(name, check):
    # One worker keeps the tests' CPU time on one core.
    check(partial(dci, workers=1) if name == "dci" else METRICS[name].metric)

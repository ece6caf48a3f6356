"""Every metric keeps the public contract."""

from functools import partial

import pytest

from unweave.metrics import dci, mig, probe
from unweave.testing.metrics import CHECKS

# One worker keeps the tests' CPU time on one core.
METRICS = {"mig": mig, "dci": partial(dci, workers=1), "probe": probe}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", METRICS)
def test_metric_keeps_the_contract(name, check):
    check(METRICS[name])

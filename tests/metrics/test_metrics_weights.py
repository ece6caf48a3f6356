"""Weights of factors and groups of codes."""

import numpy as np
import pytest

from unweave.core import ConfigError, Factor, FactorTable
from unweave.metrics.weights import code_groups, factor_weights


def table(*priorities):
    factors = tuple(Factor(name=n, kind="ordinal", priority=p) for n, p in zip("abc", priorities, strict=False))
    return FactorTable(factors, np.zeros((4, len(factors))), np.ones((4, len(factors)), bool))


def test_a_factor_counts_by_its_rank():
    assert factor_weights(table(2, 1, None), "priority").tolist() == [1 / 2, 1, 1 / 3]
    assert factor_weights(table(None, None), "priority").tolist() == [1, 1]
    assert factor_weights(table(2, 1, None)).tolist() == [1, 1, 1]
    assert factor_weights(table(1, 1), {"b": 3, "a": 0}).tolist() == [0, 3]


@pytest.mark.parametrize(
    ("weights", "named"),
    [
        ("rank", "'rank'"),
        ({"a": 1}, "check b"),
        ({"a": 1, "b": 1, "x": 1}, "check x"),
        ({"a": 1, "b": -1}, "-1"),
        ({"a": 0, "b": 0}, "not all 0"),
    ],
)
def test_weights_that_cannot_be_meant(weights, named):
    with pytest.raises(ConfigError, match=named):
        factor_weights(table(1, 2), weights)


def test_columns_that_are_not_named_stand_alone():
    assert code_groups([[3, 1]], 5) == ((0,), (3, 1), (2,), (4,))
    assert code_groups(None, 2) == ((0,), (1,))


@pytest.mark.parametrize("groups", [[[]], [[0, 1], [1]], [[0, 0]], [[5]], [[-1]]])
def test_groups_that_cannot_be_meant(groups):
    with pytest.raises(ConfigError, match="groups"):
        code_groups(groups, 3)

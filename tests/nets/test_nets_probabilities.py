"""Columns of a code as probabilities."""

import pytest
import torch

from unweave.nets.probabilities import TEMPERATURE, Probabilities


def test_groups_become_their_softmax_and_other_columns_stay():
    code = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    found = Probabilities([(1, 2, 3), (5, 6)], temperature=0.25)(code)
    for own in ([1, 2, 3], [5, 6]):
        weights = (code[:, own] / 0.25).exp()
        torch.testing.assert_close(found[:, own], weights / weights.sum(1, keepdim=True))
    assert torch.equal(found[:, [0, 4, 7]], code[:, [0, 4, 7]])


def test_groups_may_be_all_there_is():
    code = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    found = Probabilities([(0, 1), (2, 3, 4)])(code)
    assert found.shape == (2, 5)
    torch.testing.assert_close(found.sum(1), torch.full((2,), 2.0))


def test_what_columns_have_in_common_is_not_seen_and_nine_to_one_is_all():
    code = torch.tensor([[0.0, 9.0, 0.0], [5.0, 9.0, 5.0]]).log1p()
    code[1] = code[0] + 3
    found = Probabilities([(0, 1, 2)])(code)
    torch.testing.assert_close(found[0], found[1])
    odds = torch.tensor([[9.0, 1.0]]).log()
    assert Probabilities([(0, 1)])(odds)[0, 1].item() == pytest.approx(9.0 ** (-1 / TEMPERATURE), rel=1e-4)
    assert 9.0 ** (-1 / TEMPERATURE) < 1e-9

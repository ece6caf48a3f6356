"""Columns of a code as probabilities."""

import pytest
import torch

from unweave.nets.probabilities import RELAXED, SHARP, Probabilities


@pytest.mark.parametrize(("training", "temperature"), [(True, RELAXED), (False, SHARP)])
def test_groups_become_their_softmax_and_other_columns_stay(training, temperature):
    code = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    found = Probabilities([(1, 2, 3), (5, 6)]).train(training)(code)
    for own in ([1, 2, 3], [5, 6]):
        weights = (code[:, own] / temperature).exp()
        torch.testing.assert_close(found[:, own], weights / weights.sum(1, keepdim=True))
    assert torch.equal(found[:, [0, 4, 7]], code[:, [0, 4, 7]])


def test_groups_may_be_all_there_is():
    code = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    found = Probabilities([(0, 1), (2, 3, 4)])(code)
    assert found.shape == (2, 5)
    torch.testing.assert_close(found.sum(1), torch.full((2,), 2.0))


def test_what_columns_have_in_common_is_not_seen():
    code = torch.tensor([[0.0, 2.3, 0.4]])
    layer = Probabilities([(0, 1, 2)])
    torch.testing.assert_close(layer(code), layer(code + 3))


def test_nine_to_one_is_soft_in_training_and_certain_in_use():
    odds = torch.tensor([[9.0, 1.0]]).log()
    layer = Probabilities([(0, 1)])
    torch.testing.assert_close(layer.train()(odds), torch.tensor([[81.0, 1.0]]) / 82)
    assert layer.eval()(odds)[0, 1].item() == pytest.approx(9.0**-10, rel=1e-4)

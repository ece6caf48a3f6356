"""Logits on a common footing: their columns alone, standardised over the batch, and fixed once trained."""

import torch

from unweave.nets.logits import StandardLogits

DRAWS = torch.Generator().manual_seed(0)
# Two other columns, then three logits that differ far less between rows than between classes.
COLUMNS = torch.randn(64, 5, generator=DRAWS) * torch.tensor([1, 1, 0.01, 0.1, 1.0]) + torch.arange(5.0)


def test_logits_are_equally_high_and_spread_and_the_rest_passes():
    out = StandardLogits(2, 3)(COLUMNS)
    assert torch.equal(out[:, :2], COLUMNS[:, :2])
    logits = out[:, 2:]
    torch.testing.assert_close(logits.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    # The variance gets 1e-5 beside it against division by nothing: 5 % of the smallest one here, 1e-4.
    torch.testing.assert_close(logits.std(0, correction=0), torch.ones(3), rtol=0.06, atol=0)
    torch.testing.assert_close(torch.corrcoef(torch.stack([logits[:, 0], COLUMNS[:, 2]]))[0, 1], torch.tensor(1.0))


def test_every_class_has_rows_at_the_start():
    alike = COLUMNS * torch.tensor([1, 1, 1, 1, 0.1])
    alike[:, 4] += 4
    assert alike[:, 2:].argmax(1).unique().tolist() == [2]
    shares = StandardLogits(2, 3)(alike)[:, 2:].argmax(1).bincount() / len(alike)
    assert shares.min() > 0.15


def test_once_trained_a_row_does_not_depend_on_the_others():
    made = StandardLogits(2, 3)
    for _ in range(100):  # the running moments forget what they began with by 0.9 a step
        made(COLUMNS)
    made.eval()
    torch.testing.assert_close(made(COLUMNS[:1]), made(COLUMNS)[:1])
    # The running mean has forgotten its start to within 0.9^100 = 3e-5, the widest of which is 4 / 0.01 spreads.
    torch.testing.assert_close(made(COLUMNS)[:, 2:].mean(0), torch.zeros(3), atol=0.015, rtol=0)

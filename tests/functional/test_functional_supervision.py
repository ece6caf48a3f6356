"""Errors against labels, factorised support and pairs of posteriors, against closed forms and brute force."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from unweave.functional.pairs import (
    arithmetic_average,
    gaussian_divergence,
    product_average,
    shared_dimensions,
)
from unweave.functional.supervision import circle_error, class_error, class_places, ordered_logits, squared_error
from unweave.functional.support import hausdorff_support

DOUBLE = torch.float64


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def test_squared_error_is_a_gaussian_without_its_constant():
    position, wanted = noise(9), noise(9, seed=1)
    want = -Normal(position, 1.0).log_prob(wanted) - 0.5 * math.log(2 * math.pi)
    torch.testing.assert_close(squared_error(position, wanted), want)


def test_circle_error_is_the_distance_to_the_point_and_does_not_know_where_the_circle_begins():
    angle = torch.tensor([0.3], dtype=DOUBLE)
    there = math.sqrt(2) * torch.stack([angle.cos(), angle.sin()], -1)
    assert circle_error(there, angle).item() == pytest.approx(0, abs=1e-12)
    assert circle_error(-there, angle).item() == pytest.approx(4)  # half of the squared diameter, 2 √2
    assert circle_error(torch.zeros(1, 2, dtype=DOUBLE), angle).item() == pytest.approx(1)
    torch.testing.assert_close(circle_error(noise(1, 2), angle), circle_error(noise(1, 2), angle + 2 * math.pi))


def test_points_of_all_angles_have_variance_1():
    angle = torch.linspace(0, 2 * math.pi, 1001, dtype=DOUBLE)[:-1]
    points = math.sqrt(2) * torch.stack([angle.cos(), angle.sin()], -1)
    torch.testing.assert_close(points.var(0, correction=0), torch.ones(2, dtype=DOUBLE))
    torch.testing.assert_close(circle_error(points, angle), torch.zeros(1000, dtype=DOUBLE))


def test_class_error_is_the_cross_entropy():
    logits, label = noise(6, 4), torch.tensor([0.0, 1, 2, 3, 0, 1])
    want = -torch.log_softmax(logits, -1)[torch.arange(6), label.long()]
    torch.testing.assert_close(class_error(logits, label), want)


@pytest.mark.parametrize("classes", [2, 3, 5, 20])
def test_places_on_a_line_have_mean_0_and_variance_1_and_their_class_is_sure(classes):
    places = class_places(classes, torch.zeros(1, dtype=DOUBLE))
    assert places.mean().item() == pytest.approx(0, abs=1e-12)
    assert places.var(correction=0).item() == pytest.approx(1)
    sure = torch.softmax(ordered_logits(places, classes), -1)
    assert sure.argmax(-1).tolist() == list(range(classes))
    # 1 / (1 + 2 exp(-2)) with a neighbour on both sides; classes farther away take less than a thousandth.
    assert sure.diagonal().min().item() >= 1 / (1 + 2 * math.exp(-2)) - 1e-3
    between = ordered_logits((places[:1] + places[1:2]) / 2, classes)[0]
    assert between[0].item() == pytest.approx(-0.5)
    assert between[0].item() == pytest.approx(between[1].item())


def brute_force_support(z, pair):
    """The definition, one combination after the other."""
    scaled = (z / z.std(0))[:, list(pair)]
    return max(
        min(math.dist((scaled[a, 0], scaled[b, 1]), row) for row in scaled)
        for a, b in itertools.product(range(len(z)), repeat=2)
    )


@pytest.mark.parametrize("seed", range(3))
def test_factorised_support_is_its_definition(seed):
    z = noise(12, 4, seed=seed)
    pairs = [(0, 1), (2, 3), (3, 0)]
    want = [brute_force_support(z.numpy(), pair) for pair in pairs]
    np.testing.assert_allclose(hausdorff_support(z, torch.tensor(pairs)).numpy(), want, rtol=1e-12)


def test_a_grid_has_factorised_support_and_a_line_has_not():
    grid = torch.cartesian_prod(torch.arange(4.0), torch.arange(5.0))
    line = torch.arange(20.0)[:, None].repeat(1, 2)
    pair = torch.tensor([[0, 1]])
    assert hausdorff_support(grid, pair).item() == 0
    # From the corner to the middle of the line: half of the diagonal in standard deviations of 20 even points.
    spread = math.sqrt((20**2 - 1) / 12)
    assert hausdorff_support(line, pair).item() == pytest.approx(math.hypot(9.5, 9.5) / spread, rel=0.01)


def test_factorised_support_ignores_scale_and_place_and_a_column_that_is_constant():
    z = noise(10, 2)
    pair = torch.tensor([[0, 1]])
    torch.testing.assert_close(
        hausdorff_support(z, pair), hausdorff_support(z * torch.tensor([3.0, 0.1], dtype=DOUBLE) + 5, pair)
    )
    flat = torch.cat([z[:, :1], torch.zeros(10, 1, dtype=DOUBLE)], 1).requires_grad_()
    value = hausdorff_support(flat, pair)
    value.sum().backward()
    assert value.item() == 0
    assert flat.grad.isfinite().all()


def test_the_gradient_of_factorised_support_is_that_of_its_value():
    z = noise(8, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda codes: hausdorff_support(codes, torch.tensor([[0, 1], [1, 2]])), z)


def gaussians(seed=0):
    values = noise(4, 5, 3, seed=seed)
    return values[0], values[1], values[2], values[3]


def test_divergence_is_that_of_torch():
    mean, logvar, other_mean, other_logvar = gaussians()
    first = Normal(mean, (0.5 * logvar).exp())
    second = Normal(other_mean, (0.5 * other_logvar).exp())
    want = kl_divergence(first, second)
    torch.testing.assert_close(gaussian_divergence(mean, logvar, other_mean, other_logvar), want)


def test_shared_dimensions_lie_below_the_middle_of_their_own_pair():
    divergence = torch.tensor([[0.0, 0.4, 0.6, 1.0], [0.0, 100.0, 49.0, 51.0], [2.0, 2.0, 2.0, 2.0]])
    assert shared_dimensions(divergence).tolist() == [
        [True, True, False, False],
        [True, False, True, False],
        [False, False, False, False],
    ]


def test_arithmetic_average():
    mean, logvar, other_mean, other_logvar = gaussians()
    found_mean, found_logvar = arithmetic_average(mean, logvar, other_mean, other_logvar)
    torch.testing.assert_close(found_mean, (mean + other_mean) / 2)
    torch.testing.assert_close(found_logvar.exp(), (logvar.exp() + other_logvar.exp()) / 2)


def test_product_average_is_the_normalised_product_of_roots_of_densities():
    mean, logvar, other_mean, other_logvar = (v[:1, :1] for v in gaussians())
    found_mean, found_logvar = product_average(mean, logvar, other_mean, other_logvar)
    z = torch.linspace(-30, 30, 60_001, dtype=DOUBLE)
    first, second = Normal(mean, (0.5 * logvar).exp()), Normal(other_mean, (0.5 * other_logvar).exp())
    density = (0.5 * (first.log_prob(z) + second.log_prob(z))).exp()[0]
    density /= density.sum()
    want_mean = (z * density).sum()
    # The grid is a thousandth wide, so its sums are exact to many more digits than these.
    assert found_mean.item() == pytest.approx(want_mean.item(), abs=1e-6)
    assert found_logvar.exp().item() == pytest.approx(((z - want_mean).square() * density).sum().item(), rel=1e-6)


@pytest.mark.parametrize("average", [arithmetic_average, product_average])
def test_equal_posteriors_average_to_themselves_and_order_is_no_matter(average):
    mean, logvar, other_mean, other_logvar = gaussians()
    for got, want in zip(average(mean, logvar, mean, logvar), (mean, logvar), strict=True):
        torch.testing.assert_close(got, want)
    forth, back = average(mean, logvar, other_mean, other_logvar), average(other_mean, other_logvar, mean, logvar)
    for a, b in zip(forth, back, strict=True):
        torch.testing.assert_close(a, b)

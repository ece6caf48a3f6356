"""Distances of feature maps against a plain loop and closed forms."""

import numpy as np
import pytest
import torch

from unweave.functional.features import feature_distance, unit


@pytest.fixture
def maps():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 5, 3, 4, generator=generator, dtype=torch.float64) for _ in range(2)]


def test_distance_is_that_of_a_plain_loop(maps):
    a, b = (m.numpy() for m in maps)
    weights = np.array([0.1, 0.0, 2.0, 1.0, 0.5])
    want = np.zeros(2)
    for n, row, column in np.ndindex(2, 3, 4):
        u, v = (m[n, :, row, column] / np.linalg.norm(m[n, :, row, column]) for m in (a, b))
        want[n] += (weights * (u - v) ** 2).sum() / 12
    found = feature_distance(*maps, torch.from_numpy(weights))
    np.testing.assert_allclose(found.numpy(), want, rtol=1e-9)  # 1e-10 is added to squared norms of about 5


def test_without_weights_it_is_twice_one_minus_the_cosine(maps):
    cosine = torch.nn.functional.cosine_similarity(*maps, dim=1).mean((1, 2))
    torch.testing.assert_close(feature_distance(*maps), 2 * (1 - cosine), rtol=1e-8, atol=0)


def test_it_does_not_see_the_scale_of_the_features(maps):
    torch.testing.assert_close(feature_distance(maps[0], 7 * maps[1]), feature_distance(*maps), rtol=1e-8, atol=0)


def test_places_without_features_keep_a_finite_gradient(maps):
    b = torch.zeros_like(maps[0], requires_grad=True)
    distance = feature_distance(maps[0], b)
    torch.testing.assert_close(distance, torch.ones(2).double(), rtol=1e-8, atol=0)
    distance.sum().backward()
    assert b.grad.isfinite().all()
    assert unit(b).abs().max() == 0

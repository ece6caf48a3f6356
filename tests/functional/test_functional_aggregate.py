"""Total correlation, its estimators and the covariance of q(z), against closed forms and brute force."""

import math

import pytest
import torch

from unweave.functional.aggregate import (
    aggregate_covariance,
    decompose,
    log_density,
    stratified_log_weights,
    weighted_log_weights,
)
from unweave.functional.gaussian import gaussian_kl
from unweave.functional.groups import group_sum, permute_groups


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gaussian_data(covariance, rows, noise, seed=0):
    """Posteriors whose aggregate is N(0, covariance): means N(0, covariance - noise²), variance noise²."""
    cov = torch.tensor(covariance, dtype=torch.float64)
    factor = torch.linalg.cholesky(cov - noise**2 * torch.eye(len(cov), dtype=torch.float64))
    mean = random(rows, len(cov), seed=seed) @ factor.T
    logvar = torch.full_like(mean, 2 * math.log(noise))
    return mean, logvar, mean + noise * random(rows, len(cov), seed=seed + 1)


ESTIMATORS = stratified_log_weights, weighted_log_weights


def parts(mean, logvar, z, weights=stratified_log_weights, size=None, groups=None):
    pairs = log_density(z, mean, logvar)
    found = decompose(z, pairs, weights(len(z), size or len(z), z), groups)
    return found.information.mean(), found.total_correlation.mean(), found.dimension_kl.mean()


CORRELATED = [[1.0, 0.8, 0.0], [0.8, 1.0, 0.0], [0.0, 0.0, 0.5]]


def test_log_density_is_that_of_torch():
    mean, logvar, z = random(5, 3), random(5, 3, seed=1), random(5, 3, seed=2)
    pairs = log_density(z, mean, logvar)
    for i in range(5):
        for j in range(5):
            want = torch.distributions.Normal(mean[j], (0.5 * logvar[j]).exp()).log_prob(z[i])
            torch.testing.assert_close(pairs[i, j], want)


def test_parts_on_the_whole_data_set_are_those_of_gaussians_in_closed_form():
    mean, logvar, z = gaussian_data(CORRELATED, 3000, 0.3)
    information, correlation, dimension = parts(mean, logvar, z)
    cov = torch.tensor(CORRELATED, dtype=torch.float64)
    variances = cov.diagonal()
    tc = 0.5 * (variances.log().sum() - torch.logdet(cov))  # 0.511
    kl = (0.5 * (variances - variances.log() - 1)).sum()
    mi = 0.5 * (torch.logdet(cov) - 3 * math.log(0.09))
    # 3,000 rows: the standard error of a mean of log densities is about 1 / sqrt(3000) = 0.018 a dimension, and a
    # mixture of 3,000 narrow Gaussians is a little rougher than the Gaussian that it stands for.
    assert abs(correlation - tc) < 0.08
    assert abs(dimension - kl) < 0.08
    assert abs(information - mi) < 0.1


def test_weighted_sampling_is_off_by_a_constant_when_the_batch_is_the_data_set():
    # Every density is divided by N once too often: by N² and not by N.
    mean, logvar, z = gaussian_data(CORRELATED, 50, 0.3)
    exact, weighted = (torch.stack(parts(mean, logvar, z, weights)) for weights in ESTIMATORS)
    torch.testing.assert_close(weighted - exact, math.log(50) * torch.tensor([1.0, 2.0, -3.0], dtype=torch.float64))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_three_parts_sum_to_the_kl(estimator):
    mean, logvar, z = random(40, 3), 0.3 * random(40, 3, seed=1), random(40, 3, seed=2)
    found = parts(mean, logvar, z, estimator, size=1000)
    log_q = log_density(z, mean, logvar).diagonal(dim1=0, dim2=1).sum()
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum()
    torch.testing.assert_close(sum(found), (log_q - log_p) / 40)
    # With samples of q(z|x) that is the KL, to within sampling: here one draw of 40 rows.
    z = mean + (0.5 * logvar).exp() * random(40, 3, seed=3)
    assert abs(sum(parts(mean, logvar, z, estimator)) - gaussian_kl(mean, logvar).sum(1).mean()) < 0.8


def exact_density(z, mean, logvar):
    return log_density(z, mean, logvar).sum(-1).exp().mean(1)


def test_stratified_sampling_is_unbiased_and_weighted_sampling_is_not():
    """Every batch of 3 out of 7 rows, with every row of it in turn as the one that z came from."""
    from itertools import combinations

    mean, logvar = random(7, 2), 0.5 * random(7, 2, seed=1)
    z = mean + (0.5 * logvar).exp() * random(7, 2, seed=2)
    want = exact_density(z, mean, logvar)
    sums = {stratified_log_weights: torch.zeros(7), weighted_log_weights: torch.zeros(7)}
    count = torch.zeros(7)
    for rows in combinations(range(7), 3):
        chosen = list(rows)
        pairs = log_density(z[chosen], mean[chosen], logvar[chosen]).sum(-1)
        count[chosen] += 1
        for weights, total in sums.items():
            total[chosen] += (pairs + weights(3, 7, z)).exp().sum(1).to(total)
    stratified, weighted = (total / count for total in sums.values())
    torch.testing.assert_close(stratified, want.to(stratified), rtol=1e-5, atol=1e-7)  # sums of float32
    assert ((weighted - want).abs() / want > 0.1).all()


def test_the_size_of_the_data_set_matters():
    # A port of this loss took the batch for the data set: then the weights are 1 / batch², not 1 / (batch N).
    mean, logvar, z = gaussian_data(CORRELATED, 200, 0.3)
    small, large = (parts(mean, logvar, z, weighted_log_weights, size=n)[0] for n in (200, 200_000))
    torch.testing.assert_close(large - small, torch.tensor(math.log(1000), dtype=torch.float64))


def test_correlation_within_a_group_is_free():
    mean, logvar, z = gaussian_data(CORRELATED, 2000, 0.3)
    alone = parts(mean, logvar, z)[1]
    together = parts(mean, logvar, z, groups=[[0, 1], [2]])[1]
    apart = parts(mean, logvar, z, groups=[[0, 2], [1]])[1]
    assert alone > 0.45
    assert abs(together) < 0.06
    assert apart > 0.45


def test_the_second_form_is_the_covariance_of_samples():
    mean, logvar = random(400, 3), 0.5 * random(400, 3, seed=1) - 1
    draws = 500
    noise = random(draws, 400, 3, seed=2)
    samples = (mean + (0.5 * logvar).exp() * noise).reshape(-1, 3)
    # 200,000 samples of variance about 1.5: an entry's standard error is 1.5 sqrt(2 / 200,000) = 0.005 at most.
    torch.testing.assert_close(aggregate_covariance(mean, logvar), torch.cov(samples.T), atol=0.02, rtol=0)
    torch.testing.assert_close(aggregate_covariance(mean, None), torch.cov(mean.T, correction=0))


def test_one_dimension_has_a_covariance_too():
    assert aggregate_covariance(random(5, 1), None).shape == (1, 1)


def test_sums_over_groups():
    values = torch.arange(12.0).reshape(3, 4)
    assert group_sum(values, [[0, 3], [2], [1]]).tolist() == [[3, 2, 1], [11, 6, 5], [19, 10, 9]]
    assert group_sum(values, None) is values


def test_shuffled_groups_keep_their_rows_together_and_nothing_else():
    z = torch.arange(1000.0)[:, None] + torch.tensor([0.0, 0.25, 0.5])
    mixed = permute_groups(z, [[0, 2], [1]], torch.Generator().manual_seed(0))
    assert torch.equal(mixed[:, 2] - mixed[:, 0], torch.full((1000,), 0.5))
    assert (mixed[:, 1] - mixed[:, 0] == 0.25).sum() < 10  # by chance one in a thousand
    for column in range(3):
        assert torch.equal(mixed[:, column].sort().values, z[:, column])
    alone = permute_groups(z, None, torch.Generator().manual_seed(0))
    assert (alone[:, 2] - alone[:, 0] == 0.5).sum() < 10

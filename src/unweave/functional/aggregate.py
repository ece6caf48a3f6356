"""The aggregate posterior q(z) = E_x[q(z|x)] of a data set, estimated from one batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from unweave.functional.groups import Groups, group_sum

Latents = Float[Tensor, "batch latent"]
Pairs = Float[Tensor, "batch batch latent"]


def log_density(z: Latents, mean: Latents, logvar: Latents) -> Pairs:
    """log q(z_i | x_j) of every pair of rows, per latent, in nats: entry [i, j, l]."""
    distance = z[:, None] - mean[None]
    return -0.5 * (distance.square() * (-logvar).exp()[None] + logvar[None] + math.log(2 * math.pi))


def weighted_log_weights(batch: int, dataset_size: int, like: Tensor) -> Float[Tensor, "batch batch"]:
    """Log weights of minibatch-weighted sampling: 1 / (batch * dataset_size) each (Chen et al. 2018, eq. 5).

    A lower bound of q(z) in expectation: the row of z itself is in every batch and counts as any other.
    """
    return like.new_full((batch, batch), -math.log(batch * dataset_size))


def stratified_log_weights(batch: int, dataset_size: int, like: Tensor) -> Float[Tensor, "batch batch"]:
    """Log weights of minibatch-stratified sampling (Chen et al. 2018, appendix C.2).

    The row that z came from is known to be in the batch, so it stands for itself alone, weight 1/N; the other batch - 1
    rows are a sample of the other N - 1, weight (N - 1) / (N (batch - 1)) each. So the weighted sum of q(z|x) is q(z)
    without bias. (The paper's code gives a part of that weight to one row picked by its place in the batch; all other
    rows are exchangeable, so equal weights have the same mean and less variance.)
    """
    n = dataset_size
    other = math.log((n - 1) / (n * (batch - 1))) if batch > 1 and n > 1 else -math.inf
    weights = like.new_full((batch, batch), other)
    return weights.fill_diagonal_(-math.log(n))


@dataclass(frozen=True)
class Decomposition:
    """KL(q(z|x) || p(z)), averaged over the data, in three parts, per sample and in nats (Chen et al. 2018, eq. 2).

    Attributes:
        information: log q(z|x) / q(z); its mean is the mutual information of the row and its code.
        total_correlation: log q(z) / prod_g q(z_g).
        dimension_kl: sum_g log q(z_g) / p(z_g).
    """

    information: Float[Tensor, " batch"]
    total_correlation: Float[Tensor, " batch"]
    dimension_kl: Float[Tensor, " batch"]


def decompose(
    z: Latents, pairs: Pairs, log_weights: Float[Tensor, "batch batch"], groups: Groups | None
) -> Decomposition:
    """The three parts at samples z of q(z|x), from `log_density` and the log weights of one of the two estimators."""
    by_group = group_sum(pairs, groups)
    conditional = by_group.diagonal(dim1=0, dim2=1).sum(0)
    joint = (by_group.sum(-1) + log_weights).logsumexp(1)
    marginals = (by_group + log_weights[..., None]).logsumexp(1).sum(-1)
    prior = (-0.5 * (z.square() + math.log(2 * math.pi))).sum(-1)
    return Decomposition(conditional - joint, joint - marginals, marginals - prior)


def aggregate_covariance(mean: Latents, logvar: Latents | None) -> Float[Tensor, "latent latent"]:
    """Cov[E[z|x]] over the batch (DIP-VAE-I), plus E[Cov[z|x]] where `logvar` is given (DIP-VAE-II).

    Kumar et al. (2018), eq. 5: by the law of total covariance the second is the covariance of q(z).
    """
    covariance: Tensor = torch.cov(mean.T, correction=0).reshape(mean.shape[1], mean.shape[1])
    return covariance if logvar is None else covariance + torch.diag(logvar.exp().mean(0))

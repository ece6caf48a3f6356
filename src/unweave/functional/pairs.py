"""What two Gaussian posteriors share, and what takes their place there."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from unweave.functional.gaussian import Latents


def gaussian_divergence(mean: Latents, logvar: Latents, other_mean: Latents, other_logvar: Latents) -> Latents:
    """KL(N(mean, exp(logvar)) || N(other_mean, exp(other_logvar))) per sample and latent, in nats."""
    ratio = (logvar - other_logvar).exp()
    return 0.5 * (ratio - 1 - (logvar - other_logvar) + (mean - other_mean).square() * (-other_logvar).exp())


def shared_dimensions(divergence: Latents) -> Bool[Tensor, "batch latent"]:
    """Which dimensions a pair shares: those whose divergence lies below the middle of its largest and its smallest.

    The threshold is each pair's own, tau = (max + min) / 2 over its dimensions (Locatello et al. 2020, "Weakly-
    supervised disentanglement without compromises", section 4.1).
    """
    highest, lowest = divergence.amax(-1, keepdim=True), divergence.amin(-1, keepdim=True)
    return divergence < 0.5 * (highest + lowest)


def arithmetic_average(
    mean: Latents, logvar: Latents, other_mean: Latents, other_logvar: Latents
) -> tuple[Latents, Latents]:
    """Mean of the means and mean of the variances, as mean and log-variance (GVAE: Hosoya 2019)."""
    return 0.5 * (mean + other_mean), torch.logaddexp(logvar, other_logvar) - _LOG_2


def product_average(
    mean: Latents, logvar: Latents, other_mean: Latents, other_logvar: Latents
) -> tuple[Latents, Latents]:
    """The product of the two densities, each to the power 1/2, as mean and log-variance.

    The precision is the mean of the precisions, and means count by precision (ML-VAE: Bouchacourt et al. 2018, as
    averaged for pairs by Locatello et al. 2020: two equal posteriors average to themselves).
    """
    precision, other = (-logvar).exp(), (-other_logvar).exp()
    total = precision + other
    return (mean * precision + other_mean * other) / total, _LOG_2 - total.log()


def the_other(mean: Latents, logvar: Latents, other_mean: Latents, other_logvar: Latents) -> tuple[Latents, Latents]:
    """The other's mean and log-variance, and nothing of one's own (Mathieu et al. 2016, section 3)."""
    return other_mean, other_logvar


_LOG_2 = 0.6931471805599453

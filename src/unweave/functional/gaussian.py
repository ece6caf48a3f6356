"""Identities of diagonal Gaussians."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Latents = Float[Tensor, "batch latent"]


def gaussian_kl(mean: Latents, logvar: Latents) -> Latents:
    """KL(N(mean, exp(logvar)) || N(0, 1)) per sample and latent, in nats (Kingma & Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + logvar.exp() - logvar - 1)


def reparameterise(mean: Latents, logvar: Latents, generator: torch.Generator | None = None) -> Latents:
    """A sample of N(mean, exp(logvar)) through which gradients flow (Kingma & Welling 2014, section 2.4)."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return torch.addcmul(mean, noise, (0.5 * logvar).exp())

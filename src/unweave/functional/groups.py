"""Latent dimensions that belong together count as one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Groups = Sequence[Sequence[int]]
"""Columns of a code, each in exactly one group."""


def group_sum(values: Tensor, groups: Groups | None) -> Tensor:
    """Sums over the dimensions of each group: (…, group) of (…, latent). None leaves every dimension alone."""
    if groups is None:
        return values
    return torch.stack([values[..., list(group)].sum(-1) for group in groups], -1)


def permute_groups(z: Tensor, groups: Groups | None, generator: torch.Generator | None = None) -> Tensor:
    """Codes (batch, latent) whose groups are shuffled over the batch, each on its own: a sample of prod_g q(z_g).

    Kim & Mnih (2018), algorithm 1.
    """
    alone = groups or [[dimension] for dimension in range(z.shape[1])]
    mixed = torch.empty_like(z)
    for group in alone:
        order = torch.randperm(len(z), generator=generator, device=z.device)
        mixed[:, list(group)] = z[order][:, list(group)]
    return mixed

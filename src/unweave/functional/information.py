"""Bounds on mutual information, in nats."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor


def information_bound(
    log_q: Float[Tensor, "batch classes"], classes: Int[Tensor, " batch"], entropy: float | Tensor
) -> Float[Tensor, " batch"]:
    """log Q(c|x) + H(c) per sample; its mean over (c, x) is at most I(c; x) (Chen et al. 2016, eq. 4 and 5).

    The gap is the mean KL(P(c|x) || Q(c|x)): nothing, where Q is the posterior.

    Args:
        log_q: log Q(·|x) of the auxiliary distribution.
        classes: the class from which each x was made.
        entropy: H(c) in nats, log K for uniform classes.
    """
    return log_q.gather(-1, classes[:, None]).squeeze(-1) + entropy

"""Mutual information: a bound, and the closed form of normal distributions; in nats."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unweave.functional.categorical import LogProbabilities


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


def gaussian_information(covariance: Float[Tensor, "latent latent"], first: Sequence[int]) -> Tensor:
    """What the columns `first` of a normal distribution say about all others: a scalar of at least 0, in nats.

    1/2 (log det A + log det B - log det C), A and B the blocks of the covariance C (Cover and Thomas 2006, theorem
    8.4.1 and eq. 8.48). Invertible linear maps within a block change nothing, so it cannot be lowered by shrinking.

    Args:
        covariance: positive definite.
        first: some of the columns, neither none nor all.
    """
    inside = torch.zeros(len(covariance), dtype=torch.bool, device=covariance.device)
    inside[list(first)] = True
    own, rest = covariance[inside][:, inside], covariance[~inside][:, ~inside]
    result: Tensor = 0.5 * (torch.logdet(own) + torch.logdet(rest) - torch.logdet(covariance))
    return result


def shared_information(log_p: LogProbabilities, log_q: LogProbabilities) -> Float[Tensor, " batch"]:
    """`information_bound` of a class drawn from p(·|x) and read by q(·|y), per sample: its mean is at most I(c; y).

    y is what became of x, such as a moved copy. The expectation over the class is exact, and H(c) is the entropy of the
    mean of p over the batch, as in Krause et al. (2010); the agreement of p and q stands where theirs has -H(c|x), as
    in the self-augmentation of Hu et al. (2017). The mean is log K where every class is used as often as any other, p
    is sure, and q says the same; with q = p it is I(c; x) of the batch.
    """
    log_mean = log_p.logsumexp(0) - math.log(len(log_p))  # of logarithms, so that an unused class has a gradient
    entropy = -(log_mean.exp() * log_mean).sum()
    return (log_p.exp() * log_q).sum(-1) + entropy

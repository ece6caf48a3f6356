"""What every code says about every factor: the table behind MIG and its relatives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.binning import classes, code_bins
from unweave.metrics.information import (
    Floats,
    chance_information,
    entropy,
    entropy_terms,
    mutual_information,
    pair_counts,
)
from unweave.metrics.inputs import Mode, Problem

SAMPLE = 4000
"""Rows of a bootstrap sample at most."""


@dataclass(frozen=True)
class Block:
    """Discretised codes and labels of the factors that share their labelled rows.

    Attributes:
        rows: which rows of the problem these are, int64 (n,).
        factors: columns of these k factors.
        binned: bins of all D codes, int16 (D, n).
        labels: classes of the k factors, int64 (k, n).
    """

    rows: NDArray[np.int64]
    factors: tuple[int, ...]
    binned: NDArray[np.int16]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class PairTable:
    """What D codes say about K factors.

    Attributes:
        raw: estimated mutual information in nats before chance is taken off, (D, K).
        entropy: estimated entropy of the factors in nats, (K,); 0 for a factor that is constant or has no classes.
        chance: expected `raw` of random codes, (D, K); 0 in reference mode.
        blocks: the data behind it.
        rows: number of rows of the problem.
        mode: which estimator.
    """

    raw: Floats
    entropy: Floats
    chance: Floats
    blocks: tuple[Block, ...]
    rows: int
    mode: Mode

    @classmethod
    def of(cls, problem: Problem, mode: Mode) -> Self:
        """Measure all pairs, each factor on the rows that have its label."""
        shape = problem.codes.shape[1], len(problem.factors.factors)
        raw, chance, entropies = np.zeros(shape), np.zeros(shape), np.zeros(shape[1])
        blocks = tuple(_blocks(problem, mode))
        for block in blocks:
            terms = entropy_terms(len(block.rows), mode)
            for factor, labels in zip(block.factors, block.labels, strict=True):
                tables = pair_counts(block.binned, labels)
                raw[:, factor] = mutual_information(tables, terms)
                entropies[factor] = entropy(tables[0].sum(axis=0), terms)
                if mode == "robust":
                    chance[:, factor] = chance_information(tables, terms)
        return cls(raw, entropies, chance, blocks, len(problem.codes), mode)

    def shuffled(self, random: np.random.Generator) -> Self:
        """The table of random codes: the same codes, rows permuted. Entropies and chance stay what they are."""
        raw, blocks = np.zeros_like(self.raw), []
        for block in self.blocks:
            terms = entropy_terms(len(block.rows), self.mode)
            binned = block.binned[:, random.permutation(len(block.rows))]
            for factor, labels in zip(block.factors, block.labels, strict=True):
                raw[:, factor] = mutual_information(pair_counts(binned, labels), terms)
            blocks.append(replace(block, binned=binned))
        return replace(self, raw=raw, blocks=tuple(blocks))

    @property
    def share(self) -> Floats:
        """Information as a share of the factor's entropy, (D, K) in [0, 1]."""
        return adjusted_share(self.raw, self.entropy, self.chance)

    @property
    def nats(self) -> Floats:
        """Mutual information in nats, (D, K), with chance taken off in robust mode."""
        return np.maximum(self.raw, 0) if self.mode == "reference" else self.share * self.entropy


def adjusted_share(raw: Floats, entropy: Floats, chance: Floats) -> Floats:
    """(I - E[I]) / (H - E[I]), clipped to [0, 1]: 0 on average for random codes, 1 for codes that fix the factor.

    Arrays (..., D, K), (..., K) and (D, K). Without chance it is the published I / H. Vinh, Epps and Bailey (2010),
    JMLR 11, eq. 10. Where chance alone reaches the entropy nothing can be said, and the share is 0.
    """
    room = entropy[..., None, :] - chance
    share = np.divide(raw - chance, room, out=np.zeros_like(raw), where=room > 1e-9)
    return np.asarray(np.clip(share, 0, 1))


def _blocks(problem: Problem, mode: Mode) -> list[Block]:
    """Discretise; factors without labels, or without classes in this mode, are in no block."""
    blocks = []
    for rows, columns in problem.labelled():
        found = {k: classes(problem.factors.factors[k], problem.factors.values[rows, k], mode) for k in columns}
        usable = {k: labels for k, labels in found.items() if labels is not None and len(labels)}
        if usable:
            binned = code_bins(problem.codes[rows], mode)
            blocks.append(Block(rows, tuple(usable), binned, np.stack(list(usable.values()))))
    return blocks


def bootstrap_shares(table: PairTable, codes: NDArray[np.int64], draws: int, random: np.random.Generator) -> Floats:
    """Shares of `codes`, one list (C, K) of code indices per factor, in bootstrap samples of the rows: (draws, C, K).

    Tables are counted again in every sample. The estimates of a sample are biased once more than the table's own, so
    they are moved to have the table's own as their mean. A sample has at most `SAMPLE` rows; the deviations of smaller
    samples are scaled by the square root of the ratio (m out of n: Bickel, Götze and van Zwet 1997).
    """
    size = min(table.rows, SAMPLE)
    raw, entropies = np.zeros((draws, *codes.shape)), np.zeros((draws, codes.shape[1]))
    positions = [np.full(table.rows, -1) for _ in table.blocks]
    for block, position in zip(table.blocks, positions, strict=True):
        position[block.rows] = np.arange(len(block.rows))
    for draw in range(draws):
        sample = random.integers(table.rows, size=size)
        for block, position in zip(table.blocks, positions, strict=True):
            picked = position[sample]
            picked = picked[picked >= 0]
            terms = entropy_terms(len(picked), table.mode)
            for factor, labels in zip(block.factors, block.labels, strict=True):
                if len(picked) == 0:
                    continue
                tables = pair_counts(block.binned[np.ix_(codes[:, factor], picked)], labels[picked])
                raw[draw, :, factor] = mutual_information(tables, terms)
                entropies[draw, factor] = entropy(tables[0].sum(axis=0), terms)
    scale = np.sqrt(size / table.rows)
    raw = np.take_along_axis(table.raw, codes, axis=0) + scale * (raw - raw.mean(axis=0))
    entropies = table.entropy + scale * (entropies - entropies.mean(axis=0))
    return adjusted_share(raw, entropies, np.take_along_axis(table.chance, codes, axis=0))

"""Data that are ready: observations, labels, and which rows are for what."""

from __future__ import annotations

import difflib
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.factors import Factor, FactorTable
from unweave.core.model import Observations
from unweave.data.attach import attach_labels
from unweave.data.columns import Cells
from unweave.data.config import DataConfig
from unweave.data.guess import guess_factors
from unweave.data.images import ImageOptions
from unweave.data.ingest import Progressing, ingest
from unweave.data.ingest_report import Skipped
from unweave.data.labels import factor_table
from unweave.data.pairs import Partners, row_partners
from unweave.data.sources.choose import open_source
from unweave.data.splits import Splits, make_splits
from unweave.data.store import ImageStore

__all__ = ["Dataset", "Progressing", "load_dataset"]


@dataclass(frozen=True)
class Dataset:
    """N observations with labels and splits.

    Attributes:
        store: observations, names, raw label columns and what happened on the way in.
        table: labels of the declared factors, or of the guessed ones where none are declared.
        splits: rows of train, valid and test.
        left_out: label columns that are no factors, and why; only where factors are guessed.
        partners: a second observation for every training row, where `data.pairs` says what makes a pair.
    """

    store: ImageStore
    table: FactorTable
    splits: Splits
    left_out: Mapping[str, str] = field(default_factory=dict)
    partners: Partners | None = None

    def __len__(self) -> int:
        return len(self.store)

    def observations(self, rows: NDArray[np.int64]) -> Observations:
        """A copy of some rows, in the order given: uint8 (n, H, W, C) or float32 (n, F)."""
        return self.store.observations[rows]

    @functools.cached_property
    def data_hash(self) -> str:
        """Hash of observations, names, labels, factors, splits and pairs: 32 hexadecimal digits.

        How factors are described and ranked changes nothing here: a run must not begin anew for a comment.
        """
        state = hashlib.blake2b(self.store.content_hash.encode(), digest_size=16)
        for factor in self.table.factors:
            state.update(factor.model_dump_json(exclude={"description", "priority"}).encode() + b"\n")
        for array in (self.table.values, self.table.known, *self.splits.named().values()):
            state.update(f"{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        if self.partners is not None:
            state.update(self.partners.digest)
        return state.hexdigest()


def load_dataset(
    config: DataConfig,
    factors: Sequence[Factor],
    *,
    root: Path,
    cache: Path,
    progress: Progressing | None = None,
    processes: int | None = None,
) -> Dataset:
    """Data as the configuration describes them: read at the first call, mapped from the cache afterwards.

    Args:
        config: the `data:` section; its paths are relative to `root`.
        factors: the declared factors; without any, they are guessed from the label columns.
        root: the project folder.
        cache: folder for stores, made if it is not there.
        progress: is told how far it is.
        processes: how many decode; None takes one per core when there is enough to do.

    Raises:
        DataError: the data cannot be used as they are; the message says what to do.
        StorageError: a file cannot be read or written.
    """
    root = root.absolute()
    named = {factor.name for factor in factors} | ({config.split.by} if config.split.by else set())
    source = open_source(config, root, label_names=named)
    options = ImageOptions(config.size, config.channels, config.fit) if source.kind == "images" else None
    store = ingest(source, options, cache, progress=progress, processes=processes)
    if config.on_bad == "fail" and store.report.skipped:
        raise DataError(_bad_files(store.report.skipped))
    store = attach_labels(store, config.labels, root=root, folder=source.folder)
    guess = None if factors else guess_factors(store.columns)
    table = factor_table(store.columns, guess.factors if guess else factors, ids=store.ids.tolist())
    groups = _groups(store, config.split.by) if config.split.by else None
    splits = make_splits(config.split, table, digests=store.digests, groups=groups)
    return Dataset(store, table, splits, guess.left_out if guess else {}, _partners(config, store, splits))


def _partners(config: DataConfig, store: ImageStore, splits: Splits) -> Partners | None:
    if config.pairs is None:
        return None
    if config.pairs.change is None:
        return row_partners(config.pairs, store, splits.train)
    from unweave.data.builtin.registry import draw_partners  # the built-in sets alone need numba

    return draw_partners(config, np.concatenate([splits.valid, splits.test]))


def _groups(store: ImageStore, by: str) -> NDArray[np.int64]:
    """Group of each row; rows without one are a group together, since any two may be of one."""
    if by not in store.columns.column_names:
        near = difflib.get_close_matches(by, store.columns.column_names, n=1)
        raise DataError(
            f"data.split.by: there is no label column {by!r}. "
            f"The columns are: {', '.join(store.columns.column_names) or 'none'}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )
    return Cells.of(store.columns, by).known().codes


def _bad_files(skipped: Sequence[Skipped]) -> str:
    listed = "\n".join(f"  {skip.name}: {skip.reason}" for skip in skipped)
    return (
        f"data.on_bad is `fail` and {len(skipped)} observations cannot be used:\n{listed}\n"
        "Repair or remove them, or write `on_bad: skip` to leave them out."
    )

"""The ImageStore: observations at rest, made once from any source and mapped into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from unweave.core.errors import StorageError
from unweave.core.model import Observations
from unweave.data.decode import DIGEST
from unweave.data.ingest_report import IngestReport

OBSERVATIONS = "observations.npy"
_ROWS = "rows.parquet"
_LABELS = "labels.parquet"
_CARD = "store.json"


class StoreCard(BaseModel):
    """What a store says of itself in `store.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["images", "vectors"]
    shape: tuple[int, ...]
    content_hash: str
    report: IngestReport


@dataclass(frozen=True)
class ImageStore:
    """N observations with names and raw labels.

    Attributes:
        kind: `images` or `vectors`.
        observations: memory-mapped uint8 (N, H, W, C) or float32 (N, F), read-only.
        ids: str (N,), all different: file names relative to their folder where there are files.
        source_rows: int64 (N,), the row of each observation in its source, where skipped ones count.
        digests: bytes (N,), equal exactly for observations with equal content.
        columns: raw label columns, N rows.
        content_hash: of observations and ids.
        report: what happened on the way in.
    """

    kind: Literal["images", "vectors"]
    observations: Observations
    ids: NDArray[np.str_]
    source_rows: NDArray[np.int64]
    digests: NDArray[np.bytes_]
    columns: pa.Table
    content_hash: str
    report: IngestReport

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one observation: (H, W, C) or (F,)."""
        return self.observations.shape[1:]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map the store in `folder`.

        Raises:
            StorageError: it is not all there.
        """
        try:
            card = StoreCard.model_validate_json((folder / _CARD).read_bytes())
            observations = np.load(folder / OBSERVATIONS, mmap_mode="r", allow_pickle=False)
            rows, columns = pq.read_table(folder / _ROWS), pq.read_table(folder / _LABELS)
        except (OSError, EOFError, ValueError, pa.ArrowException) as error:
            reason = str(error).partition("\n")[0]
            raise StorageError(
                f"the store {folder} is damaged: {reason}. Remove the folder, it will be made again."
            ) from error
        if not columns.column_names:
            # A Parquet file without columns forgets its number of rows.
            columns = rows.select([])
        return cls(
            kind=card.kind,
            observations=observations,
            ids=np.array(rows.column("id").to_pylist(), dtype=np.str_),
            source_rows=rows.column("source_row").to_numpy(),
            digests=np.frombuffer(b"".join(rows.column("digest").to_pylist()), dtype=f"S{DIGEST}"),
            columns=columns,
            content_hash=card.content_hash,
            report=card.report,
        )


def write_about(
    folder: Path,
    *,
    card: StoreCard,
    ids: Sequence[str],
    source_rows: Sequence[int],
    digests: Sequence[bytes],
    columns: pa.Table,
) -> None:
    """Write all of a store but its observations."""
    rows = pa.table(
        {
            "id": pa.array(ids, type=pa.string()),
            "source_row": pa.array(source_rows, type=pa.int64()),
            "digest": pa.array(digests, type=pa.binary(DIGEST)),
        }
    )
    pq.write_table(rows, folder / _ROWS, compression="zstd")
    pq.write_table(columns, folder / _LABELS, compression="zstd")
    (folder / _CARD).write_text(card.model_dump_json(), encoding="utf-8")


def content_hash(kind: str, shape: tuple[int, ...], ids: Sequence[str], digests: Sequence[bytes]) -> str:
    """Hash of what a store holds, 32 hexadecimal digits."""
    state = hashlib.blake2b(f"{kind} {shape}\n".encode(), digest_size=16)
    for name, digest in zip(ids, digests, strict=True):
        state.update(digest + name.encode() + b"\n")
    return state.hexdigest()

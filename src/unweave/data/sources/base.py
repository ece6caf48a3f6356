"""What every source of observations gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from numpy.typing import NDArray

from unweave.data.images import Refusal

# Decoding processes import this file, and need no Arrow.
if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from unweave.data.file_index import ListedFile

Payload = bytes | NDArray[Any] | Refusal
"""One raw observation: an image file's bytes, pixels uint8 (H, W[, C]) or a vector (F,), or why there is none."""

Batch = Callable[[], Iterable[Payload]]
"""Some consecutive observations. It pickles, and does its reading where it is called: in a decoding process."""


class Source(Protocol):
    """N observations, their names and their labels."""

    @property
    def kind(self) -> Literal["images", "vectors"]:
        """What the observations are."""

    @property
    def where(self) -> str:
        """What to call the source in messages: a path, or `builtin:…`."""

    @property
    def files(self) -> Sequence[ListedFile]:
        """The files whose content is the source's content."""

    @property
    def settings(self) -> str:
        """What else decides the content; with `files` it makes the key of the store."""

    @property
    def folder(self) -> Path | None:
        """The folder whose files are the observations, or None; label files are looked for there."""

    def open(self) -> Observed:
        """Read what there is to know before the observations themselves."""

    def batch(self, start: int, stop: int) -> Batch:
        """Observations `start` to `stop` - 1. Called for rising `start`, so that a source may stream."""


@dataclass(frozen=True)
class Observed:
    """Names and labels of the N observations of a source.

    Attributes:
        names: N different names, for messages and for joining a label file: file names where there are any.
        columns: raw label columns with N rows, or none.
        other_files: files that lie there and are no observations.
        left_out_columns: columns that cannot be labels, and why.
    """

    names: Sequence[str]
    columns: pa.Table | None = None
    other_files: tuple[str, ...] = ()
    left_out_columns: Mapping[str, str] | None = None

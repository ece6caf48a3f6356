"""What happened to each observation on its way into the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

_EXAMPLES = 5
_SIZES = 20


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Skipped(_Part):
    """An observation that is not in the store, and why."""

    name: str
    reason: str


class Conversion(_Part):
    """One kind of conversion, how many images went through it, and the first few of them."""

    kind: str
    count: int
    examples: tuple[str, ...]


class SizeCount(_Part):
    """How many images have one size, in pixels, upright and before they were made to fit."""

    width: int
    height: int
    count: int


class IngestReport(_Part):
    """What was read, left out, converted and found.

    Attributes:
        read: observations in the store.
        skipped: observations that cannot be used.
        converted: conversions, the most frequent first.
        sizes: the most frequent sizes of the images as they came, the most frequent first.
        different_sizes: how many different sizes there are.
        duplicates: names of observations with exactly the same content, one tuple for each content that comes twice.
        other_files: files of the folder that are no images by their extension.
        label_file: the file that the labels came from, or None.
        unlabelled: observations without a row in the label file.
        orphans: rows of the label file without an observation.
        left_out_columns: columns that cannot be labels, and why.
    """

    read: int
    skipped: tuple[Skipped, ...] = ()
    converted: tuple[Conversion, ...] = ()
    sizes: tuple[SizeCount, ...] = ()
    different_sizes: int = 0
    duplicates: tuple[tuple[str, ...], ...] = ()
    other_files: tuple[str, ...] = ()
    label_file: str | None = None
    unlabelled: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    left_out_columns: Mapping[str, str] = {}

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return self.model_dump(mode="json")


def conversions(notes: Iterable[tuple[str, str]]) -> tuple[Conversion, ...]:
    """Pairs (name, note) grouped by note."""
    names: dict[str, list[str]] = {}
    for name, note in notes:
        names.setdefault(note, []).append(name)
    ordered = sorted(names.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Conversion(kind=k, count=len(n), examples=tuple(n[:_EXAMPLES])) for k, n in ordered)


def most_common_sizes(sizes: Counter[tuple[int, int]]) -> tuple[SizeCount, ...]:
    """The most frequent (width, height), the most frequent first."""
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:_SIZES]
    return tuple(SizeCount(width=w, height=h, count=count) for (w, h), count in ordered)

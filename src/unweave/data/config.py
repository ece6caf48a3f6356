"""The `data:` section of the project file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SplitConfig(_Section):
    """How rows are divided; shares must sum to 1.

    `by` names a label column whose groups (a person, a session) never stand on two sides.
    """

    train: float = Field(0.8, gt=0, le=1)
    valid: float = Field(0.1, ge=0, lt=1)
    test: float = Field(0.1, ge=0, lt=1)
    by: str | None = None
    seed: NonNegativeInt = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        total = self.train + self.valid + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train + valid + test must be 1, they sum to {total:g}")
        return self


class CorrelationConfig(_Section):
    """Make two factors of a built-in set vary together (Träuble et al. 2021, eq. 1).

    With a, b the two factors scaled to [0, 1], rows are drawn with density proportional to
    exp(-(a - b)² / (2 strength²)): 0.1 is nearly a line, 0.2 strong, 1 weak.
    """

    factors: tuple[str, str]
    strength: PositiveFloat = 0.2


class PairsConfig(_Section):
    """Which two observations make a pair that shares all but a few unknown factors, for methods that learn from pairs.

    Attributes:
        by: a label column; two rows with the same value (a person, a clip) make a pair.
        order: a column of numbers (a frame); two rows that follow each other in it, within a group of `by`, make one.
        change: built-in sets only: the partner is drawn with so many factors changed, picked at random; `random`
            changes 1 to all but one.
    """

    by: str | None = None
    order: str | None = None
    change: PositiveInt | Literal["random"] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.by is None and self.order is None) == (self.change is None):
            raise ValueError("give `by` and/or `order`, or `change` for a built-in set")
        return self


class DataConfig(_Section):
    """Where the data come from and how they are made ready.

    Attributes:
        images: a folder, an .npz, a Parquet file, a Hugging Face dataset saved on disk, `builtin:sprites`,
            `builtin:sprites-color`, `builtin:sprites-noisy`, `builtin:scenes` or `builtin:digits`.
        vectors: instead of `images`: an .npy, .npz or Parquet table of vectors.
        labels: a CSV, Parquet or JSON-lines file of labels beside a folder of images; found by itself when it is called
            `labels.csv`, `metadata.csv` or `metadata.jsonl`. Empty cells are missing labels.
        size: side of the square images in pixels; None keeps the size of the data, which must then be equal.
        channels: 1 (grey) or 3 (RGB); None takes 1 when every image is grey, else 3.
        fit: how an image that is not square becomes square: `crop` its centre, `pad` it, or `stretch` it.
        rows: built-in sets only: how many images to draw (seeded by the split's seed); None draws 50,000 at most.
        on_bad: `skip` leaves unreadable files out and lists them; `fail` stops at the end of the scan with the list.
        correlate, leave_out: built-in sets only: correlated factors, and combinations that never occur:
            `{shape: [heart], scale: [0, 1]}` leaves out hearts of scale class 0 or 1.
        pairs: what makes a pair, for methods that learn from pairs.
    """

    images: str | None = None
    vectors: str | None = None
    labels: str | None = None
    size: PositiveInt | None = None
    channels: Literal[1, 3] | None = None
    fit: Literal["crop", "pad", "stretch"] = "crop"
    rows: PositiveInt | None = None
    on_bad: Literal["skip", "fail"] = "skip"
    split: SplitConfig = SplitConfig()
    correlate: CorrelationConfig | None = None
    leave_out: Mapping[str, tuple[str | int, ...]] | None = None
    pairs: PairsConfig | None = None

    @property
    def builtin(self) -> str | None:
        """Name of the built-in set, or None for the user's own data."""
        return self.images.removeprefix("builtin:") if self.images and self.images.startswith("builtin:") else None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.images is None) == (self.vectors is None):
            raise ValueError("give exactly one of `images` and `vectors`")
        if self.vectors is not None and (self.size or self.channels):
            raise ValueError("`size` and `channels` are for images, `vectors` have none")
        if self.builtin is None and (self.rows or self.correlate or self.leave_out):
            raise ValueError("`rows`, `correlate` and `leave_out` are for built-in sets (`images: builtin:…`)")
        if self.builtin is None and self.pairs is not None and self.pairs.change is not None:
            raise ValueError("`pairs.change` is for built-in sets; pairs of your own data need `by` or `order`")
        return self

"""What the graphs are asked to compute, and what comes back. Plain values that go from process to process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.codes import Codes
from unweave.serving.images.heads import Head
from unweave.serving.images.pictures import Format
from unweave.serving.refusals import Refused
from unweave.signatures.edit import Edit
from unweave.signatures.edited import Beyond, Over

Readings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class EditOptions:
    """How an edit is made; see `edit_codes` and `Editor.apply`."""

    residual: bool = False
    budget: float | None = None
    over: Over = "trim"
    beyond: Beyond = "clip"


@dataclass(frozen=True)
class File:
    """An image file that `check_image` let pass.

    Attributes:
        content: of the file.
        head: what it says of itself.
        where: name in the request.
    """

    content: bytes
    head: Head
    where: str


@dataclass(frozen=True)
class Source:
    """An image to be encoded, as a file or as pixels, or the code that it has already.

    Attributes:
        image: the file, or pixels uint8 (H, W, C); None where the code is known and nothing needs the pixels.
        codes: of the one image, with row axis; None where it is to be found.
    """

    image: File | NDArray[np.uint8] | None
    codes: Codes | None = None


@dataclass(frozen=True)
class Job:
    """One request's work.

    Attributes:
        digest: of the bundle that does it, from the first step to the last.
        source: image that is edited or encoded; None for codes that are decoded.
        other: image that factors are taken from.
        edit: what to do; None encodes only.
        options: of the edit.
        codes: to be decoded, float32 (D,), in place of a source.
        readings: whether all factors are read before and after.
        written: format in which the picture is written at once, or None: it is large, or nothing is drawn.
    """

    digest: str
    source: Source | None = None
    other: Source | None = None
    edit: Edit | None = None
    options: EditOptions = field(default_factory=EditOptions)
    codes: NDArray[np.float32] | None = None
    readings: bool = False
    written: Format | None = None


@dataclass(frozen=True)
class Result:
    """What came of a job.

    Attributes:
        codes, other_codes: of its images.
        pixels: uint8 (H, W, C), edited or decoded; None where nothing was drawn, or it was written.
        notes: what was not done as asked, in words.
        before, after: readings of all factors, where they were asked for.
        file: of the pixels, where it was asked for.
    """

    codes: Codes | None = None
    other_codes: Codes | None = None
    pixels: NDArray[np.uint8] | None = None
    notes: tuple[str, ...] = ()
    before: Readings | None = None
    after: Readings | None = None
    file: bytes | None = None


@dataclass(frozen=True)
class Broke:
    """A job that should have been done and was not; the worker's log says more.

    Attributes:
        kind: of the error.
    """

    kind: str


Answer = Result | Refused | Broke

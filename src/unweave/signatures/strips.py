"""Pictures of a signature: the same objects from the most negative to the most positive of one factor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, ShapeError
from unweave.signatures.apply import edit_codes
from unweave.signatures.edit import Edit, Move, Set
from unweave.signatures.signature import Signature
from unweave.signatures.signatures import Signatures

Decode = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Strip:
    """One row of pictures per object.

    Attributes:
        factor: its name.
        titles: what each column is.
        images: float32 (rows, columns, H, W, C) in [0, 1].
        unedited: column (rows,) of each object as the decoder draws it without an edit.
        clipped: (rows, columns), whether the edit ended early because the data do.
    """

    factor: str
    titles: tuple[str, ...]
    images: NDArray[np.float32]
    unedited: NDArray[np.int64]
    clipped: NDArray[np.bool_]


def strip_of(
    signatures: Signatures, factor: str, codes: NDArray[np.float32], decode: Decode, *, steps: int = 7
) -> Strip:
    """Objects with one factor moved over its safe range.

    A level or a measurement goes from the low end of `Signature.safe` through the unedited object to the high end, an
    angle once around, a class to each class; the class that an object has is left as it is. Edits that leave the data
    end where they would.

    Args:
        signatures: of the model.
        factor: name.
        codes: of the objects, (rows, D).
        decode: of the model.
        steps: columns, odd for a line, so that the unedited object is in the middle; classes have their own number.

    Raises:
        ConfigError: there is no such factor, or fewer than 3 steps, or an even number of them on a line.
        ShapeError: what is decoded are no images.
    """
    signature = signatures[factor]
    edits, titles = _columns(signature, steps)
    read = signature.reader.read(codes)
    frames: list[NDArray[np.float32]] = []
    clipped = []
    for edit in edits:
        made = edit_codes(signatures, codes, edit)
        moved = made.codes
        if signature.path == "classes":
            own = np.array([signature.classes[len(frames)]]) == read
            moved = np.where(own[:, None], np.asarray(codes, dtype=np.float32), moved)
        frames.append(decode(moved))
        clipped.append(made.kept < 1)
    images = np.stack(frames, axis=1)
    if images.ndim != 5:
        raise ShapeError("decoded", want="images (rows, H, W, C)", got=frames[0].shape, hint="Vectors have no strip.")
    return Strip(factor, titles, images, _unedited(signature, edits, read), np.stack(clipped, axis=1))


def _columns(signature: Signature, steps: int) -> tuple[list[Edit], tuple[str, ...]]:
    name = signature.name
    if signature.path == "classes":
        names = [(signature.factor.values or ())[c] for c in signature.classes]
        return [Edit({name: Set(value)}) for value in names], tuple(names)
    if steps < 3:
        raise ConfigError(f"a strip has at least 3 steps, got {steps}.")
    if signature.turns:
        turns = np.arange(steps) * signature.factor.period / steps
        return [Edit({name: Move(float(t))}) for t in turns], tuple(f"{t:+.3g}" if t else "0" for t in turns)
    if steps % 2 == 0:
        raise ConfigError(
            f"a strip of {name!r} has an odd number of steps, the unedited one in the middle; got {steps}."
        )
    low, high = signature.safe
    side = steps // 2
    amounts = [*np.linspace(min(low, 0), 0, side + 1), *np.linspace(0, max(high, 0), side + 1)[1:]]
    titles = tuple(f"{a:+.1f}" if a else "0" for a in amounts)
    return [Edit({name: Move(float(a))}) for a in amounts], titles


def _unedited(signature: Signature, edits: list[Edit], read: NDArray[np.float64]) -> NDArray[np.int64]:
    if signature.path == "classes":
        return np.searchsorted(signature.classes, read).astype(np.int64)
    column = 0 if signature.turns else len(edits) // 2
    return np.full(len(read), column, dtype=np.int64)

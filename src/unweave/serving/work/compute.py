"""The work of one batch: read and encode all images at once, edit each code, decode all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.codes import Codes
from unweave.core.observations import as_decoded, at_rest
from unweave.serving.images.pictures import read_picture, write_picture
from unweave.serving.readings import readings_of
from unweave.serving.refusals import Refused
from unweave.serving.work.jobs import File, Job, Result, Source
from unweave.serving.work.loaded import Loaded
from unweave.signatures.apply import edit_each
from unweave.signatures.edited import Beyond, Edited, Over
from unweave.signatures.residual import add_residual

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass
class _Row:
    """A job on its way.

    Attributes:
        job: what is asked.
        pixels: of its image.
        codes, other: of its images, with row axis.
        edited: what became of the code.
        draw: code (D,) to be decoded.
        failed: why it could not be done.
    """

    job: Job
    pixels: Pixels | None = None
    codes: Codes | None = None
    other: Codes | None = None
    edited: Edited | None = None
    draw: Floats | None = None
    failed: Refused | None = None


def compute(loaded: Loaded, jobs: Sequence[Job]) -> list[Result | Refused]:
    """What came of jobs of one model, in their order. What one of them asks wrongly is no other one's failure.

    A picture computed among others may differ by a rounding of one of 255 levels from the same picture computed alone:
    ONNX Runtime adds up in another order.
    """
    rows = [_Row(job) for job in jobs]
    _encode(loaded, rows)
    _edit(loaded, rows)
    _draw(loaded, [row for row in rows if row.draw is not None])
    return [_result(loaded, row) for row in rows]


def _encode(loaded: Loaded, rows: Sequence[_Row]) -> None:
    """Codes of all images that have none yet, in one call."""
    todo: list[tuple[_Row, bool, Pixels]] = []
    for row in rows:
        for source, is_other in ((row.job.source, False), (row.job.other, True)):
            if source is None or row.failed is not None:
                continue
            pixels = _pixels(loaded, row, source)
            if not is_other:
                row.pixels = pixels
            if source.codes is not None:
                _keep(row, is_other, source.codes)
            elif pixels is not None:
                todo.append((row, is_other, pixels))
    if todo:
        codes = loaded.model.encode(np.stack([pixels for _, _, pixels in todo]))
        for index, (row, is_other, _) in enumerate(todo):
            _keep(row, is_other, codes.take(np.array([index])))


def _pixels(loaded: Loaded, row: _Row, source: Source) -> Pixels | None:
    """Pixels of an image, read from its file where need be."""
    if not isinstance(source.image, File):
        return source.image
    try:
        return read_picture(source.image.content, source.image.head, loaded.takes, source.image.where)
    except Refused as refused:
        row.failed = refused
        return None


def _keep(row: _Row, is_other: bool, codes: Codes) -> None:
    if is_other:
        row.other = codes
    else:
        row.codes = codes


def _edit(loaded: Loaded, rows: Sequence[_Row]) -> None:
    """Edited codes of all rows, those with the same options at once; codes that are given are drawn as they are."""
    alike: dict[tuple[bool, float | None, Over, Beyond], list[_Row]] = {}
    for row in rows:
        options = row.job.options
        if row.job.codes is not None:
            row.draw = row.job.codes
        elif row.job.edit is not None and row.failed is None:
            alike.setdefault((row.other is not None, options.budget, options.over, options.beyond), []).append(row)
    for (taking, budget, over, beyond), some in alike.items():
        assert loaded.editor is not None
        codes = np.concatenate([_mean(row.codes) for row in some])
        others = np.concatenate([_mean(row.other) for row in some]) if taking else None
        edits = [row.job.edit for row in some if row.job.edit is not None]
        made = edit_each(loaded.editor.signatures, codes, edits, others=others, budget=budget, over=over, beyond=beyond)
        for row, one in zip(some, made, strict=True):
            if isinstance(one, Edited):
                row.edited, row.draw = one, one.codes[0]
            else:
                row.failed = _cannot(row, str(one))


def _mean(codes: Codes | None) -> Floats:
    assert codes is not None
    return codes.mean


def _draw(loaded: Loaded, rows: Sequence[_Row]) -> None:
    """Pictures of all rows in one call; where the original's pixels are kept, its own decoding is drawn as well."""
    if not rows:
        return
    kept = [index for index, row in enumerate(rows) if row.job.options.residual and row.edited is not None]
    wanted = [row.draw for row in rows] + [_mean(rows[index].codes)[0] for index in kept]
    with np.errstate(all="ignore"):  # what is not finite is found below
        made = loaded.model.decode(np.stack([code for code in wanted if code is not None]))
    after, before = made[: len(rows)], made[len(rows) :]
    for index, old in zip(kept, before, strict=True):
        pixels = rows[index].pixels
        assert pixels is not None
        after[index] = add_residual(as_decoded(pixels[None]), old[None], after[index][None])[0]
    finite = [bool(np.isfinite(picture).all()) for picture in after]
    after[~np.array(finite)] = 0
    for row, good, picture in zip(rows, finite, at_rest(after).astype(np.uint8, copy=False), strict=True):
        row.pixels = picture
        if not good:
            why = "the decoder gives NaN or infinity for this code. Give one nearer to those of images."
            row.failed = _cannot(row, why)


def _result(loaded: Loaded, row: _Row) -> Result | Refused:
    if row.failed is not None:
        return row.failed
    job = row.job
    pixels = None if row.draw is None else row.pixels
    before = after = None
    if job.readings and loaded.editor is not None:
        before = None if row.codes is None else readings_of(loaded.editor.signatures, row.codes.mean[0])
        after = None if row.draw is None else readings_of(loaded.editor.signatures, row.draw)
    notes = row.edited.notes if row.edited else ()
    if pixels is None or job.written is None:
        return Result(row.codes, row.other, pixels, notes, before, after)
    return Result(row.codes, row.other, None, notes, before, after, write_picture(pixels, job.written))


def _cannot(row: _Row, why: str) -> Refused:
    return Refused(422, "cannot_be_done", why, where="edits" if row.job.edit is not None else None)

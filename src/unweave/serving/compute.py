"""The work of one batch: encode all images at once, edit each code, decode all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.codes import Codes
from unweave.core.errors import DataError, UnweaveError
from unweave.core.observations import as_decoded, at_rest
from unweave.serving.jobs import Job, Result, Source
from unweave.serving.pictures import write_picture
from unweave.serving.readings import readings_of
from unweave.signatures.apply import edit_each
from unweave.signatures.edited import Beyond, Edited, Over
from unweave.signatures.residual import add_residual

Floats = NDArray[np.float32]


@dataclass
class _Row:
    """A job on its way.

    Attributes:
        job: what is asked.
        codes, other: of its images, with row axis.
        edited: what became of the code.
        draw: code (D,) to be decoded.
        failed: why it could not be done.
    """

    job: Job
    codes: Codes | None = None
    other: Codes | None = None
    edited: Edited | None = None
    draw: Floats | None = None
    failed: UnweaveError | None = None


def compute(jobs: Sequence[Job]) -> list[Result | UnweaveError]:
    """What came of jobs of one model, in their order. What one of them asks wrongly is no other one's failure.

    A picture computed among others may differ by a rounding of one of 255 levels from the same picture computed alone:
    ONNX Runtime adds up in another order.
    """
    served = jobs[0].served
    assert all(job.served is served for job in jobs)
    rows = [_Row(job) for job in jobs]
    _encode(rows)
    _edit(rows)
    pictures = _draw([row for row in rows if row.draw is not None])
    drawn = iter(pictures)
    return [_result(row, next(drawn) if row.draw is not None else None) for row in rows]


def _encode(rows: Sequence[_Row]) -> None:
    """Codes of all images that have none yet, in one call."""
    pixels = [
        source.pixels
        for row in rows
        for source in (row.job.source, row.job.other)
        if source is not None and source.codes is None and source.pixels is not None
    ]
    found = iter(_each(rows[0].job.served.model.encode(np.stack(pixels)))) if pixels else iter(())

    def codes_of(source: Source | None) -> Codes | None:
        if source is None:
            return None
        return next(found) if source.codes is None else source.codes

    for row in rows:
        row.codes, row.other = codes_of(row.job.source), codes_of(row.job.other)


def _each(codes: Codes) -> list[Codes]:
    return [codes.take(np.array([index])) for index in range(len(codes))]


def _edit(rows: Sequence[_Row]) -> None:
    """Edited codes of all rows, those with the same options at once; codes that are given are drawn as they are."""
    alike: dict[tuple[bool, float | None, Over, Beyond], list[_Row]] = {}
    for row in rows:
        options = row.job.options
        if row.job.codes is not None:
            row.draw = row.job.codes
        elif row.job.edit is not None:
            alike.setdefault((row.other is not None, options.budget, options.over, options.beyond), []).append(row)
    for (taking, budget, over, beyond), some in alike.items():
        editor = some[0].job.served.editor
        assert editor is not None
        codes = np.concatenate([_mean(row.codes) for row in some])
        others = np.concatenate([_mean(row.other) for row in some]) if taking else None
        edits = [row.job.edit for row in some if row.job.edit is not None]
        made = edit_each(editor.signatures, codes, edits, others=others, budget=budget, over=over, beyond=beyond)
        for row, one in zip(some, made, strict=True):
            if isinstance(one, Edited):
                row.edited, row.draw = one, one.codes[0]
            else:
                row.failed = one


def _mean(codes: Codes | None) -> Floats:
    assert codes is not None
    return codes.mean


def _draw(rows: Sequence[_Row]) -> list[NDArray[np.uint8]]:
    """Pictures of all rows in one call; where the original's pixels are kept, its own decoding is drawn as well."""
    if not rows:
        return []
    kept = [row for row in rows if row.job.options.residual and row.edited is not None]
    wanted = [row.draw for row in rows] + [row.codes.mean[0] for row in kept if row.codes is not None]
    with np.errstate(all="ignore"):  # what is not finite is found below
        made = rows[0].job.served.model.decode(np.stack([code for code in wanted if code is not None]))
    after, before = made[: len(rows)], made[len(rows) :]
    place = {id(row): index for index, row in enumerate(rows)}
    for row, old in zip(kept, before, strict=True):
        source = row.job.source
        assert source is not None
        assert source.pixels is not None
        index = place[id(row)]
        after[index] = add_residual(as_decoded(source.pixels[None]), old[None], after[index][None])[0]
    for row, picture in zip(rows, after, strict=True):
        if not np.isfinite(picture).all():
            row.failed = DataError(
                "the decoder gives NaN or infinity for this code. Give one nearer to those of images."
            )
    return list(at_rest(np.nan_to_num(after)).astype(np.uint8, copy=False))


def _result(row: _Row, pixels: NDArray[np.uint8] | None) -> Result | UnweaveError:
    if row.failed is not None:
        return row.failed
    job, editor = row.job, row.job.served.editor
    before = after = None
    if job.readings and editor is not None:
        before = None if row.codes is None else readings_of(editor.signatures, row.codes.mean[0])
        after = None if row.draw is None else readings_of(editor.signatures, row.draw)
    file = None if pixels is None or job.written is None else write_picture(pixels, job.written)
    return Result(row.codes, row.other, pixels, row.edited.notes if row.edited else (), before, after, file)

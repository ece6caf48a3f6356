"""An edit from end to end: caches, the graphs, the answer, the log."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from unweave.core.codes import Codes
from unweave.core.errors import ConfigError
from unweave.serving.asks import Asked
from unweave.serving.entries import Edited, codes_from_bytes, codes_to_bytes
from unweave.serving.gate import note_of
from unweave.serving.images.coder import SMALL
from unweave.serving.images.pictures import MEDIA, Format, check_image, read_picture, write_picture
from unweave.serving.keys import cache_key, image_hash
from unweave.serving.refusals import Refused
from unweave.serving.served import Served
from unweave.serving.work.jobs import EditOptions, File, Job, Result, Source
from unweave.signatures.edit import Edit
from unweave.stores.records import EditRecord, new_edit_id


@dataclass(frozen=True)
class EditAsk:
    """An edit that was asked for.

    Attributes:
        served: the model.
        edit: what to do.
        images: files: of the image, and of the other one where factors are taken from it.
        options: how it is made.
        kind: format of the answer's image.
        readings: whether the answer is JSON, with readings.
        stored: factors and amounts for the log.
    """

    served: Served
    edit: Edit
    images: Sequence[bytes]
    options: EditOptions
    kind: Format
    readings: bool
    stored: Sequence[Mapping[str, Any]]


async def answer_edit(asked: Asked, ask: EditAsk) -> Response:
    """Make an edit, or take it from the cache.

    Raises:
        Refused: it cannot be done, or not now.
    """
    server, served, note = asked.server, ask.served, note_of(asked.request)
    hashes = [image_hash(image) for image in ask.images]
    options = [ask.edit.to_json(), vars(ask.options), ask.kind, ask.readings]
    key = cache_key("edit", asked.caller.tenant, served.digest, *hashes, options=options)
    found = await server.cache.get("edit", key)
    made = Edited.from_bytes(found) if found is not None else None
    hit = made is not None
    if made is None:
        made = await _make(asked, ask, hashes)
        server.cache.put(key, made.to_bytes())
    note.fields |= {"model": served.label, "cache": "hit" if hit else "miss"}
    edit_id = new_edit_id()
    tenant = asked.caller.tenant
    server.edit_log.add(EditRecord(tenant, served.name, served.digest, ask.stored, made.notes, edit_id))
    return _response(ask, made, edit_id, hit)


async def encode_image(asked: Asked, served: Served, image: bytes) -> Codes:
    """The code of an image, from the cache or the encoder.

    Raises:
        Refused: see `answer_edit`.
    """
    hashed = image_hash(image)
    source = await _source(asked, served, image, hashed, "image", pixels=False)
    if source.codes is not None:
        return source.codes
    result = await asked.server.engine.run(Job(served.digest, source), asked.began)
    assert result.codes is not None
    _keep_codes(asked, served, hashed, result.codes)
    return result.codes


async def draw(asked: Asked, served: Served, job: Job, kind: Format) -> tuple[Result, bytes]:
    """What comes of a job, and its picture as a file: a small one is written where it is computed, so that the loop is
    free for others; a large one in a thread of its own, so that the graphs are.

    Raises:
        Refused: see `Engine.run`.
    """
    job = job if served.takes.pixels > SMALL else replace(job, written=kind)
    result = await asked.server.engine.run(job, asked.began)
    if result.file is not None:
        return result, result.file
    pixels = result.pixels
    assert pixels is not None
    return result, await asked.server.coder.run("write", lambda: write_picture(pixels, kind))


async def _make(asked: Asked, ask: EditAsk, hashes: Sequence[bytes]) -> Edited:
    served = ask.served
    sources = [
        await _source(asked, served, image, hashed, name, pixels=ask.options.residual and name == "image")
        for image, hashed, name in zip(ask.images, hashes, ("image", "other"), strict=False)
    ]
    other = sources[1] if len(sources) > 1 else None
    job = Job(served.digest, sources[0], other, ask.edit, ask.options, readings=ask.readings)
    result, image = await draw(asked, served, job, ask.kind)
    for source, codes, hashed in zip(sources, (result.codes, result.other_codes), hashes, strict=False):
        if source.codes is None and codes is not None:
            _keep_codes(asked, served, hashed, codes)
    before, after = (
        None if one is None else {n: dict(r) for n, r in one.items()} for one in (result.before, result.after)
    )
    return Edited(image, result.notes, before, after)


async def _source(asked: Asked, served: Served, image: bytes, hashed: bytes, where: str, *, pixels: bool) -> Source:
    """An image with its code, if that is known; its pixels are read only where something needs them."""
    server, limits = asked.server, asked.server.settings.limits
    known = await server.cache.get("encoding", cache_key("encoding", asked.caller.tenant, served.digest, hashed))
    codes = None if known is None else codes_from_bytes(known, served.card)
    if codes is not None and not pixels:
        return Source(None, codes)
    head = check_image(image, limits, where)
    if head.pixels <= SMALL:
        return Source(File(image, head, where), codes)
    read = await server.coder.run("read", lambda: read_picture(image, head, served.takes, where))
    return Source(read, codes)


def _keep_codes(asked: Asked, served: Served, hashed: bytes, codes: Codes) -> None:
    key = cache_key("encoding", asked.caller.tenant, served.digest, hashed)
    asked.server.cache.put(key, codes_to_bytes(codes))


def _response(ask: EditAsk, made: Edited, edit_id: str, hit: bool) -> Response:
    notes = urllib.parse.quote(json.dumps(made.notes, ensure_ascii=False), safe="")
    headers = {
        "X-Unweave-Edit": edit_id,
        "X-Unweave-Model": ask.served.label,
        "X-Unweave-Notes": notes,
        "X-Unweave-Cache": "hit" if hit else "miss",
    }
    if not ask.readings:
        return Response(made.image, headers=headers, media_type=MEDIA[ask.kind])
    content = {
        "id": edit_id,
        "model": ask.served.name,
        "digest": ask.served.digest,
        "image": base64.b64encode(made.image).decode(),
        "notes": list(made.notes),
        "before": made.before,
        "after": made.after,
    }
    return Response(json.dumps(content), headers=headers, media_type="application/json")


def wants_json(asked: Asked) -> bool:
    """Whether the answer shall be JSON and not the bare image."""
    return "application/json" in asked.request.headers.get("accept", "")


def check_factors(served: Served, names: Sequence[str], where: str) -> None:
    """See that a model can move factors.

    Args:
        served: the model.
        names: of the factors.
        where: place in the request, with `{}` for the number.

    Raises:
        Refused: it cannot, or one is named twice.
    """
    if served.signatures is None:
        raise Refused(
            422,
            "no_signatures",
            "this model has no signatures, so no factor can be moved by name. Ask for another model.",
            where="model",
        )
    for index, name in enumerate(names):
        try:
            served.signatures[name]
        except ConfigError as error:
            raise Refused(422, "unknown_factor", str(error), where=where.format(index)) from error
        if name in names[:index]:
            raise Refused(422, "twice", f"{name!r} is named twice. Name each factor once.", where=where.format(index))

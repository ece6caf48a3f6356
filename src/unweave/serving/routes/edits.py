"""Edits, swaps, encodings and decodings."""

from __future__ import annotations

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from unweave.core.errors import ConfigError
from unweave.serving.asks import from_base64, read_work
from unweave.serving.describe import (
    EDIT_HEADERS,
    IMAGES,
    answers,
    described,
    example_image,
    form_body,
    json_answer,
    json_body,
)
from unweave.serving.editing import EditAsk, answer_edit, check_factors, draw, encode_image, wants_json
from unweave.serving.gate import note_of
from unweave.serving.images.pictures import MEDIA
from unweave.serving.readings import readings_of
from unweave.serving.refusals import Refused
from unweave.serving.schemas import (
    DecodeBody,
    EditAnswer,
    EditBody,
    EncodeAnswer,
    EncodeOptionsBody,
    ImageBody,
    ImageEditBody,
    SwapBody,
)
from unweave.serving.served import Served
from unweave.serving.work.jobs import EditOptions, Job
from unweave.signatures.asked import label_of
from unweave.signatures.edit import Edit, Set, Swap

router = APIRouter(prefix="/v1", tags=["Edits"])

_REFUSED = (400, 401, 403, 404, 408, 413, 415, 422, 429, 503)
_EXAMPLE = [{"factor": "x", "by": 1.0}]
_EDITED = {**IMAGES, **json_answer(EditAnswer)}
_JSON_TEXT = {"type": "string", "contentMediaType": "application/json", "x-needed": True}


@router.post(
    "/edit",
    summary="Move or set factors of an image",
    response_class=Response,
    responses=answers(200, _EDITED, *_REFUSED, headers=EDIT_HEADERS),
    openapi_extra=described(
        {
            **form_body(
                ["image"],
                {
                    "edits": _JSON_TEXT,
                    "budget": {"type": "number", "minimum": 0},
                    "over": {"enum": ["trim", "refuse"]},
                    "beyond": {"enum": ["clip", "refuse"]},
                },
                {"edits": '[{"factor": "x", "by": 1.0}]'},
            ),
            **json_body(ImageEditBody, {"image": example_image(), "edits": _EXAMPLE}),
        }
    ),
)
async def edit(request: Request) -> Response:
    """Answers with the image, or with `Accept: application/json` with readings before and after as well."""
    asked = await read_work(request, forms=True)
    if asked.is_form:
        body, images = asked.form(EditBody, ["image"], ["edits"])
    else:
        given = asked.json(ImageEditBody)
        body, images = given, [from_base64(given.image, "image")]
    served = asked.server.models.get(asked.caller.tenant, body.model)
    check_factors(served, [one.factor for one in body.edits], "edits[{}].factor")
    wanted = body.edit()
    _check_values(served, wanted)
    options = EditOptions(body.residual, body.budget, body.over, body.beyond)
    stored = body.as_stored()
    return await answer_edit(asked, EditAsk(served, wanted, images, options, body.format, wants_json(asked), stored))


@router.post(
    "/swap",
    summary="Take factors from another image",
    response_class=Response,
    responses=answers(200, _EDITED, *_REFUSED, headers=EDIT_HEADERS),
    openapi_extra=described(form_body(["image", "other"], {"factors": _JSON_TEXT}, {"factors": '["x"]'})),
)
async def swap(request: Request) -> Response:
    """Answers as `/v1/edit` does."""
    asked = await read_work(request, forms=True)
    if not asked.is_form:
        raise Refused(415, "wrong_type", "expected multipart/form-data as Content-Type.")
    body, images = asked.form(SwapBody, ["image", "other"], ["factors"])
    served = asked.server.models.get(asked.caller.tenant, body.model)
    check_factors(served, body.factors, "factors[{}]")
    wanted = Edit(dict.fromkeys(body.factors, Swap()))
    stored = [{"factor": name, "swap": True} for name in body.factors]
    options = EditOptions(residual=body.residual)
    return await answer_edit(asked, EditAsk(served, wanted, images, options, body.format, wants_json(asked), stored))


@router.post(
    "/encode",
    summary="Code and readings of an image",
    response_class=JSONResponse,
    responses=answers(200, json_answer(EncodeAnswer), *_REFUSED),
    openapi_extra=described(
        {**form_body(["image"], {}, {}, options=False), **json_body(ImageBody, {"image": example_image()})}
    ),
)
async def encode(request: Request) -> Response:
    """The code's mean and log-variance, and what the probes say of it."""
    asked = await read_work(request, forms=True)
    if asked.is_form:
        body, images = asked.form(EncodeOptionsBody, ["image"], [])
        model, image = body.model, images[0]
    else:
        given = asked.json(ImageBody)
        model, image = given.model, from_base64(given.image, "image")
    served = asked.server.models.get(asked.caller.tenant, model)
    note_of(request).fields["model"] = served.label
    codes = await encode_image(asked, served, image)
    assert codes.logvar is not None
    content = {
        "model": served.name,
        "digest": served.digest,
        "mean": codes.mean[0].tolist(),
        "logvar": codes.logvar[0].tolist(),
        "readings": {} if served.signatures is None else readings_of(served.signatures, codes.mean[0]),
    }
    return JSONResponse(content)


@router.post(
    "/decode",
    summary="The image of a code",
    response_class=Response,
    responses=answers(200, IMAGES, *_REFUSED),
    openapi_extra=described(json_body(DecodeBody, {"codes": [0.0, 0.5, -1.0]})),
)
async def decode(request: Request) -> Response:
    """Answers with the image."""
    asked = await read_work(request)
    body = asked.json(DecodeBody)
    served = asked.server.models.get(asked.caller.tenant, body.model)
    note_of(request).fields["model"] = served.label
    if len(body.codes) != served.card.latent:
        raise Refused(
            422, "wrong_size", f"expected {served.card.latent} numbers, got {len(body.codes)}.", where="codes"
        )
    _, image = await draw(asked, served, Job(served.digest, codes=np.array(body.codes, np.float32)), body.format)
    return Response(image, headers={"X-Unweave-Model": served.label}, media_type=MEDIA[body.format])


def _check_values(served: Served, wanted: Edit) -> None:
    """See that factors can be set to the values that are asked for, and say where one cannot."""
    assert served.signatures is not None
    for index, (name, change) in enumerate(wanted.changes.items()):
        if isinstance(change, Set):
            try:
                label_of(served.signatures[name], change.value)
            except ConfigError as error:
                raise Refused(422, "unknown_value", str(error), where=f"edits[{index}].to") from error

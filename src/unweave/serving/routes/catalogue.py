"""What a tenant's models are, and what can be moved with them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from unweave.serving.asks import caller_of, server_of
from unweave.serving.describe import answers, described, json_answer
from unweave.serving.factors import factor_line
from unweave.serving.refusals import Refused
from unweave.serving.schemas import FactorLine, ModelLine
from unweave.serving.served import Served

router = APIRouter(prefix="/v1", tags=["Models"])

_REFUSED = (401, 403, 429, 503)
_JSON = {"application/json": {"schema": {"type": "object"}}}
_NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}, "example": "faces"}
_MODEL = {"name": "model", "in": "query", "required": False, "schema": {"type": "string"}, "example": "faces"}
_TAG = {"ETag": {"description": "Of the content, strong.", "schema": {"type": "string"}}}


@router.get(
    "/models",
    summary="The models that you see",
    response_class=JSONResponse,
    responses=answers(200, json_answer(ModelLine, many=True), *_REFUSED),
)
async def models(request: Request) -> Response:
    """The default one first."""
    caller, server = await caller_of(request), server_of(request)
    own = server.settings.models_of(caller.tenant)
    return JSONResponse([_line(server.models.get(caller.tenant, name), name == own[0]) for name in own])


@router.get(
    "/models/{name}/card",
    summary="The card of a model",
    response_class=Response,
    responses=answers(200, _JSON, 404, *_REFUSED),
    openapi_extra=described(parameters=[_NAME]),
)
async def card(request: Request) -> Response:
    """Content of `card.json`: factors, scores, gates, licence, intended use, limits."""
    served = await _named(request)
    return Response(served.card.to_bytes(), media_type="application/json")


@router.get(
    "/models/{name}/signatures",
    summary="The signatures of a model",
    response_class=Response,
    responses=answers(200, _JSON, 404, *_REFUSED),
    openapi_extra=described(parameters=[_NAME]),
)
async def signatures(request: Request) -> Response:
    """Content of `signatures.json`, with which a browser moves codes by itself."""
    served = await _named(request)
    if served.signatures_file is None:
        raise Refused(404, "no_signatures", "this model has no signatures.", where="name")
    return Response(served.signatures_file, media_type="application/json")


@router.get(
    "/models/{name}/decoder.onnx",
    summary="The decoder of a model",
    response_class=Response,
    responses={
        **answers(200, {"application/octet-stream": {}}, 404, *_REFUSED, headers=_TAG),
        304: {"description": "It is the one that you have"},
    },
    openapi_extra=described(parameters=[_NAME]),
)
async def decoder(request: Request) -> Response:
    """For decoding in a browser; absent where the server does not share it."""
    served = await _named(request)
    if served.decoder is None:
        raise Refused(404, "not_shared", "this server does not share decoders.", where="name")
    headers = {"ETag": served.decoder_tag, "Cache-Control": "private, no-cache", "X-Unweave-Model": served.label}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if served.decoder_tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(served.decoder, headers=headers, media_type="application/octet-stream")


@router.get(
    "/factors",
    summary="What can be moved",
    response_class=JSONResponse,
    responses=answers(200, json_answer(FactorLine, many=True), 404, *_REFUSED),
    openapi_extra=described(parameters=[_MODEL]),
)
async def factors(request: Request) -> Response:
    """The factors of a model, each with its unit, its safe range, how well it is read, and what else it moves."""
    caller = await caller_of(request)
    served = server_of(request).models.get(caller.tenant, request.query_params.get("model"))
    own = served.signatures
    lines = [] if own is None else [factor_line(one, own.density).model_dump() for one in own.signatures]
    return JSONResponse(lines)


async def _named(request: Request) -> Served:
    caller = await caller_of(request)
    return server_of(request).models.get(caller.tenant, str(request.path_params["name"]))


def _line(served: Served, default: bool) -> dict[str, Any]:
    return ModelLine(
        name=served.name,
        digest=served.digest,
        shape=list(served.takes.shape),
        latent=served.card.latent,
        default=default,
        run=served.card.run,
    ).model_dump()

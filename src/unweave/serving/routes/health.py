"""Whether the server lives, is ready, and how it does."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from unweave.core.errors import StoreError
from unweave.serving.asks import server_of
from unweave.serving.describe import answers, json_answer
from unweave.serving.schemas import Health, ModelState, Readiness

router = APIRouter(tags=["Health"])

_PING_S = 1.0
"""How long the store is waited for: whoever asks wants to know soon."""


@router.get(
    "/healthz",
    summary="Whether the process lives",
    response_class=JSONResponse,
    responses=answers(200, json_answer(Health)),
)
async def healthz(request: Request) -> Response:
    """Answers as long as the loop runs."""
    return JSONResponse(Health().model_dump())


@router.get(
    "/readyz",
    summary="Whether requests should be sent here",
    response_class=JSONResponse,
    responses={
        **answers(200, json_answer(Readiness)),
        503: {"description": "It is stopping, or cannot compute now", "content": json_answer(Readiness)},
    },
)
async def readyz(request: Request) -> Response:
    """200 also while a newer model cannot be loaded or the store does not answer: edits go on. `status` says so."""
    server = server_of(request)
    try:
        await server.stored.call(lambda store: store.ping(), within=_PING_S)
        store = True
    except StoreError:
        store = False
    states = [
        ModelState(name=name, digest=one.served.digest, problem=one.problem)
        for name, one in server.models.standing.items()
    ]
    restarting = not server.engine.ready
    well = store and not any(state.problem for state in states)
    found = Readiness(
        status="stopping" if server.stopping else "restarting" if restarting else "ready" if well else "degraded",
        models=states if server.settings.on_loopback else [],
        store="ok" if store else "unavailable",
    )
    return JSONResponse(found.model_dump(), 503 if server.stopping or restarting else 200)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses=answers(200, {"text/plain": {"schema": {"type": "string"}}}, 401, 403, 429, 503),
)
async def metrics(request: Request) -> Response:
    """Open on loopback as long as there is no key; then a key needs the scope `metrics`."""
    server = server_of(request)
    await server.callers.caller(request.headers, "metrics")
    server.publish()
    return Response(server.metrics.text(), media_type=CONTENT_TYPE_LATEST)

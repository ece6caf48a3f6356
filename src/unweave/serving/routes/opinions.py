"""What people say of edits: feedback for later learning, and ratings of studies. Acknowledged only when durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field, RootModel
from starlette.responses import Response

from unweave.core.errors import ConfigError, NotFoundError, StoreError
from unweave.serving.asks import Asked, read_request
from unweave.serving.describe import answers, described, json_answer, json_body
from unweave.serving.refusals import Refused, no_store
from unweave.serving.schemas import ChoiceBody, FeedbackBody, Kept, NaturalnessBody
from unweave.stores.records import Choice, Naturalness, Rating
from unweave.stores.store import Store

router = APIRouter(prefix="/v1", tags=["Opinions"])

_REFUSED = (400, 401, 403, 404, 408, 413, 415, 422, 429, 503)
_EDIT = "AAAAAAAAAAAAAAAAAAAAAA"


class RatingBody(RootModel[Annotated[NaturalnessBody | ChoiceBody, Field(discriminator="kind")]]):
    """Either kind of rating."""


@router.post(
    "/feedback",
    summary="Say what became of an edit",
    response_class=JSONResponse,
    status_code=201,
    responses=answers(201, json_answer(Kept), *_REFUSED),
    openapi_extra=described(json_body(FeedbackBody, {"edit": _EDIT, "verdict": "kept"})),
)
async def feedback(request: Request) -> Response:
    """Kept, undone, or adjusted to something else. Answers when it is on disk, or not with 201."""
    asked = await read_request(request)
    body = asked.json(FeedbackBody)
    adjusted = None if body.edits is None else [one.model_dump(exclude_none=True) for one in body.edits]
    tenant = asked.caller.tenant
    await _keep(asked, [body.edit], lambda store: store.feedback.add(tenant, body.edit, body.verdict, adjusted))
    asked.server.metrics.feedback.labels(body.verdict).inc()
    return JSONResponse(Kept().model_dump(), 201)


@router.post(
    "/ratings",
    summary="Rate an edit, or choose between two",
    response_class=JSONResponse,
    status_code=201,
    responses=answers(201, json_answer(Kept), *_REFUSED),
    openapi_extra=described(
        json_body(
            (NaturalnessBody, ChoiceBody),
            {"study": "first", "kind": "naturalness", "score": 4, "edit": _EDIT, "rater": "r1"},
        )
    ),
)
async def ratings(request: Request) -> Response:
    """For `unweave study`."""
    asked = await read_request(request)
    body = asked.json(RatingBody).root
    rating: Rating
    try:
        if isinstance(body, NaturalnessBody):
            rating, edits = Naturalness(body.study, body.edit, body.score, body.rater), [body.edit]
        else:
            rating = Choice(body.study, body.left, body.right, body.chosen, body.rater)
            edits = [body.left, body.right]
    except ConfigError as error:
        raise Refused(422, "invalid", str(error)) from error
    tenant = asked.caller.tenant
    await _keep(asked, edits, lambda store: store.ratings.add(tenant, rating))
    return JSONResponse(Kept().model_dump(), 201)


async def _keep(asked: Asked, edits: Sequence[str], work: Callable[[Store], object]) -> None:
    """Write something about edits, which may be on their way to the store themselves."""

    def write(store: Store) -> None:
        asked.server.edit_log.bring_in(edits)
        work(store)

    try:
        await asked.server.stored.call(write)
    except NotFoundError as error:
        raise Refused(404, "unknown_edit", "there is no such edit of yours.", where="edit") from error
    except ConfigError as error:
        raise Refused(422, "invalid", str(error)) from error
    except StoreError as error:
        raise no_store() from error

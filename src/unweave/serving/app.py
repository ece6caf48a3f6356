"""The application: paths, refusals, and what stands around them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import unweave
from unweave.serving.describe import components
from unweave.serving.direct import Direct
from unweave.serving.door import Door
from unweave.serving.gate import Gate, note_of
from unweave.serving.refusals import STATUSES, Refused, broken
from unweave.serving.routes import catalogue, edits, health, opinions
from unweave.serving.server import Server

_CODES = {404: "not_found", 405: "wrong_method"}
_ANSWER_HEADERS = ("X-Unweave-Edit", "X-Unweave-Model", "X-Unweave-Notes", "X-Unweave-Cache", "X-Request-Id")


@dataclass(frozen=True)
class Page:
    """Static files that the server shows beside its API.

    Attributes:
        folder: of the files.
        path: where, such as `/studio`.
        policy: Content-Security-Policy of the files.
    """

    folder: Path
    path: str
    policy: str


def create_app(server: Server, *, page: Page | None = None) -> ASGIApp:
    """The application of a server, with all that stands around it.

    Args:
        server: all its parts; started and stopped with the application.
        page: static files, to which `/` leads.
    """
    app = _paths(server, page)
    routes = {route.path: route for route in edits.router.routes if isinstance(route, APIRoute)}
    settings, metrics = server.settings, server.metrics
    gate = Gate(Direct(app, routes), metrics=metrics, hosts=settings.allowed_hosts)
    door = Door(gate, flow=server.flow, metrics=metrics, paths=routes)
    if not settings.cors:
        return door
    return CORSMiddleware(
        door,
        allow_origins=list(settings.cors),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "X-API-Key"],
        expose_headers=list(_ANSWER_HEADERS),
    )


def _paths(server: Server, page: Page | None) -> FastAPI:

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with server.running():
            yield

    # The pages with which FastAPI shows an API load scripts from elsewhere.
    app = FastAPI(title="unweave", version=unweave.__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.server = server
    for module in (edits, catalogue, opinions, health):
        app.include_router(module.router)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _not_found)
    # It is sent at once, and the error goes on to the gate, which logs it.
    app.add_exception_handler(Exception, _broken)
    if page is not None:
        app.mount(page.path, _with_policy(StaticFiles(directory=page.folder, html=True), page.policy), name="page")
        app.add_api_route("/", _leads_to(f"{page.path}/"), include_in_schema=False)
    _describe(app, keyed=True)
    return app


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.response()


async def _broken(request: Request, _: Exception) -> Response:
    return broken(note_of(request).id).response()


async def _not_found(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = STATUSES.get(error.status_code, str(error.detail)) + "."
    response = Refused(error.status_code, _CODES.get(error.status_code, "refused"), message).response()
    response.headers.update(error.headers or {})
    return response


def _leads_to(path: str) -> Any:  # noqa: ANN401 - a handler
    async def redirect() -> Response:
        return RedirectResponse(path)

    return redirect


def _with_policy(app: ASGIApp, policy: str) -> ASGIApp:
    """Answers of an application with a Content-Security-Policy; browsers ask whether files have changed."""
    added = [(b"content-security-policy", policy.encode()), (b"cache-control", b"no-cache")]

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        await app(scope, receive, with_headers)

    return wrapped


def _describe(app: FastAPI, *, keyed: bool) -> None:
    """OpenAPI with the bodies that handlers read themselves, and how keys are given."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title="unweave",
                version=app.version,
                summary="Edits of images by factor.",
                description="Errors are JSON: a code for programs, words for people, and the place in the request.",
                routes=app.routes,
            )
            parts = found.setdefault("components", {})
            parts["schemas"] = components()
            parts["securitySchemes"] = {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            }
            # Without any key in the store, a server on loopback is open.
            found["security"] = [{"bearer": []}, {"header": []}, {}]
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]

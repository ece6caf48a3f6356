"""What a request that cannot be answered gets: a status, a code for programs, and words for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

STATUSES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "No valid key",
    403: "The key does not allow this",
    404: "There is no such thing, or it belongs to another tenant",
    405: "The path is there, and does not take this method",
    408: "The request did not arrive in time",
    413: "The request or the image is too large",
    415: "The content type is none that this path takes",
    422: "The request can be read, and cannot be done",
    429: "Too many requests of this tenant",
    500: "Something broke",
    503: "Too busy, or a part that is needed does not answer: try again",
}


SAFE_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
"""What every answer has that says nothing else in their place."""


class Refused(Exception):
    """A request that is refused.

    Attributes:
        status: of HTTP, one of `STATUSES`.
        code: for programs, such as `unknown_factor`.
        message: what was expected, what came, and what to do.
        where: place in the request, such as `edits[0].factor`.
        retry_s: after how many seconds it may work.
    """

    def __init__(
        self, status: int, code: str, message: str, *, where: str | None = None, retry_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.where, self.retry_s = status, code, message, where, retry_s

    def __reduce__(self) -> tuple[Any, ...]:
        """It goes from the process that computes to the one that answers."""
        return _again, (self.status, self.code, self.message, self.where, self.retry_s)

    def response(self) -> Response:
        """As JSON."""
        error = {"code": self.code, "message": self.message, **({"where": self.where} if self.where else {})}
        headers = {}
        if self.retry_s is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_s)))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        content = json.dumps({"error": error}, ensure_ascii=True)
        return Response(content, self.status, headers, media_type="application/json")


def _again(status: int, code: str, message: str, where: str | None, retry_s: float | None) -> Refused:
    return Refused(status, code, message, where=where, retry_s=retry_s)


def busy(retry_s: float = 1.0) -> Refused:
    """The graphs have more to do than fits the deadline."""
    return Refused(
        503, "busy", "The server has more to do than it can within the deadline. Try again later.", retry_s=retry_s
    )


def broken(request_id: str) -> Refused:
    """Something that should not have happened; the log says more under the request's identifier."""
    return Refused(500, "broken", f"something broke; the log has it under {request_id}.")


def no_store(retry_s: float = 2.0) -> Refused:
    """The store does not answer, so nothing could be kept or looked up."""
    return Refused(
        503, "store_unavailable", "The store does not answer now, and nothing was kept. Try again.", retry_s=retry_s
    )

"""Logs as JSON, one line each: requests and what happens to the server. No image, no key and no body is in any."""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Any, TextIO

ACCESS = logging.getLogger("unweave.access")


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level and message, then the record's own `fields`."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        content: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            # Places alone: what an error says may hold what a request brought.
            error = record.exc_info[1]
            places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
            content["error"] = {"type": type(error).__name__, "at": places[-8:]}
        return json.dumps(content, ensure_ascii=True, default=str)


def log_to(stream: TextIO, *, access: bool) -> None:
    """Send the server's logs, and uvicorn's, to a stream.

    Args:
        stream: usually standard error.
        access: whether requests are logged.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    for name in ("unweave", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    ACCESS.disabled = not access
    # A full disk behind the stream must not end requests.
    logging.raiseExceptions = False

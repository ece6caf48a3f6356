"""Running a server until it is told to stop."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
import warnings
from types import FrameType

import uvicorn

from unweave.core.errors import ConfigError
from unweave.serving.app import Page, create_app
from unweave.serving.logs import log_to
from unweave.serving.protocol import limited_protocol
from unweave.serving.server import Server
from unweave.serving.settings import Settings
from unweave.stores.store import open_store

_LOG = logging.getLogger("unweave.serving")

_KEPT_S = 75
"""Seconds that an idle connection is kept: longer than load balancers keep theirs (mostly 60), or they send requests
into connections that are being closed."""

_MORE_S = 5.0
"""Seconds beyond the deadline that requests under way get at the end."""


class _Uvicorn(uvicorn.Server):
    """uvicorn that says "not ready" first when it is told to stop, and closes its listener a little later."""

    def __init__(self, config: uvicorn.Config, server: Server) -> None:
        super().__init__(config)
        self._server = server

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        for listener in sockets or ():
            address, port, *_ = listener.getsockname()
            _LOG.info("listening", extra={"fields": {"address": address, "port": port}})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._server.stopping = True
        drain = self._server.settings.drain_s
        if drain and not self.should_exit and sig == signal.SIGTERM:
            timer = threading.Timer(drain, super().handle_exit, (sig, frame))
            timer.daemon = True
            timer.start()
        else:
            super().handle_exit(sig, frame)


def serve(settings: Settings, *, page: Page | None = None) -> None:
    """Load everything, listen, and answer until SIGTERM or SIGINT; then finish what is under way.

    Raises:
        ConfigError: it would listen to other machines and there is no key, or the port is taken.
        UnweaveError: a model or the store cannot be opened.
    """
    log_to(sys.stderr, access=settings.access_log)
    # What Pillow warns of is harmless or checked; and setting it per image would not be safe in threads.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    store = open_store(settings.store)
    if not settings.on_loopback and not store.keys.any():
        store.close()
        raise ConfigError(
            f"refusing to listen on {settings.host}: other machines reach it, and the store has no key. Make one with "
            "`unweave keys add TENANT`, or listen on 127.0.0.1."
        )
    listener = listen(settings)
    http_server(Server(settings, store), page=page).run([listener])


def http_server(server: Server, *, page: Page | None = None) -> uvicorn.Server:
    """What listens for a server."""
    settings = server.settings
    config = uvicorn.Config(
        create_app(server, page=page),
        http=limited_protocol(settings.limits.body_s),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        # uvloop is quicker, but lets in about one new connection per turn: under load some wait for many seconds.
        loop="asyncio",
        lifespan="on",
        timeout_keep_alive=_KEPT_S,
        limit_concurrency=settings.limits.connections,
        timeout_graceful_shutdown=int(settings.deadline_s + _MORE_S) + 1,
    )
    return _Uvicorn(config, server)


def listen(settings: Settings) -> socket.socket:
    """Open the port: before models are loaded, so that one that is taken is said at once.

    Raises:
        ConfigError: it cannot be opened.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on, and answers wait 40 ms for the client's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host.strip("[]"), settings.port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {settings.host}, port {settings.port}: {error.strerror or error}. "
            "Choose another with --port."
        ) from error
    listener.set_inheritable(False)
    return listener

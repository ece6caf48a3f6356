"""The process that computes, as the server sees it."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

from unweave.core.errors import DataError, MissingExtraError, StorageError
from unweave.serving.work.channel import Line

_END_S = 5.0
"""Seconds that it gets to end by itself."""


class Worker:
    """Starts the process, and another one when it has ended; says which models it holds. Any thread may use it.

    Args:
        threads: within one operator of a graph.
        batch: jobs that it computes at once at most.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
    """

    def __init__(self, *, threads: int, batch: int) -> None:
        if importlib.util.find_spec("onnxruntime") is None:
            raise MissingExtraError("onnxruntime", "serve", "Running an ONNX model")
        self._threads, self._batch, self._lock = threads, batch, threading.Lock()
        self._folders: dict[str, Path] = {}
        self._start()

    @property
    def jobs(self) -> socket.socket:
        """Where jobs go in and answers come out; of the process that runs now."""
        return self._jobs

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return self._process.pid

    def load(self, folder: Path) -> str:
        """Load a bundle, and keep it. Blocks.

        Returns:
            Its digest.

        Raises:
            DataError: it cannot be loaded.
            StorageError: the process ended meanwhile.
        """
        with self._lock:
            digest = self._load(folder)
            self._folders[digest] = folder
        return digest

    def keep(self, digests: Collection[str]) -> None:
        """Let go of all other models. Blocks.

        Raises:
            StorageError: the process has ended.
        """
        with self._lock:
            if set(self._folders) - set(digests):
                self._folders = {digest: self._folders[digest] for digest in digests if digest in self._folders}
                self._ask("keep", tuple(digests))

    def restart(self) -> None:
        """Start another process with the same models, in place of one that ended or hangs. Blocks.

        Raises:
            StorageError: that one ended, too.
            DataError: a model cannot be loaded any more.
        """
        with self._lock:
            self._end(0.0)
            self._start()
            for digest, folder in self._folders.items():
                if self._load(folder) != digest:
                    raise DataError(f"the bundle {folder} is another one now.")

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def end(self) -> None:
        """Hang up, and see the process end. Blocks for some seconds at most."""
        with self._lock:
            self._end(_END_S)

    def _start(self) -> None:
        self._jobs, jobs = socket.socketpair()
        ours, orders = socket.socketpair()
        self._orders = Line(ours)
        ends = [end.fileno() for end in (jobs, orders)]
        numbers = map(str, (*ends, self._threads, self._batch))
        # -P: a folder of the package's name where the server was started is not the package.
        command = [sys.executable, "-P", "-m", "unweave.serving.work.worker", *numbers]
        with jobs, orders:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=ends)

    def _end(self, seconds: float) -> None:
        self._orders.close()
        self._jobs.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _load(self, folder: Path) -> str:
        digest, problem = self._ask("load", folder.absolute())
        if digest is None:
            raise DataError(problem)
        return str(digest)

    def _ask(self, order: str, given: Any) -> Any:  # noqa: ANN401 - as the worker knows it
        try:
            self._orders.send((order, given))
            return self._orders.receive()
        except (EOFError, OSError, ValueError) as error:
            raise StorageError("the process that computes has ended. It is started again.") from error

"""A function over many tasks in several processes, results in order, in bounded memory.

The processes are plain Python interpreters that are fed through their standard input. Unlike the children of
`multiprocessing` they do not run the caller's script again, so that a script needs no guard, and they end by
themselves when the caller is killed, because their input ends.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import IO, Any, TypeVar

from unweave.core.errors import DataError

Task = TypeVar("Task")
Result = TypeVar("Result")

_LENGTH = struct.Struct("<Q")
_START = "from unweave.data.pool import serve; serve()"


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def run_in_order(function: Callable[[Task], Result], tasks: Iterable[Task], *, processes: int) -> Iterator[Result]:
    """Results of `function` in the order of `tasks`; with one process, here and now.

    Function, tasks and results must pickle. Tasks are drawn only as fast as they are done, two per process ahead.

    Raises:
        DataError: a process died, of lack of memory or of a file that crashes its decoder.
        Exception: what the function raised.
    """
    if processes == 1:
        yield from map(function, tasks)
        return
    with contextlib.ExitStack() as stack:
        idle: SimpleQueue[_Worker] = SimpleQueue()
        for _ in range(processes):
            idle.put(stack.enter_context(_Worker()))
        # One thread per process waits for its answers.
        threads = ThreadPoolExecutor(processes)
        stack.callback(threads.shutdown, cancel_futures=True)
        waiting: deque[Future[Result]] = deque()
        for task in tasks:
            waiting.append(threads.submit(_ask, idle, function, task))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def serve() -> None:
    """What a process does: answer requests from standard input until it ends."""
    # Ctrl-C is the parent's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Should anything print, it must not get between the answers.
    os.dup2(2, 1)
    while (request := _receive(requests)) is not None:
        function, task = request
        try:
            answer = (True, function(task))
        except Exception as error:  # It is raised again in the parent.
            answer = (False, error)
        _send(answers, answer)


class _Worker:
    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        command = [sys.executable, "-c", _START]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        # It holds nothing that needs to be put in order: what it writes is the parent's to keep or throw away.
        self._process.kill()
        with self._process:
            pass

    def ask(self, request: object) -> Any:  # noqa: ANN401 - what the function returns
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            _send(self._process.stdin, request)
            answer = _receive(self._process.stdout)
        except BrokenPipeError:
            answer = None
        if answer is None:
            raise DataError(
                f"a process that reads data died (exit code {self._process.wait()}): out of memory, or a file that "
                "crashes its decoder. Close other programs and try again."
            )
        worked, result = answer
        if not worked:
            raise result
        return result


def _ask(idle: SimpleQueue[_Worker], function: Callable[[Task], Result], task: Task) -> Result:
    worker = idle.get()
    try:
        result: Result = worker.ask((function, task))
        return result
    finally:
        idle.put(worker)


def _send(pipe: IO[bytes], message: object) -> None:
    content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(content)))
    pipe.write(content)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:  # noqa: ANN401 - any message, or None at the end
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    content = pipe.read(length)
    return pickle.loads(content) if len(content) == length else None

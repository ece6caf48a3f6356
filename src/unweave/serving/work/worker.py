"""The process that computes: it holds the graphs, so that the process that answers never waits for them.

What a hostile image or graph may do to a decoder, it does here; the server starts another one. Run by `Worker`:

    python -m unweave.serving.work.worker JOBS_FD ORDERS_FD THREADS BATCH
"""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unweave.serving.logs import log_to
from unweave.serving.refusals import busy
from unweave.serving.work.channel import Line
from unweave.serving.work.compute import compute
from unweave.serving.work.jobs import Answer, Broke, Job, Source
from unweave.serving.work.loaded import Loaded, load_model
from unweave.signatures.edit import Change, Edit, Move, Set
from unweave.signatures.signature import Signature

_LOG = logging.getLogger("unweave.serving")
_WARMED = 8
"""Rows up to which every size of a batch is computed once beforehand: the first of its size takes up memory, for a
tenth of a second. It is the batch of a server by default; those of larger ones are rare and slow all the same."""


def main() -> None:
    """Compute until the server is gone."""
    jobs, orders = (Line(socket.socket(fileno=int(number))) for number in sys.argv[1:3])
    # The server is told to stop, finishes what is under way, and hangs up.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    log_to(sys.stderr, access=False)
    warnings.filterwarnings("ignore", module=r"PIL\.")
    models: dict[str, Loaded] = {}
    threads, batch = (int(number) for number in sys.argv[3:5])
    threading.Thread(target=_follow, args=(orders, models, threads, min(batch, _WARMED)), daemon=True).start()
    held: Sequence[Job] | None = None
    try:
        while True:
            parts, held = _together(jobs, held or jobs.receive(), batch)
            began = time.perf_counter()
            answers = answers_of(models, [job for part in parts for job in part])
            jobs.send((time.perf_counter() - began, len(parts), answers))
    except (EOFError, OSError):
        return


def _together(line: Line, first: Sequence[Job], most: int) -> tuple[list[Sequence[Job]], Sequence[Job] | None]:
    """`first` with the messages at hand that are of the same model, up to `most` jobs; and the one that is not among
    them, if there is one. What comes alone is not kept waiting."""
    parts, rows = [first], len(first)
    while (more := line.at_hand()) is not None:
        rows += len(more)
        if rows > most or more[0].digest != first[0].digest:
            return parts, more
        parts.append(more)
    return parts, None


def answers_of(models: dict[str, Loaded], batch: Sequence[Job]) -> Sequence[Answer]:
    """What comes of jobs of one model, in their order."""
    loaded = models.get(batch[0].digest)
    if loaded is None:  # it was let go
        return [busy() for _ in batch]
    try:
        return compute(loaded, batch)
    except Exception as error:  # what breaks one of them must not break the others
        if len(batch) > 1:
            return [answers_of(models, [job])[0] for job in batch]
        _LOG.exception("a job broke")
        return [Broke(type(error).__name__)]


def _follow(orders: Line, models: dict[str, Loaded], threads: int, warmed: int) -> None:
    """Load models and let go of them, beside the work."""
    try:
        while True:
            order, given = orders.receive()
            if order == "load":
                orders.send(_load(models, given, threads, warmed))
            else:
                for digest in set(models) - set(given):
                    del models[digest]
                orders.send(None)
    except (EOFError, OSError):
        return


def _load(models: dict[str, Loaded], folder: Path, threads: int, warmed: int) -> tuple[str | None, Any]:
    """Digest of a bundle that was loaded and has computed something, or None and why it cannot be."""
    try:
        loaded = load_model(folder, threads=threads)
        job = Job(loaded.model.digest, Source(loaded.takes.blank()), edit=_some_edit(loaded))
        for rows in range(warmed, 0, -1):
            compute(loaded, [job] * rows)
    except Exception as error:  # a bundle may come from anybody and raise anything
        return None, str(error) or type(error).__name__
    models[loaded.model.digest] = loaded
    gc.freeze()
    return loaded.model.digest, None


def _some_edit(loaded: Loaded) -> Edit | None:
    if loaded.editor is None or not loaded.editor.signatures.signatures:
        return None
    first = loaded.editor.signatures.signatures[0]
    return Edit({first.name: _change(first)})


def _change(signature: Signature) -> Change:
    if signature.path != "classes":
        return Move(0.1)
    names = signature.chart.target.factor.values or ()
    return Set(names[signature.classes[0]])


if __name__ == "__main__":
    main()

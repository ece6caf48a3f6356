"""Latency and load of `unweave serve`, beside the same work in process. `serving_compare.py` has other servers.

Loopback alone; every phase is bounded. wrk sends the requests (`apt install wrk`). The machine's
other work is in every figure: compare figures of one run.

    .venv/bin/python benchmarks/serving_load.py --size 64 --seconds 8 --overload 60
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from serving_client import closed_loop, form
from serving_server import free_port, memory_mib, process, processor_s
from serving_work import images, in_process, last_factor, make_bundle
from serving_wrk import Answers, Wrk, write_pool
from unweave.serving.work.loaded import Loaded, load_model


def requests(loaded: Loaded, pool: list[bytes], path: str = "/v1/edit") -> Iterator[bytes]:
    """Edits that were never asked before: another amount each, images in turn."""
    factor = last_factor(loaded)
    for k in itertools.count():
        edits = json.dumps([{"factor": factor, "by": 0.1 + 1e-6 * k}])
        # What stands behind its end no decoder looks at, and no image was seen before.
        yield form(path, pool[k % len(pool)] + b"%d" % k, {"edits": edits})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--bundle", type=Path, help="in place of one that is made for the purpose")
    parser.add_argument("--seconds", type=float, default=6, help="of every phase")
    parser.add_argument("--overload", type=float, default=20, help="seconds of overload; 0 leaves it out")
    parser.add_argument("--batch", type=int, default=8)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="unweave-load-"))
    try:
        run(given, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(wrk: Wrk, seconds: float) -> tuple[Answers, Answers, Answers, Answers]:
    """One client, the best of several numbers of clients, and half of that rate: at random times, and evenly."""
    wrk.load(4, min(seconds, 2))
    one = wrk.load(1, seconds)
    best = max((wrk.load(clients, seconds) for clients in (8, 16, 32)), key=lambda load: load.rate)
    half = best.rate / 2
    return one, best, wrk.load(64, seconds, rate=half), wrk.load(64, seconds, rate=half, even=True)


def overload(wrk: Wrk, pid: int, rate: float, seconds: float) -> None:
    """Three times what it can do."""
    sizes, stop = [], threading.Event()

    def watch() -> None:
        while not stop.wait(1.0):
            sizes.append(memory_mib(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    load = wrk.load(400, seconds, rate=3 * rate)
    stop.set()
    watcher.join()
    print(f"  overload, {3 * rate:.0f}/s for {seconds:.0f} s: {load}")
    if len(sizes) > 4:
        quarter = len(sizes) // 4
        print(
            f"  memory: {np.mean(sizes[quarter : 2 * quarter]):.1f} MiB, at the end {np.mean(sizes[-quarter:]):.1f} MiB"
        )


def run(given: argparse.Namespace, folder: Path) -> None:
    """All phases."""
    bundle = given.bundle.resolve() if given.bundle else make_bundle(folder / "project", given.size)
    loaded = load_model(bundle)
    pool = images(loaded, 2000)
    print(f"{loaded.model.shape}, load of the machine {os.getloadavg()[0]:.1f} before")
    work = in_process(loaded, pool, given.seconds, given.batch)
    print(
        f"in process, one thread: one edit {work.single:.2f} ms from file to file, {work.rested:.2f} ms after a pause;"
    )
    print(f"  in batches of {given.batch} {work.whole:.0f}/s, {work.graphs:.0f}/s without reading and writing files")
    port, made = free_port(), requests(loaded, pool)
    wrk = Wrk(port, write_pool(folder / "pool", pool), last_factor(loaded))
    command = [sys.executable, "-c", "from unweave.cli.main import main; main()", "serve", f"load={bundle}"]
    # A cache that is full soon, so that memory that grows is not the cache's.
    settings = folder / "serve.yaml"
    settings.write_text("cache_bytes: 4000000\n")
    command += ["--config", str(settings), "--port", str(port), "--batch", str(given.batch), "--no-access-log"]
    with process(command, folder, port) as server:
        wrk.load(4, 2)
        before = processor_s(server.pid)
        answered = wrk.load(1, given.seconds).answered
        each = 1000 * (processor_s(server.pid) - before) / answered
        print(f"processor time of a request: {each:.2f} ms, of the work in process {work.cpu:.2f} ms")
        one, best, half, even = measure(wrk, given.seconds)
        print(f"unweave, one client:       {one}")
        print(f"  capacity:                {best}")
        print(f"  at half of the capacity: {half}")
        print(f"    evenly spaced:         {even}")
        again = in_process(loaded, pool, given.seconds, given.batch)
        single, rested, whole = ((getattr(work, n) + getattr(again, n)) / 2 for n in ("single", "rested", "whole"))
        print(
            f"  in process again: one edit {again.single:.2f} ms, {again.rested:.2f} after a pause, {again.whole:.0f}/s"
        )
        print(f"  over the work itself, p50: {one.p50 - single:.2f} ms, {one.p50 - rested:.2f} over that after a pause")
        print(f"  capacity / in process: {best.rate / whole:.2f}")
        same = itertools.repeat(next(made))
        python = closed_loop(port, made, clients=1, seconds=given.seconds)
        print(f"  one client in Python:    {python}")
        print(f"  cached, the same client: {closed_loop(port, same, clients=1, seconds=given.seconds)}")
        if given.overload:
            overload(wrk, server.pid, best.rate, given.overload)
    print(f"load of the machine {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()

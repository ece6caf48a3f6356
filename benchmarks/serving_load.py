"""Latency and load of `unweave serve`, beside the same work in process and, where given, beside other servers.

Loopback alone; every phase is bounded. wrk sends the requests (`apt install wrk`). The machine's
other work is in every figure: compare figures of one run.

    .venv/bin/python benchmarks/serving_load.py --size 64 --seconds 8 --overload 60
    .venv/bin/python benchmarks/serving_load.py --peers /path/to/venv/bin/python   # with litserve and bentoml in it
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from serving_client import closed_loop, form
from serving_wrk import Answers, Wrk, write_pool
from unweave.core.seeds import generator
from unweave.serving.compute import compute
from unweave.serving.jobs import Job, Source
from unweave.serving.pictures import check_image, read_picture, write_picture
from unweave.serving.served import Served, load_served
from unweave.serving.settings import Limits
from unweave.signatures.edit import Edit, Move

PEERS = Path(__file__).with_name("serving_peers.py")


def make_bundle(folder: Path, size: int) -> Path:
    """A bundle of a small convolutional model, trained for a few steps: speed does not depend on quality."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests/helpers"))
    from small_bundle import small_bundle

    made = small_bundle(
        folder,
        name="load",
        data={"images": "builtin:sprites", "size": size, "rows": 400},
        method={"kind": "beta_vae", "beta": 0.0, "latent": 10},
        net={"kind": "conv"},
        training={"steps": 60, "batch": 32, "learning_rate": 0.002},
    )
    return made.folder


def images(served: Served, count: int) -> list[bytes]:
    """Different pictures as PNG files: soft blobs, as large as photographs of this size are."""
    random, found = generator(0, "load"), []
    height, width, channels = served.model.shape
    for _ in range(count):
        small = random.integers(0, 256, (8, 8, 3), np.uint8)
        image = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        file = io.BytesIO()
        image.convert("L" if channels == 1 else "RGB").save(file, "PNG")
        found.append(file.getvalue())
    return found


def requests(served: Served, pool: list[bytes], path: str = "/v1/edit") -> Iterator[bytes]:
    """Edits that were never asked before: another amount each, images in turn."""
    factor = served.editor.signatures.names[-1]
    for k in itertools.count():
        edits = json.dumps([{"factor": factor, "by": 0.1 + 1e-6 * k}])
        # What stands behind its end no decoder looks at, and no image was seen before.
        yield form(path, pool[k % len(pool)] + b"%d" % k, {"edits": edits})


def in_process(served: Served, pool: list[bytes], seconds: float, batch: int) -> tuple[float, float, float, float]:
    """Milliseconds of one edit from file to file, p50 and processor time; and rows a second in batches, from file to
    file, and encoding, editing and decoding alone."""
    factor = served.editor.signatures.names[-1]
    limits = Limits()

    def job(k: int) -> Job:
        content = pool[k % len(pool)]
        pixels = read_picture(content, check_image(content, limits, ""), served, limits, "")
        return Job(served, Source(pixels), edit=Edit({factor: Move(0.1 + 1e-6 * k)}))

    write_picture(compute([job(0)])[0].pixels, "png")
    singles, k, end, cpu = [], 1, time.perf_counter() + seconds / 3, time.process_time()
    while time.perf_counter() < end:
        began = time.perf_counter()
        write_picture(compute([job(k)])[0].pixels, "png")
        singles.append(time.perf_counter() - began)
        k += 1
    rates, cpu = [], 1000 * (time.process_time() - cpu) / len(singles)
    for whole in (True, False):
        ready, rows, began = [job(k) for k in range(batch)], 0, time.perf_counter()
        while time.perf_counter() - began < seconds / 3:
            jobs = [job(rows + k) for k in range(batch)] if whole else ready
            results = compute(jobs)
            if whole:
                for result in results:
                    write_picture(result.pixels, "png")
            rows += batch
        rates.append(rows / (time.perf_counter() - began))
    return 1000 * float(np.median(singles)), cpu, rates[0], rates[1]


@contextlib.contextmanager
def process(command: list[str], folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server, from when it answers until the end."""
    log = (folder / "server.log").open("ab")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    running = subprocess.Popen(command, stderr=log, stdout=log, env=environment, process_group=0, cwd=folder)
    try:
        end = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if running.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the server did not start: {(folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.2)
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(20)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
        log.close()


def processor_s(pid: int) -> float:
    """Processor time that a process has taken, which other work on the machine hardly changes."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--bundle", type=Path, help="in place of one that is made for the purpose")
    parser.add_argument("--seconds", type=float, default=6, help="of every phase")
    parser.add_argument("--overload", type=float, default=20, help="seconds of overload; 0 leaves it out")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--peers", type=Path, help="a Python with litserve and bentoml")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="unweave-load-"))
    try:
        run(given, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(wrk: Wrk, seconds: float) -> tuple[Answers, Answers, Answers]:
    """One client, the best of several numbers of clients, and half of that rate."""
    wrk.load(4, min(seconds, 2))
    one = wrk.load(1, seconds)
    best = max((wrk.load(clients, seconds) for clients in (8, 16, 32)), key=lambda load: load.rate)
    return one, best, wrk.load(64, seconds, rate=best.rate / 2)


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
    served = load_served("load", bundle, threads=1, share_decoder=False)
    pool = images(served, 2000)
    print(f"{served.model.shape}, load of the machine {os.getloadavg()[0]:.1f} before")
    single, cpu, whole, graphs = in_process(served, pool, given.seconds, given.batch)
    print(
        f"in process: one edit {single:.2f} ms from file to file; in batches of {given.batch} {whole:.0f}/s from file"
    )
    print(f"  to file, {graphs:.0f}/s encoding, editing and decoding alone; one thread")
    port, made = free_port(), requests(served, pool)
    wrk = Wrk(port, write_pool(folder / "pool", pool), served.editor.signatures.names[-1])
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
        print(f"processor time of a request: {each:.2f} ms, of the work in process {cpu:.2f} ms: {each - cpu:.2f} more")
        one, best, half = measure(wrk, given.seconds)
        print(f"unweave, one client:       {one}")
        print(f"  capacity:                {best}")
        print(f"  at half of the capacity: {half}")
        print(f"  over the work itself: {one.p50 - single:.2f} ms p50; capacity / in process {best.rate / whole:.2f}")
        same = itertools.repeat(next(made))
        python = closed_loop(port, made, clients=1, seconds=given.seconds)
        print(f"  one client in Python:    {python}")
        print(f"  cached, the same client: {closed_loop(port, same, clients=1, seconds=given.seconds)}")
        again = in_process(served, pool, given.seconds, given.batch)
        print(f"  in process again: one edit {again[0]:.2f} ms, in batches {again[2]:.0f}/s")
        if given.overload:
            overload(wrk, server.pid, best.rate, given.overload)
    for peer in ("litserve", "bentoml") if given.peers else ():
        port = free_port()
        # Not through `sys.executable`: a peer has an environment of its own, with this package beside it.
        command = [str(given.peers), str(PEERS), peer, str(bundle), str(port), str(given.batch)]
        with process(command, folder, port):
            time.sleep(5)
            path = "/predict" if peer == "litserve" else "/edit"
            one, best, half = measure(replace(wrk, port=port, path=path), given.seconds)
            print(f"{peer}, one client: {one}\n  capacity: {best}\n  at half of the capacity: {half}")
    print(f"load of the machine {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()

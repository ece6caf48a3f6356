"""Ingest a folder of many images: images per second, peak memory of all processes, and how quick opening again is.

    python benchmarks/ingest.py --images 100000 --processes 1 2

Makes PNG files in a temporary folder and reads them into a store once for each number of processes, each time in a
fresh process with an empty cache. Memory is read from /proc, so the figures need Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from unweave.data.config import DataConfig
from unweave.data.dataset import Dataset, load_dataset

_PER_FOLDER = 1000
_MIB = 1024**2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--side", type=int, default=96, help="side of the PNG files in pixels")
    parser.add_argument("--size", type=int, default=64, help="side of the images in the store in pixels")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(measure(arguments.one, arguments.size, arguments.processes[0])))
        return
    with tempfile.TemporaryDirectory(prefix="unweave-ingest-") as name:
        folder = Path(name)
        size = make_images(folder / "images", arguments.images, arguments.side)
        print(f"{arguments.images:,} PNG files of {arguments.side} pixels, {size / _MIB:.0f} MiB, to {arguments.size}")
        print("| processes | images/s | s | CPU ms/image | peak MiB, all processes | anonymous | opened again, s |")
        print("|--:|--:|--:|--:|--:|--:|--:|")
        for processes in arguments.processes:
            command = [sys.executable, __file__, "--one", name, "--size", str(arguments.size)]
            command += ["--processes", str(processes)]
            row = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            print(
                f"| {processes} | {arguments.images / row['seconds']:,.0f} | {row['seconds']:.1f} | "
                f"{1000 * row['cpu'] / arguments.images:.2f} | "
                f"{row['peak'] / _MIB:.0f} | {row['anonymous'] / _MIB:.0f} | {row['again']:.2f} |",
                flush=True,
            )


def make_images(folder: Path, count: int, side: int) -> int:
    """Write smooth colour pictures with some noise, as photographs have; returns the bytes of all files."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (64, 8, 8, 3), dtype=np.uint8)
    scenes = [np.asarray(Image.fromarray(c).resize((side, side), Image.Resampling.BICUBIC)) for c in coarse]
    noise = rng.integers(0, 4, (97, side, side, 1), dtype=np.uint8)
    total = 0
    for number in range(count):
        path = folder / f"{number // _PER_FOLDER:04d}" / f"{number:07d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        # 64 and 97 have no common divisor: 6,208 different pictures. The number makes each one different.
        pixels = scenes[number % 64] // 2 + noise[number % 97]
        pixels[0, :3] = np.frombuffer(number.to_bytes(9, "big"), dtype=np.uint8).reshape(3, 3)
        Image.fromarray(pixels).save(path, compress_level=1)
        total += path.stat().st_size
    return total


def measure(folder: Path, size: int, processes: int) -> dict[str, float]:
    """Ingest once with an empty cache and open once from it, watching memory all the while."""
    with tempfile.TemporaryDirectory(prefix="cache-", dir=folder) as name, PeakMemory() as memory:
        began, cpu = time.perf_counter(), _cpu_seconds()
        first = _load(folder, Path(name), size, processes)
        seconds, cpu = time.perf_counter() - began, _cpu_seconds() - cpu
        began = time.perf_counter()
        again = _load(folder, Path(name), size, processes)
        opened = time.perf_counter() - began
        assert first.data_hash == again.data_hash
    return {"seconds": seconds, "cpu": cpu, "again": opened, "peak": memory.resident, "anonymous": memory.anonymous}


def _cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _load(folder: Path, cache: Path, size: int, processes: int) -> Dataset:
    config = DataConfig(images="images", size=size, on_bad="fail")
    return load_dataset(config, (), root=folder, cache=cache, processes=processes)


class PeakMemory:
    """Peak of the summed resident memory of this process and its descendants, looked at 50 times a second.

    Pages that processes share count once for each of them, so `resident` is an upper bound.
    """

    def __init__(self) -> None:
        self.resident = self.anonymous = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            memory = [_memory(process) for process in _family(Path("/proc/self").resolve())]
            self.resident = max(self.resident, sum(resident for resident, _ in memory))
            self.anonymous = max(self.anonymous, sum(anonymous for _, anonymous in memory))


def _family(process: Path) -> Iterator[Path]:
    yield process
    for children in process.glob("task/*/children"):
        try:
            pids = children.read_text().split()
        except OSError:
            continue
        for pid in pids:
            yield from _family(Path("/proc", pid))


def _memory(process: Path) -> tuple[int, int]:
    """Resident and anonymous bytes of one process, zeros when it has just ended."""
    try:
        lines = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    except OSError:
        return 0, 0
    return tuple(1024 * int(lines.get(key, "0 kB").split()[0]) for key in ("VmRSS", "RssAnon"))  # type: ignore[return-value]


if __name__ == "__main__":
    main()

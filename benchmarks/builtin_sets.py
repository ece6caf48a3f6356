"""Draw every built-in set on one core: images per second beside the required floor, and the cost of the first image.

    python benchmarks/builtin_sets.py --images 20000

Each row is measured in a fresh process, by its CPU time on one thread: random cells in random order, in batches of 256.
"first" is the rate over the first 2,000 images, what is made once (outlines, the geometries of the scenes) included;
"then" is the rate after that. The first image of all is timed twice: with an empty cache of compiled code, as on a new
machine, and with a full one. A rate below its floor makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from unweave.data.builtin.base import GeneratedSet, Index
from unweave.data.builtin.registry import builtin_set
from unweave.data.builtin.sampling import draw

FLOORS = {
    ("sprites", 64): 15_000,
    ("sprites", 32): 15_000,
    ("sprites-color", 64): 15_000,
    ("sprites-color", 32): 15_000,
    ("sprites-noisy", 64): 15_000,
    ("sprites-noisy", 32): 15_000,
    ("scenes", 64): 500,
    ("scenes", 32): None,
    ("scenes", 128): None,
    ("digits", 8): None,
    ("digits", 32): None,
}
_BATCH, _FIRST = 256, 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--one", nargs=2, metavar=("SET", "SIZE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(measure(arguments.one[0], int(arguments.one[1]), arguments.images)))
        return
    print("| set | pixels | images/s, first | images/s, then | floor | first image, s: nothing compiled | compiled |")
    print("|:--|--:|--:|--:|--:|--:|--:|")
    slow = False
    for (name, size), floor in FLOORS.items():
        with tempfile.TemporaryDirectory(prefix="unweave-numba-") as cache:
            cold = run(name, size, 1, cache)
            warm = run(name, size, arguments.images, cache)
        print(
            f"| {name} | {size} | {warm['first']:,.0f} | {warm['then']:,.0f} | {f'{floor:,}' if floor else '–'} | "
            f"{cold['one']:.2f} | {warm['one']:.2f} |",
            flush=True,
        )
        slow |= floor is not None and min(warm["first"], warm["then"]) < floor
    sys.exit(slow)


def run(name: str, size: int, images: int, cache: str) -> dict[str, float]:
    """Measure in a fresh process that keeps its compiled code in `cache`."""
    command = [sys.executable, __file__, "--one", name, str(size), "--images", str(images)]
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    environment = {**os.environ, **threads, "NUMBA_CACHE_DIR": cache}
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)


def measure(name: str, size: int, images: int) -> dict[str, float]:
    """CPU seconds of the first image, and images per CPU second of the first 2,000 and of the next `images`."""
    began = time.process_time()
    generated = builtin_set(name, size=size)
    index = draw(generated.sizes, _FIRST + images, seed=0, holes=generated.holes)
    generated.render(index[:1])
    one = time.process_time() - began
    first, then = (rate(generated, part) for part in (index[:_FIRST], index[_FIRST:]))
    return {"one": one, "first": first, "then": then}


def rate(generated: GeneratedSet, index: Index) -> float:
    """Images per CPU second."""
    began = time.process_time()
    for start in range(0, len(index), _BATCH):
        generated.render(index[start : start + _BATCH])
    return len(index) / (time.process_time() - began)


if __name__ == "__main__":
    main()

"""Mutated images against the reader of the server, and against a server over HTTP, with bounded memory.

.venv/bin/python benchmarks/serving_fuzz.py --count 10000
"""

from __future__ import annotations

import argparse
import collections
import resource
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/helpers"))

from image_mutations import mutated_images
from unweave.serving.images.pictures import check_image, read_picture
from unweave.serving.refusals import Refused
from unweave.serving.settings import Limits
from unweave.serving.work.loaded import load_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--memory", type=int, default=2048, help="MiB of address space beyond what is taken already")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", module=r"PIL\.")
    loaded, limits = load_model(given.bundle), Limits()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + (given.memory << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    said: collections.Counter[str] = collections.Counter()
    began, longest, before = time.perf_counter(), 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for content in mutated_images(given.count, seed=given.seed):
        start = time.perf_counter()
        try:
            read_picture(content, check_image(content, limits, "image"), loaded.takes, "image")
            said["decoded"] += 1
        except Refused as refused:
            said[refused.code] += 1
        longest = max(longest, time.perf_counter() - start)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{given.count} files in {time.perf_counter() - began:.0f} s: {dict(said)}")
    print(f"longest {1000 * longest:.0f} ms, memory grew by {grown:.0f} MiB at most")


if __name__ == "__main__":
    main()

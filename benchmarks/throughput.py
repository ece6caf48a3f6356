"""Training throughput beside disent and pythae: same net, same data, same machine, interleaved in one run.

    python3 -m venv peers && peers/bin/pip install torch==2.13.0 'lightning<2.7' numpy scipy scikit-learn pandas h5py \
        tqdm requests imageio cloudpickle pydantic pillow && peers/bin/pip install --no-deps disent==0.8.0 pythae==0.1.2
    .venv/bin/python benchmarks/throughput.py --peers peers/bin/python [--device cuda] [--json results.json]

Every contestant is a process that trains the published 64-pixel beta-VAE (Locatello et al. 2019, table 1) on 20,000
pictures and stops between rounds; rounds go A B C, A B C, …, and the ratio is taken round by round, so that a machine
whose speed drifts is fair to all. unweave has everything on: progress, monitor, MLflow, checkpoints. Expected on two
idle cores: at least 1.6 x the faster peer at batch 64, 2 x at batch 256, 2.3 x for a sweep (one process a core against
one peer with two threads), and 40 % of the machine's matrix-product rate; on a GPU at least 1 x of the faster peer.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

MFLOP_PER_IMAGE = 96.5
"""Of one step, forward and backward, in millions of multiplications and additions."""

WORKER = Path(__file__).with_name("throughput_worker.py")


@dataclass
class Contestant:
    """A training process that waits between rounds."""

    name: str
    process: subprocess.Popen[str]
    batch: int

    @classmethod
    def start(
        cls, python: str, name: str, batch: int, device: str, *, threads: int, core: int | None = None
    ) -> Contestant:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        if name.startswith("unweave"):
            environment["GOMP_SPINCOUNT"] = "10000"  # as the command line does
        command = [python, str(WORKER), name, str(batch), device, str(threads)]
        if core is not None:
            command = ["taskset", "-c", str(core), *command]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        made = cls(name, process, batch)
        made.expect("ready")
        return made

    def expect(self, word: str) -> list[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line.split()[1:]
        raise RuntimeError(f"{self.name} ended with {self.process.wait()}")

    def tell(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def go(self, steps: int) -> None:
        self.tell(str(steps))

    def rate(self, steps: int) -> float:
        """Images per second of the round that was told to begin."""
        return steps * self.batch / float(self.expect("seconds")[0])

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def compare(
    python: dict[str, str], batch: int, device: str, *, threads: int, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Images per second of every contestant, round by round."""
    contestants = [Contestant.start(p, name, batch, device, threads=threads) for name, p in python.items()]
    steps = {}
    for c in contestants:
        c.go(3)
        c.rate(3)
        c.go(5)
        steps[c.name] = max(3, round(seconds * c.rate(5) / batch))
    found: dict[str, list[float]] = {c.name: [] for c in contestants}
    for _ in range(rounds):
        for c in contestants:
            c.go(steps[c.name])
            found[c.name].append(c.rate(steps[c.name]))
    for c in contestants:
        c.end()
    return found


def sweep(python: dict[str, str], peer: str, batch: int, *, rounds: int, seconds: float) -> dict[str, list[float]]:
    """One pinned single-threaded unweave a core, together, against one peer with all cores, in turn."""
    cores = sorted(os.sched_getaffinity(0))
    ours = [Contestant.start(python["unweave"], "unweave", batch, "cpu", threads=1, core=core) for core in cores]
    theirs = Contestant.start(python[peer], peer, batch, "cpu", threads=len(cores))
    found: dict[str, list[float]] = {"unweave sweep": [], peer: []}
    for round_ in range(rounds + 1):
        steps = max(3, round(seconds * 300 / batch))
        for c in ours:
            c.go(steps)
        rates = [c.rate(steps) for c in ours]
        theirs.go(max(3, steps // 2))
        rate = theirs.rate(max(3, steps // 2))
        if round_:  # the first warms up
            found["unweave sweep"].append(sum(rates))
            found[peer].append(rate)
    for c in [*ours, theirs]:
        c.end()
    return found


def ratios(found: dict[str, list[float]], ours: str, other: str) -> tuple[float, float, float]:
    """Least, median and greatest ratio of ours to another, round by round."""
    values = [mine / theirs for mine, theirs in zip(found[ours], found[other], strict=True)]
    return min(values), statistics.median(values), max(values)


def matrix_rate(threads: int) -> float:
    """Best GFLOP/s of a float32 product of two 2048 x 2048 matrices in a fresh process."""
    code = (
        f"import torch, time; torch.set_num_threads({threads}); a = torch.rand(2048, 2048); best = 0\n"
        "for _ in range(12):\n"
        "    t = time.perf_counter(); a @ a; best = max(best, 2 * 2048**3 / (time.perf_counter() - t) / 1e9)\n"
        "print(best)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def overhead() -> dict[str, float]:
    """Microseconds that the loop adds to a step of a tiny net, with everything on, against a plain loop."""
    done = subprocess.run([sys.executable, str(WORKER), "overhead"], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Run all comparisons and print a table; `--json` keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="Python with disent and pythae; without it only unweave and a plain loop run")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one round")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    python = {"unweave": sys.executable, "plain": sys.executable}
    if options.peers:
        python |= {"disent": options.peers, "pythae": options.peers}
    threads = len(os.sched_getaffinity(0)) if options.device == "cpu" else 1
    result: dict[str, object] = {"machine": platform.processor() or platform.machine(), "load": os.getloadavg()[0]}
    for batch in (64, 256):
        found = compare(python, batch, options.device, threads=threads, rounds=options.rounds, seconds=options.seconds)
        result[f"batch {batch}"] = found
        print(f"batch {batch}, {options.device}, {threads} threads: images/s, median of {options.rounds} rounds")
        for name, rates in found.items():
            print(f"  {name:14} {statistics.median(rates):8.0f}")
        for other in (name for name in found if name != "unweave"):
            low, middle, high = ratios(found, "unweave", other)
            print(f"  unweave / {other}: {middle:.2f} ({low:.2f} to {high:.2f})")
        if options.device == "cpu":
            peak = matrix_rate(threads)
            used = statistics.median(found["unweave"]) * MFLOP_PER_IMAGE / 1000
            print(f"  {used:.0f} of {peak:.0f} GFLOP/s: {used / peak:.0%} of the matrix-product rate")
            result[f"matrix share {batch}"] = used / peak
    if options.device == "cpu":
        if options.peers:
            for batch, peer in product((64, 256), ("disent", "pythae")):
                found = sweep(python, peer, batch, rounds=options.rounds, seconds=options.seconds)
                result[f"sweep of batch {batch} against {peer}"] = found
                low, middle, high = ratios(found, "unweave sweep", peer)
                ours = statistics.median(found["unweave sweep"])
                print(f"sweep of batch {batch}, one process a core: {ours:.0f} images/s, ", end="")
                print(f"{middle:.2f} x {peer} ({low:.2f} to {high:.2f})")
        result["overhead"] = overhead()
        print("overhead per step, µs:", {k: round(v) for k, v in dict(result["overhead"]).items()})  # type: ignore[call-overload]
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    started = time.time()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["UNWEAVE_BENCHMARK_FOLDER"] = folder
        main()
    print(f"took {time.time() - started:.0f} s")

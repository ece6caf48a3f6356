"""`unweave serve` beside LitServe and BentoML with the same model and the same work, in turns, since machines change.

.venv/bin/python benchmarks/serving_compare.py /path/to/venv/bin/python   # with litserve and bentoml in it
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from serving_server import free_port, process
from serving_work import images, last_factor, make_bundle
from serving_wrk import Wrk, write_pool
from unweave.serving.work.loaded import load_model

PEERS = Path(__file__).with_name("serving_peers.py")
PATHS = {"unweave": "/v1/edit", "litserve": "/predict", "bentoml": "/edit"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", type=Path, help="with litserve and bentoml")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--bundle", type=Path, help="in place of one that is made for the purpose")
    parser.add_argument("--seconds", type=float, default=3, help="of every load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unweave-compare-") as folder:
        run(given, Path(folder))


def run(given: argparse.Namespace, folder: Path) -> None:
    """All servers are up all the time; each gets its turn in every round."""
    bundle = given.bundle.resolve() if given.bundle else make_bundle(folder / "project", given.size)
    loaded = load_model(bundle)
    pool, factor = write_pool(folder / "pool", images(loaded, 2000)), last_factor(loaded)
    with contextlib.ExitStack() as stack:
        servers = {}
        for name, path in PATHS.items():
            port = free_port()
            home = folder / name
            home.mkdir()
            stack.enter_context(process(command(given, name, bundle, port), home, port))
            servers[name] = Wrk(port, pool, factor, path)
        for server in servers.values():
            server.load(4, 3)
        found: dict[str, list[tuple[float, ...]]] = {name: [] for name in servers}
        for _ in range(given.rounds):
            for name, server in servers.items():
                one, many = server.load(1, given.seconds), server.load(16, given.seconds)
                wrong = sum(answers.other + answers.wrong + answers.broken for answers in (one, many))
                found[name].append((one.p50, one.p99, many.rate, many.p50, many.p99, wrong))
    print(f"{loaded.model.shape}, load of the machine {os.getloadavg()[0]:.1f}; medians of {given.rounds} rounds")
    print("           one client p50, p99 ms   16 clients: answers/s, p50, p99 ms   wrong")
    for name, rows in found.items():
        p50, p99, rate, many50, many99, wrong = np.median(rows, axis=0)
        print(f"{name:10} {p50:14.2f} {p99:8.2f} {rate:25.0f} {many50:6.1f} {many99:8.1f} {wrong:7.0f}")
        ratios = np.array(rows)[:, [0, 2]] / np.array(found["unweave"])[:, [0, 2]]
        p50, rate = np.median(ratios, axis=0)
        print(f"{'':10} beside unweave, round by round: p50 {p50:.2f}, rate {rate:.2f}")


def command(given: argparse.Namespace, name: str, bundle: Path, port: int) -> list[str]:
    """How a server is started."""
    if name != "unweave":
        # Not through `sys.executable`: a peer has an environment of its own, with this package beside it.
        return [str(given.python.absolute()), str(PEERS), name, str(bundle), str(port), str(given.batch)]
    start = [sys.executable, "-c", "from unweave.cli.main import main; main()", "serve", f"load={bundle}"]
    return [*start, "--port", str(port), "--batch", str(given.batch), "--no-access-log"]


if __name__ == "__main__":
    main()

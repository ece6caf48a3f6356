"""wrk as the generator of load: it takes a tenth of the processor time that a client in Python takes of the server."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("serving_load.lua")


@dataclass(frozen=True)
class Wrk:
    """Loads of one server.

    Attributes:
        port: of the server, on loopback.
        pool: file of images, see `write_pool`.
        factor: that is moved.
        path: that takes the edits.
    """

    port: int
    pool: Path
    factor: str
    path: str = "/v1/edit"

    def load(self, connections: int, seconds: float, *, rate: float = 0.0, even: bool = False) -> Answers:
        """Send edits for a while.

        Args:
            connections: at once.
            seconds: of the load.
            rate: requests a second of all connections together as long as answers are quick; 0: each connection sends
                the next request when it has its answer.
            even: one request after another at the same distance, in place of a random one.
        """
        _SEEDS[0] += 1_000_000
        think = 1000 * connections / rate if rate else 0.0
        step = 1000 / rate if even else 0.0
        command = ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--timeout", "60s", "-s", str(SCRIPT)]
        command += [f"http://127.0.0.1:{self.port}", "--", str(self.pool), self.factor, str(_SEEDS[0]), f"{think:.3f}"]
        command += [self.path, f"{step:.3f}"]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        line = next(line for line in found.splitlines() if line.startswith("JSON "))
        return Answers(**json.loads(line.removeprefix("JSON ")))


_SEEDS = [0]
"""Amounts go on where the load before ended, so that no edit was asked before."""


@dataclass(frozen=True)
class Answers:
    """What came back; latencies in milliseconds are of all answers, refusals among them."""

    seconds: float
    answered: int
    refused: int
    other: int
    wrong: int
    broken: int
    p50: float
    p99: float
    longest: float

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.answered / self.seconds

    def __str__(self) -> str:
        said = f"{self.answered} answers"
        for name in ("refused", "other", "wrong", "broken"):
            said += f", {getattr(self, name)} {name}" if getattr(self, name) else ""
        return f"{self.rate:6.0f}/s, p50 {self.p50:7.2f} ms, p99 {self.p99:7.2f}, longest {self.longest:7.1f} ({said})"


def write_pool(path: Path, images: list[bytes]) -> Path:
    """Images for wrk, each with its length before it."""
    path.write_bytes(b"".join(b"%d\n" % len(image) + image for image in images))
    return path

"""The gates of `accept:`: whether a scorecard is good enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from unweave.core.scores import Scorecard
from unweave.projects.config import AcceptConfig, Gate


@dataclass(frozen=True)
class GateResult:
    """One gate: what was wanted, what came."""

    score: str
    wanted: str
    value: float | None
    passed: bool

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)


def check_gates(accept: AcceptConfig | None, card: Scorecard) -> tuple[GateResult, ...]:
    """All gates on held-out rows; a score without a value, or absent, fails."""
    return check_values(accept, {name: score.value for name, score in card.items()})


def check_values(accept: AcceptConfig | None, values: Mapping[str, float | None]) -> tuple[GateResult, ...]:
    """The same for the values of scores, by name."""
    return tuple(judge(score, gate, values.get(score)) for score, gate in gates(accept)) if accept else ()


def gates(accept: AcceptConfig) -> Iterator[tuple[str, Gate]]:
    """Names of scores and their gates; `edit_p95_ms` is measured on a bundle, never on held-out rows."""
    if accept.mig:
        yield "mig", accept.mig
    if accept.dci:
        yield "dci.disentanglement", accept.dci
    for factor, gate in accept.probe_accuracy.items():
        yield f"probe.{factor}", gate
    if accept.leakage:
        yield "leakage", accept.leakage


def judge(name: str, gate: Gate, value: float | None) -> GateResult:
    """One gate; without a value it fails."""
    passed = value is not None and (
        (gate.at_least is None or value >= gate.at_least) and (gate.at_most is None or value <= gate.at_most)
    )
    bounds = [f"at least {gate.at_least:g}" if gate.at_least is not None else ""]
    bounds.append(f"at most {gate.at_most:g}" if gate.at_most is not None else "")
    return GateResult(name, " and ".join(b for b in bounds if b), value, passed)

"""What went wrong, or will, in words: from the looks at the validation sample to findings with advice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from unweave.training.monitor import Look
from unweave.training.traversal import DEAD


@dataclass(frozen=True)
class Diagnosis:
    """One thing that a person should know about a training.

    Attributes:
        kind: a fixed word for programs.
        severity: `note` is worth knowing, `warning` costs quality, `problem` makes the model useless.
        title, detail, advice: for people: what it is, how one sees it here, what to do.
    """

    kind: Literal["collapse", "dead_units", "ignored_code", "beta_too_high", "not_finite", "still_improving"]
    severity: Literal["note", "warning", "problem"]
    title: str
    detail: str
    advice: str


def diagnose(
    looks: Sequence[tuple[int, Look]], *, factors: int = 0, beta: float | None = None, rolled_back: bool = False
) -> tuple[Diagnosis, ...]:
    """Findings about a training, the worst first.

    Args:
        looks: step and look, in the order of training; the last one decides.
        factors: number of labelled factors, 0 when there are none.
        beta: weight of the KL term, when the method has one.
        rolled_back: whether the loss stopped being finite and training went back.
    """
    found: list[Diagnosis] = []
    if rolled_back:
        found.append(_not_finite())
    if looks:
        last = looks[-1][1]
        alive = int((last.kl > DEAD).sum())
        if alive == 0 and last.explained >= 0.5:
            found.append(_ignored_code(last))
        elif alive == 0:
            found.append(_collapse(last, beta))
        else:
            checks: Sequence[Callable[[], Diagnosis | None]] = (
                lambda: _beta_too_high(last, alive, factors, beta),
                lambda: _dead_units(last, alive),
                lambda: _still_improving(looks),
            )
            found += [d for check in checks if (d := check()) is not None]
    order = {"problem": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda d: order[d.severity]))


def _not_finite() -> Diagnosis:
    return Diagnosis(
        "not_finite",
        "warning",
        "The loss stopped being a number",
        "Training went back to the last good checkpoint and went on with a lower learning rate.",
        "If the scores disappoint, start again with a lower training.learning_rate or with training.gradient_norm: 5.",
    )


def _collapse(last: Look, beta: float | None) -> Diagnosis:
    lower = f"Lower method.beta (now {beta:g})" if beta is not None and beta > 1 else "Lower the weight of the KL term"
    return Diagnosis(
        "collapse",
        "problem",
        "Posterior collapse: the code says nothing about the data",
        f"No dimension carries more than {DEAD} nats; reconstructions explain {last.explained:.0%} of the variance.",
        f"{lower}, let it rise from zero (method.start: 0, method.ramp: a tenth of the steps), or train longer: "
        "at the start this is normal.",
    )


def _ignored_code(last: Look) -> Diagnosis:
    return Diagnosis(
        "ignored_code",
        "problem",
        "The decoder does well without the code",
        f"The KL is {last.rate:.3f} nats, yet the reconstructions explain {last.explained:.0%} of the variance.",
        "The observations hardly differ from each other, or they leak to the decoder. Look at the data report: "
        "duplicates, dead pixels, one image many times.",
    )


def _beta_too_high(last: Look, alive: int, factors: int, beta: float | None) -> Diagnosis | None:
    if beta is None or beta <= 1:
        return None
    starved = alive < 2 or (factors > 1 and alive < factors / 2)
    if not starved or last.explained >= 0.8:
        return None
    wanted = f", fewer than half of the {factors} labelled factors" if factors > 1 and alive < factors / 2 else ""
    return Diagnosis(
        "beta_too_high",
        "warning",
        "Beta is too high for these data",
        f"Only {alive} of {len(last.kl)} dimensions are in use{wanted}; the reconstructions explain "
        f"{last.explained:.0%} of the variance.",
        f"Lower method.beta (now {beta:g}) to about {max(1.0, beta / 2):g} and compare: a detail is dropped when it "
        "saves fewer nats of reconstruction than beta times its nats of code.",
    )


def _dead_units(last: Look, alive: int) -> Diagnosis | None:
    dead = len(last.kl) - alive
    if dead == 0:
        return None
    return Diagnosis(
        "dead_units",
        "note",
        f"{dead} of {len(last.kl)} dimensions are not in use",
        f"Their KL is below {DEAD} nats: the method switches off what it does not need, and scores leave it out.",
        "Nothing needs to be done. A smaller method.latent trains a little faster.",
    )


def _still_improving(looks: Sequence[tuple[int, Look]]) -> Diagnosis | None:
    """Whether the validation loss still fell by more than 1 % over the last fifth of the training."""
    last_step, last = looks[-1]
    before = [look for step, look in looks if step <= 0.8 * last_step]
    if not before:
        return None
    then, now = (look.distortion + look.rate for look in (before[-1], last))
    if not then - now > 0.01 * abs(then):
        return None
    return Diagnosis(
        "still_improving",
        "note",
        "The model was still improving when training ended",
        f"Over the last fifth of the steps the validation loss fell from {then:.1f} to {now:.1f} nats.",
        "Raise training.steps for better reconstructions.",
    )

"""The verdict of a report: plain sentences made from its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unweave.core.scores import Score
from unweave.projects.report.content import ReportContent

_KNOWN = 0.2
"""Share of a factor's entropy from which a dimension is called its dial."""

IN_USE = 0.01
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def verdict(content: ReportContent) -> str:
    """Two or three sentences: how good the model is, and which factors have a dial."""
    sentences = [_about_mig(content), _about_use(content), _about_dials(content)]
    return " ".join(s for s in sentences if s) or "There is nothing to say yet: the run has no scores and no history."


def headline(content: ReportContent) -> str:
    """What the whole comes down to, in a few words."""
    card = content.scorecard
    mig = card.get("mig") if card else None
    status = content.status.get("status", "complete")
    if status != "complete":
        return f"Training is not finished ({status} at step {content.status.get('step', 0):,})"
    made = "Imported" if content.imported else "Trained"
    if mig is None:
        return f"{made} without labels" + (": look at the pictures" if content.traversals else "")
    if mig.value is None or mig.interval is None or mig.null is None:
        return f"{made}; the main score is undefined"
    if not above_chance(mig):
        return "No better than random codes"
    return "Clearly better than random codes" if mig.value >= 0.1 else "Better than random codes, but only a little"


def above_chance(score: Score) -> bool:
    """Whether the whole interval lies above what random codes reach."""
    if score.interval is None or score.null is None:
        return False
    return score.interval[0] > (score.null_interval[1] if score.null_interval else score.null)


def _about_mig(content: ReportContent) -> str:
    mig = content.scorecard.get("mig") if content.scorecard else None
    if mig is None:
        return ""
    if mig.value is None:
        return f"MIG cannot be computed: {mig.reason}."
    interval = f" ({mig.interval[0]:.2f} to {mig.interval[1]:.2f})" if mig.interval else ""
    null = f"; random codes reach {mig.null:.2f}" if mig.null is not None else ""
    return f"MIG is {mig.value:.2f}{interval}{null}."


def _about_use(content: ReportContent) -> str:
    kl = [v[1][-1] for k, v in content.series.items() if k.startswith("valid.kl.") and v[1]]
    if not kl:
        return ""
    used = sum(value > IN_USE for value in kl)
    verb = "is" if used == 1 else "are"
    return f"{number(used).capitalize()} of {number(len(kl))} dimensions {verb} in use."


def _about_dials(content: ReportContent) -> str:
    if content.information is None or not len(content.factors):
        return ""
    own = factors_with_own_dial(content.information)
    with_dial = [name for name, has in zip(content.factors, own, strict=True) if has]
    without = [name for name, has in zip(content.factors, own, strict=True) if not has]
    if not with_dial:
        return "No factor has a dial of its own."
    subject = "The factor" if len(with_dial) == 1 else "The factors"
    verb = "has its own dial" if len(with_dial) == 1 else "each have their own dial"
    rest = f"; {listed(without)} {'has' if len(without) == 1 else 'have'} none" if without else ""
    return f"{subject} {listed(with_dial)} {verb}{rest}."


def factors_with_own_dial(information: NDArray[np.float64]) -> list[bool]:
    """Per factor: one dimension knows it well, twice as well as any other does, and knows no other factor better."""
    shares = np.sort(information, axis=0)
    best = information.argmax(0)
    second = shares[-2] if len(shares) > 1 else np.zeros(information.shape[1])
    first_choice = information.argmax(1)
    return [
        bool(shares[-1, k] >= _KNOWN and second[k] <= shares[-1, k] / 2 and first_choice[best[k]] == k)
        for k in range(information.shape[1])
    ]


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def number(value: int) -> str:
    """Small numbers in words."""
    return _SMALL[value] if value < len(_SMALL) else str(value)

"""Advice on the method: the first rule that applies, what else to try, and what would change it.

Only methods and settings that this version of the package has are ever proposed: a rule whose method it lacks is
passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import ValidationError

from unweave.data.report import PROBE_LABELS
from unweave.methods import METHODS
from unweave.projects.facts import FactorFacts, Facts
from unweave.projects.rules import ALTERNATIVES, FEW_ROWS, RULES, Proposal, Rule, labelled, listed

_LARGE_SIDE = 64
_SPEED = 1300
"""Images of 64 x 64 pixels that the published net trains on per second on two cores (docs/results.md, "Throughput")."""


@dataclass(frozen=True)
class Change:
    """What would change the advice: if this were so, then that."""

    condition: str
    rule: str
    method: Mapping[str, Any]


@dataclass(frozen=True)
class Advice:
    """The advice for a project.

    Attributes:
        best: what to use.
        alternatives: what else to try, the most promising first.
        changes: what would make something else the best.
        caveats: what to know whatever the method.
    """

    best: Proposal
    alternatives: tuple[Proposal, ...]
    changes: tuple[Change, ...]
    caveats: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)


def advise(facts: Facts) -> Advice:
    """The advice for a project: pure, so that what would change it is found by asking again."""
    best = _best(facts)
    others = [p for rule in (*RULES, *ALTERNATIVES) if (p := _proposed(rule, facts)) and p.method != best.method]
    changes = []
    for condition, other in _what_if(facts):
        then = _best(other)
        if then.rule != best.rule:
            changes.append(Change(condition, then.rule, then.method))
    return Advice(best, tuple(others), tuple(changes), _caveats(facts))


def is_offered(method: Mapping[str, Any]) -> bool:
    """Whether this version of the package has the method and takes the settings."""
    config = METHODS.get(method["kind"])
    if config is None:
        return False
    try:
        config.model_validate(method)
    except ValidationError:
        return False
    return True


def _proposed(rule: Rule, facts: Facts) -> Proposal | None:
    found = rule(facts)
    return found if found is not None and is_offered(found.method) else None


def _best(facts: Facts) -> Proposal:
    """Vectors or images: one of the last two rules always applies."""
    return next(found for rule in RULES if (found := _proposed(rule, facts)))


def _what_if(facts: Facts) -> list[tuple[str, Facts]]:
    """Conditions that a person can bring about, and the facts that would then hold."""
    full = tuple(replace(f, labels=max(f.labels, PROBE_LABELS)) for f in facts.factors)
    named = full or (FactorFacts("a factor", "categorical", 2, PROBE_LABELS),)
    what = listed(list(full)) if full else "what you want to move"
    none = tuple(replace(f, labels=0) for f in facts.factors)
    found = [
        (
            f"you had {PROBE_LABELS} labels of {what} (`unweave labels plan`)",
            replace(facts, factors=named, declared=len(named)),
        ),
        ("you knew which rows make pairs that differ in few factors (`data.pairs`)", replace(facts, pairs=True)),
        ("there were no labels to learn from", replace(facts, factors=none, correlated=())),
        ("your own data had as many labels as this built-in set", replace(facts, builtin=False)),
    ]
    return [(condition, other) for condition, other in found if other != facts]


def _caveats(facts: Facts) -> tuple[str, ...]:
    found = []
    if not labelled(facts) or facts.builtin:
        found.append(
            "Without labels the seed decides much: train at least five (`unweave train --seeds 5`) and compare. Method "
            "and settings explain about 37 % of the variance of scores (Locatello et al. 2019)."
        )
    few = [f for f in facts.factors if f.labels < PROBE_LABELS]
    if few or not facts.factors:
        who = f"{listed(few)} {'has' if len(few) == 1 else 'have'}" if few else "Nothing has"
        found.append(
            f"{who} {'fewer than ' if few else ''}{PROBE_LABELS} labels{'' if few else ' yet'}: `unweave labels plan "
            f"--budget {PROBE_LABELS}` says which rows to label first."
        )
    without = {f.name for f in facts.factors} - {f.name for f in labelled(facts)}
    found += [
        f"{a.a} and {a.b} vary together ({a.measure} {a.value:.2f}, {a.interval[0]:.2f} to {a.interval[1]:.2f}): no "
        "method separates them without labels or pairs (Träuble et al. 2021)."
        for a in facts.correlated
        if {a.a, a.b} & without or facts.builtin
    ]
    if facts.rows < FEW_ROWS:
        found.append(f"{facts.rows} training rows are few: expect blur, and look at validation losses.")
    if facts.groups and facts.by is None:
        found.append(
            f"{facts.groups[0]} groups the rows: write `split: {{by: {facts.groups[0]}}}` under `data:` if scores "
            "should hold for groups that were never seen."
        )
    if facts.images and max(facts.shape[:2]) > _LARGE_SIDE:
        slower = max(facts.shape[:2]) ** 2 / _LARGE_SIDE**2
        hours = facts.steps * facts.batch * slower / _SPEED / 3600
        found.append(
            f"{facts.steps:,} steps at {facts.shape[0]} pixels take some {hours:.0f} hours on two cores: try "
            f"`data.size: {_LARGE_SIDE}` first, or use a GPU."
        )
    return tuple(found)

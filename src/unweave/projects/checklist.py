"""The decision checklist: is this project ready, judged by its actual state, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from unweave.data.report import PROBE_LABELS, DataReport
from unweave.projects.config import Project
from unweave.projects.gates import gates
from unweave.projects.runs import RUNS, Run

SWEEP_SHARE = 0.2


@dataclass(frozen=True)
class Answer:
    """One question of the checklist.

    Attributes:
        question: what is asked.
        state: the answer.
        evidence: why, from the project's own files.
        next: what to write or type; empty when nothing needs to be done.
    """

    question: str
    state: Literal["yes", "partly", "no"]
    evidence: str
    next: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return vars(self).copy()


def checklist(project: Project, report: DataReport, root: Path) -> tuple[Answer, ...]:
    """All questions, in the order in which they should be settled."""
    return (
        _ranked(project),
        _method_and_metric(project),
        _sweep(project),
        _labels(report),
        _monitoring(project),
        _documented(project),
        _measured(root),
    )


def _ranked(project: Project) -> Answer:
    question = "Are the top factors listed and ranked?"
    if not project.factors:
        return Answer(question, "no", "`factors:` is empty.", "List them under `factors:` with `priority: 1, 2, …`.")
    unranked = [f.name for f in project.factors if f.priority is None]
    if unranked:
        evidence = f"{len(project.factors)} factors are listed; without a priority: {', '.join(unranked)}."
        return Answer(question, "partly", evidence, "Give each a `priority:`, 1 for the one that matters most.")
    best = min(project.factors, key=lambda f: f.priority or 0)
    return Answer(question, "yes", f"{len(project.factors)} factors are ranked, {best.name} first.")


def _method_and_metric(project: Project) -> Answer:
    question = "Are the method and the metric chosen?"
    chosen = "method" in project.model_fields_set
    gated = project.accept is not None and any(gates(project.accept))
    method = f"method {project.method.kind}" if chosen else f"no `method:` ({project.method.kind} is the default)"
    metric = "gates in `accept:`" if gated else "no gates"
    state: Literal["yes", "partly", "no"] = "yes" if chosen and gated else "partly" if chosen or gated else "no"
    todo = [] if chosen else ["write `method: {kind: …}` (`unweave advise` says which)"]
    todo += [] if gated else ["write `accept: {mig: {at_least: 0.3}}` or another gate"]
    text = " and ".join(todo)
    return Answer(
        question, state, f"There are {method} and {metric}.", text[:1].upper() + text[1:] + "." if todo else ""
    )


def _sweep(project: Project) -> Answer:
    question = f"Is at least {SWEEP_SHARE:.0%} of the budget planned for the sweep?"
    if project.sweep is None:
        return Answer(question, "no", "There is no `sweep:`.", f"Write `sweep: {{share: {SWEEP_SHARE}}}`.")
    share = project.sweep.share
    if share < SWEEP_SHARE:
        return Answer(question, "partly", f"{100 * share:g} % is planned.", f"Raise `sweep.share` to {SWEEP_SHARE}.")
    return Answer(question, "yes", f"{100 * share:g} % is planned.")


def _labels(report: DataReport) -> Answer:
    question = f"Are there at least {PROBE_LABELS} labels for probes?"
    if not report.factors:
        return Answer(
            question,
            "no",
            "No row has a label.",
            "Type `unweave labels plan --factor NAME`, or add a labels.csv: `file,factor,…`.",
        )
    few = [f"{f.name} ({f.known})" for f in report.factors if f.known < PROBE_LABELS]
    if few:
        state: Literal["partly", "no"] = "partly" if len(few) < len(report.factors) else "no"
        return Answer(
            question,
            state,
            f"Fewer have: {', '.join(few)}.",
            f"Label until each has {PROBE_LABELS}: `unweave labels plan`.",
        )
    least = min(report.factors, key=lambda f: f.known)
    return Answer(question, "yes", f"Every factor has; {least.name} has the fewest, {least.known}.")


def _monitoring(project: Project) -> Answer:
    question = "Is drift monitoring set up?"
    if project.monitoring is None:
        return Answer(question, "no", "There is no `monitoring:`.", "Write `monitoring: {reference_rows: 2000}`.")
    return Answer(question, "yes", f"{project.monitoring.reference_rows} reference rows will be kept with the model.")


def _documented(project: Project) -> Answer:
    question = "Are factors and hyperparameters documented?"
    silent = [f.name for f in project.factors if not f.description]
    todo = []
    if not project.factors or silent:
        todo.append("a `description:` of each factor")
    if not project.notes:
        todo.append("`notes:` on why these settings")
    if not todo:
        return Answer(question, "yes", "Every factor has a description, and the settings have notes.")
    described = len(project.factors) - len(silent)
    evidence = (
        f"{described} of {len(project.factors)} factors have a description; notes: {'yes' if project.notes else 'no'}."
    )
    return Answer(question, "partly" if described or project.notes else "no", evidence, f"Write {' and '.join(todo)}.")


def _measured(root: Path) -> Answer:
    question = "Is a model trained and measured on held-out rows?"
    runs = [Run(path.parent) for path in (root / RUNS).glob("*/asked.json")]
    trained = [run for run in runs if run.model.exists()]
    scored = [run for run in trained if run.scorecard() is not None]
    if scored:
        return Answer(question, "yes", f"{len(scored)} of {len(runs)} runs have a scorecard.")
    if trained:
        return Answer(
            question, "partly", f"{len(trained)} runs are trained, none is scored.", "Type `unweave evaluate`."
        )
    return Answer(question, "no", f"{len(runs)} runs were begun, none is complete.", "Type `unweave train`.")

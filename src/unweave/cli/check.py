"""`unweave check`: what lies in the data, and whether the project is ready."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unweave.cli.console import Folder, Json, Overrides, data_progress, out, print_json

if TYPE_CHECKING:
    from unweave.data.report import DataReport
    from unweave.projects.checklist import Answer

_COLOUR = {"problem": "red", "warning": "yellow", "note": "blue", "yes": "green", "partly": "yellow", "no": "red"}
_PAIRS = 8


def check(folder: Folder = Path(), json: Json = False, set_: Overrides = None) -> None:
    """Look through the data and the project, and say what to do next."""
    from unweave.data.report import data_report
    from unweave.projects.checklist import checklist
    from unweave.projects.data import load_data
    from unweave.projects.load import load_project

    project = load_project(folder, set_ or ())
    with data_progress() as progress:
        dataset = load_data(project, folder, progress=progress)
    report = data_report(dataset)
    answers = checklist(project, report, folder)
    if json:
        print_json({"data": report.to_json(), "checklist": [a.to_json() for a in answers]})
        return
    print_report(report)
    _print_checklist(answers)


def print_report(report: DataReport) -> None:
    """The data report on the terminal."""
    from rich.markup import escape
    from rich.table import Table

    size = " x ".join(map(str, report.shape))
    total = sum(report.rows.values())
    sides = ", ".join(f"{side} {count:,}" for side, count in report.rows.items())
    out.print(f"\n[bold]{total:,} rows[/] of {size} ({sides})\n")
    if report.factors:
        table = Table("factor", "kind", "labels", "missing", "values", box=None, header_style="bold", pad_edge=False)
        for f in report.factors:
            values = (
                _classes(f.classes)
                if f.classes is not None
                else ""
                if f.range is None
                else f"{f.range[0]:g} to {f.range[1]:g}"
            )
            table.add_row(escape(f.name), f.kind, f"{f.known:,}", f"{f.missing:,}", escape(values))
        out.print(table, "")
    if report.associations:
        table = Table(
            "varies with", "", "measure", "value", "interval", "chance", box=None, header_style="bold", pad_edge=False
        )
        for a in report.associations[:_PAIRS]:
            interval = f"{a.interval[0]:.2f} to {a.interval[1]:.2f}"
            style = "yellow" if a.beyond_chance and a.value >= 0.3 else None
            table.add_row(escape(a.a), escape(a.b), a.measure, f"{a.value:.2f}", interval, f"{a.null:.2f}", style=style)
        out.print(table)
        if len(report.associations) > _PAIRS:
            out.print(f"… and {len(report.associations) - _PAIRS} weaker pairs (--json has all)")
        out.print()
    for finding in report.findings:
        out.print(
            f"[{_COLOUR[finding.severity]}]{finding.severity}[/] [bold]{escape(finding.title)}[/]", soft_wrap=True
        )
        out.print(f"  {escape(finding.detail)} {escape(finding.advice)}", soft_wrap=True)


def _classes(classes: object) -> str:
    counts: dict[str, int] = dict(classes)  # type: ignore[call-overload]
    shown = ", ".join(f"{name} {count:,}" for name, count in list(counts.items())[:4])
    return shown + (f", … ({len(counts)} classes)" if len(counts) > 4 else "")


def _print_checklist(answers: tuple[Answer, ...]) -> None:
    from rich.markup import escape

    out.print("\n[bold]Checklist[/]")
    for answer in answers:
        out.print(f"[{_COLOUR[answer.state]}]{answer.state:>6}[/]  {answer.question}", soft_wrap=True)
        out.print(
            f"        {escape(' '.join(filter(None, (answer.evidence, answer.next))))}", soft_wrap=True, style="dim"
        )

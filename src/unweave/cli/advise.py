"""`unweave advise`: which method fits the data, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unweave.cli.console import Folder, Json, Overrides, data_progress, out, print_json


def advise(folder: Folder = Path(), json: Json = False, set_: Overrides = None) -> None:
    """Say which method fits the data, with the reason, and what would change that."""
    from unweave.data.association import Association
    from unweave.projects.advice import advise as advise_on
    from unweave.projects.data import data_report_json, load_data
    from unweave.projects.facts import gather
    from unweave.projects.load import load_project

    project = load_project(folder, set_ or ())
    with data_progress() as progress:
        dataset = load_data(project, folder, progress=progress)
    pairs = [Association.from_json(a) for a in data_report_json(dataset, folder)["associations"]]
    training = project.training
    found = advise_on(gather(dataset, pairs, project.data, steps=training.steps, batch=training.batch))
    now = project.method.model_dump(mode="json", exclude_defaults=True) | {"kind": project.method.kind}
    same = project.method == type(project).model_validate({**_least(project), "method": found.best.method}).method
    if json:
        print_json({**found.to_json(), "now": now, "same": same})
        return
    _say(found.to_json(), now, same=same)


def _least(project: Any) -> dict[str, Any]:  # noqa: ANN401 - Project, whose import is heavy
    return {"name": project.name, "data": project.data}


def _say(found: dict[str, Any], now: Mapping[str, Any], *, same: bool) -> None:
    def say(text: str, style: str | None = None) -> None:
        out.print(text, soft_wrap=True, markup=False, style=style)

    best = found["best"]
    say(f"\nmethod: {_shown(best['method'])}", "bold")
    say("  This is what the project file says." if same else f"  The project file has {_shown(now)}.", "dim")
    say(f"\nWhy: {best['reason']}\n     {best['evidence']}")
    for title, lines in (
        ("Or", [f"{_shown(a['method'])}\n    {a['reason']} {a['evidence']}" for a in found["alternatives"]]),
        ("It would change, if", [f"{c['condition']}:\n    {_shown(c['method'])}" for c in found["changes"]]),
        ("Whatever the method", found["caveats"]),
    ):
        if lines:
            say(f"\n{title}", "bold")
            for line in lines:
                say(f"  {line}")


def _shown(method: Mapping[str, Any]) -> str:
    """As it would stand in the project file."""
    import yaml

    return yaml.safe_dump(dict(method), sort_keys=False, default_flow_style=True, width=1000).strip()

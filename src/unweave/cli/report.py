"""`unweave report`: one HTML file that tells all."""

from __future__ import annotations

from pathlib import Path

from unweave.cli.console import Folder, Json, RunName, data_progress, out, print_json


def report(folder: Folder = Path(), run: RunName = None, json: Json = False) -> None:
    """Write the report of a run: one HTML file that opens offline and prints well."""
    from unweave.projects.data import load_data
    from unweave.projects.finish import write_run_report
    from unweave.projects.runs import find_run

    found = find_run(folder, run)
    with data_progress() as progress:
        dataset = load_data(found.project(), folder, progress=progress)
    path = write_run_report(found, dataset, folder)
    if json:
        print_json({"run": found.name, "report": str(path)})
    else:
        out.print(f"Report: {path}", soft_wrap=True, markup=False)

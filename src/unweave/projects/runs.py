"""The folder of one training run: what was asked, how far it is, and everything that came out."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unweave.core.errors import ConfigError, StorageError
from unweave.core.files import storage_errors, write_text
from unweave.core.scores import Scorecard
from unweave.projects.config import Project
from unweave.projects.load import parse_project

RUNS, BUNDLES = "runs", "bundles"


@dataclass(frozen=True)
class Run:
    """One run folder; its name says method, seed and a fingerprint of all that decides the weights."""

    folder: Path

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def checkpoints(self) -> Path:
        """Where training continues from."""
        return self.folder / "checkpoints"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.folder / "model"

    @property
    def signatures(self) -> Path:
        """The directions that move its factors."""
        return self.folder / "signatures.json"

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / "report.html"

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write `name`.json."""
        write_text(self.folder / f"{name}.json", json.dumps(content, indent=2, default=str))

    def read(self, name: str) -> dict[str, Any] | None:
        """Content of `name`.json, or None when it was not written yet."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            return None
        try:
            content: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise StorageError(f"{path} is damaged: {error}. Delete it and run the command again.") from error
        return content

    def project(self) -> Project:
        """The project as it was asked for when the run began."""
        asked = self.read("asked")
        if asked is None:
            raise StorageError(f"{self.folder} is no run: asked.json is absent. Train with `unweave train`.")
        return parse_project(asked.get("project", {}), str(self.folder / "asked.json"))

    def scorecard(self) -> Scorecard | None:
        """The scores on held-out rows, or None before `unweave evaluate`."""
        content = self.read("scorecard")
        return None if content is None else Scorecard.from_json(content)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of this run while it trains; the lock dies with the process."""
        with storage_errors(self.folder, "write"):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = (self.folder / "lock").open("w")
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise StorageError(
                    f"{self.folder} is being trained by another process. Wait for it, or change a setting."
                ) from error
            yield


def fingerprint(project: Project, data_hash: str) -> str:
    """Eight hex digits that change with everything that decides the weights, and with nothing else."""
    asked = project.model_dump(mode="json", include={"method", "net", "training"})
    # How often one looks or saves decides nothing.
    for name in ("monitor_every", "checkpoint_every"):
        asked["training"].pop(name)
    if asked["training"]["augment"] is None:  # as in runs from before there was this setting
        asked["training"].pop("augment")
    # Nor does the place of weights that are known by their fingerprint.
    perceptual = asked["method"].get("perceptual") or {}
    if perceptual.get("fingerprint"):
        asked["method"]["perceptual"] = {k: v for k, v in perceptual.items() if k not in ("run", "weights")}
    text = json.dumps([asked, data_hash], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def run_for(root: Path, project: Project, data_hash: str) -> Run:
    """The run of these settings on these data: asking again finds the same folder, so training continues."""
    name = f"{project.method.kind}-s{project.training.seed}-{fingerprint(project, data_hash)}"
    return Run(root / RUNS / name)


def find_run(root: Path, name: str | None = None) -> Run:
    """The run called `name` (or by the start of its name), or the one that was trained last.

    Raises:
        ConfigError: there is none, or more than one begins so.
    """
    folders = sorted((path.parent for path in (root / RUNS).glob("*/asked.json")), key=_last_trained)
    if not folders:
        raise ConfigError(f"{root / RUNS} holds no run. Train one with `unweave train`, or `unweave import` one.")
    if name is None:
        return Run(folders[-1])
    matches = [folder for folder in folders if folder.name.startswith(name)]
    exact = [folder for folder in matches if folder.name == name]
    if len(exact or matches) != 1:
        found = "no run begins with" if not matches else "more than one run begins with"
        raise ConfigError(f"{found} {name!r}. The runs are: {', '.join(sorted(folder.name for folder in folders))}.")
    return Run((exact or matches)[0])


def _last_trained(folder: Path) -> int:
    """When a run was begun, continued or ended, in nanoseconds: training opens `lock` each time."""
    marks = (folder / name for name in ("asked.json", "lock", "status.json"))
    return max(mark.stat().st_mtime_ns for mark in marks if mark.exists())

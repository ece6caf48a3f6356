"""The `perceptual:` section of a project: from the name of a run to weights with a fingerprint."""

from __future__ import annotations

from pathlib import Path

from unweave.core.errors import ConfigError
from unweave.methods.perceptual import FeaturesConfig
from unweave.projects.config import Project
from unweave.projects.runs import RUNS, find_run


def with_pinned_weights(project: Project, root: Path) -> Project:
    """The project, with the run that `method.perceptual` names found and its weights fingerprinted.

    Raises:
        ConfigError: there is no such run, or it is not complete, or more than one begins so.
        StorageError: the weights cannot be read.
    """
    section = project.method.perceptual
    if section is None:
        return project
    if isinstance(section, FeaturesConfig) and not (root / section.run).exists():
        run = find_run(root, section.run)
        if not run.model.exists():
            raise ConfigError(f"method.perceptual.run: run {run.name} is not complete, so it has no model yet.")
        section = section.model_copy(update={"run": f"{RUNS}/{run.name}"})
    if getattr(section, "fingerprint", None) is None:
        section = section.pinned(root)
    return project.model_copy(update={"method": project.method.model_copy(update={"perceptual": section})})

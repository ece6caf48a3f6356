"""What a number came from: code, libraries, machine."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import unweave

_LIBRARIES = ("torch", "lightning-fabric", "numpy", "scipy", "scikit-learn", "mlflow", "pillow")


def provenance(root: Path) -> dict[str, Any]:
    """Versions, git commit of the project folder (None outside a repository) and the machine."""
    versions = {"unweave": unweave.__version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "git": git_commit(root),
        "versions": versions,
        "platform": platform.platform(),
        "machine": platform.machine(),
    }


def git_commit(root: Path) -> str | None:
    """Commit of the repository around `root`, with `+changes` when files differ from it."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    return commit + ("+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

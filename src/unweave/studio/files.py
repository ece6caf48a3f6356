"""The files of the page, as they lie in the package."""

from __future__ import annotations

from pathlib import Path


def static_folder() -> Path:
    """The folder that a server shows under `/studio/`: plain files, as they were written."""
    return Path(__file__).parent / "static"

"""Where numbers and pictures go while a model trains."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unweave.core.files import storage_errors, write_text


class Sink(Protocol):
    """Something that takes what training says: the history file, a tracking server, a progress bar."""

    def values(self, step: int, values: Mapping[str, float]) -> None:
        """Named numbers at a step."""

    def picture(self, step: int, name: str, image: NDArray[np.uint8]) -> None:
        """A picture (H, W, 3) at a step."""

    def note(self, step: int, text: str) -> None:
        """Something that happened, in words."""

    def rewind(self, step: int) -> None:
        """Forget what was said after `step`: training continues from there."""

    def flush(self) -> None:
        """Make sure that all that was said is kept: training is about to write a checkpoint, or ends."""


class History:
    """The run's own record: `history.jsonl`, one JSON object a line, and the pictures beside it.

    A line that a crash tore is dropped when the file is read; lines after the checkpoint from which training continues
    are dropped too, because those steps are done again.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self.pictures = folder / "history.jsonl", folder / "pictures"

    def rewind(self, step: int) -> None:
        """Forget what was said after `step`."""
        kept = [record for record in self.records() if record["step"] <= step]
        write_text(self.path, "".join(json.dumps(record) + "\n" for record in kept))

    def values(self, step: int, values: Mapping[str, float]) -> None:
        """Append named numbers; those that are not finite are kept as null."""
        self._append({"step": step, **{k: v if np.isfinite(v) else None for k, v in values.items()}})

    def note(self, step: int, text: str) -> None:
        """Append something that happened."""
        self._append({"step": step, "note": text})

    def picture(self, step: int, name: str, image: NDArray[np.uint8]) -> None:
        """Keep the latest picture of each name as a PNG file."""
        from PIL import Image

        from unweave.core.files import atomic_file

        with atomic_file(self.pictures / f"{name}.png") as part:
            Image.fromarray(image).save(part, format="PNG")

    def flush(self) -> None:
        """Nothing waits: every line was handed to the system when it was said."""

    def records(self) -> Iterator[dict[str, Any]]:
        """All records, in the order in which they were said."""
        if not self.path.exists():
            return
        for line in self.path.read_text().splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue

    def series(self) -> dict[str, tuple[list[int], list[float]]]:
        """Steps and values of every named number, without the gaps."""
        found: dict[str, tuple[list[int], list[float]]] = {}
        for record in self.records():
            for name, value in record.items():
                if name not in ("step", "note") and value is not None:
                    steps, values = found.setdefault(name, ([], []))
                    steps.append(record["step"])
                    values.append(value)
        return found

    def notes(self) -> list[tuple[int, str]]:
        """What happened, with its step."""
        return [(r["step"], r["note"]) for r in self.records() if "note" in r]

    def _append(self, record: Mapping[str, Any]) -> None:
        with storage_errors(self.path, "write"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as file:
                file.write(json.dumps(record) + "\n")

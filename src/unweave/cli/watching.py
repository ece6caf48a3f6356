"""How far a training is: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from unweave.cli.console import err

_LINE_SECONDS = 20.0


class TrainingProgress:
    """A training sink that shows the last numbers."""

    def __init__(self, steps: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns, console=err, transient=True, disable=not err.is_terminal, refresh_per_second=2)
        self._task = self._bar.add_task("starting …", total=steps)
        self._steps, self._last, self._mig = steps, 0.0, ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def values(self, step: int, values: Mapping[str, float]) -> None:
        """Show the latest losses; remember the latest MIG."""
        if "valid.mig" in values:
            self._mig = f" · MIG {values['valid.mig']:.3f}"
        if "train.images_per_second" not in values:
            return
        parts = [
            f"{name} {values[f'train.{name}']:.1f}" for name in ("reconstruction", "kl") if f"train.{name}" in values
        ]
        text = " · ".join([*parts, f"{values['train.images_per_second']:,.0f} images/s"]) + self._mig
        self._bar.update(self._task, completed=step, description=text)
        now = time.monotonic()
        if self._bar.disable and now - self._last >= _LINE_SECONDS:
            self._last = now
            err.print(f"step {step:,} of {self._steps:,} · {text}", soft_wrap=True)

    def note(self, step: int, text: str) -> None:
        """Say it at once."""
        err.print(text, soft_wrap=True, markup=False)

    def picture(self, step: int, name: str, image: Any) -> None:  # noqa: ANN401 - not shown on a terminal
        """Pictures go elsewhere."""

    def rewind(self, step: int) -> None:
        """Go back to a step."""
        self._bar.update(self._task, completed=step)

    def flush(self) -> None:
        """Nothing waits."""

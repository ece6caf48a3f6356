"""Runs in MLflow: a SQLite file beside the project by default, a server by one line of the project file."""

from __future__ import annotations

import json
import logging
import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import MissingExtraError
from unweave.projects.config import Project
from unweave.projects.runs import Run

_EVERY_SECONDS = 5.0
_AT_ONCE = 1000  # MLflow refuses more metrics in one call.
_WAITING = 20_000


def _client(uri: str, root: Path) -> Any:  # noqa: ANN401 - MLflow is untyped
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise MissingExtraError("mlflow", "train", "Tracking runs (tracking.uri)") from error
    for noisy in ("alembic", "mlflow", "mlflow.store.db.utils"):  # MLflow sets its own levels when it is imported
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
        uri = f"sqlite:///{root.resolve() / uri.removeprefix('sqlite:///')}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own deprecations are not the user's concern.
        return MlflowClient(tracking_uri=uri)


def open_experiment(project: Project, root: Path) -> tuple[Any, str] | None:
    """A client and the id of the project's experiment, made if need be; None when tracking is off."""
    if project.tracking.uri == "off":
        return None
    client = _client(project.tracking.uri, root)
    name = project.tracking.experiment or project.name
    found = client.get_experiment_by_name(name)
    if found is not None:
        return client, found.experiment_id
    local = project.tracking.uri.startswith("sqlite:")
    location = (root.resolve() / "mlartifacts").as_uri() if local else None
    return client, client.create_experiment(name, artifact_location=location)


class MlflowSink:
    """Passes numbers on in batches, every few seconds and at every checkpoint.

    A server that does not answer never stops a training: what it missed waits and is sent again.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - MLflow is untyped
        experiment: str,
        run: Run,
        parameters: Mapping[str, Any],
        tags: Mapping[str, str],
    ) -> None:
        self._client, self._run = client, run
        self._waiting: list[Any] = []
        self._sent = time.monotonic()
        known = run.read("tracking")
        if known is not None and known["experiment"] == experiment:
            self.id: str = known["run"]
            client.set_terminated(self.id, "RUNNING")
        else:
            self.id = client.create_run(experiment, run_name=run.name, tags=dict(tags)).info.run_id
            for name, value in parameters.items():
                client.log_param(self.id, name, value)
            run.write("tracking", {"experiment": experiment, "run": self.id})

    def values(self, step: int, values: Mapping[str, float]) -> None:
        """Keep numbers until the next batch."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._waiting += [Metric(name, value, now, step) for name, value in values.items() if np.isfinite(value)]
        if time.monotonic() - self._sent > _EVERY_SECONDS:
            self.flush()

    def picture(self, step: int, name: str, image: NDArray[np.uint8]) -> None:
        """Log a picture under `pictures/`."""
        self._try(lambda: self._client.log_image(self.id, image, f"pictures/{name}-{step:09d}.png"))

    def note(self, step: int, text: str) -> None:
        """Tag the run with what happened."""
        self._try(lambda: self._client.set_tag(self.id, f"note.{step}", text))

    def rewind(self, step: int) -> None:
        """MLflow keeps what it has: steps that are done again appear twice, with their times."""

    def flush(self) -> None:
        """Send what waits."""
        self._sent = time.monotonic()
        while self._waiting:
            batch = self._waiting[:_AT_ONCE]
            if not self._try(lambda batch=batch: self._client.log_batch(self.id, metrics=batch)):
                self._waiting = self._waiting[-_WAITING:]
                return
            del self._waiting[:_AT_ONCE]

    def finish(self, status: str) -> None:
        """Close the run."""
        self.flush()
        self._try(lambda: self._client.set_terminated(self.id, status))

    def _try(self, action: Any) -> bool:  # noqa: ANN401
        try:
            action()
        except Exception as error:  # whatever a tracking server does, training goes on
            logging.getLogger(__name__).warning("MLflow did not answer, training goes on: %s", error)
            return False
        return True


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """`{"method": {"beta": 4}}` to `{"method.beta": "4"}`, for parameters."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        elif value is not None and value != "":
            flat[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return {key: value[:500] for key, value in flat.items()}

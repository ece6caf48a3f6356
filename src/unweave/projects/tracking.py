"""Runs in MLflow: a SQLite file beside the project by default, a server by one line of the project file."""

from __future__ import annotations

import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, MissingExtraError, UnweaveError
from unweave.projects.config import Project
from unweave.projects.runs import Run

_EVERY_SECONDS = 5.0
_AT_ONCE, _PARAMETERS_AT_ONCE = 1000, 100  # MLflow refuses more in one call.
_WAITING = 20_000
_PATIENCE_SECONDS = 60.0  # after a failure; meanwhile numbers wait and pictures are left out
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output belongs to the user's command
    # MLflow's own defaults hold a training up for minutes when a server does not answer.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")


def _client(uri: str, root: Path) -> Any:  # noqa: ANN401 - MLflow is untyped
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
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
    """A client and the id of the project's experiment, made if need be.

    None when tracking is off, or when a server does not answer: then a warning is logged, and the run's own history
    holds all numbers.

    Raises:
        ConfigError: the URI is of no kind that MLflow knows, or the database cannot be used.
    """
    uri = project.tracking.uri
    if uri == "off":
        return None

    def opened() -> tuple[Any, str]:
        client = _client(uri, root)
        return client, _experiment(client, project, root)

    return _reached(uri, opened)


def track(
    project: Project, root: Path, run: Run, parameters: Mapping[str, Any], tags: Mapping[str, str]
) -> MlflowSink | None:
    """The sink that logs a run, or None where `open_experiment` gives none."""
    opened = open_experiment(project, root)
    if opened is None:
        return None
    return _reached(project.tracking.uri, lambda: MlflowSink(*opened, run, parameters, tags))


def _reached(uri: str, action: Callable[[], T]) -> T | None:
    try:
        return action()
    except UnweaveError:
        raise
    except Exception as error:  # MLflow passes on whatever its store raises
        if uri.startswith(("http://", "https://")):
            _LOGGER.warning("Runs are not tracked: %s does not answer (%s). Training goes on.", uri, _first_line(error))
            return None
        raise ConfigError(
            f"tracking.uri: {uri!r} cannot be used: {_first_line(error)}. Give sqlite:///FILE, http://SERVER or off."
        ) from error


def _experiment(client: Any, project: Project, root: Path) -> str:  # noqa: ANN401 - MLflow is untyped
    name = project.tracking.experiment or project.name
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    local = project.tracking.uri.startswith("sqlite:")
    location = (root.resolve() / "mlartifacts").as_uri() if local else None
    return str(client.create_experiment(name, artifact_location=location))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


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
        self._silent_until = 0.0
        self.id = self._continued(experiment) or self._begun(experiment, parameters, tags)

    def _continued(self, experiment: str) -> str | None:
        """The run in MLflow that belongs to this training already, if it is still there."""
        known = self._run.read("tracking")
        if known is None or known["experiment"] != experiment:
            return None
        found: str = known["run"]
        return found if self._try(lambda: self._client.set_terminated(found, "RUNNING")) else None

    def _begun(self, experiment: str, parameters: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        from mlflow.entities import Param

        made: str = self._client.create_run(experiment, run_name=self._run.name, tags=dict(tags)).info.run_id
        params = [Param(name, str(value)) for name, value in parameters.items()]
        for start in range(0, len(params), _PARAMETERS_AT_ONCE):
            self._client.log_batch(made, params=params[start : start + _PARAMETERS_AT_ONCE])
        self._run.write("tracking", {"experiment": experiment, "run": made})
        self._silent_until = 0.0
        return made

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
        self._silent_until = 0.0
        self.flush()
        self._try(lambda: self._client.set_terminated(self.id, status))

    def _try(self, action: Any) -> bool:  # noqa: ANN401
        if time.monotonic() < self._silent_until:
            return False
        try:
            action()
        except Exception as error:  # whatever a tracking server does, training goes on
            self._silent_until = time.monotonic() + _PATIENCE_SECONDS
            _LOGGER.warning("MLflow did not answer, training goes on: %s", _first_line(error))
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

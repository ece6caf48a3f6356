"""`unweave promote`: a bundle becomes the champion in MLflow's model registry, if it passes the project's gates."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from unweave.bundles.files import CHECKSUMS
from unweave.bundles.run import BundleModel, load_bundle
from unweave.core.errors import ConfigError, StorageError
from unweave.core.seeds import generator
from unweave.projects.config import Gate, Project
from unweave.projects.gates import GateResult, check_values, judge
from unweave.projects.runs import BUNDLES, RUNS, Run
from unweave.projects.tracking import open_experiment

CHAMPION = "champion"
_DIGEST_TAG, _MODEL_TAG = "bundle", "model_hash"
_CALLS, _WARM_UP = 200, 10

T = TypeVar("T")


@dataclass(frozen=True)
class Promotion:
    """What became of a bundle that was to be the champion.

    Attributes:
        gates: all of them.
        name: of the model in the registry.
        version: its version there; None where a gate failed.
        before: version that was the champion until now, or None.
    """

    gates: tuple[GateResult, ...]
    name: str
    version: str | None = None
    before: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it is the champion now."""
        return all(gate.passed for gate in self.gates)


def last_bundle(root: Path) -> Path:
    """The bundle of a project that was made last.

    Raises:
        ConfigError: there is none.
    """
    found = sorted((root / BUNDLES).glob(f"*/{CHECKSUMS}"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise ConfigError(f"{root / BUNDLES} holds no bundle. Make one with `unweave export`.")
    return found[-1].parent


def promote(folder: Path, project: Project, root: Path) -> Promotion:
    """Check the gates of the project on a bundle; if it passes all, register it and give it the alias `champion`.

    The bundle is copied to where MLflow keeps what runs made, so that the registry's champion does not depend on the
    project's folder. The same bundle is registered once.

    Args:
        folder: of the bundle.
        project: as it is now: `accept` and `tracking`.
        root: the project folder.

    Raises:
        ConfigError: the project has no gates or no tracking, or the folder is no bundle.
        DataError: the bundle is damaged.
        StorageError: the registry refuses.
    """
    bundle = load_bundle(folder)
    results = gates_of(bundle, project)
    if not all(gate.passed for gate in results):
        return Promotion(results, project.name)
    opened = open_experiment(project, root)
    if opened is None:
        raise ConfigError(
            f"tracking.uri: {project.tracking.uri!r} gives no model registry. Give sqlite:///FILE, or a server that "
            "answers."
        )
    client, experiment = opened
    version, before = _asked(lambda: _register(client, experiment, bundle, folder, project.name, root))
    return Promotion(results, project.name, version, before)


def gates_of(bundle: BundleModel, project: Project) -> tuple[GateResult, ...]:
    """The gates of `accept:` on the scores of a bundle's card, and on the time that an edit takes here.

    Raises:
        ConfigError: there are none, so nothing could decide.
    """
    accept = project.accept
    results = check_values(accept, {name: score.value for name, score in bundle.card.scores.items()})
    if accept is not None and accept.edit_p95_ms is not None:
        results = (*results, _in_time(bundle, accept.edit_p95_ms))
    if not results:
        raise ConfigError(
            "unweave.yaml has no gates, so nothing says whether a model is good enough. Write what it must reach under "
            "`accept:`, for example `accept: {mig: {at_least: 0.3}}`."
        )
    return results


def _in_time(bundle: BundleModel, gate: Gate) -> GateResult:
    """95th percentile of one row encoded and decoded, in milliseconds, in this process: what an edit costs at least."""
    random = generator(0, "promote", "image")
    row = random.integers(0, 256, (1, *bundle.shape)).astype(np.uint8 if bundle.images else np.float32)
    taken = []
    for _ in range(_WARM_UP + _CALLS):
        began = time.perf_counter()
        bundle.decode(bundle.encode(row).mean)
        taken.append(1000 * (time.perf_counter() - began))
    return judge("edit_p95_ms", gate, float(np.quantile(taken[_WARM_UP:], 0.95)))


def _register(
    client: Any,  # noqa: ANN401 - MLflow is untyped
    experiment: str,
    bundle: BundleModel,
    folder: Path,
    name: str,
    root: Path,
) -> tuple[str, str | None]:
    """The bundle's version, registered if it is not yet, and that of the champion before it."""
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    known = [v for v in client.search_model_versions(f"name = '{name}'") if v.tags.get(_DIGEST_TAG) == bundle.digest]
    before = client.get_registered_model(name).aliases.get(CHAMPION)
    if known:
        version = str(known[0].version)
    else:
        run = _run(client, experiment, bundle, root)
        place = f"bundle-{bundle.digest[:8]}"
        client.log_artifacts(run.info.run_id, str(folder), place)
        tags = {_DIGEST_TAG: bundle.digest, _MODEL_TAG: bundle.card.model_hash}
        source = f"{run.info.artifact_uri}/{place}"
        version = str(client.create_model_version(name, source, run.info.run_id, tags=tags).version)
    client.set_registered_model_alias(name, CHAMPION, version)
    return version, None if before is None else str(before)


def _run(client: Any, experiment: str, bundle: BundleModel, root: Path) -> Any:  # noqa: ANN401 - as above
    """The run in MLflow that trained the model, or a new one where that is not there."""
    known = Run(root / RUNS / bundle.card.run).read("tracking") or {}
    if known.get("experiment") == experiment:
        return client.get_run(known["run"])
    made = client.create_run(experiment, run_name=bundle.card.run)
    client.set_terminated(made.info.run_id)
    return made


def _asked(action: Callable[[], T]) -> T:
    try:
        return action()
    except Exception as error:  # MLflow passes on whatever its store raises
        said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise StorageError(f"MLflow's model registry refuses: {said}. The champion is the one that it was.") from error

"""The trained model of a run."""

from __future__ import annotations

from unweave.core.errors import ConfigError
from unweave.methods.model import TrainedModel, load_model
from unweave.projects.runs import Run
from unweave.training.step import make_fabric


def trained_model(run: Run, *, device: str = "cpu") -> TrainedModel:
    """The model of a complete run on a device such as `auto`, `cpu` or `cuda:1`.

    Raises:
        ConfigError: the run is not complete, or there is no such device.
        StorageError: the model cannot be read.
    """
    if not run.model.exists():
        step = (run.read("status") or {}).get("step", 0)
        raise ConfigError(
            f"run {run.name} is not complete (step {step}), so it has no model yet. `unweave train` continues it; "
            "--run chooses another run."
        )
    return load_model(run.model, device=str(make_fabric(device).device))

"""The model of a run, trained here or imported."""

from __future__ import annotations

from unweave.bundles.imported import is_imported, load_imported, pair_of, read_card
from unweave.core.errors import ConfigError
from unweave.core.files import folder_hash
from unweave.core.model import RunModel
from unweave.projects.runs import Run


def trained_model(run: Run, *, device: str = "cpu") -> RunModel:
    """The model of a complete run on a device such as `auto`, `cpu` or `cuda:1`.

    Raises:
        ConfigError: the run is not complete, there is no such device, or the code that an imported model needs cannot
            be imported or gives other weights than it did.
        StorageError: the model cannot be read.
    """
    if not run.model.exists():
        step = (run.read("status") or {}).get("step", 0)
        raise ConfigError(
            f"run {run.name} is not complete (step {step}), so it has no model yet. `unweave train` continues it; "
            "--run chooses another run."
        )
    if not is_imported(run.model):
        from unweave.methods.model import load_model
        from unweave.training.step import make_fabric

        return load_model(run.model, device=str(make_fabric(device).device))
    if read_card(run.model).imported == "python":
        return _from_python(run, device)
    return load_imported(run.model, device=device)


def model_hash(run: Run) -> str:
    """Hash of the model of a complete run, weights and card, 32 hexadecimal digits: what its codes belong to.

    The same model imported twice, or trained twice to the same bits, has the same.

    Raises:
        ConfigError: the run has no model yet.
        StorageError: the model cannot be read.
    """
    if not run.model.exists():
        raise ConfigError(f"run {run.name} has no model yet. `unweave train` continues it; --run chooses another run.")
    return folder_hash(run.model)


def _from_python(run: Run, device: str) -> RunModel:
    from unweave.methods.torch_net import torch_nets, weights_hash
    from unweave.training.step import make_fabric

    card = read_card(run.model)
    assert card.function is not None
    encoder, decoder = torch_nets(
        card.function, folder=run.folder.parent.parent, device=str(make_fabric(device).device)
    )
    if weights_hash(encoder, decoder) != card.weights:
        raise ConfigError(
            f"run {run.name} was imported from {card.function}, which now returns other weights. Import it again, and "
            "pass --freeze so that nothing of that code is needed later."
        )
    return pair_of(card, encoder, decoder)

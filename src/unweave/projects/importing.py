"""`unweave import`: somebody else's model as a run of this project."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unweave.bundles.codes import save_codes
from unweave.bundles.fit import ALL_FOUND_OUT, ROWS, Fitted, Wanted, fit_pair, in_words
from unweave.bundles.imported import GRAPH, Card, Kind, copy_graph, load_imported, write_card
from unweave.core.errors import ConfigError
from unweave.core.files import atomic_folder, folder_hash, storage_errors
from unweave.core.findings import Finding
from unweave.core.model import Observations, RunModel
from unweave.core.pair import Pair
from unweave.core.seeds import generator
from unweave.data.dataset import Dataset
from unweave.projects.asked import about_run
from unweave.projects.config import Project
from unweave.projects.foreign import Opened, codes_of
from unweave.projects.models import trained_model
from unweave.projects.runs import RUNS, Run

_NOT_OURS = {"method", "net", "training"}
"""Sections that say how a model is trained, which nobody asked of this one."""

_FROZEN_ALIKE = 1e-3
"""Largest difference between a module and its frozen graph, in standard deviations of what they give."""


@dataclass(frozen=True)
class Imported:
    """A run whose model came from elsewhere, and what was found when it was tried."""

    run: Run
    model: RunModel
    findings: tuple[Finding, ...]


def import_model(
    opened: Opened,
    project: Project,
    dataset: Dataset,
    root: Path,
    *,
    wanted: Wanted = ALL_FOUND_OUT,
    freeze: bool = False,
    device: str = "cpu",
) -> Imported:
    """Try a model on real rows and keep it as a run, `runs/import-KIND-HASH`.

    The run's folder holds all that the model needs, but for modules that are not frozen. The same model on the same
    data is the same run.

    Args:
        opened: of `open_foreign`.
        project, dataset: those that it is measured on.
        root: the project folder.
        wanted: what the user says about it; the rest is found out.
        freeze: write torch modules as ONNX graphs, so that their code is not needed later.
        device: where it computes.

    Raises:
        ConfigError, DataError: the model cannot be used with these data; the message says why.
        StorageError: the folder cannot be written.
    """
    if freeze and opened.source.kind != "python":
        raise ConfigError("--freeze is for --torch: ONNX files and codes are copied as they are.")
    with storage_errors(root / RUNS, "write"):
        (root / RUNS).mkdir(parents=True, exist_ok=True)
        staging = tempfile.TemporaryDirectory(prefix=".import-", dir=root / RUNS)
    with staging as name:
        staged = Path(name)
        if opened.source.kind == "codes":
            card, findings, about = _write_codes(opened, dataset, staged)
        else:
            card, findings, about = _write_pair(opened, _sample(dataset), staged, wanted, freeze)
        write_card(card, staged)
        run = Run(root / RUNS / f"import-{card.imported}-{_short(folder_hash(staged), dataset.data_hash)}")
        with run.locked(), atomic_folder(run.model) as part:
            for child in staged.iterdir():
                shutil.move(child, part / child.name)
    model = trained_model(run, device=device)
    settings = project.model_dump(mode="json", exclude=_NOT_OURS)
    asked = about_run(settings, dataset, root, device=device)
    run.write("asked", {**asked, "imported": {"kind": card.imported, "latent": model.latent, **about}})
    run.write("status", {"status": "complete", "diagnoses": [vars(f) for f in findings]})
    return Imported(run, model, tuple(findings))


def _short(model: str, data: str) -> str:
    return hashlib.blake2b(f"{model} {data}".encode(), digest_size=4).hexdigest()


def _sample(dataset: Dataset) -> Observations:
    """Training rows that conventions are tried on."""
    chosen = generator(0, "import", "rows").permutation(dataset.splits.train)[:ROWS]
    return dataset.observations(np.sort(chosen))


Written = tuple[Card, list[Finding], dict[str, Any]]


def _write_codes(opened: Opened, dataset: Dataset, folder: Path) -> Written:
    model, findings = codes_of(opened, dataset)
    save_codes(model, folder)
    return Card(imported="codes", shape=model.shape), findings, {"codes": str(opened.source.codes)}


def _write_pair(opened: Opened, rows: Observations, folder: Path, wanted: Wanted, freeze: bool) -> Written:
    assert opened.encoder is not None
    fitted = fit_pair(opened.encoder, opened.decoder, rows, wanted)
    source, kind = opened.source, opened.source.kind
    findings = list(fitted.findings)
    details: dict[str, Any] = {}
    if kind == "onnx":
        for half, path in (("encoder", source.encoder), ("decoder", source.decoder)):
            if path is not None:
                copy_graph(path, folder / half)
                details[half] = str(path)
    else:
        details["function"] = source.function
        if freeze:
            kind = "onnx"
            _freeze(fitted.pair, rows, folder)
        else:
            findings.append(_needs_code(str(source.function)))
    card = _card(kind, fitted, opened, details)
    if freeze:
        write_card(card, folder)
        _check_frozen(fitted.pair, load_imported(folder), rows)
        details["frozen"] = "yes"
    about = {"conventions": in_words(fitted.pair.conventions), "layout": fitted.pair.conventions.layout}
    if fitted.error is not None:
        details |= {"reconstruction_error": fitted.error, "error_of_the_mean_image": fitted.baseline}
    return card, findings, {**details, **about, "code": _words(fitted.pair)}


def _card(kind: Kind, fitted: Fitted, opened: Opened, details: dict[str, Any]) -> Card:
    pair = fitted.pair
    described = Card(imported=kind, shape=pair.shape, conventions=pair.conventions, reading=pair.reading)
    if kind != "python":
        return described
    from unweave.methods.torch_net import TorchNet, weights_hash

    nets = [net for net in (opened.encoder, opened.decoder) if isinstance(net, TorchNet)]
    return described.model_copy(update={"function": details["function"], "weights": weights_hash(*nets)})


def _freeze(pair: Pair, rows: Observations, folder: Path) -> None:
    from unweave.methods.torch_net import TorchNet, freeze

    few = rows[:4]
    halves = [("encoder", pair.encoder, pair.conventions.inside(few))]
    if pair.decoder is not None:
        halves.append(("decoder", pair.decoder, pair.encode(few).mean.reshape(-1, *pair.reading.code_shape)))
    for half, net, example in halves:
        assert isinstance(net, TorchNet)
        (folder / half).mkdir()
        freeze(net, example, folder / half / GRAPH)


def _check_frozen(pair: Pair, frozen: RunModel, rows: Observations) -> None:
    """The frozen graphs give what the modules give."""
    few = rows[:32]
    codes = pair.encode(few).mean
    compared = [("codes", codes, frozen.encode(few).mean)]
    if pair.decoder is not None:
        compared.append(("decoded", pair.decode(codes), frozen.decode(codes)))
    for what, ours, theirs in compared:
        moved = float(np.abs(ours - theirs).max())
        if not moved <= _FROZEN_ALIKE * max(float(ours.std()), 1e-6):
            raise ConfigError(
                f"--freeze: the frozen graph gives other {what} than the module, by up to {moved:.3g}. Its forward "
                "depends on something that a graph cannot hold; import without --freeze."
            )


def _needs_code(function: str) -> Finding:
    return Finding(
        "note",
        "The model needs your code",
        f"Every later command imports {function} again.",
        "--freeze writes the modules as ONNX files, so that nothing of your code is needed.",
    )


def _words(pair: Pair) -> str:
    reading = pair.reading
    spread = {
        "none": "no statement of its noise",
        "halves": "log-variance in the second half",
        "logvar": f"log-variance in {reading.spread_output!r}",
        "variance": f"variance in {reading.spread_output!r}",
        "std": f"standard deviation in {reading.spread_output!r}",
        "logstd": f"logarithm of the standard deviation in {reading.spread_output!r}",
    }[reading.spread]
    return f"mean in {reading.mean!r}, {spread}"

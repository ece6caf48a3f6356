"""`unweave discover`: candidate factors of a run, kept in its folder with one picture of all strips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.core.files import write_bytes
from unweave.core.model import RunModel
from unweave.core.seeds import generator
from unweave.data.dataset import Dataset
from unweave.projects.models import model_hash, trained_model
from unweave.projects.report.pictures import encode_png, labelled_grid
from unweave.projects.runs import Run
from unweave.signatures.axes import How
from unweave.signatures.candidate_directions import FILE, Candidate, Discovery
from unweave.signatures.discover import discover
from unweave.signatures.named import DISCOVERED, with_named
from unweave.signatures.signatures import Signatures

FOLDER, PICTURE = "discovered", "strips.png"
_ROWS = 5000
_FRAMES = 9


@dataclass(frozen=True)
class Discovered:
    """What a search in a run gave.

    Attributes:
        found: the candidates.
        folder: where they are kept.
        picture: strips of all of them, or None where nothing can be drawn.
        lost: names of an earlier search that no direction bears any more.
        reason: why there is no picture.
    """

    found: Discovery
    folder: Path
    picture: Path | None
    lost: tuple[str, ...] = ()
    reason: str = ""


def discover_in(
    run: Run,
    dataset: Dataset,
    *,
    methods: Sequence[How] | None = None,
    top: int = 10,
    clusters: int | None = None,
    bootstraps: int = 20,
    seed: int = 0,
    device: str = "cpu",
) -> Discovered:
    """Look for directions in the codes of training rows, keep them in the run's folder and draw their strips.

    Names that an earlier search was given stay with directions that point the same way.

    Raises:
        ConfigError, DataError: see `discover`.
    """
    model = trained_model(run, device=device)
    decodes = "decode" in model.capabilities
    train = dataset.splits.train
    rows = np.sort(generator(seed, "discover", "rows").permutation(train)[:_ROWS])
    found = discover(
        model.encode(dataset.observations(rows)),
        model=model_hash(run),
        decode=model.decode if decodes else None,
        methods=methods,
        top=top,
        clusters=clusters,
        bootstraps=bootstraps,
        seed=seed,
        provenance={"data_hash": dataset.data_hash, "rows": len(rows), "bootstraps": bootstraps, "seed": seed},
    )
    folder, lost = run.folder / FOLDER, tuple[str, ...]()
    if (folder / FILE).exists():
        found, lost = found.with_names_of(Discovery.load(folder))
    _keep(run, found)
    picture, reason = _draw(found, model, folder)
    return Discovered(found, folder, picture, lost, reason)


def name_candidates(run: Run, names: Mapping[int, str | None]) -> Discovered:
    """Give candidates of the last search names, or take them away by None; what has a name has a signature.

    Raises:
        ConfigError: nothing was discovered, the model has changed since, there is no such candidate, or a factor whose
            signature comes from labels has the name.
    """
    folder = run.folder / FOLDER
    found = Discovery.load(folder)
    found.check_model(model_hash(run))
    found = found.named(names)
    known = _signatures(run)
    taken = {s.name for s in known.signatures if s.candidate != DISCOVERED} if known is not None else set()
    for number, name in names.items():
        if name in taken:
            raise ConfigError(f"{name!r} has a signature from labels. Call candidate {number} something else.")
    _keep(run, found)
    picture, reason = _draw(found, trained_model(run), folder)
    return Discovered(found, folder, picture, reason=reason)


def named_of(run: Run, signatures: Signatures) -> Signatures:
    """Signatures of a run's model with those of the candidates that were named in it."""
    folder = run.folder / FOLDER
    if not (folder / FILE).exists():
        return signatures
    found = Discovery.load(folder)
    return with_named(signatures, found) if found.model == signatures.model else signatures


def _signatures(run: Run) -> Signatures | None:
    return Signatures.load(run.signatures) if run.signatures.exists() else None


def _keep(run: Run, found: Discovery) -> None:
    """Candidates, and signatures of those with a name."""
    signatures = with_named(_signatures(run), found)
    found.save(run.folder / FOLDER)
    if signatures.signatures:
        signatures.save(run.signatures)
    else:
        run.signatures.unlink(missing_ok=True)


def _draw(found: Discovery, model: RunModel, folder: Path) -> tuple[Path | None, str]:
    """The picture of all strips, or why there is none."""
    path = folder / PICTURE
    path.unlink(missing_ok=True)
    if "decode" not in model.capabilities:
        return None, "The model has no decoder, so there are no strips of pictures and no Jacobian."
    if len(model.shape) != 3:
        return None, "The data are vectors: in place of strips, the components that change most are listed."
    strips = strips_of(found, model)
    labels = [label(candidate) for candidate in found.candidates]
    write_bytes(path, encode_png(labelled_grid(strips, labels)))
    return path, ""


def strips_of(found: Discovery, model: RunModel, frames: int = _FRAMES) -> NDArray[np.float32]:
    """Decoded images (M, frames, H, W, C) from -2 to 2 steps along each candidate, from a typical row."""
    paths = np.concatenate([found.path(candidate.number, frames) for candidate in found.candidates])
    decoded = model.decode(paths)
    return decoded.reshape(len(found.candidates), frames, *decoded.shape[1:])


def label(candidate: Candidate) -> str:
    """`3 · smile · ica, 12 %, stable 0.98`."""
    name = f"{candidate.name} · " if candidate.name else ""
    return f"{candidate.number} · {name}{candidate.how}, {candidate.share:.0%}, stable {candidate.stability:.2f}"

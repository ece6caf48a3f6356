"""The folder of an imported model: a card, and what encodes and decodes.

* `onnx`: `encoder/` and `decoder/` hold each graph as `model.onnx`, with the files of its weights if it has others;
* `codes`: `codes.npy`, `digests.npy`, `logvars.npy`;
* `python`: nothing else. The card names the function that returns the modules, and the hash of their weights.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from unweave.bundles.codes import KnownCodes, load_codes
from unweave.bundles.onnx import OnnxNet
from unweave.bundles.onnx_files import model_files
from unweave.core.conventions import Conventions
from unweave.core.errors import StorageError
from unweave.core.pair import Net, Pair, Reading

CARD = "model.json"
GRAPH = "model.onnx"
Kind = Literal["onnx", "python", "codes"]


class Card(BaseModel):
    """What an imported model's folder says of itself in `model.json`.

    Attributes:
        format: of the folder.
        imported: what the model is.
        shape: of one observation.
        conventions, reading: of a pair; None for codes.
        function: `module:function` that returns the modules, for `python`.
        weights: their hash.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    imported: Kind
    shape: tuple[int, ...]
    conventions: Conventions | None = None
    reading: Reading | None = None
    function: str | None = None
    weights: str | None = None


def is_imported(folder: Path) -> bool:
    """Whether the model in a folder was imported rather than trained here."""
    return "imported" in _content(folder)


def read_card(folder: Path) -> Card:
    """The card of an imported model.

    Raises:
        StorageError: it is absent, damaged, or of another format.
    """
    try:
        return Card.model_validate(_content(folder))
    except ValidationError as error:
        raise StorageError(
            f"{folder / CARD} is damaged or of another version: {error}. Import the model again."
        ) from error


def write_card(card: Card, folder: Path) -> None:
    """Write `model.json`; equal cards give equal bytes."""
    (folder / CARD).write_text(json.dumps(card.model_dump(mode="json"), indent=2), encoding="utf-8")


def copy_graph(path: Path, folder: Path) -> None:
    """Copy an ONNX file as `model.onnx`, and the files of its weights beside it."""
    for file in model_files(path):
        target = folder / (GRAPH if file == path else file.relative_to(path.parent))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def load_imported(folder: Path, *, device: str = "cpu", threads: int = 1) -> Pair | KnownCodes:
    """The model of an imported folder of ONNX graphs or codes; the files of a `python` model are not here.

    Raises:
        StorageError, DataError, ConfigError, MissingExtraError: see `read_card`, `load_codes`, `OnnxNet`.
    """
    card = read_card(folder)
    if card.imported == "codes":
        return load_codes(folder, card.shape)
    assert card.imported == "onnx"
    encoder = OnnxNet(folder / "encoder" / GRAPH, device=device, threads=threads)
    decoder = folder / "decoder" / GRAPH
    return pair_of(card, encoder, OnnxNet(decoder, device=device, threads=threads) if decoder.exists() else None)


def pair_of(card: Card, encoder: Net, decoder: Net | None) -> Pair:
    """The pair that a card describes, with the nets that run it."""
    assert card.conventions is not None
    assert card.reading is not None
    return Pair(encoder, decoder, card.conventions, card.reading)


def _content(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"no model can be read from {folder}: {error}. Train one, or import it again.") from error
    if not isinstance(content, dict):
        raise StorageError(f"{path} is damaged: expected keys and values. Train or import the model again.")
    return content

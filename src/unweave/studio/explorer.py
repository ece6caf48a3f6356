"""The explorer: a decoder with its dials in one HTML file, for anyone to play with."""

from __future__ import annotations

import base64
import gzip
import html
import json
from pathlib import Path

import numpy as np

from unweave.bundles.files import graph_name, read_files
from unweave.bundles.schema import BundleCard
from unweave.core.errors import ConfigError
from unweave.core.files import write_bytes
from unweave.core.model import Observations
from unweave.signatures.bundled import load_editor
from unweave.studio.files import static_folder
from unweave.studio.inline import fill, import_map


def write_explorer(path: Path, bundle: Path, starts: Observations) -> int:
    """Write one file that shows and edits pictures in any browser of today, without a server and without a network.

    It holds the decoder, the signatures, the card, and the codes of some pictures to start from, from which the decoder
    draws what it can of them; ONNX Runtime Web decodes. Equal bundles and pictures give equal bytes.

    Args:
        path: of the file, `.html`.
        bundle: folder of a bundle with signatures.
        starts: pictures uint8 (N, H, W, C), one or more.

    Returns:
        Its size in bytes.

    Raises:
        ConfigError: the bundle has no signatures, or its observations are no pictures.
        ShapeError: `starts` are of another shape.
        StorageError: the file cannot be written.
    """
    editor = load_editor(bundle)
    files, _ = read_files(bundle)
    card = BundleCard.model_validate_json(files["card.json"])
    if len(card.shape) != 3 or card.shape[2] not in (1, 3):
        raise ConfigError(
            f"an explorer shows grey or colour pictures, and observations of run {card.run} are of shape {card.shape}."
        )
    codes = editor.model.encode(starts).mean
    content = {
        "card": card.model_dump(mode="json", exclude={"training": {"settings", "versions"}}),
        "signatures": editor.signatures.to_json(),
        "starts": np.round(codes.astype(np.float64), 6).tolist(),
    }
    page = fill(
        static_folder() / "explorer.html",
        {
            "title": html.escape(card.name),
            "style": (static_folder() / "style.css").read_text(encoding="utf-8"),
            "content": json.dumps(content, allow_nan=False).replace("<", "\\u003c"),
            "graph": _base64(gzip.compress(files[graph_name("decoder")], mtime=0)),
            "runtime": _base64((static_folder() / "vendor" / "ort.wasm.gz").read_bytes()),
            "modules": import_map("explorer.js"),
            "licences": _licences(),
        },
    ).encode()
    write_bytes(path, page)
    return len(page)


def _licences() -> str:
    """Of ONNX Runtime Web and what it is made of; a comment may not hold two hyphens."""
    vendor = static_folder() / "vendor"
    texts = [(vendor / name).read_text(encoding="utf-8") for name in ("LICENSE", "ThirdPartyNotices.txt")]
    return "ONNX Runtime Web\n\n" + "\n\n".join(texts).replace("--", "- -").replace("--", "- -").replace(">", "&gt;")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")

"""A browser, and a bundle with dials of all kinds, for the tests of the pages."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from browser import chromium
from small_bundle import reseal
from unweave.bundles.files import SIGNATURES
from unweave.projects.models import model_hash
from unweave.signatures.bundled import load_editor
from unweave.signatures.edit import Edit, Move
from unweave.signatures.editor import Editor
from unweave.signatures.fit import fit_signatures
from unweave.signatures.signature import Leakage


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; its driver keeps an event loop running, and other tests of a session run their own."""
    with chromium() as running:
        yield running


@dataclass(frozen=True)
class Dialled:
    """A bundle whose model moves classes too, and says what else moves.

    Attributes:
        folder: of the bundle.
        editor: what the pages have to agree with.
        rows: real ones, those first whose pictures change most with x and y.
    """

    folder: Path
    editor: Editor
    rows: np.ndarray


@pytest.fixture(scope="session")
def dialled(small, tmp_path_factory):
    """The small bundle with signatures of all factors, and leakage."""
    folder = tmp_path_factory.mktemp("dialled") / "bundle"
    shutil.copytree(small.folder, folder)
    rows = small.dataset.splits.train
    codes = small.model.encode(small.dataset.observations(rows)).mean
    found = fit_signatures(
        codes, small.dataset.table.take(rows), model=model_hash(small.run), bootstrap=0, nulls=0, only="plain"
    )
    leaks = {}
    for k, name in enumerate(found.names):
        others = tuple(other for other in found.names if other != name)
        values = tuple(0.02 * (k + 1) * (j + 1) for j in range(len(others)))
        leaks[name] = (Leakage("codes", 1.0, others, values, tuple((v, v) for v in values)),)
    found.with_leakage(leaks).save(folder / SIGNATURES)
    reseal(folder)
    editor = load_editor(folder)
    pictures = small.rows
    moved = editor.apply(pictures, Edit({"x": Move(0.7), "y": Move(0.7)})).images.astype(int)
    unmoved = editor.draw(pictures, *2 * [editor.model.encode(pictures).mean], residual=False).astype(int)
    lively = np.abs(moved - unmoved).max(axis=(1, 2, 3)).argsort()[::-1]
    return Dialled(folder, editor, pictures[lively])

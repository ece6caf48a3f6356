"""The folder of a trained model: what is damaged or of another version is said to be."""

import json

import pytest

from unweave.core.errors import StorageError
from unweave.methods import BetaVAEConfig
from unweave.methods.model import load_model, save_model
from unweave.testing.methods import make_model


@pytest.fixture
def folder(tmp_path):
    """A model of three dimensions."""
    save_model(make_model(BetaVAEConfig(latent=3)), tmp_path / "model")
    return tmp_path / "model"


def change(folder, **content):
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **content}))


def test_weights_that_do_not_fit_the_nets(folder):
    card = json.loads((folder / "model.json").read_text())
    change(folder, method={**card["method"], "latent": 4})
    with pytest.raises(StorageError, match=r"its weights do not fit the nets of this version: .*Train it again"):
        load_model(folder)


def test_another_format(folder):
    change(folder, format=99)
    with pytest.raises(StorageError, match="expected model format 1, got 99"):
        load_model(folder)


def test_damaged_weights(folder):
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StorageError, match="no model can be read"):
        load_model(folder)

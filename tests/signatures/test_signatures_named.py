"""Named directions as signatures: what one step is, what its reader sees, and what stays when names change."""

import json
from dataclasses import replace

import numpy as np
import pytest

from linear_world import world
from unweave.core.codes import Codes
from unweave.signatures.apply import edit_codes
from unweave.signatures.discover import discover
from unweave.signatures.edit import Edit, Move, Set
from unweave.signatures.named import DISCOVERED, with_named
from unweave.signatures.signature import Leakage
from unweave.signatures.signatures import Signatures

LATENT = 5


@pytest.fixture(scope="module")
def mixed():
    """Independent sources that are not normal, an oblique mixing, and what ICA finds: (sources, codes, discovery)."""
    rng = np.random.default_rng(0)
    sources = rng.uniform(-np.sqrt(3), np.sqrt(3), (4000, LATENT))
    mixing = np.eye(LATENT) + 0.6 * rng.normal(size=(LATENT, LATENT))
    codes = Codes((sources @ mixing + 2).astype(np.float32))
    return sources, codes, discover(codes, model="m", methods=["ica"], bootstraps=2)


def test_the_reader_tells_the_source_and_no_other(mixed):
    sources, codes, found = mixed
    (signature,) = with_named(None, found.named({0: "smile"})).signatures
    correlation = np.corrcoef(signature.reader.read(codes.mean), sources.T)[0, 1:]
    own = np.abs(correlation).argmax()
    # 4,000 rows tell a correlation of 0 to within 3 / sqrt(4000); ICA's own error is of the same order.
    assert abs(correlation[own]) > 0.99
    assert np.delete(np.abs(correlation), own).max() < 0.06
    # The projection on the direction itself mixes the sources: that is why there is a reader.
    along = np.corrcoef(codes.mean @ found.directions[0], sources.T)[0, 1:]
    assert np.delete(np.abs(along), own).max() > 0.2


def test_steps_are_standard_and_counted_from_the_centre(mixed):
    _, codes, found = mixed
    (signature,) = with_named(None, found.named({1: "smile"})).signatures
    read = signature.reader.read(codes.mean)
    assert read.std() == pytest.approx(1, abs=0.03)
    assert signature.reader.read(found.centre[None])[0] == pytest.approx(0, abs=1e-9)
    # What a uniform source of variance 1 can do: 1.7 either way, and the ellipsoid of five dimensions lies outside.
    assert signature.safe[0] < -1.7 < 1.7 < signature.safe[1]


def test_it_moves_and_sets_like_any_other(mixed):
    _, codes, found = mixed
    signatures = with_named(None, found.named({0: "smile", 2: "age"}))
    smile, age = signatures["smile"], signatures["age"]
    some = codes.mean[signatures.density.distance(codes.mean) < 0.5 * signatures.density.radius]  # no edge is near
    moved = edit_codes(signatures, some, Edit({"smile": Move(0.3)})).codes
    np.testing.assert_allclose(moved - some, np.tile(0.3 * smile.directions, (len(some), 1)), atol=1e-5)
    near = some[np.abs(smile.reader.read(some)) < 0.5]
    put = edit_codes(signatures, near, Edit({"smile": Set(0.2)})).codes
    np.testing.assert_allclose(smile.reader.read(put), 0.2, atol=1e-4)
    # The other one stays where it is to within what ICA leaves of the others in a component.
    assert np.abs(age.reader.read(put) - age.reader.read(near)).max() < 0.1


def test_labels_go_before_and_names_can_be_taken_back(mixed):
    *_, found = mixed
    labelled = replace(world(), model="m")
    both = with_named(labelled, found.named({0: "width", 1: "smile"}))
    assert both.names == (*labelled.names, "width")  # world() has a smile from labels
    assert both.density is labelled.density
    told = both.provenance[DISCOVERED]
    assert told["width"]["how"] == "ica"
    leakage = Leakage("codes", 0.5, ("age",), (0.1,), ((0.0, 0.2),))
    measured = both.with_leakage({"width": (leakage,)})
    assert with_named(measured, found.named({0: "width"}))["width"].leakage == (leakage,)
    assert with_named(measured, found.named({2: "width"}))["width"].leakage == ()  # another direction
    assert with_named(both, found).names == labelled.names
    assert with_named(world(), found.named({0: "width"})).names == ("width",)  # of another model
    kept = json.loads(json.dumps(both.to_json()))
    assert Signatures.from_json(kept).to_json() == both.to_json()

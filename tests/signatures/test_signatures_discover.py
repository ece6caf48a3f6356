"""Discovery as a whole: numbers, names, files, and models that cannot do everything."""

import numpy as np
import pytest

from unweave.core.codes import Codes
from unweave.core.errors import ConfigError, DataError, StorageError
from unweave.signatures.candidate_directions import Discovery
from unweave.signatures.discover import discover, typical_code

RNG = np.random.default_rng(0)
MIXING = RNG.normal(size=(4, 3))
"""Three sources in four columns."""
CODES = Codes((RNG.uniform(-1, 1, (600, 3)) @ MIXING.T).astype(np.float32))
PIXELS = RNG.normal(size=(4, 12))


def decode(z):
    return (z @ PIXELS).reshape(-1, 2, 6, 1).astype(np.float32)


OPTIONS = {"model": "m" * 32, "decode": decode, "clusters": 3, "bootstraps": 4, "provenance": {"rows": 600}}


@pytest.fixture(scope="module")
def found():
    return discover(CODES, **OPTIONS)


def test_every_method_gives_its_candidates(found):
    by_method = {how: [c for c in found.candidates if c.how == how] for how in ("ica", "pca", "jacobian", "clusters")}
    assert [len(by_method[how]) for how in by_method] == [3, 3, 3, 3]
    assert [c.number for c in found.candidates] == list(range(len(found.candidates)))
    np.testing.assert_allclose(np.linalg.norm(found.directions, axis=1), 1)
    ica = found.directions[:3]
    true = MIXING.T / np.linalg.norm(MIXING.T, axis=1, keepdims=True)
    assert np.abs(ica @ true.T).max(1).min() > 0.99  # under 8 degrees at 600 rows
    assert min(c.stability for c in by_method["ica"]) > 0.95
    assert all(c.interval[0] <= c.stability <= c.interval[1] for c in found.candidates)


def test_those_that_others_found_too_say_so(found):
    for one in found.candidates:
        for number in one.like:
            other = found.candidates[number]
            assert one.number in other.like
            assert other.how != one.how
            assert abs(found.directions[one.number] @ found.directions[number]) >= 0.9
    cosines = np.abs(found.directions @ found.directions.T)
    apart = [(a, b) for a in found.candidates for b in found.candidates if a.how != b.how]
    assert all((cosines[a.number, b.number] >= 0.9) == (b.number in a.like) for a, b in apart)


def test_a_path_goes_two_steps_to_either_side_of_a_typical_row(found):
    path = found.path(1, frames=5)
    assert path.shape == (5, 4)
    np.testing.assert_allclose(path[2], typical_code(CODES.mean.astype(float)), atol=1e-6)
    assert any(np.allclose(path[2], row, atol=1e-6) for row in CODES.mean)
    step = found.candidates[1].step
    np.testing.assert_allclose(path[4] - path[0], 4 * step * found.directions[1], atol=1e-5)


def test_the_same_seed_gives_the_same_and_another_other_draws(found):
    again = discover(CODES, **OPTIONS)
    np.testing.assert_array_equal(again.directions, found.directions)
    assert again.candidates == found.candidates
    other = discover(CODES, **OPTIONS, seed=1)
    assert [c.stability for c in other.candidates] != [c.stability for c in found.candidates]


def test_without_a_decoder_there_is_no_jacobian():
    codes_only = discover(CODES, model="m", bootstraps=2)
    # Uniform sources have no clusters.
    assert {c.how for c in codes_only.candidates} == {"ica", "pca"}
    with pytest.raises(DataError, match="no clusters"):
        discover(CODES, model="m", methods=["clusters"], bootstraps=2)
    with pytest.raises(ConfigError, match="no decoder"):
        discover(CODES, model="m", methods=["jacobian"], bootstraps=2)


def test_of_vectors_the_components_that_change_most_are_named():
    weights = np.zeros((4, 6))
    weights[0, 5], weights[1, 2] = 10, -1
    codes = Codes((RNG.uniform(-1, 1, (200, 4)) * np.array([1, 1, 0.1, 0.1])).astype(np.float32))
    found = discover(
        codes, model="m", decode=lambda z: (z @ weights).astype(np.float32), methods=["jacobian"], bootstraps=2
    )
    first = found.candidates[0]
    assert first.changes[0][0] == 5
    # From -2 to 2 standard deviations, 4 times 10 / sqrt(3), but for what the draw makes of the deviation.
    assert abs(first.changes[0][1]) == pytest.approx(40 * codes.mean[:, 0].std(), rel=0.02)


def test_columns_of_classes_and_those_that_do_not_vary_are_left_alone():
    mean = np.concatenate([CODES.mean, np.ones((600, 1)), np.eye(2)[RNG.integers(0, 2, 600)]], axis=1).astype(
        np.float32
    )
    wide = np.concatenate([PIXELS, RNG.normal(size=(3, 12))])
    codes = Codes(mean, categorical=((5, 6),))
    found = discover(codes, model="m", decode=lambda z: (z @ wide).reshape(-1, 2, 6, 1), bootstraps=2)
    assert not found.directions[:, 4:].any()
    assert found.centre.shape == (7,)
    expected = discover(CODES, model="m", methods=["pca"], bootstraps=2)
    pca = [c.number for c in found.candidates if c.how == "pca"]
    np.testing.assert_allclose(found.directions[pca, :4], expected.directions, atol=1e-6)


def test_dimensions_that_noise_drowns_are_left_alone():
    """A VAE switches dimensions off by noise; what is left of their mean must not be blown up by whitening."""
    mean = np.concatenate([CODES.mean, 1e-3 * RNG.normal(size=(600, 2))], axis=1).astype(np.float32)
    logvar = np.log(np.tile([1e-4] * 4 + [1.0] * 2, (600, 1))).astype(np.float32)
    found = discover(Codes(mean, logvar), model="m", methods=["ica"], bootstraps=2)
    assert len(found.candidates) == 3
    assert not found.directions[:, 4:].any()
    assert min(c.stability for c in found.candidates) > 0.95


@pytest.mark.parametrize(
    ("codes", "options", "error", "message"),
    [
        (CODES.take(np.arange(49)), {}, DataError, "49 rows"),
        (Codes(np.ones((100, 3), np.float32)), {}, DataError, "no dimension of the codes is in use"),
        (CODES, {"clusters": 61}, ConfigError, "expected 2 to 60 for 600 rows"),
        (CODES, {"bootstraps": 1}, ConfigError, "at least 2"),
    ],
)
def test_what_cannot_be_is_refused(codes, options, error, message):
    with pytest.raises(error, match=message):
        discover(codes, model="m", **options)


def test_files_give_back_what_was_found(found, tmp_path):
    found.save(tmp_path)
    loaded = Discovery.load(tmp_path)
    assert (loaded.candidates, loaded.model, loaded.provenance) == (found.candidates, found.model, found.provenance)
    np.testing.assert_array_equal(loaded.directions, found.directions)
    loaded.check_model("m" * 32)
    with pytest.raises(ConfigError, match="of model mmmmmmmm, and the run's model is nnnnnnnn"):
        loaded.check_model("n" * 32)
    with pytest.raises(ConfigError, match="`unweave discover` first"):
        Discovery.load(tmp_path / "none")
    (tmp_path / "candidates.npz").write_bytes(b"PK")
    with pytest.raises(StorageError, match="damaged"):
        Discovery.load(tmp_path)


def test_names_are_given_once_and_taken_away(found):
    named = found.named({1: "smile", 0: "pose"})
    assert [named.candidates[n].name for n in (0, 1, 2)] == ["pose", "smile", None]
    assert named.named({1: None}).candidates[1].name is None
    with pytest.raises(ConfigError, match="candidates 1, 2 would both be called 'smile'"):
        named.named({2: "smile"})
    with pytest.raises(ConfigError, match="no candidate 99"):
        found.named({99: "x"})


def test_names_follow_their_direction_into_the_next_search(found):
    named = found.named({0: "pose", 4: "light"})
    kept, lost = discover(CODES, **{**OPTIONS, "seed": 9}).with_names_of(named)
    assert lost == ()
    place = next(place for place, c in enumerate(kept.candidates) if c.name == "pose")
    assert abs(kept.directions[place] @ found.directions[0]) > 0.99
    assert kept.candidates[place].how == "ica"
    other = Codes((RNG.uniform(-1, 1, (600, 3)) @ RNG.normal(size=(3, 4))).astype(np.float32))
    _, lost = discover(other, model="m", methods=["clusters"], clusters=2, bootstraps=2).with_names_of(named)
    assert lost == ("pose", "light")

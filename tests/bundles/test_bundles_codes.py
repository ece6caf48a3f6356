"""Precomputed codes: read safely, found by the content of an observation."""

import pickle

import numpy as np
import pytest

from unweave.bundles.codes import KnownCodes, content_digests, load_codes, read_codes, save_codes
from unweave.core.codes import Codes
from unweave.core.errors import ConfigError, DataError, ShapeError, StorageError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (50, 4, 4, 1)).astype(np.uint8)
CODES = Codes(RNG.normal(size=(50, 3)).astype(np.float32), RNG.normal(size=(50, 3)).astype(np.float32))
MODEL = KnownCodes(CODES, content_digests(PIXELS), (4, 4, 1))


def test_codes_are_found_by_content_in_any_order():
    order = RNG.permutation(50)[:20]
    found = MODEL.encode(PIXELS[order])
    np.testing.assert_array_equal(found.mean, CODES.mean[order])
    np.testing.assert_array_equal(found.logvar, CODES.logvar[order])


def test_an_observation_that_is_not_known_is_refused():
    other = PIXELS[:3].copy()
    other[1, 0, 0, 0] ^= 1
    with pytest.raises(DataError, match="1 of 3 observations have no precomputed code, first row 1"):
        MODEL.encode(other)
    with pytest.raises(ShapeError):
        MODEL.encode(PIXELS[:, :2])
    with pytest.raises(ConfigError, match="no decoder"):
        MODEL.decode(CODES.mean)
    assert MODEL.capabilities == {"encode"}


def test_digests_differ_exactly_where_contents_do():
    rows = np.zeros((4, 2, 1, 1), np.uint8)
    rows[1, 0], rows[2, 1], rows[3, 1] = 1, 1, 1
    digests = content_digests(rows)
    assert len(set(digests.tolist())) == 3
    assert digests[2] == digests[3]


def test_a_folder_gives_back_what_was_written_and_the_same_codes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_codes(MODEL, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["codes.npy", "digests.npy", "logvars.npy"]
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    found = load_codes(tmp_path / "a", (4, 4, 1)).encode(PIXELS)
    np.testing.assert_array_equal(found.mean, CODES.mean)
    (tmp_path / "a" / "codes.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(StorageError, match="damaged"):
        load_codes(tmp_path / "a", (4, 4, 1))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"z": np.zeros((3, 2))}, "expected an .npz file with `codes`"),
        ({"codes": np.zeros(3)}, r"expected numbers \(rows, dimensions\)"),
        ({"codes": np.array([["a"]])}, "expected numbers"),
        ({"codes": np.array([[0.0, np.nan]])}, "`codes` holds NaN"),
        ({"codes": np.zeros((3, 2)), "logvars": np.zeros((3, 1))}, r"expected shape \(3, 2\)"),
        ({"codes": np.zeros((3, 2)), "logvars": np.full((3, 2), np.inf)}, "`logvars` holds NaN or infinite"),
        ({"codes": np.zeros((3, 2)), "ids": np.array(["a", "b"])}, "`ids`: expected 3"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "c.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_codes(tmp_path / "c.npz")


class _Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_files_that_are_no_tables_are_refused_and_no_pickle_is_run(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_codes(tmp_path / "none.npz")
    np.savez(tmp_path / "object.npz", codes=np.array([_Bomb()], dtype=object))
    (tmp_path / "plain.npz").write_bytes(pickle.dumps(_Bomb()))
    (tmp_path / "text.npz").write_text("codes")
    np.save(tmp_path / "array.npy", np.zeros((3, 2)))
    np.savez(tmp_path / "whole.npz", codes=RNG.normal(size=(99, 9)))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:500])
    for name in ("object.npz", "plain.npz", "text.npz", "array.npy", "cut.npz"):
        with pytest.raises(DataError):
            read_codes(tmp_path / name)

import os
import time

import pytest

from unweave.data import file_index
from unweave.data.file_index import UNREADABLE, ListedFile, file_digests

OLD = time.time_ns() - 60_000_000_000


@pytest.fixture
def files(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, ns=(OLD, OLD))
    return lambda: [ListedFile.at(tmp_path / name) for name in ("a", "b")]


@pytest.fixture
def read(monkeypatch):
    """Names of the files that were read."""
    names = []
    real = file_index._digest
    monkeypatch.setattr(file_index, "_digest", lambda path: (names.append(path[-1]), real(path))[1])
    return names


def test_unchanged_files_are_not_read_again(files, tmp_path, read):
    first = file_digests(files(), tmp_path / "index")
    assert read == ["a", "b"]
    assert file_digests(files(), tmp_path / "index") == first
    assert read == ["a", "b"]
    assert first[0] != first[1]


@pytest.mark.parametrize("change", ["content", "time"])
def test_a_changed_file_is_read_again(files, tmp_path, read, change):
    first = file_digests(files(), tmp_path / "index")
    if change == "content":
        (tmp_path / "b").write_text("longer")
    os.utime(tmp_path / "b", ns=(OLD + 1, OLD + 1))
    second = file_digests(files(), tmp_path / "index")
    assert read == ["a", "b", "b"]
    assert first[0] == second[0]
    assert (first[1] == second[1]) == (change == "time")


def test_a_file_of_just_now_is_not_trusted(files, tmp_path, read):
    (tmp_path / "a").write_text("x")
    file_digests(files(), tmp_path / "index")
    file_digests(files(), tmp_path / "index")
    assert read == ["a", "b", "a"]


def test_a_damaged_index_only_costs_time(files, tmp_path, read):
    first = file_digests(files(), tmp_path / "index")
    (tmp_path / "index").write_bytes(b"PAR1 not really")
    assert file_digests(files(), tmp_path / "index") == first
    assert read == ["a", "b", "a", "b"]


def test_an_unreadable_file_has_no_digest_and_is_tried_again(files, tmp_path, read):
    listed = files()
    (tmp_path / "a").unlink()
    assert file_digests(listed, tmp_path / "index")[0] == UNREADABLE
    file_digests(listed, tmp_path / "index")
    assert read == ["a", "b", "a"]

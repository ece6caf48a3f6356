import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unweave.core.errors import DataError, StorageError
from unweave.data import ingest as ingesting
from unweave.data.config import DataConfig, SplitConfig
from unweave.data.dataset import load_dataset
from unweave.data.images import ImageOptions
from unweave.data.ingest import ingest
from unweave.data.sources.folder import FolderSource
from unweave.data.store import ImageStore

PLAIN = ImageOptions()
EVERYTHING = SplitConfig(train=1, valid=0, test=0)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def _ingest(photos, options=PLAIN, **more):
    return ingest(FolderSource(photos), options, photos.parent / "cache", **more)


def test_a_store_is_made_once_and_opened_afterwards(photos, monkeypatch):
    first = _ingest(photos)
    monkeypatch.setattr(ingesting, "_decode", lambda *_: pytest.fail("it was made again"))
    second = _ingest(photos)
    np.testing.assert_array_equal(first.observations, second.observations)
    np.testing.assert_array_equal(first.digests, second.digests)
    assert first.content_hash == second.content_hash
    assert first.report == second.report
    assert first.ids.tolist() == second.ids.tolist()


def test_the_store_is_a_read_only_memory_map(photos):
    observations = _ingest(photos).observations
    assert isinstance(observations, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        observations[0] = 0


def test_a_copy_of_the_folder_has_the_same_content_and_other_options_another(photos):
    store = _ingest(photos)
    photos.rename(photos.parent / "moved")
    assert _ingest(photos.parent / "moved").content_hash == store.content_hash
    assert len(list((photos.parent / "cache/stores").iterdir())) == 1
    assert _ingest(photos.parent / "moved", ImageOptions(size=4)).shape == (4, 4, 3)
    assert len(list((photos.parent / "cache/stores").iterdir())) == 2


def test_equal_pixels_have_equal_digests_whatever_the_file(photos):
    Image.open(photos / "0.png").save(photos / "copy.bmp")
    store = _ingest(photos)
    assert len(set(store.digests.tolist())) == 5
    assert store.digests[0] == store.digests[5]
    assert store.report.duplicates == (("0.png", "copy.bmp"),)


def test_sweeping_takes_leftovers_and_nothing_else(photos):
    stores = photos.parent / "cache/stores"
    (stores / ".abc.xyz.part").mkdir(parents=True)
    (stores / ".abc.xyz.part" / "0.raw").write_bytes(b"half")
    (stores / "kept").mkdir()
    _ingest(photos)
    assert not list(stores.glob(".*"))
    assert (stores / "kept").exists()


@pytest.mark.parametrize("step", ["write_part", "write_about", "_write_observations"])
def test_a_full_disk_is_said_and_leaves_nothing_behind(photos, monkeypatch, step):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ingesting, step, full)
    with pytest.raises(StorageError, match="No space left on device"):
        _ingest(photos)
    assert list((photos.parent / "cache/stores").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_said(photos):
    (photos.parent / "cache").write_text("a file in the way")
    with pytest.raises(StorageError, match="cannot lock"):
        _ingest(photos)


@pytest.mark.parametrize("name", ["observations.npy", "rows.parquet", "labels.parquet", "store.json"])
def test_a_damaged_store_is_said(photos, name):
    _ingest(photos)
    (folder,) = (photos.parent / "cache/stores").iterdir()
    (folder / name).write_bytes(b"")
    with pytest.raises(StorageError, match=r"is damaged: .*Remove the folder"):
        ImageStore.open(folder)


def test_progress_is_told_to_the_end(photos):
    told = []
    _ingest(photos, progress=lambda *step: told.append(step))
    assert told[0] == ("looking at files", 0, 5)
    assert told[-1] == ("reading data", 5, 5)


def test_two_processes_at_once_make_one_store(photos):
    script = (
        "import sys; from pathlib import Path\n"
        "from unweave.data.images import ImageOptions\n"
        "from unweave.data.ingest import ingest\n"
        "from unweave.data.sources.folder import FolderSource\n"
        "photos = Path(sys.argv[1])\n"
        "told = []\n"
        "store = ingest(FolderSource(photos), ImageOptions(), photos.parent / 'cache',"
        " progress=lambda *step: told.append(step[0]))\n"
        "print(store.content_hash, 'reading data' in told)\n"
    )
    command = [sys.executable, "-c", script, str(photos)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [child.communicate()[0].split() for child in children]
    assert said[0][0] == said[1][0]
    assert sorted(made for _, made in said) == ["False", "True"]


def test_different_sizes_are_all_named(photos):
    Image.new("L", (3, 9)).save(photos / "odd.png")
    with pytest.raises(DataError, match=r"2 different sizes.*8 x 6 \(5\), 3 x 9 \(1\).*`size: 64`"):
        _ingest(photos)
    assert list((photos.parent / "cache/stores").iterdir()) == []


def test_relative_paths_are_fine(photos, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    config = DataConfig(images="photos", split=EVERYTHING)
    dataset = load_dataset(config, (), root=Path(), cache=Path("cache"))
    assert len(dataset) == 5

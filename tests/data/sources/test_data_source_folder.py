import os

import numpy as np
import pytest
from PIL import Image

from unweave.core.errors import DataError
from unweave.core.factors import Factor
from unweave.data.config import DataConfig, SplitConfig
from unweave.data.dataset import load_dataset
from unweave.data.sources.folder import FolderSource, class_folders

SPLIT = SplitConfig(train=0.5, valid=0.25, test=0.25)


def _picture(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 4), value, dtype=np.uint8)).save(path)


def _load(root, factors=(), **options):
    config = DataConfig(images="photos", split=SPLIT, **options)
    return load_dataset(config, factors, root=root, cache=root / "cache", processes=1)


@pytest.fixture
def photos(tmp_path):
    for number, name in enumerate(["a/1.png", "a/2.png", "b/1.png", "b/deep/3.png"]):
        _picture(tmp_path / "photos" / name, number * 60)
    return tmp_path


def _labels(dataset, name):
    return dict(zip(dataset.store.ids.tolist(), dataset.store.columns.column(name).to_pylist(), strict=True))


def test_rows_are_sorted_by_name_whatever_the_file_system_says(photos):
    dataset = _load(photos)
    assert dataset.store.ids.tolist() == ["a/1.png", "a/2.png", "b/1.png", "b/deep/3.png"]
    assert dataset.store.observations[:, 0, 0, 0].tolist() == [0, 60, 120, 180]


def test_sub_folders_are_classes_when_there_is_no_table(photos):
    dataset = _load(photos)
    assert _labels(dataset, "label") == {"a/1.png": "a", "a/2.png": "a", "b/1.png": "b", "b/deep/3.png": "deep"}
    assert dataset.table.factors == (Factor(name="label", kind="categorical", values=("a", "b", "deep")),)


def test_one_sub_folder_is_no_class():
    assert class_folders(["a/1.png", "a/2.png"]) is None
    assert class_folders(["1.png", "2.png"]) is None
    assert class_folders(["1.png", "a/2.png", "b/3.png"]).column("label").to_pylist() == [None, "a", "b"]


@pytest.mark.parametrize("place", ["photos/labels.csv", "photos/metadata.csv", "labels.csv", "metadata.jsonl"])
def test_a_label_file_is_found_by_itself_and_replaces_class_folders(photos, place):
    names = ["a/1.png", "a/2.png", "b/1.png", "b/deep/3.png"]
    if place.endswith(".csv"):
        text = "\n".join(["file_name,level", *(f"{name},{n}" for n, name in enumerate(names))])
    else:
        text = "\n".join(f'{{"file_name": "{name}", "level": {n}}}' for n, name in enumerate(names))
    (photos / place).write_text(text)
    dataset = _load(photos)
    assert dataset.store.columns.column_names == ["level"]
    assert dataset.table.values[:, 0].tolist() == [0, 1, 2, 3]
    assert dataset.store.report.label_file == place
    assert dataset.store.report.other_files == ()


def test_metadata_of_sub_folders_is_gathered(photos):
    (photos / "photos/a/metadata.csv").write_text("file_name,level\n1.png,x\n2.png,y\n")
    (photos / "photos/b/metadata.csv").write_text("file_name,level\n1.png,z\ndeep/3.png,x\n")
    dataset = _load(photos)
    assert _labels(dataset, "level") == {"a/1.png": "x", "a/2.png": "y", "b/1.png": "z", "b/deep/3.png": "x"}


def test_a_declared_label_file_is_read(photos):
    (photos / "mine.tsv").write_text("File\tpose\na/1.png\tup\nb/1.png\t\n")
    dataset = _load(photos, [Factor(name="pose", kind="categorical", values=("up", "down"))], labels="mine.tsv")
    assert dataset.table.known[:, 0].tolist() == [True, False, False, False]
    assert dataset.store.report.unlabelled == ("a/2.png", "b/deep/3.png")


def test_new_labels_do_not_make_a_new_store(photos):
    (photos / "labels.csv").write_text("file,pose\na/1.png,up\na/2.png,down\n")
    pose = Factor(name="pose", kind="categorical", values=("up", "down"))
    first = _load(photos, [pose])
    (photos / "labels.csv").write_text("file,pose\na/1.png,down\na/2.png,up\n")
    second = _load(photos, [pose])
    assert first.store.content_hash == second.store.content_hash
    assert first.data_hash != second.data_hash
    assert len(list((photos / "cache/stores").iterdir())) == 1


def test_a_missing_label_file_is_named_with_the_nearest(photos):
    (photos / "labels2.csv").write_text("file,pose\na/1.png,up\n")
    with pytest.raises(DataError, match=r"no file 'labels3.csv'.*Did you mean 'labels2.csv'"):
        _load(photos, labels="labels3.csv")


def test_a_missing_folder_is_named_with_the_nearest(tmp_path):
    (tmp_path / "fotos").mkdir()
    with pytest.raises(DataError, match=r"there is no 'photos' \(looked for .*photos\).*Did you mean 'fotos'"):
        _load(tmp_path)


def test_an_empty_folder_and_a_folder_of_other_things_are_told_apart(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match="is empty"):
        _load(tmp_path)
    (tmp_path / "photos" / "a.docx").touch()
    with pytest.raises(DataError, match=r"1 files but no image.*a\.docx"):
        _load(tmp_path)


def test_hidden_files_are_left_alone_and_links_do_not_go_in_circles(photos):
    _picture(photos / "photos/.thumbnails/1.png")
    _picture(photos / "photos/__MACOSX/1.png")
    _picture(photos / "photos/._1.png")
    (photos / "photos/b/up").symlink_to(photos / "photos")
    (photos / "photos/c").symlink_to(photos / "photos/a")
    names = [file.name for file in FolderSource(photos / "photos").files]
    assert {"c/1.png", "c/2.png", "a/1.png"} <= set(names)
    assert not any("thumbnails" in name or "MACOSX" in name or "._" in name for name in names)
    assert len(names) == 6


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_text_can_be_read(tmp_path):
    for number, name in enumerate([b"caf\xe9.png", b"caf\xe8.png", "naïve.png".encode()]):
        _picture(tmp_path / "photos" / os.fsdecode(name), number)
    dataset = load_dataset(
        DataConfig(images="photos", split=SplitConfig(train=1, valid=0, test=0)),
        (),
        root=tmp_path,
        cache=tmp_path / "cache",
    )
    assert sorted(dataset.store.ids.tolist()) == ["caf�.png", "caf�.png (2)", "naïve.png"]


def test_a_file_without_permission_is_named(photos, monkeypatch):
    # A superuser may read everything, so the refusal is simulated.
    import builtins

    real = builtins.open

    def guarded(path, *arguments, **options):
        if str(path).endswith("2.png"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr(builtins, "open", guarded)
    report = _load(photos).store.report
    assert [(s.name, s.reason) for s in report.skipped] == [("a/2.png", "it cannot be read: Permission denied")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_is_refused_and_not_waited_for(photos):
    os.mkfifo(photos / "photos/a/pipe.png")
    report = _load(photos).store.report
    assert [(s.name, s.reason) for s in report.skipped] == [("a/pipe.png", "it is no regular file")]

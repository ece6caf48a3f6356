"""A folder with every kind of dirt that people's folders have, all at once."""

import io
import os
import struct
import unicodedata
import zlib

import numpy as np
import pytest
from PIL import Image

from unweave.core.errors import DataError
from unweave.core.factors import Factor
from unweave.data.config import DataConfig, SplitConfig
from unweave.data.dataset import load_dataset

SIDE = 16
CORNERS = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
NFC, NFD = (unicodedata.normalize(form, "größe_é.png") for form in ("NFC", "NFD"))
SPLIT = SplitConfig(train=0.6, valid=0.2, test=0.2)


def _scene(number=0, size=(48, 48)):
    """Red left upper corner, green right upper corner, blue lower half; `number` makes a different picture."""
    width, height = size
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[: height // 2, : width // 2] = CORNERS[0]
    pixels[: height // 2, width // 2 :] = CORNERS[1]
    pixels[height // 2 :] = CORNERS[2]
    pixels[height // 2 - 6 : height // 2 + 6, width // 2 - 6 : width // 2 + 6] = 10 * number
    return Image.fromarray(pixels)


def _bomb():
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(100_000))
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + struct.pack(">I", len(packed))
        + b"IDAT"
        + packed
        + struct.pack(">I", zlib.crc32(b"IDAT" + packed))
    )


def _png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


GOOD = {
    "clean.png": lambda path: _scene(1).save(path),
    "wide.png": lambda path: _scene(2, (96, 48)).save(path),
    "turned.jpg": lambda path: _turned(path),
    "rgba.png": lambda path: _scene(3).convert("RGBA").save(path),
    "palette.gif": lambda path: _scene(4).quantize(8).save(path),
    "deep.png": lambda path: Image.fromarray(np.full((48, 48), 32896, dtype=np.uint16)).save(path),
    "cmyk.jpg": lambda path: _scene(5).convert("CMYK").save(path, quality=95),
    "bits.png": lambda path: Image.fromarray(np.eye(48) > 0).save(path),
    "moving.gif": lambda path: _scene(6).save(path, save_all=True, append_images=[_scene(7)]),
    "really_a_jpeg.png": lambda path: _scene(8).save(path, "JPEG", quality=95),
    "copy_a.png": lambda path: _scene(9).save(path),
    "sub/copy_b.bmp": lambda path: _scene(9).save(path),
    NFD: lambda path: _scene(10).save(path),
    "日本/写真 1.png": lambda path: _scene(11).save(path),
    "no_label.webp": lambda path: _scene(12).save(path, lossless=True),
}
BAD = {
    "truncated.png": (lambda path: path.write_bytes(_png(_scene())[:-40]), "damaged or cut off"),
    "zero.jpg": (lambda path: path.touch(), "empty"),
    "notes.png": (lambda path: path.write_text("shopping list: milk, eggs"), "text"),
    "bomb.png": (lambda path: path.write_bytes(_bomb()), "bomb"),
    "dangling.png": (lambda path: path.symlink_to("nowhere.png"), "cannot be opened"),
}


def _turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6  # The camera was turned: to see it upright, turn it clockwise by 90 degrees.
    _scene(13).transpose(Image.Transpose.ROTATE_90).save(path, quality=95, subsampling=0, exif=exif)


@pytest.fixture
def dirty(tmp_path):
    folder = tmp_path / "photos"
    for name, make in [*GOOD.items(), *((name, make) for name, (make, _) in BAD.items())]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path)
    (folder / "README.txt").write_text("not an image")
    (folder / ".hidden.png").write_bytes(b"")
    labelled = [name for name in [*GOOD, *BAD] if name != "no_label.webp"]
    # The table spells the name with composed letters, the disk (like a Mac's) with decomposed ones.
    lines = [f"{unicodedata.normalize('NFC', name)},{'odd' if len(name) % 2 else ''}" for name in labelled]
    (folder / "labels.csv").write_text("\n".join(["file,length", *lines, "gone.png,even"]), encoding="utf-8")
    return tmp_path


def _load(root, **options):
    config = DataConfig(images="photos", size=SIDE, split=SPLIT, **options)
    factors = [Factor(name="length", kind="categorical", values=("odd", "even"))]
    return load_dataset(config, factors, root=root, cache=root / "cache", processes=1)


def test_what_can_be_read_is_read_and_everything_else_is_named(dirty):
    dataset = _load(dirty)
    report = dataset.store.report
    assert report.read == len(dataset.store) == len(GOOD)
    assert sorted(dataset.store.ids) == sorted(GOOD)
    assert dataset.store.observations.shape == (len(GOOD), SIDE, SIDE, 3)
    reasons = {skipped.name: skipped.reason for skipped in report.skipped}
    assert reasons.keys() == BAD.keys()
    for name, (_, reason) in BAD.items():
        assert reason in reasons[name]
    assert set(report.unlabelled) == {"no_label.webp"}
    assert report.orphans == ("gone.png",)
    assert "README.txt" in report.other_files
    assert ".hidden.png" not in report.other_files
    assert [sorted(group) for group in report.duplicates] == [["copy_a.png", "sub/copy_b.bmp"]]
    assert {(size.width, size.height): size.count for size in report.sizes} == {(48, 48): 14, (96, 48): 1}


def test_every_conversion_is_named_with_its_file(dirty):
    found = {(name, c.kind) for c in _load(dirty).store.report.converted for name in c.examples}
    for name, words in {
        "turned.jpg": "EXIF",
        "rgba.png": "white",
        "palette.gif": "palette",
        "deep.png": "16-bit",
        "cmyk.jpg": "CMYK",
        "bits.png": "1-bit",
        "moving.gif": "first",
        "really_a_jpeg.png": "JPEG content",
    }.items():
        assert any(name == n and words in kind for n, kind in found), (name, found)
    assert "clean.png" not in {name for name, _ in found}


def test_images_land_right_side_up_and_in_their_colours(dirty):
    store = _load(dirty).store
    pixels = dict(zip(store.ids.tolist(), store.observations, strict=True))
    for name in GOOD.keys() - {"deep.png", "bits.png"}:
        corners = [pixels[name][1, 1], pixels[name][1, -2], pixels[name][-2, 1]]
        # JPEG and CMYK move colours; a swap of channels or a turn would move them by 255.
        np.testing.assert_allclose(corners, CORNERS, atol=30, err_msg=name)
    assert (pixels["deep.png"] == 128).all()


def test_missing_labels_are_masked_and_copies_stay_together(dirty):
    dataset = _load(dirty)
    known = dict(zip(dataset.store.ids.tolist(), dataset.table.known[:, 0], strict=True))
    assert known == {name: name != "no_label.webp" and len(name) % 2 == 1 for name in GOOD}
    side = {name: part for part, rows in dataset.splits.named().items() for name in dataset.store.ids[rows]}
    assert side["copy_a.png"] == side["sub/copy_b.bmp"]
    assert side.keys() == GOOD.keys()


def test_fail_lists_all_bad_files(dirty):
    with pytest.raises(DataError) as caught:
        _load(dirty, on_bad="fail")
    for name, (_, reason) in BAD.items():
        assert name in str(caught.value)
        assert reason in str(caught.value)
    assert "on_bad: skip" in str(caught.value)


def test_several_processes_make_the_same_store(dirty):
    config = DataConfig(images="photos", size=SIDE, split=SPLIT)
    stores = [load_dataset(config, (), root=dirty, cache=dirty / f"cache{n}", processes=n).store for n in (1, 2)]
    np.testing.assert_array_equal(stores[0].observations, stores[1].observations)
    assert stores[0].content_hash == stores[1].content_hash
    assert stores[0].report == stores[1].report


def test_nothing_readable_is_an_error(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.jpg"):
        (tmp_path / "photos" / name).write_text("no image")
    with pytest.raises(DataError, match=r"a\.png"):
        _load(tmp_path)


def test_different_sizes_without_a_size_are_named_with_what_to_write(tmp_path):
    (tmp_path / "photos").mkdir()
    for number, size in enumerate([(48, 48), (48, 48), (64, 48)]):
        _scene(number, size).save(tmp_path / "photos" / f"{number}.png")
    config = DataConfig(images="photos", split=SPLIT)
    with pytest.raises(DataError, match="size") as caught:
        load_dataset(config, (), root=tmp_path, cache=tmp_path / "cache", processes=1)
    assert "48" in str(caught.value)
    assert "64" in str(caught.value)


def test_a_changed_file_makes_a_new_store_and_an_unchanged_folder_does_not(dirty):
    first = _load(dirty)
    assert _load(dirty).data_hash == first.data_hash
    # As large as before, and as old: only the recent change tells.
    path = dirty / "photos" / "clean.png"
    before = path.stat()
    content = bytearray(_png(_scene(14)))
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _load(dirty).data_hash != first.data_hash

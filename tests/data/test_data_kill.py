"""Ingest in real processes that are killed half-way."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unweave.data.config import DataConfig
from unweave.data.dataset import load_dataset

COUNT = 700
"""Three batches of 256."""

HALF_WAY = """
import sys, time
from pathlib import Path
from unweave.data.config import DataConfig
from unweave.data.dataset import load_dataset

def progress(doing, done, total):
    if doing == "reading data" and 0 < done < total:
        print("half-way", flush=True)
        time.sleep(600)

if __name__ == "__main__":
    root = Path(sys.argv[1])
    load_dataset(DataConfig(images="photos"), (), root=root, cache=root / "cache", progress=progress,
                 processes=int(sys.argv[2]))
"""

WITHOUT_A_GUARD = """
import sys
from pathlib import Path
from unweave.data.config import DataConfig
from unweave.data.dataset import load_dataset

root = Path(sys.argv[1])
print(len(load_dataset(DataConfig(images="photos"), (), root=root, cache=root / "cache", processes=2)))
"""


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(COUNT):
        pixels = np.full((8, 8), number % 251, dtype=np.uint8)
        pixels[0, 0] = number // 251
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number:04d}.png", compress_level=0)
    return tmp_path


def _start(root, text, *arguments):
    script = root / "script.py"
    script.write_text(text)
    return subprocess.Popen(
        [sys.executable, str(script), str(root), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_ingest_leaves_no_half_store_and_the_next_run_is_right(photos, processes):
    with _start(photos, HALF_WAY, str(processes)) as child:
        try:
            assert child.stdout.readline() == "half-way\n", child.stderr.read()
            workers = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        finally:
            child.send_signal(signal.SIGKILL)
    assert len(workers) == (processes if processes > 1 else 0)
    stores = photos / "cache" / "stores"
    left = list(stores.iterdir())
    assert [path.suffix for path in left] == [".part"]
    assert any(left[0].iterdir()), "it was killed before it wrote anything"

    dataset = load_dataset(DataConfig(images="photos"), (), root=photos, cache=photos / "cache", processes=1)
    assert [path.suffix for path in stores.iterdir()] == [""]
    expected = np.arange(COUNT)
    np.testing.assert_array_equal(dataset.store.observations[:, 5, 5, 0], expected % 251)
    np.testing.assert_array_equal(dataset.store.observations[:, 0, 0, 0], expected // 251)
    assert dataset.store.ids[-1] == f"{COUNT - 1:04d}.png"

    deadline = time.monotonic() + 20
    while any(map(_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_alive, workers)), "a worker outlived its parent"


def test_a_script_without_a_main_guard_does_not_hang(photos):
    with _start(photos, WITHOUT_A_GUARD) as child:
        try:
            output, errors = child.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            child.kill()
            pytest.fail("it hangs")
    assert output.strip() == str(COUNT), errors

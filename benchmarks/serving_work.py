"""The work that `serving_load.py` asks a server for, and the same work in this process."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unweave.core.seeds import generator
from unweave.serving.images.pictures import check_image, read_picture
from unweave.serving.settings import Limits
from unweave.serving.work.compute import compute
from unweave.serving.work.jobs import File, Job, Source
from unweave.serving.work.loaded import Loaded
from unweave.signatures.edit import Edit, Move


def make_bundle(folder: Path, size: int) -> Path:
    """A bundle of a small convolutional model, trained for a few steps: speed does not depend on quality."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests/helpers"))
    from small_bundle import small_bundle

    made = small_bundle(
        folder,
        name="load",
        data={"images": "builtin:sprites", "size": size, "rows": 400},
        method={"kind": "beta_vae", "beta": 0.0, "latent": 10},
        net={"kind": "conv"},
        training={"steps": 60, "batch": 32, "learning_rate": 0.002},
    )
    return made.folder


def images(loaded: Loaded, count: int) -> list[bytes]:
    """Different pictures as PNG files: soft blobs, as large as photographs of this size are."""
    random, found = generator(0, "load"), []
    height, width, channels = loaded.model.shape
    for _ in range(count):
        small = random.integers(0, 256, (8, 8, 3), np.uint8)
        image = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        file = io.BytesIO()
        image.convert("L" if channels == 1 else "RGB").save(file, "PNG")
        found.append(file.getvalue())
    return found


def last_factor(loaded: Loaded) -> str:
    """The factor that is moved."""
    assert loaded.editor is not None
    return loaded.editor.signatures.names[-1]


@dataclass(frozen=True)
class InProcess:
    """The work in this process, by one thread.

    Attributes:
        single, rested: milliseconds of an edit from file to file, p50: one after the other, and each after a pause as
            long as the edit. Rested, a core comes back to cold caches, as that of a server does with one client.
        cpu: milliseconds of processor time of an edit.
        whole: edits a second in batches, from file to file.
        graphs: the same of encoding, editing and decoding alone.
    """

    single: float
    rested: float
    cpu: float
    whole: float
    graphs: float


def in_process(loaded: Loaded, pool: list[bytes], seconds: float, batch: int) -> InProcess:
    """Measure the work for so many seconds."""
    factor, limits, part = last_factor(loaded), Limits(), seconds / 4

    def job(k: int) -> Job:
        content = pool[k % len(pool)]
        image = File(content, check_image(content, limits, "image"), "image")
        return Job(loaded.model.digest, Source(image), edit=Edit({factor: Move(0.1 + 1e-6 * k)}), written="png")

    def read(content: bytes) -> NDArray[np.uint8]:
        return read_picture(content, check_image(content, limits, "image"), loaded.takes, "image")

    def singles(rest: float) -> tuple[float, float]:
        """Milliseconds p50, and of processor time."""
        times, end, cpu = [], time.perf_counter() + part, time.process_time()
        while time.perf_counter() < end:
            began = time.perf_counter()
            compute(loaded, [job(len(times))])
            times.append(time.perf_counter() - began)
            if rest:
                time.sleep(rest)
        return 1000 * float(np.median(times)), 1000 * (time.process_time() - cpu) / len(times)

    def batches(jobs: Callable[[int], list[Job]]) -> float:
        rows, began = 0, time.perf_counter()
        while time.perf_counter() - began < part:
            compute(loaded, jobs(rows))
            rows += batch
        return rows / (time.perf_counter() - began)

    compute(loaded, [job(0)])
    single, cpu = singles(0.0)
    rested, _ = singles(single / 1000)
    pixels = [replace(job(k), source=Source(read(pool[k % len(pool)])), written=None) for k in range(batch)]
    whole = batches(lambda rows: [job(rows + k) for k in range(batch)])
    return InProcess(single, rested, cpu, whole, batches(lambda rows: pixels))

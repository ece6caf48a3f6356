"""Editors of runs, images of files as the run's model takes them, and edited images as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError
from unweave.core.files import storage_errors, write_bytes
from unweave.core.seeds import generator
from unweave.data.config import DataConfig
from unweave.data.images import ImageOptions, Refusal, decode_image
from unweave.projects.models import model_hash, trained_model
from unweave.projects.report.pictures import encode_png
from unweave.projects.runs import Run
from unweave.signatures.editor import Editor
from unweave.signatures.signatures import Signatures

_KEPT = 512
"""Codes whose pictures stay nearly as they are when a decoder is tuned."""


def editor_of(run: Run, *, device: str = "cpu") -> Editor:
    """The model of a run with its signatures.

    Raises:
        ConfigError: the run is not complete, has no signatures, or they are of another model; or the model cannot draw.
        StorageError: a file cannot be read.
    """
    signatures = Signatures.load(run.signatures)
    model = trained_model(run, device=device)
    if "decode" not in model.capabilities:
        raise ConfigError(f"the model of run {run.name} has no decoder, so it cannot draw what is edited.")
    return Editor(model, signatures, model_hash(run))


def tuned_editor(editor: Editor, images: NDArray[np.uint8], *, steps: int, seed: int = 0) -> Editor:
    """An editor whose decoder was fitted to the images (N, H, W, C) that are to be edited; see `methods.tuned`.

    Codes keep their meaning, so the signatures stay; pictures of codes drawn from the density of the data stay nearly
    as they were.

    Raises:
        ConfigError: the model was not trained here, or `steps` is below 1.
    """
    from unweave.methods.model import TrainedModel
    from unweave.methods.tuned import tuned

    if not isinstance(editor.model, TrainedModel):
        raise ConfigError("only models that were trained here can be tuned; this one was imported. Leave --tune out.")
    density = editor.signatures.density
    kept = generator(seed, "tuned").multivariate_normal(density.mean, density.covariance, _KEPT)
    return replace(editor, model=tuned(editor.model, images, kept.astype(np.float32), steps=steps, seed=seed))


def read_images(paths: Sequence[Path], shape: tuple[int, ...], config: DataConfig) -> NDArray[np.uint8]:
    """Images uint8 (N, H, W, C) of files, made ready as the `data:` section says, in the model's shape.

    Raises:
        DataError: the model takes vectors, a file is no image, or it has another size and `size` is not set.
        StorageError: a file cannot be read.
    """
    if len(shape) != 3:
        raise DataError("the model takes vectors, not images. Edit their codes from Python: see `edit_codes`.")
    height, width, channels = shape
    options = ImageOptions(config.size, 1 if channels == 1 else 3, config.fit)
    images = []
    for path in paths:
        with storage_errors(path, "read"):
            content = path.read_bytes()
        made = decode_image(content, options, name=path.name)
        if isinstance(made, Refusal):
            raise DataError(f"{path}: {made.reason}.")
        if made.pixels.shape != shape:
            raise DataError(
                f"{path}: expected an image of {width} x {height} pixels, got {made.size[0]} x {made.size[1]}. "
                "Write `size:` under `data:`, or make it fit."
            )
        images.append(made.pixels)
    return np.stack(images)


def png_of(image: NDArray[np.uint8]) -> bytes:
    """PNG file of one image (H, W, C)."""
    return encode_png(image[..., 0] if image.shape[-1] == 1 else image)


def write_images(images: NDArray[np.uint8], sources: Sequence[Path], folder: Path) -> list[Path]:
    """Write each image into a folder, called like its source; sources of one name get numbers.

    Raises:
        ConfigError: a file would replace its own source.
        StorageError: a file cannot be written.
    """
    paths: list[Path] = []
    for source in sources:
        stem, count = source.stem, 2
        while (path := folder / f"{stem}.png") in paths:
            stem, count = f"{source.stem}-{count}", count + 1
        paths.append(path)
    for path in paths:
        refuse_source(path, sources)
    for path, image in zip(paths, images, strict=True):
        write_bytes(path, png_of(image))
    return paths


def refuse_source(path: Path, sources: Sequence[Path]) -> None:
    """Refuse to write over what is edited.

    Raises:
        ConfigError: `path` is one of the sources.
    """
    if any(path.resolve() == source.resolve() for source in sources):
        raise ConfigError(f"{path} is what is edited: it would be lost. Choose another place with -o.")

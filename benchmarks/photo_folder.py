"""A set of photographs with labels, unpacked as a user's folder would look."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def unpack(npz: Path, root: Path, *, mirrored: Mapping[str, str] | None = None, scaled: bool = False) -> None:
    """`photos/` with PNG files and `labels.csv` beside it, from `images` uint8 (N, H, W), `factors` (N, K),
    `factor_names` and, where a factor has them, `values_NAME`.

    With `mirrored`, every picture comes twice, the second time mirrored, with these labels for those it exchanges; a
    column `picture` says which two are one, and `look` has the first factor with the word "mirrored" where it is. With
    `scaled`, pixels go from 0 to 255 where `pgm_maxval` (N,) says that they went to less.
    """
    if not npz.is_file():
        raise SystemExit(f"{npz} does not exist.")
    content = np.load(npz, allow_pickle=False)
    names = content["factor_names"].tolist()
    values = {name: content[f"values_{name}"] for name in names if f"values_{name}" in content.files}
    photos = root / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    with (root / "labels.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["file", *names, *([] if mirrored is None else ["picture", "look"])])
        most = content["pgm_maxval"] if scaled and "pgm_maxval" in content.files else None
        for index, (pixels, factors) in enumerate(zip(content["images"], content["factors"], strict=True)):
            if most is not None:
                pixels = np.rint(pixels.astype(float) * 255 / most[index]).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(photos / f"{index:05d}.png")
            labels = [values[n][v] if n in values else v for n, v in zip(names, factors, strict=True)]
            if mirrored is None:
                lines.writerow([f"{index:05d}.png", *labels])
                continue
            Image.fromarray(pixels[:, ::-1]).save(photos / f"{index:05d}-mirrored.png")
            exchanged = [mirrored.get(str(one), one) for one in labels]
            lines.writerow([f"{index:05d}.png", *labels, index, labels[0]])
            lines.writerow([f"{index:05d}-mirrored.png", *exchanged, index, f"{labels[0]} mirrored"])

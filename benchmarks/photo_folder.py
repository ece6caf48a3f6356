"""A set of photographs with labels, unpacked as a user's folder would look."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image


def unpack(npz: Path, root: Path) -> None:
    """`photos/` with PNG files and `labels.csv` beside it, from `images` uint8 (N, H, W), `factors` (N, K),
    `factor_names` and, where a factor has them, `values_NAME`."""
    if not npz.is_file():
        raise SystemExit(f"{npz} does not exist.")
    content = np.load(npz, allow_pickle=False)
    names = content["factor_names"].tolist()
    values = {name: content[f"values_{name}"] for name in names if f"values_{name}" in content.files}
    photos = root / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    with (root / "labels.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["file", *names])
        for index, (pixels, factors) in enumerate(zip(content["images"], content["factors"], strict=True)):
            Image.fromarray(pixels).save(photos / f"{index:05d}.png")
            labels = (values[n][v] if n in values else v for n, v in zip(names, factors, strict=True))
            lines.writerow([f"{index:05d}.png", *labels])

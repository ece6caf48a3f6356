"""Mutated image files: each is decoded or refused, no more. `benchmarks/serving_fuzz.py` tries 10,000."""

import numpy as np

from image_mutations import mutated_images
from unweave.serving.images.pictures import check_image, read_picture
from unweave.serving.refusals import Refused
from unweave.serving.settings import Limits
from unweave.serving.work.loaded import load_model


def test_files_that_were_mutated_are_decoded_or_refused(small):
    loaded, limits = load_model(small.folder), Limits(pixels=1 << 20)
    seen = {"decoded": 0, "refused": 0}
    for content in mutated_images(400, seed=0):
        try:
            head = check_image(content, limits, "image")
            pixels = read_picture(content, head, loaded.takes, "image")
        except Refused:
            seen["refused"] += 1
        else:
            assert (pixels.shape, pixels.dtype) == ((32, 32, 1), np.uint8)
            seen["decoded"] += 1
    assert min(seen.values()) > 30, seen


def test_mutated_files_over_http_get_answers(here):
    statuses = [here.edit(content).status_code for content in mutated_images(100, seed=1)]
    assert set(statuses) <= {200, 413, 422}
    assert here.edit(next(mutated_images(1, seed=2, mutate=False))).status_code == 200

"""Titles and frames of a labelled grid are where the columns and images are."""

import numpy as np

from unweave.projects.report.pictures import labelled_grid
from unweave.projects.report.strips import strip_picture
from unweave.signatures.strips import Strip

BLUE = np.array([31, 119, 180])


def test_titles_and_frames_move_nothing():
    images = np.full((2, 3, 32, 32, 1), 0.5)
    plain = labelled_grid(images, ["a", "b"])
    made = labelled_grid(images, ["a", "b"], titles=["-1", "0", "+1"], framed=[(1, 2)])
    assert made.shape[1] == plain.shape[1]
    head = made.shape[0] - plain.shape[0]
    assert head > 15
    assert (made[:head].min(axis=(1, 2)) < 128).any(), "no title was drawn"
    grey = made == 128
    assert grey.all(axis=2).sum() == 2 * 3 * 64 * 64
    blue = np.argwhere((made == BLUE).all(axis=2))
    # Around the last image of the second row, whose pixels are 64 x 64 after 12 of margin.
    bottom, right = made.shape[0] - 12, made.shape[1] - 12
    assert blue.min(axis=0).tolist() == [bottom - 64 - 3, right - 64 - 3]
    assert blue.max(axis=0).tolist() == [bottom + 2, right + 2]


def test_a_strip_frames_what_is_not_edited():
    images = np.full((2, 3, 32, 32, 1), 0.5, dtype=np.float32)
    strip = Strip("smile", ("-1", "0", "+1"), images, np.array([1, 0]), np.zeros((2, 3), dtype=bool))
    expected = labelled_grid(images, ["a", "b"], titles=["-1", "0", "+1"], framed=[(0, 1), (1, 0)])
    assert np.array_equal(strip_picture(strip, ["a", "b"]), expected)
    other = labelled_grid(images, ["a", "b"], titles=["-1", "0", "+1"], framed=[(0, 0), (1, 1)])
    assert not np.array_equal(strip_picture(strip, ["a", "b"]), other)

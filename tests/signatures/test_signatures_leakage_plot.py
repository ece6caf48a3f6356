"""The picture of a leakage matrix."""

import numpy as np
import pytest

from unweave.core.errors import ConfigError
from unweave.signatures.leakage import LeakageMatrix
from unweave.signatures.leakage.plot import draw_matrix, plot_leakage
from unweave.signatures.signature import Leakage


def matrix():
    rows = {
        "hue": Leakage("exact", 0.5, ("shape", "size"), (0.12, 0.031), ((0.1, 0.14), (0.0, 0.06)), {}),
        "shape": Leakage("exact", 0.31, ("hue", "size"), (0.02, 1.4), ((0.0, 0.05), (1.1, 1.7)), {}),
    }
    left = {"turn": "the model does not redraw it (skill 0.03, chance 0.01)."}
    return LeakageMatrix("exact", 0.5, ("hue", "shape", "size"), rows, (0.39, 0.35, 0.44), left)


def test_the_picture_says_every_number_and_what_is_left_out(tmp_path):
    figure = plot_leakage(matrix())
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    for number in ("0.50", "0.31", "0.12", "0.10 – 0.14", "0.03", "0.02", "1.40", "1.10 – 1.70"):
        assert number in words
    assert len(words) == 2 * 1 + 4 * 2
    axes = figure.axes[0]
    assert "mean 0.39 (0.35 – 0.44)" in axes.get_title(loc="left")
    assert "turn is left out" in axes.get_xlabel()
    shown = axes.images[0].get_array()
    np.testing.assert_allclose(
        shown[~shown.mask if np.ma.is_masked(shown) else np.isfinite(shown)], [0.12, 0.031, 0.02, 1]
    )
    draw_matrix(matrix(), tmp_path / "leakage.png")
    assert (tmp_path / "leakage.png").read_bytes()[:4] == b"\x89PNG"


def test_nothing_to_draw_is_refused(tmp_path):
    empty = LeakageMatrix("judge", 0.5, (), {}, None, {"a": "no two rows differ in it."})
    with pytest.raises(ConfigError, match="no two rows differ"):
        draw_matrix(empty, tmp_path / "x.png")
    with pytest.raises(ConfigError, match="ends in"):
        draw_matrix(matrix(), tmp_path / "x.bmp")

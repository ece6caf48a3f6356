"""Partners drawn from a built-in set: so many factors changed, never a held-out picture, the rows' distribution."""

import numpy as np
import pytest

from unweave.core.errors import DataError
from unweave.core.seeds import generator
from unweave.data.builtin.pairs import DrawnPartners
from unweave.data.builtin.registry import builtin_set
from unweave.data.builtin.sampling import draw
from unweave.data.config import DataConfig
from unweave.data.dataset import load_dataset

SPRITES = builtin_set("sprites", size=32)
INDEX = draw(SPRITES.sizes, 600, seed=0)
ROWS = np.arange(500)
HELD_OUT = np.arange(500, 600)


def partners(**options):
    return DrawnPartners(SPRITES, options.pop("index", INDEX), options.pop("held_out", HELD_OUT), **options)


@pytest.mark.parametrize("change", [1, 3, 5])
def test_exactly_so_many_factors_change(change):
    cells = partners(change=change).cells(ROWS, generator(0, "t"))
    differ = cells != INDEX[ROWS]
    assert (differ.sum(1) == change).all()
    # Each factor is picked with the same chance: within five standard deviations of the binomial count.
    wanted, share = 500 * change / 5, change / 5
    assert (np.abs(differ.sum(0) - wanted) <= 5 * np.sqrt(500 * share * (1 - share))).all()


def test_random_changes_1_to_all_but_one_equally_often():
    cells = partners(change="random").cells(ROWS, generator(0, "t"))
    counts = np.bincount((cells != INDEX[ROWS]).sum(1), minlength=6)
    assert counts[[0, 5]].tolist() == [0, 0]
    assert (np.abs(counts[1:5] - 125) < 5 * np.sqrt(125)).all()


def test_a_changed_class_is_uniform_over_the_others():
    rows = np.zeros(6000, dtype=np.int64)
    cells = partners(change=5).cells(rows, generator(0, "t"))
    scale = np.bincount(cells[:, 1], minlength=6)
    own = INDEX[0, 1]
    assert scale[own] == 0
    assert (np.abs(np.delete(scale, own) - 1200) < 5 * np.sqrt(1200)).all()


def test_draws_are_a_pure_function_and_are_the_pictures_of_their_cells():
    made = partners()
    first, again = (made.draw(ROWS[:20], generator(0, "t")) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.array_equal(first, SPRITES.render(made.cells(ROWS[:20], generator(0, "t"))))
    assert not np.array_equal(first, made.draw(ROWS[:20], generator(1, "t")))


def test_a_held_out_picture_is_never_shown():
    # All cells of a row's shapes but one are held out, so an unchecked draw would meet them in every second try.
    own = np.array([[0, 2, 10, 5, 5]])
    shapes = np.array([[s, 2, 10, 5, 5] for s in (1,)])
    made = DrawnPartners(SPRITES, np.concatenate([own, shapes]), np.array([1]), change=1)
    cells = made.cells(np.zeros(3000, dtype=np.int64), generator(0, "t"))
    changed_shape = cells[cells[:, 0] != 0]
    assert len(changed_shape) > 100
    assert (changed_shape[:, 0] == 2).all()


def test_a_cell_that_looks_like_a_held_out_one_is_not_shown():
    # The last class of the angle is a full turn and looks like the first.
    own, turned = np.array([[2, 2, 20, 5, 5]]), np.array([[2, 2, 0, 5, 5]])
    made = DrawnPartners(SPRITES, np.concatenate([own, turned]), np.array([1]), change=1)
    cells = made.cells(np.zeros(5000, dtype=np.int64), generator(0, "t"))
    assert not np.isin(cells[:, 2], [0, 39]).any()


def test_correlated_factors_stay_correlated_and_combinations_left_out_stay_away():
    correlate = (3, 4, 0.1)
    index = draw(SPRITES.sizes, 4000, seed=0, correlate=correlate)
    made = DrawnPartners(SPRITES, index, np.zeros(0, dtype=np.int64), correlate=correlate, leave_out={0: [1]})
    cells = made.cells(np.arange(4000), generator(0, "t"))
    moved = cells[(cells[:, 3] != index[:, 3]) | (cells[:, 4] != index[:, 4])]
    apart = (moved[:, 3] - moved[:, 4]) / 31
    # Given one of the two the other has a standard deviation of 0.1; a partner drawn evenly would have about 0.4.
    assert 0.08 < apart.std() < 0.12
    changed_shape = cells[cells[:, 0] != index[:, 0]]
    assert len(changed_shape) > 100
    assert not (changed_shape[:, 0] == 1).any()


def test_too_many_factors():
    with pytest.raises(DataError, match="has 5 factors, 6 cannot change"):
        partners(change=6)


def test_a_data_set_knows_its_partners_and_its_hash_covers_them(tmp_path):
    config = {"images": "builtin:sprites", "size": 32, "rows": 300}
    plain, one, two = (
        load_dataset(DataConfig(**config, pairs=pairs), (), root=tmp_path, cache=tmp_path / "cache")
        for pairs in (None, {"change": 1}, {"change": 2})
    )
    assert plain.partners is None
    assert len({plain.data_hash, one.data_hash, two.data_hash}) == 3
    train = one.splits.train
    pictures = one.partners.draw(train, generator(0, "t"))
    assert pictures.shape == (len(train), 32, 32, 1)
    hidden = {image.tobytes() for image in one.observations(np.concatenate([one.splits.valid, one.splits.test]))}
    assert not hidden & {image.tobytes() for image in pictures}

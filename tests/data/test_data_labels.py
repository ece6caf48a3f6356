import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unweave.core.errors import DataError
from unweave.core.factors import Factor
from unweave.data.labels import factor_table, natural_order

POSE = Factor(name="pose", kind="categorical", values=("left", "straight", "right"))


def _one(cells, factor, **options):
    return factor_table(pa.table({factor.name: cells}), [factor], **options)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.sampled_from(POSE.values)), max_size=40))
def test_classes_get_their_place_in_values_and_empty_cells_are_masked(cells):
    table = _one(pa.array(cells, type=pa.string()), POSE)
    assert table.values.shape == table.known.shape == (len(cells), 1)
    for cell, value, known in zip(cells, table.values[:, 0], table.known[:, 0], strict=True):
        assert known == (cell is not None)
        assert value == (0 if cell is None else POSE.values.index(cell))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.just(float("nan")), st.floats(-1e300, 1e300)), max_size=40))
def test_measurements_come_back_exactly_as_numbers_and_as_text(cells):
    factor = Factor(name="smile", kind="continuous")
    as_text = [None if cell is None else repr(cell) for cell in cells]
    for column in (pa.array(cells, type=pa.float64()), pa.array(as_text, type=pa.string())):
        table = _one(column, factor)
        for cell, value, known in zip(cells, table.values[:, 0], table.known[:, 0], strict=True):
            assert known == (cell is not None and cell == cell)
            assert value == (cell if known else 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    st.floats(-100, 100),
    st.floats(0.1, 1000),
)
def test_circular_labels_are_reduced_to_one_turn(cells, low, period):
    factor = Factor(name="angle", kind="circular", range=(low, low + period))
    values = _one(cells, factor).values[:, 0]
    assert ((values >= low) & (values <= low + period)).all()
    turns = (values - np.array(cells)) / factor.period
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-6)


def test_a_tiny_negative_angle_is_zero_and_not_a_full_turn():
    assert _one([-1e-17, 360.0, -90.0], Factor(name="a", kind="circular", range=(0, 360))).values[:, 0].tolist() == [
        0,
        0,
        270,
    ]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, 3, None], type=pa.int8()), [0, 2, None]),
        (pa.array([1.0, 3.0, float("nan")]), [0, 2, None]),
        (pa.array(["01", " 3 ", ""]), [0, 2, None]),
        (pa.array(["3", "NA", "n/a"]), [2, None, None]),
        (pa.array(["1", "2", None]).dictionary_encode(), [0, 1, None]),
    ],
)
def test_numbers_match_values_however_they_are_written(column, expected):
    table = _one(column, Factor(name="take", kind="ordinal", values=("1", "2", "3")))
    assert [v if k else None for v, k in zip(table.values[:, 0], table.known[:, 0], strict=True)] == expected


def test_a_class_may_be_called_na_if_it_is_declared():
    table = _one(["NA", "CH", "null"], Factor(name="country", kind="categorical", values=("CH", "NA")))
    assert table.known[:, 0].tolist() == [True, True, False]
    assert table.values[:2, 0].tolist() == [1, 0]


def test_missing_values_are_filled_in_from_the_labels():
    table = _one(["obj10", "obj2", "obj1", None], Factor(name="object", kind="categorical", priority=2))
    assert table.factors[0].values == ("obj1", "obj2", "obj10")
    assert table.factors[0].priority == 2
    assert _one([True, False], Factor(name="b", kind="categorical")).factors[0].values == ("false", "true")
    assert _one([10, 9.5, -1], Factor(name="b", kind="ordinal")).factors[0].values == ("-1", "9.5", "10")


def test_all_cells_empty_is_legal():
    for column in (pa.nulls(3), pa.array([None, None, ""], type=pa.string())):
        for factor in (POSE, Factor(name="pose", kind="continuous"), Factor(name="pose", kind="ordinal")):
            assert not _one(column, factor).known.any()


def test_dates_are_words():
    table = _one([datetime.date(2024, 3, 1), None], Factor(name="day", kind="categorical"))
    assert table.factors[0].values == ("2024-03-01",)


def test_columns_are_taken_in_the_order_of_the_factors():
    columns = pa.table({"a": [1, 2], "b": [3, 4], "c": ["x", "y"]})
    table = factor_table(columns, [Factor(name="b", kind="continuous"), Factor(name="a", kind="continuous")])
    assert table.values.tolist() == [[3, 1], [4, 2]]


def test_an_unknown_value_is_named_with_its_file_and_the_nearest_one():
    with pytest.raises(DataError, match=r"'pose': 'lefft'.*b\.png and 1 more.*mean 'left'.*left, straight, right"):
        _one(["left", "lefft", "lefft"], POSE, ids=["a.png", "b.png", "c.png"])


def test_a_word_among_measurements_is_named():
    with pytest.raises(DataError, match=r"'smile' is continuous: expected a number, got 'big' \(row 1\)"):
        _one(["0.5", "big"], Factor(name="smile", kind="continuous"))


@pytest.mark.parametrize("text", ["inf", "1_000"])
def test_what_only_a_programming_language_reads_as_a_number_is_refused(text):
    with pytest.raises(DataError, match="expected a number"):
        _one([text], Factor(name="smile", kind="continuous"))


@pytest.mark.parametrize("cell", [1.5, -0.25])
def test_a_number_out_of_range_is_named(cell):
    low, high = sorted([cell, 0.5])
    message = rf"'smile': {cell} lies outside its range \[0, 1\] \(row 1\).*span {low:g} to {high:g}"
    with pytest.raises(DataError, match=message):
        _one([0.5, cell], Factor(name="smile", kind="continuous", range=(0, 1)))


def test_a_missing_column_suggests_the_nearest():
    with pytest.raises(DataError, match=r"no label column.*Did you mean 'pose'"):
        factor_table(pa.table({"pose": ["left"]}), [Factor(name="posse", kind="categorical")])


def test_natural_order_mixes_words_and_numbers():
    assert natural_order(["b", "a10", "A2", "a"]) == ["a", "A2", "a10", "b"]
    assert natural_order(["10", "9", "1e1"]) == ["9", "10", "1e1"]

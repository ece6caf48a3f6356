import numpy as np
import pyarrow as pa
import pytest

from unweave.core.errors import DataError
from unweave.data.join import file_column, join_labels

IDS = np.array(["a/1.png", "a/2.png", "b/1.png", "b/größe.png"])


def _join(files, levels=None, ids=IDS, skipped=(), **more):
    levels = list(range(len(files))) if levels is None else levels
    table = pa.table({"level": levels, **more, "file": pa.array(files, type=pa.string())})
    return join_labels(table, ids, np.arange(len(ids)), skipped=skipped, where="labels.csv")


def test_rows_are_matched_by_name_in_any_order():
    joined = _join(["b/1.png", "a/1.png", "gone.png", None], ids=IDS[:3])
    assert joined.columns.column("level").to_pylist() == [1, None, 0]
    assert joined.columns.column_names == ["level"]
    assert joined.unlabelled == ("a/2.png",)
    assert joined.orphans == ("gone.png", "row 4 (without a name)")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("./a/2.png", 1),
        ("a\\2.png", 1),
        ("photos/a/2.png", 1),
        ("C:\\Users\\me\\photos\\a\\2.png", 1),
        ("/home/me/photos/a/2.png", 1),
        ("2.png", 1),
        ("b/gro\u0308ße.png", 3),
        ("a/2", 1),
        ("2", 1),
        ("A/2.PNG", 1),
        ("C:\\photos\\a\\2.PNG", 1),
        ("GRÖSSE", 3),
    ],
)
def test_names_match_across_systems(name, place):
    joined = _join(["a/1.png", name])
    expected = [0, None, None, None]
    expected[place] = 1
    assert joined.columns.column("level").to_pylist() == expected


def test_a_last_part_that_two_files_share_matches_neither():
    joined = _join(["a/2.png", "1.png", "x/1.png"])
    assert joined.columns.column("level").to_pylist() == [None, 0, None, None]
    assert joined.orphans == ("1.png", "x/1.png")


def test_names_that_differ_only_in_extension_or_case_match_themselves_and_nothing_loose():
    ids = np.array(["x.png", "x.jpg", "X.png", "v1.2.png"])
    joined = _join(["X.png", "x.jpg", "x", "v1.2"], ids=ids)
    assert joined.columns.column("level").to_pylist() == [None, 1, 0, 3]
    assert joined.orphans == ("x",)


def test_a_label_file_without_rows_is_an_error():
    with pytest.raises(DataError, match=r"labels\.csv has column names and no row"):
        _join([])


def test_rows_of_skipped_files_are_no_orphans():
    joined = _join(["a/1.png", "bad.png"], skipped=["bad.png"])
    assert joined.orphans == ()
    assert joined.columns.num_rows == 4


def test_a_file_may_come_twice_only_with_equal_labels():
    assert _join(["a/1.png", "a/1.png"], [5, 5]).columns.column("level")[0].as_py() == 5
    with pytest.raises(DataError, match=r"rows 1 and 3 are both about '.*1.png' and differ"):
        _join(["a/1.png", "a/2.png", "./a/1.png"])


def test_a_loose_match_gives_way_to_a_close_one():
    joined = _join(["a/1.jpg", "a/1.png", "A/2"])
    assert joined.columns.column("level").to_pylist() == [1, 2, None, None]
    assert joined.orphans == ("a/1.jpg",)


def test_no_match_at_all_is_an_error_that_shows_both_sides():
    with pytest.raises(DataError, match=r"none of its 2 rows.*'x', 'y'.*'a/1.png'.*column 'file'"):
        _join(["x", "y"])


def test_columns_that_are_no_labels_are_left_out():
    joined = _join(["a/1.png"], box=[[1, 2]])
    assert joined.columns.column_names == ["level"]
    assert "box" in joined.left_out


def test_without_a_file_column_rows_are_matched_by_position():
    table = pa.table({"level": [10, 11, 12]})
    joined = join_labels(table, np.array(["0", "2"]), np.array([0, 2]), skipped=["1"], where="labels.csv")
    assert joined.columns.column("level").to_pylist() == [10, 12]
    with pytest.raises(DataError, match="3 rows are not as many as the 2 observations"):
        join_labels(table, np.array(["0", "1"]), np.array([0, 1]), skipped=[], where="labels.csv")


def test_the_first_usual_name_is_the_file_column():
    assert file_column(pa.table({"id": [1], "File_Name": ["a"]})) == "File_Name"
    assert file_column(pa.table({"pose": [1]})) is None

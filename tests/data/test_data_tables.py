import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unweave.core.errors import DataError, StorageError
from unweave.data.tables import read_label_file


def _read(tmp_path, content, name="labels.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_label_file(path).to_pydict()


PLAIN = {"file": ["a.png", "b.png"], "pose": ["up", None]}


@pytest.mark.parametrize(
    "content",
    [
        "file,pose\na.png,up\nb.png,\n",
        "file,pose\r\na.png,up\r\nb.png,\r\n",
        "file;pose\na.png;up\nb.png;\n",
        "file\tpose\na.png\tup\nb.png\t\n",
        "\ufefffile, pose\n a.png , up\n\n,\nb.png,  \n",
        '"file","pose"\n"a.png","up"\n"b.png",""',
        "file,pose\na.png,up\nb.png,\n".encode("utf-16"),
        ",file,pose\n0,a.png,up\n1,b.png,\n",
    ],
)
def test_csv_however_it_was_written(tmp_path, content):
    assert _read(tmp_path, content) == PLAIN


def test_a_cell_may_hold_separators_quotes_and_line_ends(tmp_path):
    assert _read(tmp_path, 'file,t\na,"x, ""y""\nz"\n') == {"file": ["a"], "t": ['x, "y"\nz']}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("file,pose\na.png\n", "line 2: expected 2 cells as in the first line, got 1"),
        ("file,pose\na,b\n\nc,d,e\n", "line 4: expected 2 cells"),
        ("file,pose,pose\n", "come twice: pose"),
        (b"file,pose\nna\xefve.png,up\n", "line 2: the text is not UTF-8"),
    ],
)
def test_csv_that_cannot_be_understood_is_named_by_line(tmp_path, content, words):
    with pytest.raises(DataError, match=words):
        _read(tmp_path, content)


def test_json_lines(tmp_path):
    text = '{"file_name": "a.png", "level": 1}\n\n{"file_name": "b.png", "x": true, "level": "high"}\n'
    assert _read(tmp_path, text, "metadata.jsonl") == {
        "file_name": ["a.png", "b.png"],
        "level": ["1", "high"],
        "x": [None, True],
    }


@pytest.mark.parametrize("line", ["{", "[1]", "1"])
def test_json_that_is_no_object_is_named_by_line(tmp_path, line):
    with pytest.raises(DataError, match="line 2"):
        _read(tmp_path, '{"a": 1}\n' + line, "labels.jsonl")


def test_parquet(tmp_path):
    pq.write_table(pa.table(PLAIN), tmp_path / "labels.parquet")
    assert read_label_file(tmp_path / "labels.parquet").to_pydict() == PLAIN
    with pytest.raises(DataError, match="no Parquet file"):
        _read(tmp_path, "text", "other.parquet")


def test_other_files(tmp_path):
    with pytest.raises(DataError, match=r"this is \.xlsx"):
        read_label_file(tmp_path / "labels.xlsx")
    with pytest.raises(StorageError, match="cannot read"):
        read_label_file(tmp_path / "absent.csv")

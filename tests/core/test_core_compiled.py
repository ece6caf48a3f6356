"""Compiled functions work, and are kept on disk where that is possible."""

import subprocess
import sys

import pytest

from unweave.core.compiled import compiled

SOURCE = """
from unweave.core.compiled import compiled

@compiled(error_model="numpy")
def inverse(x):
    return 1.0 / x

print(inverse(4.0), inverse(0.0))
"""


def test_it_is_the_function():
    def twice(x):
        return 2 * x

    assert compiled()(twice)(21) == 42


@pytest.mark.parametrize("writable", [True, False])
def test_it_works_where_nothing_can_be_kept(tmp_path, writable):
    (tmp_path / "source.py").write_text(SOURCE)
    # A folder that is a file can be written by nobody, not even by root.
    places = {"__pycache__": tmp_path / "__pycache__", "HOME": tmp_path / "home"}
    if writable:
        places["HOME"].mkdir()
    else:
        for place in places.values():
            place.write_text("")
    environment = {"HOME": str(places["HOME"]), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, tmp_path / "source.py"], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "0.25 inf\n"
    assert bool(list(tmp_path.rglob("*.nbi"))) == writable

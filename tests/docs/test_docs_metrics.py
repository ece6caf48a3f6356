"""Every example in the documentation runs and prints what the page says."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\s*^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")

PROJECT = """
name: p
data: {images: 'builtin:digits', size: 8, rows: 300}
method: {kind: beta_vae, latent: 3}
net: {kind: mlp, hidden: [16]}
training: {steps: 20, batch: 16}
tracking: {uri: "off"}
"""


def blocks(page):
    """Code, output that the page shows (or none), and line of every example."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [(found[1], found[2], text.count("\n", 0, found.start(1))) for found in BLOCK.finditer(text)]


def close(printed, shown):
    """The same words, and numbers that differ by one in their last digit at most: learners differ between machines."""
    if NUMBER.sub("#", printed).split() != NUMBER.sub("#", shown).split():
        return False
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True)
    return all(abs(float(a) - float(b)) <= 1.01 * 10.0 ** -len(b.partition(".")[2]) for a, b in pairs)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a small project in `my-project`."""
    (tmp_path / "my-project").mkdir()
    (tmp_path / "my-project" / "unweave.yaml").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    with mpl.rc_context():
        yield tmp_path


@pytest.mark.parametrize(("page", "examples"), [("docs/metrics.md", 12), ("README.md", 2)])
def test_examples_run_and_print_what_the_page_shows(page, examples, folder, capsys):
    found = blocks(page)
    assert len(found) >= examples
    names: dict[str, object] = {}
    for code, shown, line in found:
        # Lines of the page, so that a failure names the place.
        exec(compile("\n" * line + code, str(ROOT / page), "exec"), names)
        printed = capsys.readouterr().out
        if shown is not None:
            assert close(printed, shown), f"{page}, line {line + 1} prints\n{printed}\nand the page shows\n{shown}"


def test_output_is_compared():
    assert close("mig 0.97 a\n", "mig  0.96 a")
    assert not close("mig 0.97", "mig 0.95")
    assert not close("mig 0.97", "sap 0.97")
    assert not close("mig 0.97", "mig 0.97 -")
    assert close("0 of 3", "0 of 3")
    assert not close("2 rows", "4 rows")


def test_every_score_has_a_paragraph():
    from unweave.metrics.registry import METRICS

    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    for entry in METRICS.values():
        for name in entry.scores:
            assert f"`{name}`" in text, name

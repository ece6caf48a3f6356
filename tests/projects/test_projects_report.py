"""The report as a reader gets it: parsed from the HTML of real, tiny runs."""

import base64
import io
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from small_project import SMALL, Interrupt, squares, trained, vectors
from unweave.core.errors import MissingExtraError
from unweave.projects.data import held_out
from unweave.projects.finish import write_run_report
from unweave.projects.pipeline import evaluate, looks_of
from unweave.projects.traversals import information_shares
from unweave.training.sinks import History

SCRIPT, UNICODE, LONG = "<script>alert(1)</script>", "Größe 大小 & 'x'", "long " * 60 + "name"
TITLE = '</title><img src=x onerror="alert(1)">'
COLUMNS = [(SCRIPT, ["a", "b", '"><b>', "d"]), (UNICODE, ["low", "mid", "high"])]
TRAINING = {"steps": 60, "batch": 32, "learning_rate": 0.01, "monitor_every": 20}
VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """Sections by their heading, tables as rows of texts, and every tag with its attributes."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.sections, self.tables, self.open = [], {"": ""}, {}, []
        self._here, self._heading = "", False
        self.feed(html)
        assert self.open == [], "a tag is not closed"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "h2":
            self._heading, self._here = True, ""
        if tag == "table":
            self.tables.setdefault(self._here, []).append([])
        if tag == "tr":
            self.tables[self._here][-1].append([])
        if tag in ("td", "th"):
            self.tables[self._here][-1][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "tags are not nested"
        if tag in ("dt", "dd", "h3"):
            self.handle_data(" ")
        if tag == "h2":
            self._heading = False
            self.sections[self._here] = ""

    def handle_data(self, data):
        if self._heading:
            self._here += data
            return
        self.sections[self._here] = self.sections.get(self._here, "") + data
        if {"td", "th"} & set(self.open):
            self.tables[self._here][-1][-1][-1] += data

    def images(self):
        """All pictures, decoded."""
        sources = [attrs["src"] for tag, attrs in self.tags if tag == "img"]
        assert all(source.startswith("data:image/png;base64,") for source in sources)
        return [np.asarray(Image.open(io.BytesIO(base64.b64decode(s.partition(",")[2])))) for s in sources]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    root = tmp_path_factory.mktemp("labelled")
    squares(root, COLUMNS)
    dataset, done, content = trained(
        root,
        name=TITLE,
        data={"images": "images", "size": 16},
        training=TRAINING,
        method={**SMALL["method"], "latent": 4},
        accept={"mig": {"at_least": 0.9}},
    )
    html = done.run.report.read_text(encoding="utf-8")
    return dataset, done, content, html, Page(html)


def three(value):
    return "" if value is None else f"{value:.3f}"


def test_it_is_one_file_that_fetches_nothing(labelled):
    *_, html, page = labelled
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"}
    fetching = [a[k] for _, a in page.tags for k in ("src", "href", "srcset", "data", "poster", "action") if k in a]
    assert fetching
    assert all(value.startswith("data:image/png;base64,") for value in fetching)
    assert not re.search(r"url\s*\(|@import|https?:|//\w+\.\w", re.sub(r"base64,[\w+/=]+", "", html))
    assert not [a for _, a in page.tags if any(name.startswith("on") for name in a)]


def test_all_sections_are_there(labelled):
    *_, page = labelled
    assert list(page.sections)[1:] == [
        "What to know",
        "What each dimension moves",
        "What each dimension knows",
        "Scores on held-out rows",
        "Reconstructions",
        "Training",
        "Data",
        "What was asked",
    ]


def test_scores_are_those_of_the_scorecard(labelled):
    _, done, content, _, page = labelled
    head, *rows = page.tables["Scores on held-out rows"][0]
    assert head[:4] == ["score", "value", "95 % interval", "random"]
    found = {row[0]: row[1:4] for row in rows}
    assert found.keys() == content["scores"].keys() == done.run.read("scorecard")["scores"].keys()
    for name, score in done.run.read("scorecard")["scores"].items():
        if score["value"] is None:
            assert found[name][0] == score["reason"]
            continue
        interval = "" if score["interval"] is None else " to ".join(map(three, score["interval"]))
        assert found[name] == [three(score["value"]), interval, three(score["null"])]
    assert f"MIG {content['scores']['mig']['value']:.2f}" in page.sections[""]
    gate = f"Failed mig at least 0.9: {content['scores']['mig']['value']:.3f}"
    assert gate in page.sections[""]


def test_the_matrix_holds_the_information_of_held_out_rows(labelled):
    dataset, done, _, _, page = labelled
    rows = held_out(dataset)
    shares = information_shares(done.model.encode(dataset.observations(rows)), dataset.table.take(rows))
    head, *body, own = page.tables["What each dimension knows"][0]
    assert head[1:] == list(dataset.table.names) == [SCRIPT, UNICODE]
    assert {row[0]: row[1:] for row in body} == {
        f"z{d}": [f"{v:.2f}" for v in share] for d, share in enumerate(shares) if share.max() >= 0.01
    }
    assert own[0] == "own dial"


def test_pictures_are_those_of_the_model(labelled):
    dataset, done, _, _, page = labelled
    kl = looks_of(History(done.run.folder))[-1][1].kl
    rows = page.tables["What each dimension moves"][0][1:]
    assert len(rows) == (kl > 0.01).sum() > 0
    pictures = page.images()
    grids, pairs = pictures[: len(rows)], pictures[len(rows) :]
    assert {grid.shape for grid in grids} == {(16, 9 * 18 - 2, 3)}
    held = dataset.observations(held_out(dataset))
    shown = np.linspace(0, len(held) - 1, 10).astype(int)
    decoded = done.model.decode(done.model.encode(held[shown]).mean)
    assert len(pairs) == 20
    for original, copy, row, image in zip(pairs[::2], pairs[1::2], shown, decoded, strict=True):
        assert (original[..., :1] == held[row]).all()
        np.testing.assert_allclose(copy[..., :1].astype(float), image * 255, atol=1)  # rounded to a pixel's level


def test_curves_data_and_settings(labelled):
    dataset, done, _, _, page = labelled
    charts = [a["aria-label"] for tag, a in page.tags if tag == "svg" and a["class"] == "chart"]
    assert charts == ["Distortion", "Rate", "MIG", "Information per dimension"]
    sides = dataset.splits.named()
    for side in ("train", "valid", "test"):
        assert f"{len(sides[side])} rows {side}" in page.sections["Data"]
    factors = {row[0]: row[1:4] for row in page.tables["Data"][0][1:]}
    assert factors == {SCRIPT: ["categorical", "600", "0"], UNICODE: ["categorical", "600", "0"]}
    asked = page.sections["What was asked"].split()
    assert {"steps", "60", "learning_rate", "0.01", "beta_vae", dataset.data_hash} <= set(asked)
    for finding in done.diagnoses:
        for text in (finding.title, finding.detail, finding.advice):
            assert text in page.sections["What to know"]
    assert "There are few rows" in page.sections["What to know"]
    status = done.run.read("status")
    assert 0 < status["monitor_seconds"] < status["seconds"]
    share = f"monitoring {status['monitor_seconds'] / status['seconds']:.1%}"
    assert share in page.sections[""]


def test_hostile_names_are_text(labelled):
    *_, html, page = labelled
    assert TITLE in page.sections[""]
    assert "<script" not in html
    assert html.count("<img") == len(page.images())
    assert '"><b>' in page.sections["Data"]


def test_the_same_run_gives_the_same_bytes(labelled):
    dataset, done, _, html, _ = labelled
    root = done.run.folder.parents[1]
    assert write_run_report(done.run, dataset, root).read_text(encoding="utf-8") == html


def test_very_long_names(tmp_path):
    squares(tmp_path, [(LONG, ["a" * 300, "b", "c", "d"])])
    _, done, content = trained(tmp_path, data={"images": "images", "size": 16})
    page = Page(done.run.report.read_text(encoding="utf-8"))
    assert LONG in page.tables["Data"][0][1][0]
    # One factor alone: what needs two has no value and says why, the rest is scored.
    values = {name: score["value"] for name, score in content["scores"].items()}
    assert values["mig"] is not None
    assert all(score["value"] is not None or score["reason"] for score in content["scores"].values())
    assert page.tables["What each dimension knows"][0][0][1:] == [LONG]


def test_without_labels(tmp_path):
    squares(tmp_path, [])
    (tmp_path / "images" / "labels.csv").unlink()
    _, done, content = trained(tmp_path, data={"images": "images", "size": 16})
    page = Page(done.run.report.read_text(encoding="utf-8"))
    assert set(content["scores"]) == {"active_units", "reconstruction"}
    assert "Trained without labels: look at the pictures" in page.sections[""]
    assert "There are no labels" in page.sections["What to know"]
    assert "What each dimension knows" not in page.sections
    assert "What each dimension moves" in page.sections
    assert len(page.tables["Scores on held-out rows"][0]) == 3


def test_vectors_have_scores_and_no_pictures(tmp_path):
    settings = vectors(tmp_path)
    _, done, content = trained(tmp_path, **settings)
    page = Page(done.run.report.read_text(encoding="utf-8"))
    assert page.images() == []
    assert "there are no pictures" in page.sections["Pictures"]
    assert "What each dimension moves" not in page.sections
    assert page.tables["What each dimension knows"][0][0][1:] == ["speed", "lane"]
    assert {row[0] for row in page.tables["Scores on held-out rows"][0][1:]} == set(content["scores"])
    settings["data"].pop("labels")
    _, done, _ = trained(tmp_path, **settings)
    page = Page(done.run.report.read_text(encoding="utf-8"))
    assert "Trained without labels." in page.sections[""]


def test_an_interrupted_run_tells_what_there_is(tmp_path):
    _, done, _ = trained(tmp_path, sinks=[Interrupt(10)])
    step = done.run.read("status")["step"]
    page = Page(done.run.report.read_text(encoding="utf-8"))
    assert f"Training is not finished (interrupted at step {step})" in page.sections[""]
    assert "unweave train continues the training" in page.sections["Scores on held-out rows"]
    assert page.tables.get("Scores on held-out rows") is None
    assert {"What each dimension moves", "Reconstructions", "Training"} <= set(page.sections)


def test_a_factor_without_labels_among_the_held_out_rows(tmp_path):
    squares(tmp_path, COLUMNS)
    dataset, done, _ = trained(tmp_path, data={"images": "images", "size": 16}, training=TRAINING)
    known = dataset.table.known.copy()
    known[held_out(dataset), 0] = False
    partly = replace(dataset, table=replace(dataset.table, known=known))
    card = evaluate(done.run, partly, bootstrap=0)
    page = Page(write_run_report(done.run, partly, tmp_path).read_text(encoding="utf-8"))
    head, *body, own = page.tables["What each dimension knows"][0]
    assert head[1:] == [SCRIPT, UNICODE]
    assert {row[1] for row in body} == {"0.00"}
    assert max(row[2] for row in body) > "0.00"
    assert own[1] == "no"
    found = {row[0]: row[1] for row in page.tables["Scores on held-out rows"][0][1:]}
    assert found[f"probe.{SCRIPT}"] == card[f"probe.{SCRIPT}"].reason
    assert f"{UNICODE} (" in "".join(row[0] for row in page.tables["What each dimension moves"][0])


def test_mlflow_is_needed_only_where_it_is_asked_for(tmp_path, monkeypatch):
    for name in ("mlflow", "mlflow.tracking", "mlflow.entities"):
        monkeypatch.setitem(sys.modules, name, None)
    _, done, _ = trained(tmp_path, tracking={"uri": "off"})
    assert Page(done.run.report.read_text(encoding="utf-8")).tables["Scores on held-out rows"]
    with pytest.raises(MissingExtraError, match=r"needs mlflow.*unweave\[train\]"):
        trained(tmp_path, tracking={})

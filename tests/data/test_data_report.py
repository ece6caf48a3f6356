"""What the data report says of data whose faults are known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from unweave.core.factors import Factor, FactorTable
from unweave.data.config import DataConfig
from unweave.data.dataset import load_dataset
from unweave.data.report import data_report

ROWS = 600


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """600 rows of noise pictures, a quarter of them held out; row 7 is nearly row 450, which is a test row."""
    folder = tmp_path_factory.mktemp("report")
    images = np.random.default_rng(0).integers(0, 256, (ROWS, 16, 16), dtype=np.uint8)
    images[:, 0] = 9  # one row of pixels in 16 never changes
    images[450] = images[7]
    images[450, 5, 5] ^= 1
    images[21] = images[22]
    images[21, 5, 5] ^= 1
    np.savez(folder / "set.npz", images=images)
    loaded = load_dataset(DataConfig(images="set.npz"), (), root=folder, cache=folder / "cache")
    rows = np.arange(ROWS)
    return replace(loaded, splits=replace(loaded.splits, train=rows[:400], valid=rows[400:440], test=rows[440:]))


def labelled(dataset, **columns):
    """The data set with other labels: name=(kind, values); NaN is missing."""
    names = {"categorical": "abcdefgh"}
    factors = []
    for name, (kind, values) in columns.items():
        classes = None if kind != "categorical" else tuple(names[kind][: int(np.nanmax(values)) + 1])
        factors.append(Factor(name=name, kind=kind, values=classes))
    values = np.stack([np.asarray(v, float) for _, v in columns.values()], axis=1)
    known = ~np.isnan(values)
    return replace(dataset, table=FactorTable(tuple(factors), np.where(known, values, 0), known))


def titles(report):
    return [f.title for f in report.findings]


def finding(report, title):
    (found,) = [f for f in report.findings if title in f.title]
    return found


def test_counts_and_balance(dataset):
    colour = np.repeat([0.0, 1, 2], [300, 200, 100])
    colour[:50] = np.nan
    report = data_report(labelled(dataset, colour=("categorical", colour), size=("continuous", np.arange(ROWS) / 2)))
    assert report.rows == {"train": 400, "valid": 40, "test": 160}
    assert report.shape == (16, 16, 1)
    first, second = report.factors
    assert (first.known, first.missing, first.classes) == (550, 50, {"a": 250, "b": 200, "c": 100})
    shares = np.array([250, 200, 100]) / 550
    assert first.balance == pytest.approx(-(shares * np.log(shares)).sum() / np.log(3))
    assert (second.range, second.balance, second.classes) == ((0, 299.5), None, None)
    assert finding(report, "colour has missing labels").detail.startswith("50 of 600 rows have none")
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["dead_pixels"] == pytest.approx(1 / 16)


def test_correlated_factors_are_said_and_independent_ones_are_not(dataset):
    rng = np.random.default_rng(1)
    a = rng.integers(0, 3, ROWS)
    b = np.where(rng.random(ROWS) < 0.8, a, rng.integers(0, 3, ROWS))
    c = rng.integers(0, 3, ROWS)
    report = data_report(
        labelled(dataset, a=("categorical", a), b=("categorical", b), c=("categorical", c.astype(float)))
    )
    assert finding(report, "a and b vary together").severity == "warning"
    assert not [t for t in titles(report) if "vary together" in t and "c" in t.split(" vary")[0].split(" and ")]


def test_combinations_that_never_occur_are_named_with_what_chance_would_give(dataset):
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 2, ROWS), rng.integers(0, 4, ROWS)
    b[(a == 1) & (b == 3)] = 2
    report = data_report(labelled(dataset, a=("categorical", a), b=("categorical", b)))
    (absent,) = report.absent
    assert absent["combination"] == {"a": "b", "b": "d"}
    assert absent["expected"] == pytest.approx((a == 1).sum() * (b == 3).sum() / ROWS, abs=0.05)
    assert "a b with b d" in finding(report, "1 combinations of two factors never occur").detail


def test_a_rare_combination_is_not_called_absent(dataset):
    a = np.zeros(ROWS)
    a[:20] = 1
    b = np.zeros(ROWS)
    b[20:100] = 1  # chance would give 20 x 80 / 600 = 2.7 rows
    assert data_report(labelled(dataset, a=("categorical", a), b=("categorical", b))).absent == ()


@pytest.mark.parametrize(("known", "said"), [(99, True), (100, False)])
def test_labels_that_are_too_few_for_a_probe(dataset, known, said):
    values = np.arange(ROWS) % 2 * 1.0
    values[known:] = np.nan
    found = titles(data_report(labelled(dataset, eyes=("categorical", values))))
    assert ("eyes has few labels" in found) == said


def test_a_factor_that_never_varies_is_a_problem_and_comes_first(dataset):
    report = data_report(labelled(dataset, x=("categorical", np.ones(ROWS)), y=("continuous", np.arange(ROWS))))
    assert (report.findings[0].severity, report.findings[0].title) == ("problem", "x never varies")
    assert report.findings[0].detail == "Its only value is b."


def test_an_unbalanced_factor_names_its_rarest_class(dataset):
    report = data_report(labelled(dataset, x=("categorical", np.arange(ROWS) < 30)))
    assert finding(report, "x is unbalanced").detail.startswith("b has 30 rows")


def test_near_duplicates_across_the_split_are_counted_and_shown(dataset):
    report = data_report(dataset)
    assert report.near_duplicates["pairs"] == 2
    assert report.near_duplicates["straddling"] == 1
    ids = dataset.store.ids
    straddling = finding(report, "1 near duplicates stand on both sides of the split")
    assert straddling.detail == f"For example {ids[7]} and {ids[450]}."
    assert straddling.severity == "note"


def test_data_without_labels(dataset):
    assert "There are no labels" in titles(data_report(dataset))


def test_few_rows(dataset):
    few = replace(dataset, splits=replace(dataset.splits, train=np.arange(499)))
    assert "There are few rows" in titles(data_report(few))
    many = replace(dataset, splits=replace(dataset.splits, train=np.arange(500)))
    assert "There are few rows" not in titles(data_report(many))

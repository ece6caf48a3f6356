import csv
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from small_project import SMALL, trained, write_table
from unweave.core.errors import ConfigError, DataError
from unweave.core.factors import Factor, FactorTable
from unweave.data.dataset import load_dataset
from unweave.metrics.linear import fit_logistic
from unweave.projects.config import Project
from unweave.projects.data import load_data
from unweave.projects.labels.plan import make_plan, order_by_plan
from unweave.projects.labels.sheet import contact_sheet
from unweave.projects.labels.space import space_of
from unweave.projects.labels.tables import add_labels, write_plan
from unweave.projects.report.pictures import to_rgb


def _project(root, states, table, *, factors=(), **data):
    np.save(root / "states.npy", states.astype(np.float32))
    write_table(root / "labels.csv", table)
    content = {"name": "a", "data": {"vectors": "states.npy", "labels": "labels.csv", **data}, "factors": factors}
    return Project.model_validate(content)


def _read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def _two_factors(root, *, rows=200, known=lambda row: row % 5 == 0):
    """Vectors with two factors of which some labels are known: `side` and `height`."""
    rng = np.random.default_rng(0)
    states = rng.normal(size=(rows, 4))
    table = [["file", "side", "height"]]
    for row, state in enumerate(states):
        cells = ["left" if state[0] < 0 else "right", f"{state[1]:.3f}"] if known(row) else ["", ""]
        table.append([row, *cells])
    return load_data(_project(root, states, table), root)


def test_rows_of_the_training_side_without_labels(tmp_path):
    dataset = _two_factors(tmp_path)
    plan = make_plan(dataset, tmp_path, budget=30)
    assert len(set(plan.rows.tolist())) == 30
    assert set(plan.rows) <= set(dataset.splits.train)
    assert not dataset.table.known[plan.rows].any()
    assert plan.labelled + plan.unlabelled == len(dataset.splits.train)
    assert plan.doubt.fitted == ("side", "height")
    assert "no model is trained yet" in plan.space
    assert plan.to_json(dataset)["files"] == dataset.store.ids[plan.rows].tolist()
    np.testing.assert_array_equal(plan.rows, make_plan(dataset, tmp_path, budget=30).rows)


@pytest.mark.parametrize("side", ["valid", "test"])
def test_other_sides_only_when_asked(tmp_path, side):
    dataset = _two_factors(tmp_path)
    plan = make_plan(dataset, tmp_path, budget=5, side=side)
    assert set(plan.rows) <= set(getattr(dataset.splits, side))
    assert any("must not train" in note for note in plan.notes) == (side == "test")


def test_a_side_without_rows(tmp_path):
    states = np.random.default_rng(0).normal(size=(40, 3))
    table = [["file", "a"], *([row, ""] for row in range(40))]
    dataset = load_data(_project(tmp_path, states, table, split={"train": 0.8, "valid": 0.2, "test": 0}), tmp_path)
    with pytest.raises(DataError, match="no test rows"):
        make_plan(dataset, tmp_path, budget=5, factors=["a"], side="test")


def test_a_budget_larger_than_the_data_says_so(tmp_path):
    dataset = _two_factors(tmp_path)
    plan = make_plan(dataset, tmp_path, budget=1000)
    assert len(plan.rows) == plan.unlabelled
    assert f"1,000 rows were asked for; {plan.unlabelled} are planned" in plan.notes[0]


def test_no_labels_at_all(tmp_path):
    np.save(tmp_path / "states.npy", np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32))
    project = Project.model_validate({"name": "a", "data": {"vectors": "states.npy"}})
    dataset = load_data(project, tmp_path)
    with pytest.raises(ConfigError, match="--factor pose"):
        make_plan(dataset, tmp_path, budget=5)
    plan = make_plan(dataset, tmp_path, budget=5, factors=["pose", "smile"])
    assert (plan.names, plan.labelled) == (("pose", "smile"), 0)
    assert "New, without any label so far: pose, smile." in plan.notes
    assert "chosen by coverage alone" in plan.notes[-1]


def test_labels_that_teach_nothing_are_said(tmp_path):
    states = np.random.default_rng(0).normal(size=(80, 3))
    table = [["file", "a", "b"], *([row, "x" if row < 20 else "", "" if row > 1 else row] for row in range(80))]
    factors = [{"name": "a", "kind": "categorical", "values": ["x", "y"]}, {"name": "b", "kind": "continuous"}]
    dataset = load_data(_project(tmp_path, states, table, factors=factors), tmp_path)
    plan = make_plan(dataset, tmp_path, budget=5)
    notes = " ".join(plan.notes)
    assert "No probe of a: every label is 'x'." in notes
    assert "No probe of b:" in notes
    assert len(plan.rows) == 5


def test_everything_is_labelled(tmp_path):
    dataset = _two_factors(tmp_path, known=lambda row: True)
    with pytest.raises(DataError, match=r"nothing to plan: all 160 train rows have labels of side, height"):
        make_plan(dataset, tmp_path, budget=5)
    assert len(make_plan(dataset, tmp_path, budget=5, factors=["new"]).rows) == 5


def test_a_name_that_is_nearly_that_of_a_factor_and_a_column_that_is_none(tmp_path):
    states = np.random.default_rng(0).normal(size=(40, 3))
    table = [["file", "height", "person"], *([row, row / 7, "p" if row < 30 else ""] for row in range(40))]
    dataset = load_data(_project(tmp_path, states, table, factors=[{"name": "height", "kind": "continuous"}]), tmp_path)
    with pytest.raises(ConfigError, match="Did you mean 'height'"):
        make_plan(dataset, tmp_path, budget=5, factors=["heigth"])
    plan = make_plan(dataset, tmp_path, budget=50, factors=["person"])
    assert set(plan.rows) == {row for row in dataset.splits.train if row >= 30}
    assert not any("New" in note for note in plan.notes)


def test_some_labels_of_a_row_leave_it_to_be_planned(tmp_path):
    states = np.random.default_rng(0).normal(size=(60, 3))
    table = [["file", "a", "b"], *([row, row / 7, row / 9 if row % 2 else ""] for row in range(60))]
    factors = [{"name": name, "kind": "continuous"} for name in "ab"]
    dataset = load_data(_project(tmp_path, states, table, factors=factors), tmp_path)
    plan = make_plan(dataset, tmp_path, budget=100)
    assert set(plan.rows) == {row for row in dataset.splits.train if row % 2 == 0}
    write_plan(plan, dataset, tmp_path / "plan.csv")
    head, *lines = _read(tmp_path / "plan.csv")
    assert head == ["file", "a", "b"]
    assert [line[0] for line in lines] == dataset.store.ids[plan.rows].tolist()
    for file, a, b in lines:
        assert (float(a), b) == (int(file) / 7, "")


def test_near_duplicates_are_never_both_chosen(tmp_path):
    """Forty pictures and a nearly equal one of each: at most one of a pair, and none whose twin has a label."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "images"
    folder.mkdir()
    table = [["file", "a"]]
    for number in range(40):
        pixels = rng.integers(0, 256, (32, 32))
        for copy in range(2):
            noisy = np.clip(pixels + rng.integers(-2, 3, pixels.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"{number:02d}-{copy}.png")
            table.append([f"{number:02d}-{copy}.png", "x" if number < 5 and copy == 0 else ""])
    write_table(folder / "labels.csv", table)
    split = {"train": 1.0, "valid": 0, "test": 0}
    factors = [{"name": "a", "kind": "categorical", "values": ["x", "y"]}]
    project = Project.model_validate({"name": "a", "data": {"images": "images", "split": split}, "factors": factors})
    dataset = load_dataset(project.data, project.factors, root=tmp_path, cache=tmp_path / "cache")
    plan = make_plan(dataset, tmp_path, budget=80)
    numbers = [name.split("-")[0] for name in dataset.store.ids[plan.rows].tolist()]
    assert len(set(numbers)) == len(numbers) == 35
    assert not set(numbers) & {f"{k:02d}" for k in range(5)}
    assert plan.twins == 40
    assert "less 40 that nearly equal another" in plan.notes[0]


def _border(seed, dimensions=2):
    """Two crowds of classes with a wide gap between them, in which one row of ten lies, on both sides of the border."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.uniform(-4, -2, 270), rng.uniform(2, 4, 270), rng.uniform(-1, 1, 60)])
    points = np.column_stack([x, rng.normal(size=(600, dimensions - 1))])
    factor = Factor(name="a", kind="categorical", values=("left", "right"))
    return points, FactorTable((factor,), (x > 0).astype(float)[:, None], np.ones((600, 1), bool))


def test_uncertainty_beats_chance_where_few_rows_tell_the_border():
    """Accuracy near the border after 40 labels, planned against random, on 30 data sets.

    Random labels put 4 of 40 near the border. The gain was 0.07 with a standard error of 0.02 when this was written; a
    planner no better than chance stays below 2.5 standard errors in 99 % of cases. Coverage alone is not what does it:
    with doubts, at least half as many rows again lie near the border.
    """
    gains, near = [], []
    for seed in range(30):
        points, table = _border(seed)
        rng = np.random.default_rng(100 + seed)
        test = np.column_stack([rng.uniform(-1, 1, 400), rng.normal(size=400)])
        mean, spread = points.mean(0), points.std(0)

        def accuracy(rows, points=points, table=table, test=test, mean=mean, spread=spread):
            labels = table.values[rows, 0].astype(np.int64)
            told = fit_logistic((points[rows] - mean) / spread, labels, 2)((test - mean) / spread).argmax(1)
            return (told == (test[:, 0] > 0)).mean()

        planned = order_by_plan(points, table, (10, 20, 40), seed)
        gains.append(accuracy(planned) - accuracy(rng.permutation(600)[:40]))
        blind = order_by_plan(points, table, (40,), seed)  # in one go: no label is known when it is planned
        near.append([(np.abs(points[rows, 0]) < 1).sum() for rows in (planned, blind)])
    assert np.mean(gains) > 2.5 * np.std(gains) / np.sqrt(30)
    planned, blind = np.mean(near, axis=0)
    assert planned > 1.5 * blind
    assert planned > 8  # twice what chance gives


def test_the_planner_never_sees_a_label_before_it_is_bought():
    points, table = _border(0)
    order = order_by_plan(points, table, (10, 30), 0)
    assert len(set(order.tolist())) == 30
    swapped = table.values.copy()
    others = np.setdiff1d(np.arange(600), order[:10])
    swapped[others] = 1 - swapped[others]
    again = order_by_plan(points, FactorTable(table.factors, swapped, table.known), (10, 30), 0)
    np.testing.assert_array_equal(order, again)
    swapped[order[:10]] = np.random.default_rng(0).permutation(swapped[order[:10]])
    different = order_by_plan(points, FactorTable(table.factors, swapped, table.known), (10, 30), 0)
    np.testing.assert_array_equal(order[:10], different[:10])
    assert (order != different).any()


def test_codes_of_the_last_complete_run_compare_rows(tmp_path):
    dataset, done, _ = trained(tmp_path)
    plan = make_plan(dataset, tmp_path, budget=8, factors=["style"])
    assert (plan.run, len(plan.rows)) == (done.run.name, 8)
    assert done.run.name in plan.space
    rows = dataset.splits.train[:50]
    space = space_of(dataset, tmp_path, rows)
    means = done.model.encode(dataset.observations(rows)).mean
    assert all(any(np.allclose(column, mean) for mean in means.T) for column in space.points.T)
    pixels = space_of(dataset, tmp_path, rows, pixels=True)
    assert (pixels.run, pixels.words) == (None, "rows are compared by the principal components of their pixels")
    with pytest.raises(ConfigError, match="no run begins with"):
        space_of(dataset, tmp_path, rows, run="zzz")
    larger = Project.model_validate({**SMALL, "data": {"images": "builtin:digits", "size": 16, "rows": 400}})
    with pytest.raises(ConfigError, match="8 x 8 x 1, the project now has 16 x 16 x 1"):
        space_of(load_data(larger, tmp_path), tmp_path, rows)


def test_components_keep_distances(tmp_path):
    """Vectors in three dimensions that lie in a plane: two components, and standardised distances are kept."""
    plane = np.random.default_rng(0).normal(size=(100, 2))
    states = plane @ np.array([[1.0, 2, 0], [0, 1, 50]])
    table = [["file", "a"], *([row, ""] for row in range(100))]
    dataset = load_data(_project(tmp_path, states, table, split={"train": 1.0, "valid": 0, "test": 0}), tmp_path)
    points = space_of(dataset, tmp_path, np.arange(100)).points
    assert points.shape == (100, 2)
    standard = (states - states.mean(0)) / states.std(0)
    apart, expected = (np.linalg.norm(x[:50] - x[50:], axis=1) for x in (points, standard))
    np.testing.assert_allclose(apart, expected, rtol=1e-4)  # float32


def test_filled_in_labels_come_back(tmp_path):
    dataset = _two_factors(tmp_path)
    plan = make_plan(dataset, tmp_path, budget=10)
    path, filled, whole = tmp_path / "plan.csv", tmp_path / "filled.csv", tmp_path / "all.csv"
    write_plan(plan, dataset, path)
    with pytest.raises(ConfigError, match="may hold labels"):
        write_plan(plan, dataset, path)
    head, *lines = _read(path)
    rows = [[file, "left", f"{k}.5"] for k, (file, *_) in enumerate(lines[:-1])] + [lines[-1]]
    write_table(filled, [head, *rows, ["gone.png", "left", "1"]])
    added = add_labels(dataset, filled, whole)
    assert (added.new, added.empty, added.orphans) == ({"side": 9, "height": 9}, 2, ("gone.png",))
    with pytest.raises(ConfigError, match="is there already"):
        add_labels(dataset, filled, whole)
    content = {"name": "a", "data": {"vectors": "states.npy", "labels": "all.csv"}}
    again = load_data(Project.model_validate(content), tmp_path)
    before, after = dataset.table, again.table
    for k, row in enumerate(plan.rows[:9]):
        assert after.known[row].all()
        assert after.factors[0].values[int(after.values[row, 0])] == "left"
        assert after.values[row, 1] == k + 0.5
    assert not after.known[plan.rows[9]].any()
    old = before.known.all(1)
    np.testing.assert_array_equal(after.values[old], before.values[old])
    assert after.known.sum() == before.known.sum() + 18


def test_a_label_that_contradicts_another(tmp_path):
    dataset = _two_factors(tmp_path)
    side = dataset.table.factors[0].values[int(dataset.table.values[0, 0])]
    other = "right" if side == "left" else "left"
    write_table(tmp_path / "filled.csv", [["file", "side"], ["0", other]])
    with pytest.raises(DataError, match=f"1 labels of 'side' contradict .*'{side}' here, '{other}' there"):
        add_labels(dataset, tmp_path / "filled.csv", tmp_path / "all.csv")
    write_table(tmp_path / "nameless.csv", [["side"], *([""] for _ in range(len(dataset)))])
    with pytest.raises(DataError, match="no column `file`"):
        add_labels(dataset, tmp_path / "nameless.csv", tmp_path / "all.csv")
    assert not (tmp_path / "all.csv").exists()


@pytest.mark.parametrize("side", [16, 32, 300])
def test_a_sheet_shows_every_image_once(side):
    images = np.random.default_rng(0).integers(0, 256, (7, side, side, 1)).astype(np.uint8)
    names = [f"a/very/long/path/to/the/picture-{k}.png" for k in range(7)]
    sheet = contact_sheet(images, names, title="t" * 500, subtitle="s")
    assert sheet.dtype == np.uint8
    if side > 96:
        return  # shrunk
    factor = 96 // side
    found = to_rgb(images).repeat(factor, 1).repeat(factor, 2)
    gap = 96 + 10
    offset = (96 - side * factor) // 2
    top, left = np.argwhere((sheet == [222, 225, 230]).all(-1))[0] + 1
    for k, picture in enumerate(found):
        row, column = top + k // 4 * (gap + 18) + offset, left + k % 4 * gap + offset
        np.testing.assert_array_equal(sheet[row : row + side * factor, column : column + side * factor], picture)


def test_planning_needs_no_torch():
    code = (
        "import sys\nfrom unweave.projects import advice\n"
        "from unweave.projects.labels import chart, measure, plan, sheet, tables\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

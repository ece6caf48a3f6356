"""Angles whose paths through the codes bend: loops in no plane, and circles laid out as a line with a cut."""

import json

import numpy as np
import pytest

from linear_world import HOUR, HUE, LATENT, codes_of, with_loops, world
from unweave.core.factors import Factor, FactorTable
from unweave.core.targets import Target
from unweave.signatures.apply import edit_codes
from unweave.signatures.chart import TURN, Chart
from unweave.signatures.edit import Edit, Move, Set, Swap
from unweave.signatures.fit import fit_signatures
from unweave.signatures.loops import loop_chart
from unweave.signatures.probes.fit import fit_probe
from unweave.signatures.signatures import Signatures

ANGLE = Factor(name="angle", kind="circular", range=(0, 360))
OTHER = Factor(name="other", kind="continuous")
NOISE = 0.05
AXES = np.linalg.qr(np.random.default_rng(3).standard_normal((6, 6)))[0]
LOOPS = with_loops(world())
CODES = codes_of(LOOPS)


def tilted(angle):
    """A loop that runs at uneven speed in a tilted frame, and leaves its plane where the other factor lies."""
    t = np.radians(angle)
    return np.stack([2 * np.cos(t + 0.6 * np.sin(t)), 1.2 * np.sin(t), 0.8 * np.cos(2 * t)], axis=1) @ AXES[[0, 1, 3]]


def unrolled(angle):
    """A line from one end of the circle to the other, cut at 75 degrees."""
    t = np.mod(angle - 75, 360) / 360 - 0.5
    return np.stack([4 * t, 3 * t**2], axis=1) @ AXES[:2]


def sample(path, rows, seed, correlation=0.0):
    """Codes (rows, 6) of an angle along a path and another factor along an axis, with the label table."""
    rng = np.random.default_rng([seed, rows])
    angle = rng.uniform(0, 360, rows)
    other = correlation * np.sqrt(2) * np.sin(np.radians(angle)) + np.sqrt(1 - correlation**2) * rng.standard_normal(
        rows
    )
    codes = path(angle) + other[:, None] * (AXES[3] + 0.5 * AXES[0]) + NOISE * rng.standard_normal((rows, 6))
    values = np.column_stack([angle, other])
    return codes, FactorTable((ANGLE, OTHER), values, np.ones(values.shape, bool))


def fitted(path, rows=1000, correlation=0.0):
    return fit_signatures(*sample(path, rows, 0, correlation), model="m", bootstrap=0, nulls=5)


@pytest.fixture(scope="module")
def found():
    return {"tilted": fitted(tilted, correlation=0.6), "unrolled": fitted(unrolled)}


@pytest.mark.parametrize(("name", "path"), [("tilted", tilted), ("unrolled", unrolled)])
def test_the_path_is_that_of_the_codes_and_beats_a_circle(found, name, path):
    signature = found[name]["angle"]
    assert signature.path == "loop"
    assert (signature.chart.cut is not None) == (name == "unrolled")
    leaks = found[name].provenance["held_out_leakage"]["angle"]
    circles = [value for form, value in leaks.items() if form != "loop" and value is not None]
    assert leaks["loop"] < min(circles) * (0.1 if name == "tilted" else 1)
    labels = np.random.default_rng(5).uniform(0, 360, (2, 400))
    if name == "unrolled":  # beside the cut, to within the accuracy of its place, either side is right
        labels = labels[:, (np.abs(np.mod(labels - 75 + 180, 360) - 180) > 4).all(axis=0)]
    moved = signature.offset(labels[0], labels[1])
    # Chords leave h² / 8 times the bend of the path, at most 5 per square radian with 12 knots or more: 0.17. The
    # regression adds noise of 0.05 / sqrt(1000 / 12), which is nothing beside it. The path is some 4 long.
    assert np.abs(moved - (path(labels[1]) - path(labels[0]))).max() < 0.2
    assert np.linalg.norm(moved, axis=1).max() > 3.5


@pytest.mark.parametrize(("name", "path"), [("tilted", tilted), ("unrolled", unrolled)])
def test_the_angle_is_read_where_a_line_or_a_bent_loop_is_read_badly_by_a_circle(found, name, path):
    codes, table = sample(path, 500, 9)
    signature = found[name]["angle"]
    apart = np.mod(signature.reader.read(codes) - table.values[:, 0] + 180, 360) - 180
    # Noise of 0.05 on a path of 11 (tilted) or 4 (unrolled) a turn: 2 and 5 degrees, and what chords add.
    assert np.median(np.abs(apart)) < 6
    learnt, labels = sample(path, 1000, 0)
    circle = fit_probe(learnt, signature.chart.target, labels.values[:, 0], penalty=1.0)
    linear = np.mod(circle.read(codes) - table.values[:, 0] + 180, 360) - 180
    assert np.median(np.abs(linear)) > 1.5 * np.median(np.abs(apart))


@pytest.mark.parametrize(("name", "path"), [("tilted", tilted), ("unrolled", unrolled)])
def test_other_factors_stay_along_the_path(found, name, path):
    codes, table = sample(path, 300, 9)
    edited = edit_codes(found[name], codes, Edit({"angle": Set(200.0)}))
    # In closed form, codes with this angle and the same other factor. The angle is read to within some degrees, which
    # are 0.1 of a path of 11; a circle misses by 0.4.
    inside = edited.kept >= 1
    off = edited.codes - codes - (path(np.full(300, 200.0)) - path(table.values[:, 0]))
    assert inside.mean() > 0.9
    assert np.abs(off[inside]).mean() < 0.1
    assert edited["angle"].reached[inside].mean() > 0.95


@pytest.mark.parametrize("rows", [60, 100])
def test_few_labels_have_few_knots(rows):
    codes, table = sample(unrolled, rows, 0)
    chart = loop_chart(codes, Target(ANGLE, 0.0, 360 / TURN), table.values[:, 0], penalty=1.0)
    assert chart is not None
    assert chart.cut is not None
    assert len(chart.knots) <= rows / 8


@pytest.mark.parametrize("seed", range(3))
def test_a_circle_stays_a_circle_and_noise_has_no_path(seed):
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 360, 400)
    point = np.stack([np.cos(np.radians(angle)), np.sin(np.radians(angle))], axis=1)
    target = Target(ANGLE, 0.0, 360 / TURN)
    noisy = point @ AXES[:2] + 0.2 * rng.standard_normal((400, 6))
    assert loop_chart(noisy, target, angle, penalty=1.0) is None
    assert loop_chart(rng.standard_normal((400, 6)), target, angle, penalty=1.0) is None
    assert loop_chart(noisy[:20], target, angle[:20], penalty=1.0) is None  # no knot has rows enough


def test_rows_of_a_group_are_held_out_together():
    """Codes that tell the group and the group only: with its other rows at hand, a path reads its angle."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    angle = rng.permutation(40)[groups] * 9.0
    place = np.argsort(np.argsort(rng.standard_normal(40)))[groups] / 40
    codes = np.column_stack([10 * place, place**2]) + 0.01 * rng.standard_normal((400, 2))
    target = Target(ANGLE, 0.0, 360 / TURN)
    assert loop_chart(codes, target, angle, penalty=1.0, groups=groups) is None


@pytest.mark.parametrize("name", ["hue", "hour"])
def test_the_nearest_place_is_that_of_a_fine_search(name):
    reader = LOOPS[name].reader
    grid = np.linspace(0, TURN, 20_001)[:-1]
    path = reader.chart.of(reader.target.restore(grid)) @ reader.corners
    read = reader.angles(CODES)
    for code, angle in zip(CODES.astype(float), read, strict=True):
        off = code - path
        distance = np.einsum("nd,de,ne->n", off, reader.metric, off)
        own = code - reader.chart.of(reader.target.restore(np.array([angle])))[0] @ reader.corners
        assert own @ reader.metric @ own <= distance.min() + 1e-9
        assert own @ reader.metric @ own == pytest.approx(distance.min(), abs=1e-5)  # the grid is TURN / 20,000 fine
    assert reader.read(CODES) == pytest.approx(reader.target.restore(np.mod(read, TURN)))


@pytest.mark.parametrize(("target", "cut"), [(HUE, None), (HOUR, 1.0)])
def test_labels_come_back_from_their_weights_and_wrap(target, cut):
    start = 0.0 if cut is None else cut
    chart = Chart(target, tuple(start + (np.arange(5) + 0.5) * TURN / 5), cut)
    labels = target.restore(np.linspace(0, TURN, 50)[:-1])
    weights = chart.of(labels)
    assert weights.sum(axis=1) == pytest.approx(1)
    assert chart.labels(weights) == pytest.approx(labels, abs=1e-9)
    assert chart.of(labels + target.factor.period) == pytest.approx(weights, abs=1e-9)
    edge = target.restore(np.array([start - 1e-6, start + 1e-6]))
    jump = np.abs(np.diff(chart.of(edge), axis=0)).max()
    assert jump > 1 if cut is not None else jump < 1e-5
    assert Chart.from_json(chart.to_json()) == chart


@pytest.mark.parametrize("name", ["hue", "hour"])
def test_moves_sets_and_swaps_go_along_the_path(name):
    signature, period = LOOPS[name], LOOPS[name].factor.period
    read = signature.reader.read(CODES)
    moved = edit_codes(LOOPS, CODES, Edit({name: Move(0.2 * period)}))
    assert moved.codes - CODES == pytest.approx(signature.offset(read, read + 0.2 * period), abs=1e-4)
    assert edit_codes(LOOPS, CODES, Edit({name: Move(period)})).codes == pytest.approx(CODES, abs=1e-4)
    put = edit_codes(LOOPS, CODES, Edit({name: Set(0.6 * period)}))
    assert put.codes - CODES == pytest.approx(signature.offset(read, np.full(len(CODES), 0.6 * period)), abs=1e-4)
    assert put[name].wanted == pytest.approx(np.full(len(CODES), 0.6 * period))
    others = CODES[::-1]
    swapped = edit_codes(LOOPS, CODES, Edit({name: Swap()}), others=others)
    assert swapped.codes - CODES == pytest.approx(signature.offset(read, read[::-1]), abs=1e-4)


def test_codes_on_the_path_arrive_and_say_so():
    reader = LOOPS["hue"].reader
    on = reader.corners[[0, 2, 3]].astype(np.float32)
    made = edit_codes(LOOPS, on, Edit({"hue": Set(0.9)}))
    assert made["hue"].after == pytest.approx([0.9] * 3, abs=1e-4)
    assert made["hue"].reached.all()
    short = edit_codes(LOOPS, on, Edit({"hue": Set(0.9)}), budget=0.02)
    assert (short.kept < 0.5).all()
    assert not short["hue"].reached.any()


def test_other_probes_are_satisfied_beside_a_loop():
    made = edit_codes(LOOPS, CODES, Edit({"hue": Move(0.3), "smile": Move(1.0), "turn": Move(30.0)}))
    assert made["smile"].after - made["smile"].before == pytest.approx(0.5, abs=1e-3)
    turned = np.mod(made["turn"].after - made["turn"].before, 360)
    assert turned == pytest.approx(30, abs=0.1)
    reader = LOOPS["smile"].reader
    alone = edit_codes(LOOPS, CODES, Edit({"hue": Move(0.3)})).codes
    assert np.abs(reader.read(alone) - reader.read(CODES)).max() > 0.05  # the test can fail


def test_the_file_keeps_loops_and_files_without_them_load(found, tmp_path):
    path = tmp_path / "signatures.json"
    for signatures in found.values():
        signatures.save(path)
        assert json.dumps(Signatures.load(path).to_json()) == json.dumps(signatures.to_json())
    old = world().to_json()
    assert "cut" not in json.dumps(old)
    path.write_text(json.dumps({**old, "format": 1}))
    assert edit_codes(Signatures.load(path), CODES, Edit.of(smile=1.0)).codes.shape == (40, LATENT)

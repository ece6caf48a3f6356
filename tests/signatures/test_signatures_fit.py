"""Signatures as a user finds them: from labelled codes to directions, by held-out choice."""

import json
from dataclasses import replace

import numpy as np
import pytest

from unweave.core.binding import Binding, Bound
from unweave.core.errors import ConfigError, DataError, StorageError
from unweave.core.factors import Factor, FactorTable
from unweave.core.targets import Target, targets_of
from unweave.signatures.apply import edit_codes
from unweave.signatures.edit import Edit, Set
from unweave.signatures.fit import fit_signatures
from unweave.signatures.isolation import leak
from unweave.signatures.signatures import Signatures

SIZE = Factor(name="size", kind="continuous")
COLOUR = Factor(name="colour", kind="categorical", values=("red", "green", "blue", "never"))
TURN = Factor(name="turn", kind="circular", range=(0, 360))
FAST = {"model": "abc", "bootstrap": 0, "nulls": 0}


def sample(rows, seed, correlation=0.0, noise=0.1):
    """Codes (rows, 10) that mix a size, a colour and an angle, with the label table."""
    rng, mixing = np.random.default_rng([seed, rows]), np.random.default_rng(7).standard_normal((6, 10))
    size = rng.standard_normal(rows)
    noisy = correlation * size + np.sqrt(1 - correlation**2) * rng.standard_normal(rows)
    colour = np.digitize(noisy, [-0.43, 0.43])
    turn = rng.uniform(0, 360, rows)
    angle = np.radians(turn)
    factors = np.column_stack([size, np.eye(3)[colour], np.cos(angle), np.sin(angle)])
    codes = factors @ mixing + noise * rng.standard_normal((rows, 10))
    values = np.column_stack([size, colour, turn])
    return codes, FactorTable((SIZE, COLOUR, TURN), values, np.ones(values.shape, bool)), mixing


@pytest.fixture(scope="module")
def found():
    codes, table, mixing = sample(400, 0, correlation=0.6)
    return fit_signatures(codes, table, reference=sample(2000, 1)[0], **FAST), mixing


def cosine(a, b):
    return abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)


def test_every_kind_of_factor_moves_along_its_own_part_of_the_mixing(found):
    signatures, mixing = found
    # 400 rows and noise of 0.1: angles of about 0.1 / (sqrt(400) 0.8), 1 degree; 5 degrees are cosine 0.996.
    size = signatures["size"]
    ends = size.directions[-1] - size.directions[0] if size.path == "piecewise" else size.directions[0]
    assert cosine(ends, mixing[0]) > 0.996
    colour = signatures["colour"]
    assert colour.classes == (0, 1, 2)
    moved = colour.offset(np.array([0.0]), np.array([2.0]))[0]
    assert cosine(moved, mixing[3] - mixing[1]) > 0.996
    turn = signatures["turn"]
    assert turn.path == "rotation"
    assert cosine(turn.offset(np.array([0.0]), np.array([180.0]))[0], -2 * mixing[4]) > 0.996
    np.testing.assert_allclose(turn.offset(np.array([30.0]), np.array([390.0])), 0, atol=1e-9)


def test_a_step_is_what_the_reader_sees_as_a_step(found):
    signatures, _ = found
    codes, _, _ = sample(50, 2)
    size = signatures["size"]
    before = size.reader.read(codes)
    moved = codes + size.offset(before, before + size.chart.target.scale)
    # On average over a bent path, exactly along a line.
    assert np.mean(size.reader.read(moved) - before) == pytest.approx(size.chart.target.scale, rel=0.05)
    turn = signatures["turn"]
    before = turn.reader.read(codes)
    after = turn.reader.read(codes + turn.offset(before, before + 90))
    assert np.abs((after - before) % 360 - 90).max() < 15


def test_held_out_choice_is_kept_and_takes_what_leaks_least(found):
    signatures, _ = found
    for name, leaks in signatures.provenance["held_out_leakage"].items():
        signature = signatures[name]
        chosen = "piecewise" if signature.path == "piecewise" else signature.candidate
        # The plain direction leaves the data before it has moved a step, whatever it leaks.
        able = {form: value for form, value in leaks.items() if value is not None and form != "plain"}
        assert leaks[chosen] == min(able.values())
        assert leaks["dimension"] > 2 * leaks[chosen]
        assert leaks["pattern"] > leaks[chosen] or name == "turn"


def test_the_bound_dimension_wins_where_it_is_the_factor():
    rng = np.random.default_rng(3)
    values = rng.standard_normal((300, 2))
    a, b = (Factor(name=n, kind="continuous") for n in "ab")
    table = FactorTable((a, b), values, np.ones(values.shape, bool))
    # Column 0 is a; column 1 holds b with a little of a: a probe of a is tempted by it, the dimension is not.
    codes = np.column_stack([values[:, 0], values[:, 1] + 0.2 * values[:, 0]]) + 0.5 * rng.standard_normal((300, 2))
    targets = targets_of(table)
    binding = Binding(tuple(Bound(t, (k,)) for k, t in enumerate(targets)))
    found = fit_signatures(codes, table, binding=binding, **FAST)
    assert found["b"].candidate in ("dimension", "regression")
    assert found["a"].directions.shape == (1, 2)


def test_columns_of_classes_are_read_alone_where_they_are_what_moves():
    rng = np.random.default_rng(5)
    factor = Factor(name="pose", kind="categorical", values=("left", "front", "right", "up"))
    labels = rng.integers(3, size=120).astype(float)  # nobody looks up
    table = FactorTable((factor,), labels[:, None], np.ones((120, 1), bool))
    # Column 4 is another thing that goes with the labelled poses: a probe of few labels reads by it too.
    codes = 0.5 * rng.standard_normal((120, 5))
    codes[:, :4] += 2 * np.eye(4)[labels.astype(int)]
    codes[:, 4] += 2 * labels
    binding = Binding(tuple(Bound(t, (0, 1, 2, 3)) for t in targets_of(table)))
    forms = {
        form: fit_signatures(codes, table, binding=binding, only=form, **FAST) for form in ("dimension", "isolated")
    }
    assert np.abs(forms["isolated"]["pose"].reader.weights[4]).max() > 0.1
    own = forms["dimension"]["pose"].reader
    np.testing.assert_array_equal(own.weights, np.eye(5)[:, :4])
    np.testing.assert_array_equal(own.offset, [0, 0, 0, -np.inf])
    other = np.array([[0.0, 2.0, 0.0, 3.0, -4.0]])  # front by the model's own columns, whatever goes with it
    assert own.read(other) == [1]
    edited = edit_codes(forms["dimension"], other, Edit({"pose": Set("left")})).codes[0]
    assert edited[0] - max(edited[1:3]) == pytest.approx(np.log(9), abs=1e-4)
    assert edited[4] == other[0, 4]


def test_a_path_that_bends_beats_a_line_where_the_factor_is_curved():
    rng = np.random.default_rng(4)
    size, other = rng.uniform(-1.5, 1.5, 800), rng.standard_normal(800)
    table = FactorTable(
        (SIZE, Factor(name="other", kind="continuous")), np.column_stack([size, other]), np.ones((800, 2), bool)
    )
    # Along a line the second column stays while it should follow the curve: the other factor seems to fall.
    codes = np.column_stack([size, other + 0.7 * size**2]) + 0.05 * rng.standard_normal((800, 2))
    found = fit_signatures(codes, table, **FAST)
    leaks = found.provenance["held_out_leakage"]["size"]
    assert found["size"].path == "piecewise"
    assert leaks["piecewise"] < 0.5 * min(leaks["regression"], leaks["pattern"], leaks["isolated"])


def test_isolation_costs_and_the_cost_is_shown(found):
    signatures, _ = found
    codes, table, _ = sample(400, 0, correlation=0.6)
    forms = {form: fit_signatures(codes, table, only=form, **FAST) for form in ("pattern", "isolated", "plain")}
    assert forms["pattern"]["size"].kept == pytest.approx(1)
    assert 0 < forms["isolated"]["size"].kept < 1
    assert 0 < forms["plain"]["size"].kept < 1
    for signature in signatures.signatures:
        assert 0 < signature.kept <= 1


def test_safe_ranges_hold_the_data_and_no_more(found):
    signatures, _ = found
    size, colour, turn = (signatures[name] for name in ("size", "colour", "turn"))
    assert -6 <= size.safe[0] < -1
    assert 1 < size.safe[1] <= 6
    assert colour.safe[0] == 0
    assert colour.safe[1] > 1  # class to class stays inside
    assert turn.safe == (-180, 180)  # as does a whole turn


def test_missing_labels_are_legal_and_the_same_seed_gives_the_same_signatures():
    codes, table, mixing = sample(400, 0)
    known = np.random.default_rng(5).random(table.known.shape) < 0.7
    known[0] = False
    holes = FactorTable(table.factors, np.where(known, table.values, 0), known)
    found = fit_signatures(codes, holes, seed=3, **FAST)
    assert found["size"].labels == known[:, 0].sum()
    assert cosine(found["colour"].offset(np.array([0.0]), np.array([1.0]))[0], mixing[2] - mixing[1]) > 0.99
    again = fit_signatures(codes, holes, seed=3, **FAST)
    assert json.dumps(again.to_json()) == json.dumps(found.to_json())


def test_a_factor_that_cannot_be_probed_is_named_and_the_others_go_on():
    codes, table, _ = sample(100, 0)
    values = table.values.copy()
    values[:, 1] = 2
    found = fit_signatures(codes, FactorTable(table.factors, values, table.known), **FAST)
    assert found.names == ("size", "turn")
    assert "colour" in found.provenance["refused"]["colour"]
    with pytest.raises(DataError, match="no factor can be probed"):
        fit_signatures(codes, FactorTable(table.factors, values, table.known).select(["colour"]), **FAST)


def test_leak_by_hand():
    # Two factors on two dimensions: a direction that moves the other half as far leaks one half.
    values = np.random.default_rng(6).standard_normal((500, 2))
    a, b = (Factor(name=n, kind="continuous") for n in "ab")
    table = FactorTable((a, b), values, np.ones(values.shape, bool))
    signature = fit_signatures(values, table, only="isolated", **FAST)["a"]
    targets = {"a": Target(a), "b": Target(b)}
    skill = {"a": 0.9, "b": 0.4}

    def read(codes):
        return {"a": codes[:, [0]], "b": codes[:, [1]]}

    bent = replace(signature, directions=np.array([[1.0, 0.5]]))
    unit = {n: np.abs(values[:, k] - np.roll(values[:, k], 250)).mean() for k, n in enumerate("ab")}
    assert leak(bent, values, read, targets, skill, lambda z: z) == pytest.approx(0.5 * unit["a"] / unit["b"])
    still = replace(signature, directions=np.array([[0.0, 0.5]]))
    assert leak(still, values, read, targets, skill, lambda z: z) == float("inf")
    wrong = replace(signature, directions=np.array([[-1.0, 0.5]]))  # moves, and never to where it was asked to
    assert leak(wrong, values, read, targets, skill, lambda z: z) == float("inf")


@pytest.mark.parametrize("nulls", [0, 5])
def test_factors_are_isolated_from_each_other_also_without_intervals(nulls):
    codes, table, _ = sample(400, 0, correlation=0.6)
    found = fit_signatures(codes, table, model="m", bootstrap=0, nulls=nulls, only="isolated")
    seen = found["size"].directions @ found["colour"].reader.weights[:, :3]
    assert np.abs(seen - seen.mean()).max() < 1e-6 * np.abs(found["colour"].reader.weights).max()


def test_the_file_keeps_everything_and_refuses_what_is_not_its_own(found, tmp_path):
    signatures, _ = found
    path = tmp_path / "signatures.json"
    signatures.save(path)
    loaded = Signatures.load(path)
    assert json.dumps(loaded.to_json()) == json.dumps(signatures.to_json())
    labels = np.zeros(20), np.full(20, 2.0)
    np.testing.assert_array_equal(loaded["colour"].offset(*labels), signatures["colour"].offset(*labels))
    loaded.check_model("abc")
    with pytest.raises(ConfigError, match="mean nothing in another model's space"):
        loaded.check_model("abd")
    with pytest.raises(ConfigError, match=r"Did you mean 'colour'"):
        loaded["color"]
    with pytest.raises(ConfigError, match="unweave probe"):
        Signatures.load(tmp_path / "absent.json")
    path.write_text(path.read_text()[:100])
    with pytest.raises(StorageError, match="damaged"):
        Signatures.load(path)

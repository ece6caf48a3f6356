"""Edits of codes against closed forms, an optimiser, and each other."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import linear_world
from linear_world import LATENT, codes_of, world
from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.signatures.apply import edit_codes, set_labels
from unweave.signatures.budget import between_rows, measured
from unweave.signatures.chart import Chart
from unweave.signatures.edit import Edit, Move, Set, Swap
from unweave.signatures.goals_of_classes import MARGIN
from unweave.signatures.signature import Signature

SIGNATURES = world()
CODES = codes_of(SIGNATURES)
NEAR = 2e-4  # codes are kept in single precision, weights are of order 1


def outputs(name, codes):
    return SIGNATURES[name].reader(codes)


def lengths(shift):
    """Mahalanobis length of shifts (N, D)."""
    return np.sqrt(np.einsum("nd,nd->n", shift, np.linalg.solve(SIGNATURES.density.covariance, shift.T).T))


# -- one factor -------------------------------------------------------------------------------------------------------


def test_a_move_is_the_signatures_own_offset():
    made = edit_codes(SIGNATURES, CODES, Edit.of(smile=1.5))
    assert made.codes - CODES == pytest.approx(
        np.broadcast_to(1.5 * SIGNATURES["smile"].directions[0], CODES.shape), abs=NEAR
    )
    read = made["smile"]
    assert read.after - read.before == pytest.approx(1.5 * 0.5, abs=NEAR)  # a standard step is half a unit
    assert read.wanted == pytest.approx(read.before + 0.75)
    assert read.reached.all()
    assert (made.codes.dtype, made.kept.tolist(), made.notes) == (np.float32, [1.0] * 40, ())


def test_a_move_goes_all_of_its_way_where_the_probe_sees_a_part_of_it():
    smile = SIGNATURES["smile"]
    short = Signature(**{**vars(smile), "directions": 0.4 * smile.directions})
    made = edit_codes(type(SIGNATURES)("m", SIGNATURES.density, (short,)), CODES, Edit.of(smile=1.5))
    way = np.broadcast_to(1.5 * short.directions[0], CODES.shape)
    assert made.codes - CODES == pytest.approx(way, abs=NEAR)
    assert made["smile"].wanted - made["smile"].before == pytest.approx(0.4 * 1.5 * 0.5)
    assert made["smile"].reached.all()


def test_a_bent_path_is_followed_round_its_corners():
    bent = SIGNATURES["bend"]
    made = edit_codes(SIGNATURES, CODES, Edit({"bend": Set(1.2)}))
    assert outputs("bend", made.codes)[:, 0] == pytest.approx(1.2, abs=NEAR)
    # An independent way: read along the path on a fine grid, and take the place where the probe says 1.2.
    grid = np.linspace(-12, 12, 48_001)
    for z, edited in zip(CODES[:5].astype(float), made.codes, strict=False):
        start = bent.reader(z[None])[0, 0]
        along = z + bent.offset(np.full(len(grid), start), grid)
        place = np.abs(bent.reader(along)[:, 0] - 1.2).argmin()
        assert edited == pytest.approx(along[place], abs=2e-3)


@pytest.mark.parametrize("start", [-6.0, -0.5, 3.0])
def test_a_path_that_is_flat_at_both_ends_is_followed_too(start):
    """Newton's method along slopes diverges here, as it does for the arctangent."""
    bent = SIGNATURES["bend"]
    knots = np.array([-2.0, -1.0, 1.0, 2.0])
    seen = np.array([-1.1, -1.0, 1.0, 1.1])  # 0.1 a step outside, 1 within
    pseudo = np.linalg.pinv(bent.reader.weights)
    flat = Signature(
        **{**vars(bent), "chart": Chart(linear_world.BEND, tuple(knots)), "directions": seen[:, None] * pseudo}
    )
    alone = type(SIGNATURES)("m", SIGNATURES.density, (flat, SIGNATURES["smile"]))
    codes = CODES + (start - outputs("bend", CODES)) @ pseudo
    made = edit_codes(alone, codes, Edit({"bend": Set(0.2), "smile": Move(1.0)}))
    assert made["bend"].after == pytest.approx(0.2, abs=NEAR)
    assert made["smile"].after - made["smile"].before == pytest.approx(0.5, abs=NEAR)


@pytest.mark.parametrize(("label", "number"), [("young", 0), ("middle", 1), ("old", 2)])
def test_a_level_is_set_by_name(label, number):
    made = edit_codes(SIGNATURES, CODES, Edit.of(age=label))
    assert SIGNATURES["age"].reader.target.restore(outputs("age", made.codes))[:, 0] == pytest.approx(number, abs=NEAR)
    assert made["age"].reached.all()


@pytest.mark.parametrize("name", ["smile", "turn"])
def test_set_is_exact_and_least_in_the_metric_of_the_codes(name):
    """Against an optimiser that knows only the directions, the probe and the metric."""
    signature: Signature = SIGNATURES[name]
    value = 3.1 if name == "smile" else 200.0
    made = edit_codes(SIGNATURES, CODES[:4], Edit({name: Set(value)}))
    assert signature.reader.read(made.codes) == pytest.approx(value, abs=0.05 if name == "turn" else NEAR)
    precision = np.linalg.inv(SIGNATURES.density.covariance)
    for z, edited in zip(CODES[:4].astype(float), made.codes, strict=True):
        out = signature.reader(z[None])[0]
        if name == "smile":
            wanted = np.array([(value - 2.0) / 0.5])
        else:
            radius = max(np.hypot(*out), 0.25)
            wanted = radius * np.array([math.cos(math.radians(value)), math.sin(math.radians(value))])

        def size(x):
            shift = x @ signature.directions
            return shift @ precision @ shift

        def miss(x, z=z, wanted=wanted):
            return signature.reader((z + x @ signature.directions)[None])[0] - wanted

        best = minimize(size, np.zeros(len(out)), constraints={"type": "eq", "fun": miss}, method="SLSQP", tol=1e-12)
        assert edited - z == pytest.approx(best.x @ signature.directions, abs=1e-3)


def test_a_turn_keeps_how_clear_the_angle_is():
    # One code of which the probe can say hardly anything.
    unclear = CODES[0] + (np.array([[0.05, 0.0]]) - outputs("turn", CODES[:1])) @ np.linalg.pinv(
        SIGNATURES["turn"].reader.weights
    )
    codes = np.vstack([CODES, unclear])
    made = edit_codes(SIGNATURES, codes, Edit.of(turn=-370.0))
    before, after = outputs("turn", codes), outputs("turn", made.codes)
    angle = np.degrees(np.arctan2(after[:, 1], after[:, 0]) - np.arctan2(before[:, 1], before[:, 0]))
    assert np.mod(angle, 360) == pytest.approx(350, abs=0.1)
    assert np.hypot(*after.T) == pytest.approx([*np.hypot(*before[:-1].T), 0.25], abs=1e-3)


@pytest.mark.parametrize("label", ["left", "front", "right"])
def test_a_class_is_set_by_the_smallest_multiple_that_wins_by_the_margin(label):
    pose = SIGNATURES["pose"]
    to = pose.factor.values.index(label)
    made = edit_codes(SIGNATURES, CODES, Edit.of(pose=label))
    before, after = outputs("pose", CODES), outputs("pose", made.codes)

    def lead(out):
        return out[:, to] - np.delete(out, to, axis=1).max(axis=1)

    moved = lead(before) < MARGIN
    assert moved.any()
    assert made.codes[~moved] == pytest.approx(CODES[~moved])
    read = np.where(before.argmax(1) == to, np.argsort(before, axis=1)[:, -2], before.argmax(1))
    for row in np.flatnonzero(moved):
        way = pose.directions[to] - pose.directions[read[row]]
        # A fine grid along the way: nothing short of the place wins by the margin.
        grid = np.linspace(0, 40, 40_001)
        leads = lead(pose.reader(CODES[row] + grid[:, None] * way))
        first = np.flatnonzero(leads >= MARGIN)
        if len(first):
            t = (made.codes[row] - CODES[row]) @ way / (way @ way)
            assert t == pytest.approx(grid[first[0]], abs=2e-3)
            assert lead(after[row : row + 1])[0] == pytest.approx(MARGIN, abs=NEAR * 20)
            assert made["pose"].reached[row]
    assert len(made.notes) == int((~made["pose"].reached).any())


def test_two_classes_move_along_the_way_between_them_and_back():
    glasses = SIGNATURES["glasses"]
    way = glasses.directions[1] - glasses.directions[0]
    made = edit_codes(SIGNATURES, CODES, Edit.of(glasses=+0.5))
    assert made.codes - CODES == pytest.approx(np.broadcast_to(0.5 * way, CODES.shape), abs=NEAR)
    back = edit_codes(SIGNATURES, made.codes, Edit.of(glasses=-0.5))
    assert back.codes == pytest.approx(CODES, abs=NEAR)


def test_labels_row_by_row():
    rng = np.random.default_rng(3)
    wanted = {"smile": rng.normal(2, 0.5, 40), "pose": rng.integers(0, 3, 40).astype(float)}
    made = set_labels(SIGNATURES, CODES, wanted)
    assert made["smile"].after == pytest.approx(wanted["smile"], abs=NEAR)
    assert (made["pose"].after == wanted["pose"]).mean() > 0.9
    with pytest.raises(ShapeError, match="labels of smile"):
        set_labels(SIGNATURES, CODES, {"smile": np.zeros(3)})
    with pytest.raises(ConfigError, match="no labelled row was of class 3"):
        set_labels(SIGNATURES, CODES, {"pose": np.full(40, 3.0)})


# -- swap -------------------------------------------------------------------------------------------------------------


def test_a_swap_makes_the_probes_agree():
    others = codes_of(SIGNATURES, seed=9)
    edit = Edit({name: Swap() for name in ("smile", "age", "glasses", "turn", "bend")})
    made = edit_codes(SIGNATURES, CODES, edit, others=others)
    for name in ("smile", "age", "bend"):
        assert outputs(name, made.codes) == pytest.approx(outputs(name, others), abs=1e-3)
    assert (made["glasses"].after == SIGNATURES["glasses"].reader.read(others)).all()
    apart = SIGNATURES["turn"].reader.read(made.codes) - SIGNATURES["turn"].reader.read(others)
    assert np.mod(apart + 180, 360) - 180 == pytest.approx(0, abs=0.1)
    one = edit_codes(SIGNATURES, CODES, edit, others=others[:1])
    assert outputs("smile", one.codes) == pytest.approx(np.full((40, 1), outputs("smile", others[:1])[0, 0]), abs=1e-3)


def test_a_swap_with_itself_changes_nothing():
    edit = Edit({name: Swap() for name in ("smile", "age", "turn", "bend")})
    assert edit_codes(SIGNATURES, CODES, edit, others=CODES).codes == pytest.approx(CODES, abs=NEAR)


# -- several at once --------------------------------------------------------------------------------------------------

ALL = {"smile": Move(0.7), "age": Set("old"), "glasses": Set("yes"), "turn": Move(40.0), "bend": Set(0.8)}


def test_all_probes_are_satisfied_together_in_any_order():
    made = edit_codes(SIGNATURES, CODES, Edit(ALL))
    smile, age, bend = (outputs(n, made.codes)[:, 0] for n in ("smile", "age", "bend"))
    assert smile - outputs("smile", CODES)[:, 0] == pytest.approx(0.7, abs=1e-3)
    assert age == pytest.approx(1 / (2 / 3) ** 0.5, abs=1e-3)
    assert bend == pytest.approx(0.8, abs=1e-3)
    glasses = outputs("glasses", made.codes)
    assert (glasses[:, 1] - glasses[:, 0] >= MARGIN - 1e-3).all()
    turned = np.arctan2(*outputs("turn", made.codes).T[::-1]) - np.arctan2(*outputs("turn", CODES).T[::-1])
    assert np.degrees(np.mod(turned, 2 * np.pi)) == pytest.approx(40, abs=0.1)
    assert all(done.reached.all() for done in made.done)
    assert [done.factor for done in made.done] == ["smile", "age", "glasses", "turn", "bend"]
    for order in itertools.islice(itertools.permutations(ALL.items()), 0, 120, 17):
        again = edit_codes(SIGNATURES, CODES, Edit(dict(order)))
        assert np.array_equal(again.codes, made.codes)
        assert [done.factor for done in again.done] == [done.factor for done in made.done]


def test_one_after_the_other_is_not_the_same_where_probes_see_each_others_directions():
    """The test above can fail: without solving together, the first probe is disturbed by the second edit."""
    first = edit_codes(SIGNATURES, CODES, Edit.of(smile=0.7)).codes
    second = edit_codes(SIGNATURES, first, Edit({"bend": Set(0.8)})).codes
    assert np.abs(outputs("smile", second) - outputs("smile", first)).max() > 0.05


@settings(max_examples=30, deadline=None)
@example(seed=699, smile=0.0, age=0.0, turn=32.0)  # is cut short
@given(seed=st.integers(0, 10_000), smile=st.floats(-2, 2), age=st.floats(-2, 2), turn=st.floats(0, 360))
def test_a_joint_edit_is_the_solution_of_its_linear_system(seed, smile, age, turn):
    signatures = world(seed, leakage=False)
    codes = codes_of(signatures, rows=3, seed=seed)
    made = edit_codes(signatures, codes, Edit({"smile": Move(smile), "age": Move(age), "turn": Set(turn)}))
    rows = np.vstack([signatures[n].directions for n in ("smile", "age", "turn")])
    seen = np.hstack([signatures[n].reader.weights for n in ("smile", "age", "turn")])
    point = signatures["turn"].reader(codes)
    radius = np.hypot(*point.T)
    angle = np.radians(turn)
    for z, edited, p, r, kept in zip(codes.astype(float), made.codes, point, radius, made.kept, strict=True):
        ends = max(r, 0.25) * np.array([np.cos(angle), np.sin(angle)]) - p
        amounts = np.linalg.lstsq((rows @ seen).T, np.array([smile, age, *ends]), rcond=None)[0]
        wanted = amounts @ rows
        assert edited - z == pytest.approx(kept * wanted, abs=1e-4 * (1 + np.abs(wanted).max()))
        # Only what would leave the data is cut short, and it ends where the data do.
        whole, end = (float(signatures.density.distance((z + share * wanted)[None])[0]) for share in (1.0, kept))
        limit = signatures.density.radius
        assert kept == 1 if whole <= limit * (1 - 1e-6) else end == pytest.approx(limit, rel=1e-4)


def test_signatures_that_move_the_same_cannot_be_satisfied_together():
    smile, age = SIGNATURES["smile"], SIGNATURES["age"]
    same = Signature(
        **{
            **vars(age),
            "directions": smile.directions,
            "reader": type(age.reader)(age.reader.target, smile.reader.weights, age.reader.offset),
        }
    )
    twins = type(SIGNATURES)("m", SIGNATURES.density, (smile, same))
    with pytest.raises(ConfigError, match="'smile' and 'age' move the same"):
        edit_codes(twins, CODES, Edit.of(smile=1, age="old"))
    blind = Signature(
        **{**vars(smile), "directions": linear_world._unseen(np.random.default_rng(0), smile.reader.weights)}
    )
    with pytest.raises(ConfigError, match="'smile' does not move what its probe reads"):
        edit_codes(type(SIGNATURES)("m", SIGNATURES.density, (blind,)), CODES, Edit.of(smile=1))


# -- budget -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "amount"),
    [
        (Edit.of(smile=2.0), 2.0 / (2 / math.sqrt(3))),
        (Edit.of(turn=90.0), 1.0),
        (Edit.of(glasses=1.0), 2.0),
    ],
)
def test_a_budget_trims_to_the_exact_amount(edit, amount):
    (name,) = edit.changes
    (judge,) = (row for row in SIGNATURES[name].leakage if row.measure == "judge")
    whole = amount * np.mean(judge.values)
    free = edit_codes(SIGNATURES, CODES, edit, budget=whole * 1.001)
    assert (free.kept == 1).all()
    assert free.leakage == pytest.approx(whole)
    made = edit_codes(SIGNATURES, CODES, edit, budget=0.4 * whole)
    assert made.kept == pytest.approx(0.4)
    assert made.leakage == pytest.approx(0.4 * whole)
    assert made.notes == (
        f"{name}: 40 of 40 codes are trimmed to the budget of {0.4 * whole:g}, to 40% of the way at least",
    )
    change = {n: type(c)(0.4 * c.amount) for n, c in edit.changes.items()}
    assert made.codes == pytest.approx(edit_codes(SIGNATURES, CODES, Edit(change)).codes, abs=NEAR)


def test_the_leakage_of_several_adds_up_over_the_factors_that_are_not_edited():
    made = edit_codes(SIGNATURES, CODES, Edit.of(smile=1.0, turn=90.0), budget=9.0)
    smile, turn = (
        dict(zip(measured(SIGNATURES[n]).factors, measured(SIGNATURES[n]).values, strict=True))
        for n in ("smile", "turn")
    )
    unit = between_rows(SIGNATURES["smile"].chart.target)
    others = [smile[n] / unit + turn[n] for n in ("age", "pose", "glasses", "bend")]
    assert made.leakage == pytest.approx(np.mean(others))


def test_a_trimmed_edit_of_several_is_still_joint():
    made = edit_codes(SIGNATURES, CODES, Edit({"smile": Move(2.0), "bend": Set(2.0)}), budget=0.2)
    smile, bend = (outputs(n, made.codes)[:, 0] - outputs(n, CODES)[:, 0] for n in ("smile", "bend"))
    assert (made.kept < 1).any()
    assert smile == pytest.approx(2.0 * made.kept, abs=1e-3)
    assert bend == pytest.approx(made.kept * (2.0 - outputs("bend", CODES)[:, 0]), abs=1e-3)


def test_a_budget_refuses_and_needs_a_measurement():
    with pytest.raises(ConfigError, match=r"over the budget of 0\.01 \(40 of 40 codes are\).*at most \d+% of the way"):
        edit_codes(SIGNATURES, CODES, Edit.of(smile=2), budget=0.01, over="refuse")
    with pytest.raises(ConfigError, match="leakage of 'smile' was not measured"):
        edit_codes(world(leakage=False), CODES, Edit.of(smile=2), budget=0.1)
    with pytest.raises(ConfigError, match="budget: expected 0 or more, got -1"):
        edit_codes(SIGNATURES, CODES, Edit.of(smile=2), budget=-1)


def test_evenly_spread_labels_differ_by_the_unit_of_leakage():
    rng = np.random.default_rng(0)
    for target, labels in (
        (linear_world.SMILE, rng.uniform(-math.sqrt(3), math.sqrt(3), (2, 200_000))),
        (linear_world.TURN, rng.uniform(0, 2 * math.pi, (2, 200_000))),
        (linear_world.POSE, rng.integers(0, 4, (2, 200_000)).astype(float)),
    ):
        apart = np.abs(labels[0] - labels[1])
        if target is linear_world.TURN:
            apart = np.minimum(apart, 2 * math.pi - apart)
        if target is linear_world.POSE:
            apart = (apart > 0).astype(float)
        assert between_rows(target) == pytest.approx(apart.mean(), abs=0.01)


# -- the data's edge --------------------------------------------------------------------------------------------------


def test_an_edit_ends_where_the_data_do():
    tight = world(radius=5.5)
    made = edit_codes(tight, CODES, Edit.of(smile=30.0))
    distance, before = tight.density.distance(made.codes), tight.density.distance(CODES)
    assert (made.kept < 1).any()
    clipped = made.kept < 1
    assert distance[clipped] == pytest.approx(np.maximum(5.5, before[clipped]), abs=1e-3)
    moved = outputs("smile", made.codes) - outputs("smile", CODES)
    assert moved[:, 0] == pytest.approx(30 * made.kept, abs=5e-3)
    assert made.notes[0].startswith(f"smile: {clipped.sum()} of 40 codes are clipped to where the data end, at ")
    with pytest.raises(ConfigError, match=r"editing smile as asked leaves the data .*at most \d+% of the way"):
        edit_codes(tight, CODES, Edit.of(smile=30.0), beyond="refuse")
    both = edit_codes(tight, CODES, Edit.of(smile=30.0), budget=1.0)
    assert both.leakage == pytest.approx(30 * both.kept / (2 / math.sqrt(3)) * measured(SIGNATURES["smile"]).mean)
    near = edit_codes(tight, CODES[:1], Edit.of(smile=1e-3), beyond="refuse")
    assert near.kept.tolist() == [1.0]


def test_a_code_that_was_outside_the_data_from_the_start_is_said_to_be():
    tight = world(radius=5.5)
    within, without = CODES[:1], CODES[:1] + 30 * SIGNATURES["smile"].directions[0]
    both = np.concatenate([within, without, without])
    said = "outside the data before the edit: the model knows little like it"
    assert edit_codes(tight, without, Edit.of(smile=1.0)).notes[1:] == (f"the code is {said}",)
    assert edit_codes(tight, both, Edit.of(smile=30.0)).notes[1:] == (f"2 of 3 codes are {said}",)
    assert len(edit_codes(tight, within, Edit.of(smile=30.0)).notes) == 1
    assert edit_codes(tight, without, Edit.of(smile=-30.0)).notes == ()  # it is brought in
    for codes, where in ((without, "the code is, from the start"), (both, "3 of 3 codes are, 2 from the start")):
        with pytest.raises(ConfigError, match=rf"leaves the data \({where}\)"):
            edit_codes(tight, codes, Edit.of(smile=30.0), beyond="refuse")


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Edit.of(smiles=1), "no signature moves 'smiles'.*Did you mean 'smile'?"),
        (Edit.of(pose="up"), "no labelled row was 'up'.*It can be set to: left, front, right"),
        (Edit.of(pose="lefft"), "has no value 'lefft'.*Did you mean 'left'"),
        (Edit.of(pose=1), "has 3 classes.*Set it to one of them: pose=left"),
        (Edit.of(smile="wide"), "is continuous: expected a number to set it to, got 'wide'"),
        (Edit.of(smile="nan"), "expected a finite number"),
        (Edit({"pose": Swap()}), "give `others`"),
    ],
)
def test_what_cannot_be_done_is_said(edit, words):
    with pytest.raises(ConfigError, match=words):
        edit_codes(SIGNATURES, CODES, edit)


def test_codes_that_cannot_be_edited():
    edit = Edit.of(smile=1)
    with pytest.raises(ConfigError, match="belong to model model-a, the codes to model model-b"):
        edit_codes(SIGNATURES, CODES, edit, model="model-b")
    with pytest.raises(ShapeError, match=r"codes: expected shape \(rows, 16\), got \(40, 5\)"):
        edit_codes(SIGNATURES, CODES[:, :5], edit)
    with pytest.raises(ShapeError, match="Add a row axis"):
        edit_codes(SIGNATURES, CODES[0], edit)
    with pytest.raises(ShapeError, match=r"others: expected shape \(40 or 1, 16\), got \(3, 16\)"):
        edit_codes(SIGNATURES, CODES, Edit({"smile": Swap()}), others=CODES[:3])
    broken = CODES.copy()
    broken[7, 2] = np.nan
    with pytest.raises(DataError, match=r"row 7 holds NaN or infinity \(1 of 40"):
        edit_codes(SIGNATURES, broken, edit)
    none = edit_codes(SIGNATURES, CODES[:0], Edit(ALL))
    assert none.codes.shape == (0, LATENT)


# -- edits as data ----------------------------------------------------------------------------------------------------


def test_edits_go_through_json_and_the_command_line():
    edit = Edit({"smile": Move(1.0), "pose": Set("left"), "hair": Swap(), "x": Set(0.5)})
    assert Edit.from_json(edit.to_json()) == edit
    assert edit.to_json()["hair"] == {"swap": True}
    parsed = Edit.parse(moves=["smile=+1"], sets=["pose=left", "x=0.5"], swaps=["hair"])
    assert parsed.changes == {**edit.changes, "x": Set("0.5")}
    assert Edit.of(smile=1, pose="left", x=Set(0.5), hair=Swap()) == edit


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Edit.parse(moves=["smile"]), "expected FACTOR=VALUE"),
        (lambda: Edit.parse(moves=["smile=left"]), "expected a number of steps"),
        (lambda: Edit.parse(moves=["a=1"], sets=["a=2"]), "a is edited twice"),
        (lambda: Edit.parse(), "at least one factor"),
        (lambda: Edit.of(smile=float("nan")), "expected a finite number"),
        (lambda: Edit.of(smile=True), "expected a number to move by"),
        (lambda: Edit.from_json({"a": {"mvoe": 1}}), 'expected {"move"'),
        (lambda: Edit.from_json({"a": {"move": "1"}}), 'expected {"move"'),
        (lambda: Edit.from_json({"a": 1}), 'expected {"move"'),
    ],
)
def test_edits_that_are_none(make, words):
    with pytest.raises(ConfigError, match=words):
        make()

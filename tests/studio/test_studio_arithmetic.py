"""Edits in the browser against those of Python: two implementations of the same equations."""

import numpy as np
import pytest

from linear_world import LATENT, codes_of, with_loops, world
from node import run_module
from unweave.signatures.apply import edit_codes
from unweave.signatures.edit import Edit, Move, Set, Swap
from unweave.signatures.goals_of_angles import LEAST_RADIUS
from unweave.signatures.strips import _columns

CASES = 400
NEAR = 1e-4
PERIODS = {"turn": 360, "hue": 1, "hour": 24}

EDITS = """
import { Signatures } from "static:arithmetic/signature.js";
import { editCodes } from "static:arithmetic/edit.js";
const worlds = given.worlds.map((data) => new Signatures(data));
const made = given.cases.map(({ world, code, changes, others, budget }) => {
  const { codes, done, kept, leakage } = editCodes(worlds[world], code, changes, { others, budget });
  return { codes: Array.from(codes), done, kept, leakage: leakage && leakage.mean };
});
console.log(JSON.stringify(made));
"""

# Far from the data's edge, at it, and without measured leakage.
WORLDS = [with_loops(w, k) for k, w in enumerate([world(0), world(1, radius=4.0), world(2, leakage=False)])]
KINDS = {
    "smile": lambda r: {"to": float(r.normal(2, 1))},
    "age": lambda r: {"to": str(r.choice(["young", "middle", "old"]))},
    "pose": lambda r: {"to": str(r.choice(["left", "front", "right"]))},
    "glasses": lambda r: {"to": str(r.choice(["no", "yes"]))},
    "turn": lambda r: {"to": float(r.uniform(-90, 450))},
    "bend": lambda r: {"to": float(r.normal(0, 2))},
    "hue": lambda r: {"to": float(r.uniform(-0.5, 1.5))},
    "hour": lambda r: {"to": float(r.uniform(-6, 30))},
}


UNITS = {"turn": 60, "hue": 0.3, "hour": 8}
"""Size of the moves of angles, in their labels."""


def change_of(rng, factor):
    if rng.random() < 0.2:
        return {"factor": factor, "swap": True}
    if factor == "pose" or rng.random() < 0.5:
        return {"factor": factor, **KINDS[factor](rng)}
    return {"factor": factor, "by": float(rng.normal(0, UNITS.get(factor, 1.5)))}


def cases():
    rng = np.random.default_rng(7)
    codes = [codes_of(signatures, 2 * CASES) for signatures in WORLDS]
    for k in range(CASES):
        which = k % 3
        names = rng.choice(list(KINDS), size=rng.integers(1, 6), replace=False)
        yield {
            "world": which,
            "code": codes[which][2 * k].tolist(),
            "others": codes[which][2 * k + 1].tolist(),
            "changes": [change_of(rng, str(name)) for name in names],
            "budget": float(rng.uniform(0.02, 0.4)) if which < 2 and rng.random() < 0.3 else None,
        }


def in_python(case):
    kinds = {"by": Move, "to": Set, "swap": lambda _: Swap()}
    changes = {}
    for change in case["changes"]:
        ((kind, value),) = ((k, v) for k, v in change.items() if k != "factor")
        changes[change["factor"]] = kinds[kind](value)
    rows = [np.array([case[name]], dtype=np.float32) for name in ("code", "others")]
    return edit_codes(WORLDS[case["world"]], rows[0], Edit(changes), others=rows[1], budget=case["budget"])


def test_edits_are_those_of_python(tmp_path):
    given = {"worlds": [signatures.to_json() for signatures in WORLDS], "cases": list(cases())}
    found = run_module(EDITS, given, tmp_path)
    seen = {"clipped": 0, "trimmed": 0, "unreached": 0}
    for case, made in zip(given["cases"], found, strict=True):
        wanted = in_python(case)
        assert np.abs(np.array(made["codes"]) - wanted.codes[0]).max() < NEAR, case
        assert made["kept"] == pytest.approx(wanted.kept[0], abs=1e-6)
        assert [d["factor"] for d in made["done"]] == [d.factor for d in wanted.done]
        for mine, theirs in zip(made["done"], wanted.done, strict=True):
            for name in ("before", "wanted", "after"):
                # An angle at the end of its range may be read at the other end.
                apart = abs(mine[name] - getattr(theirs, name)[0])
                period = PERIODS.get(theirs.factor, np.inf)
                assert min(apart, abs(apart - period)) < 1e-2 * UNITS.get(theirs.factor, 60) / 60
            assert mine["reached"] == theirs.reached[0]
            seen["unreached"] += not mine["reached"]
        if case["budget"] is not None:
            assert made["leakage"] == pytest.approx(wanted.leakage[0], abs=1e-6)
            seen["trimmed"] += wanted.leakage[0] > 0.99 * case["budget"]
        seen["clipped"] += wanted.kept[0] < 1
    assert all(count >= 10 for count in seen.values()), seen


def test_an_angle_that_means_nothing_is_brought_out(tmp_path):
    reader = WORLDS[0]["turn"].reader
    code = codes_of(WORLDS[0], 1).astype(float)
    near = code - (reader(code) - np.array([[0.02, 0.05]])) @ np.linalg.pinv(reader.weights)
    case = {"world": 0, "code": near[0].tolist(), "others": code[0].tolist(), "budget": None}
    case["changes"] = [{"factor": "turn", "by": 90.0}]
    (made,) = run_module(EDITS, {"worlds": [WORLDS[0].to_json()], "cases": [case]}, tmp_path)
    wanted = in_python(case).codes
    assert np.hypot(*reader(wanted)[0]) == pytest.approx(LEAST_RADIUS, abs=1e-3)
    assert np.abs(np.array(made["codes"]) - wanted[0]).max() < NEAR


REFUSED = """
import { Signatures } from "static:arithmetic/signature.js";
import { editCodes } from "static:arithmetic/edit.js";
const signatures = new Signatures(given.world);
console.log(JSON.stringify(given.changes.map((change) => {
  try { editCodes(signatures, given.code, [change]); return null; } catch (error) { return error.message; }
})));
"""


def test_what_python_refuses_is_refused(tmp_path):
    changes = [
        {"factor": "frown", "by": 1},
        {"factor": "pose", "by": 1},
        {"factor": "pose", "to": "up"},
        {"factor": "age", "to": "ancient"},
        {"factor": "smile", "to": "wide"},
        {"factor": "smile", "swap": True},
        {"factor": "smile", "by": 1},
    ]
    given = {"world": WORLDS[0].to_json(), "code": [0.0] * LATENT, "changes": changes}
    found = run_module(REFUSED, given, tmp_path)
    words = ["no signature", "to which class", "cannot be set", "cannot be set", "expected a number", "another picture"]
    for message, word in zip(found[:-1], words, strict=True):
        assert word in message
    assert found[-1] is None


READINGS = """
import { Signatures } from "static:arithmetic/signature.js";
import { readings } from "static:arithmetic/edit.js";
import { stripChanges } from "static:arithmetic/strips.js";
const signatures = new Signatures(given.world);
const read = given.codes.map((code) => readings(signatures, code));
const strips = signatures.all.map((signature) => stripChanges(signature, 7));
console.log(JSON.stringify({ read, strips }));
"""


def test_probes_read_what_they_read_in_python(tmp_path):
    codes = codes_of(WORLDS[0])
    found = run_module(READINGS, {"world": WORLDS[0].to_json(), "codes": codes.tolist()}, tmp_path)
    for signature in WORLDS[0].signatures:
        wanted = signature.reader.read(codes)
        assert [row[signature.name]["value"] for row in found["read"]] == pytest.approx(wanted.tolist(), abs=1e-6)
        if signature.factor.is_discrete:
            names = [signature.factor.values[int(code)] for code in wanted]
            assert [row[signature.name]["name"] for row in found["read"]] == names


def test_strips_have_the_columns_of_python(tmp_path):
    found = run_module(READINGS, {"world": WORLDS[0].to_json(), "codes": []}, tmp_path)["strips"]
    for signature, columns in zip(WORLDS[0].signatures, found, strict=True):
        edits, titles = _columns(signature, 7)
        assert [column["title"] for column in columns] == list(titles)
        for column, edit in zip(columns, edits, strict=True):
            change = edit.changes[signature.name]
            wanted = {"to": change.value} if isinstance(change, Set) else {"by": change.amount}
            assert column["change"] == {"factor": signature.name} | {k: pytest.approx(v) for k, v in wanted.items()}


ANOTHER = """
import { Signatures } from "static:arithmetic/signature.js";
try { new Signatures({ ...given, format: 3 }); } catch (error) { console.log(JSON.stringify(error.message)); }
"""


def test_signatures_of_another_format_are_refused(tmp_path):
    assert "format 3" in run_module(ANOTHER, WORLDS[0].to_json(), tmp_path)

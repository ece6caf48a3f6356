"""`unweave score`: what it reads, what it prints, and what it says about mistakes."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unweave.core import Factor, FactorTable
from unweave.metrics import mig, scorecard
from unweave.metrics.registry import METRICS

KEYS = {"value", "interval", "null", "reason", "stamp", "matrix"}
RNG = np.random.default_rng(0)
FACTORS = RNG.integers(0, 4, (300, 3))
CODES = FACTORS + 0.4 * RNG.standard_normal((300, 3))
QUICK = ("--bootstrap", "20", "--nulls", "2")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The same codes and labels in every format, in the working folder."""
    monkeypatch.chdir(tmp_path)
    np.save("codes.npy", CODES)
    np.save("factors.npy", FACTORS)
    np.savez("both.npz", codes=CODES, factors=FACTORS, n_train=200)
    np.savez("only.npz", anything=CODES)
    np.savetxt("codes.csv", CODES, delimiter=",", header="z0,z1,z2", comments="")
    np.savetxt("bare.csv", CODES, delimiter=",")
    np.savetxt("bare_factors.csv", FACTORS, fmt="%d", delimiter=";")
    lines = [",".join(["", *"012"]), *(f"{i},{a!r},{b!r},{c!r}" for i, (a, b, c) in enumerate(CODES.tolist()))]
    (tmp_path / "pandas.csv").write_text("\n".join(lines))
    decimal = [";".join(repr(x).replace(".", ",") for x in row) for row in CODES.tolist()]
    (tmp_path / "comma.csv").write_bytes("\r\n".join(["a;b;c", *decimal]).encode("utf-8-sig"))
    pq.write_table(pa.table({f"z{d}": CODES[:, d] for d in range(3)}), "codes.parquet")
    pq.write_table(pa.table({"codes": list(CODES)}), "lists.parquet")
    pq.write_table(pa.table({f"f{k}": FACTORS[:, k] for k in range(3)}), "factors.parquet")
    return tmp_path


def run_json(unweave, *arguments):
    code, out, err = unweave("score", *arguments, "--json")
    assert code == 0, err
    return json.loads(out)["scores"]  # one document and nothing else


@pytest.mark.parametrize(
    ("codes", "factors"),
    [
        ("codes.npy", "factors.npy"),
        ("both.npz", "both.npz"),
        ("both.npz", None),
        ("only.npz", "factors.parquet"),
        ("codes.csv", "bare_factors.csv"),
        ("bare.csv", "factors.npy"),
        ("pandas.csv", "factors.npy"),
        ("comma.csv", "factors.npy"),
        ("codes.parquet", "both.npz"),
        ("lists.parquet", "factors.npy"),
    ],
)
def test_every_format_gives_the_score_of_the_arrays(unweave, files, codes, factors):
    scores = run_json(unweave, codes, *filter(None, [factors]), "--metrics", "mig", *QUICK)
    expected = mig(CODES, FACTORS, bootstrap=20, nulls=2).to_json()
    assert list(scores) == ["mig"]
    for key in ("value", "interval", "null", "matrix"):
        assert np.array(scores["mig"][key]) == pytest.approx(np.array(expected[key]), abs=1e-12), key


def test_json_holds_what_is_promised(unweave, files):
    scores = run_json(unweave, "both.npz", "both.npz", *QUICK)
    expected = scorecard(CODES, FACTORS, metrics=[n for n, e in METRICS.items() if not e.slow], bootstrap=20, nulls=2)
    assert list(scores) == list(expected)
    for name, score in scores.items():
        assert score.keys() >= KEYS
        assert (score["value"] is None) == bool(score["reason"])
        assert score["stamp"]["definition"], name
        assert score["stamp"]["mode"] == "robust"
    assert scores == json.loads(json.dumps(expected.to_json()["scores"]))


def test_options_reach_the_metrics(unweave, files):
    options = ["--metrics", "mig, dci.completeness", "--mode", "reference", "--seed", "3", "--train-rows", "200"]
    scores = run_json(unweave, "both.npz", *options, "--bootstrap", "0", "--nulls", "0")
    assert list(scores) == ["mig", "dci.completeness"]
    assert scores["mig"]["value"] == mig(CODES, FACTORS, mode="reference", bootstrap=0, nulls=0).value
    assert scores["mig"]["interval"] is None
    assert scores["mig"]["null"] is None
    settings = scores["dci.completeness"]["stamp"]["settings"]
    assert (settings["train_rows"], settings["test_rows"], settings["seed"]) == (200, 100, 3)
    scores = run_json(unweave, "both.npz", "--metrics", "mig,dci", "--budget", "0")
    assert {score["value"] for score in scores.values()} == {None}
    assert all(score["reason"].startswith("left out: the budget") for score in scores.values())
    assert {"mig", "dci.disentanglement", "dci.completeness", "dci.informativeness"} <= set(scores)


def test_variances_beside_the_codes_reach_the_metrics(unweave, files, monkeypatch):
    seen = []
    entry = METRICS["mig"]

    def spy(codes, factors, **settings):
        seen.append(codes)
        return entry.metric(codes, factors, **settings)

    monkeypatch.setitem(METRICS, "mig", type(entry)(spy, ("mig",)))
    np.savez("codes.npz", codes=CODES, logvars=-np.ones_like(CODES))
    run_json(unweave, "codes.npz", "factors.npy", "--metrics", "mig", *QUICK)
    assert np.array_equal(seen[0].logvar, -np.ones_like(CODES))


def test_a_grid_needs_no_labels(unweave, files):
    labels = np.indices((3, 4, 5)).reshape(3, -1).T
    np.save("table.npy", labels[:, ::-1] * 1.5)
    scores = run_json(unweave, "table.npy", "--grid", "3,4,5", "--metrics", "mig", *QUICK)
    assert scores["mig"]["value"] == mig(labels[:, ::-1] * 1.5, labels, bootstrap=0, nulls=0).value
    assert np.argmax(scores["mig"]["matrix"], axis=0).tolist() == [2, 1, 0]


def test_words_missing_labels_and_a_project(unweave, files):
    text = ["colour,angle,size", *(f"{'rgb'[i % 3]},{i % 300 * 1.2},{'' if i % 7 == 0 else i % 5}" for i in range(300))]
    (files / "labels.csv").write_text("\n".join(text))
    size = np.array([np.nan if i % 7 == 0 else i % 5 for i in range(300)])
    scores = run_json(unweave, "codes.npy", "labels.csv", "--metrics", "probe", *QUICK)
    assert list(scores) == ["probe.colour", "probe.angle", "probe.size"]
    assert scores["probe.size"]["stamp"]["rows"] == np.isfinite(size).sum()
    (files / "unweave.yaml").write_text(
        "name: p\ndata: {vectors: codes.npy}\nfactors:\n- {name: angle, kind: circular, range: [0, 360], priority: 1}\n"
    )
    scores = run_json(unweave, "codes.npy", "labels.csv", "--metrics", "probe", "-C", ".", *QUICK)
    assert list(scores) == ["probe.angle"]
    assert np.shape(scores["probe.angle"]["matrix"]) == (3, 2)  # sine and cosine: the project says that it is circular


def test_the_table_for_people(unweave, files):
    np.save("dead.npy", np.hstack([np.ones((300, 1)), CODES]))
    code, out, _ = unweave("score", "dead.npy", "factors.npy", "--metrics", "mig", *QUICK)
    value = mig(CODES, FACTORS, bootstrap=0, nulls=0).value
    assert code == 0
    assert f"{value:.3f}" in out
    assert "without z0" in out
    code, out, _ = unweave("score", "dead.npy", "factors.npy", "--metrics", "mig", "--budget", "0")
    assert (code, "left out: the budget of 0 s" in out) == (0, True)


def test_the_picture(unweave, files):
    code, out, _ = unweave("score", "both.npz", "--metrics", "mig", "--picture", "[p].png", *QUICK)
    assert (code, "Picture: [p].png" in out) == (0, True)
    with Image.open("[p].png") as picture:
        assert picture.size[0] > 1000
    code, _, err = unweave("score", "both.npz", "--metrics", "mig", "--picture", "p.gif", *QUICK)
    assert (code, "ends in .png, .pdf, .svg" in err) == (2, True)
    code, _, err = unweave("score", "both.npz", "--metrics", "mig", "--picture", "codes.npy/p.png", *QUICK)
    assert (code, "cannot write" in err) == (3, True)


BAD = {
    "flat.npy": np.zeros(300),
    "nan.npy": np.where(np.arange(300)[:, None] == 7, np.nan, CODES),
    "turned.npy": CODES.T,
    "short.npy": FACTORS[:250],
    "one_short.npy": FACTORS[:299],
    "words.npy": np.array([["a", "b"]] * 300),
    "objects.npy": np.array([[None, "b"]] * 300),
}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gone.npy", "factors.npy"], "gone.npy does not exist"),
        (["codes.npy", "gone.npy"], "gone.npy does not exist"),
        (["codes.npy"], "holds no labels"),
        (["table.npz"], "--grid 15,20"),
        ([], "score: say what to score"),
        (["flat.npy", "factors.npy"], "One code alone is codes[:, None]"),
        (["nan.npy", "factors.npy"], "row 7, column 0"),
        (["turned.npy", "factors.npy"], "transposed"),
        (["codes.npy", "short.npy"], "the same rows"),
        (["codes.npy", "one_short.npy"], "300 rows and one_short.npy has 299"),
        (["words.npy", "factors.npy"], "expected real numbers"),
        (["objects.npy", "factors.npy"], "objects.npy cannot be read"),
        (["bad.npz", "factors.npy"], "bad.npz cannot be read"),
        (["bad.npy", "factors.npy"], "bad.npy cannot be read"),
        (["bad.parquet", "factors.npy"], "bad.parquet cannot be read"),
        (["bad.txt", "factors.npy"], "expected a .npy, .npz"),
        (["two.npz", "factors.npy"], "`a` (300, 3), `b` (300, 3)"),
        (["codes.npy", "factors.npy", "--metrics", "migg"], "no metric 'migg'"),
        (["codes.npy", "factors.npy", "--metrics", "probe.nose"], "no score 'probe.nose'"),
        (["codes.npy", "factors.npy", "--mode", "strict"], "expected one of reference, robust"),
        (["codes.npy", "factors.npy", "--train-rows", "300", "--metrics", "dci"], "expected 1 to 299"),
        (["codes.npy", "--grid", "3,x"], "--grid: expected"),
        (["codes.npy", "--grid", "3,4,5"], "expected shape (60, codes)"),
        (["codes.npy", "factors.npy", "--grid", "10,30"], "Leave out the file of labels"),
        (["codes.npy", "factors.npy", "--weights", "size"], "--weights: expected"),
        (["codes.npy", "factors.npy", "-C", "."], "unweave.yaml does not exist"),
        (["codes.npy", "factors.npy", "--budget", "-1"], "Invalid value for '--budget'"),
    ],
)
def test_mistakes_are_explained(unweave, files, arguments, words):
    for name, array in BAD.items():
        np.save(name, array)
    np.savez("two.npz", a=CODES, b=CODES)
    np.savez("table.npz", codes=CODES, factor_sizes=[15, 20])
    for suffix in ("npz", "npy", "parquet", "txt"):
        (files / f"bad.{suffix}").write_bytes(b"PK\x03\x04 nothing of the kind")
    code, out, err = unweave("score", *arguments)
    assert (code, out) == (2, "")
    assert words in " ".join(err.split())


def test_scoring_needs_no_torch(files):
    code = (
        "import sys\nfrom unweave.cli.main import main\n"
        "sys.argv = ['unweave', 'score', 'both.npz', '--metrics', 'mig', '--bootstrap', '0']\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "print('HEAVY', sorted({'torch', 'mlflow', 'lightning_fabric'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("HEAVY []\n")


def test_factors_of_a_table_keep_their_kind(files):
    from unweave.projects.score_inputs import read_factors

    (files / "mixed.csv").write_text("when,on,x\n2024-01-01,true,0.5\n2024-01-02,false,\n2024-01-01,true,2\n")
    table = read_factors(files / "mixed.csv")
    assert isinstance(table, FactorTable)
    assert table.factors[0] == Factor(name="when", kind="categorical", values=("2024-01-01", "2024-01-02"))
    assert [factor.kind for factor in table.factors] == ["categorical", "ordinal", "ordinal"]
    assert table.known.tolist() == [[True, True, True], [True, True, False], [True, True, True]]

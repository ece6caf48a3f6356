"""Signatures made by hand for codes that are linear in their factors."""

import numpy as np

from unweave.core.factors import Factor
from unweave.core.targets import Target
from unweave.signatures.chart import Chart
from unweave.signatures.density import Density
from unweave.signatures.place import PlaceReader
from unweave.signatures.reader import Reader
from unweave.signatures.signature import Leakage, Signature
from unweave.signatures.signatures import Signatures

SMILE = Target(Factor(name="smile", kind="continuous"), 2.0, 0.5)
AGE = Target(Factor(name="age", kind="ordinal", values=("young", "middle", "old")), 1.0, (2 / 3) ** 0.5)
POSE = Target(Factor(name="pose", kind="categorical", values=("left", "front", "right", "up")))
GLASSES = Target(Factor(name="glasses", kind="categorical", values=("no", "yes")))
TURN = Target(Factor(name="turn", kind="circular", range=(0, 360)), 0.0, 360 / (2 * np.pi))
HUE = Target(Factor(name="hue", kind="circular", range=(0, 1)), 0.0, 1 / (2 * np.pi))
HOUR = Target(Factor(name="hour", kind="circular", range=(0, 24)), 0.0, 24 / (2 * np.pi))
BEND = Target(Factor(name="bend", kind="continuous"), 0.0, 1.0)

LATENT = 16
RADIUS = 1e3
"""So wide that nothing is clipped, unless a test asks for less."""


def world(seed=0, *, radius=RADIUS, leakage=True):
    """Signatures of six factors of all kinds in 16 dimensions; `up` has no labels. Weights are random. Each
    probe sees the whole of its own directions, and something of the others'."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(LATENT, LATENT)) / 3 + np.eye(LATENT)
    density = Density(rng.normal(size=LATENT), root @ root.T, radius)
    weights = np.split(rng.normal(size=(LATENT, 11)), [1, 2, 6, 8, 10], axis=1)
    every = np.linalg.pinv(np.hstack(weights))
    made = [
        _signature(rng, SMILE, weights[0], every[:1], "line"),
        _signature(rng, AGE, weights[1], every[1:2], "line"),
        _signature(rng, POSE, weights[2], every[2:6], "classes", classes=(0, 1, 2)),
        _signature(rng, GLASSES, weights[3], every[6:8], "classes", classes=(0, 1)),
        _signature(rng, TURN, weights[4], every[8:10], "rotation"),
        _bent(rng, weights[5], every[10:]),
    ]
    if leakage:
        names = [s.name for s in made]
        made = [_leaking(rng, s, names) for s in made]
    return Signatures("model-a", density, tuple(made))


def with_loops(signatures, seed=0):
    """The same with two angles whose paths bend: `hue` goes round a loop in no plane, `hour` has a cut."""
    rng = np.random.default_rng([seed, 1])
    axes = np.linalg.qr(rng.normal(size=(LATENT, 4)))[0].T
    closed = Chart(HUE, tuple(np.arange(8) * 2 * np.pi / 8))
    angles = np.array(closed.knots)
    loop = 3 * np.stack([np.cos(angles), np.sin(angles), 0.4 * np.cos(2 * angles)], axis=1) @ axes[:3]
    torn = Chart(HOUR, tuple(1.0 + (np.arange(6) + 0.5) * 2 * np.pi / 6), 1.0)
    line = np.linspace(-4, 4, 6)[:, None] * axes[3] + 0.3 * rng.normal(size=(6, LATENT))
    made = [_loop(signatures, closed, loop), _loop(signatures, torn, line)]
    names = [*signatures.names, "hue", "hour"]
    if signatures.signatures[0].leakage:
        made = [_leaking(rng, s, names) for s in made]
    return Signatures(signatures.model, signatures.density, (*signatures.signatures, *made))


def _loop(signatures, chart, path):
    reader = PlaceReader(chart, signatures.density.mean + path, np.linalg.inv(signatures.density.covariance))
    half = chart.target.factor.period / 2
    return Signature(chart, path - path.mean(axis=0), reader, "loop", "regression", 1.0, (-half, half), 100)


def codes_of(signatures, rows=40, seed=1):
    """Codes drawn from the signatures' density."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(signatures.density.covariance)
    return (signatures.density.mean + rng.normal(size=(rows, LATENT)) @ root.T).astype(np.float32)


def _signature(rng, target, weights, isolated, path, classes=()):
    offset = rng.normal(size=weights.shape[1])
    # Between isolated from all other probes and not at all, with a part that no probe of its own factor sees.
    directions = 0.7 * isolated + 0.3 * np.linalg.pinv(weights) + 0.05 * _unseen(rng, weights)
    if path == "classes":
        offset = np.where(np.isin(np.arange(len(offset)), classes), offset, -np.inf)
        directions = 4 * directions
    reader = Reader(target, weights, offset)
    return Signature(Chart(target), directions, reader, path, "isolated", 1.0, (-2.0, 3.0), 100, classes)


def _unseen(rng, weights):
    """Rows that the weights do not read."""
    free = rng.normal(size=(weights.shape[1], LATENT))
    return free - free @ weights @ np.linalg.pinv(weights)


def _bent(rng, weights, isolated):
    knots = (-1.0, 0.0, 1.5)
    straight = _signature(rng, BEND, weights, isolated, "line")
    corners = np.array(knots)[:, None] * straight.directions[0] * np.array([[1.3], [1.0], [0.8]])
    corners = corners + 0.1 * np.vstack([_unseen(rng, weights) for _ in knots])
    return Signature(Chart(BEND, knots), corners, straight.reader, "piecewise", "regression", 1.0, (-2.0, 2.0), 100)


def _leaking(rng, signature, names):
    others = tuple(n for n in names if n != signature.name)
    values = tuple(rng.uniform(0.05, 0.5, len(others)).tolist())
    row = Leakage("judge", 1.0, others, values, tuple((v, v) for v in values))
    # A measure that is believed less comes first, and says something else.
    wrong = Leakage("codes", 1.0, others, tuple(9.0 for _ in others), tuple((9.0, 9.0) for _ in others))
    return Signature(**{**vars(signature), "leakage": (wrong, row)})

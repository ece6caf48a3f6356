"""An experiment: hold one factor, let all others vary, and learn from the codes which factor was held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core import ConfigError
from unweave.metrics.arena import Arena
from unweave.metrics.inputs import Mode, Problem
from unweave.metrics.robust_codes import standard_codes
from unweave.metrics.sources import Draws, Keys, draw

Floats = NDArray[np.float64]
Shown = NDArray[Any]
"""What the codes show in each point, (P, …)."""

Guess = Callable[[Shown], NDArray[np.int64]]
"""The factors that were held, as read from what was shown."""

NUMBERS = 1 << 19
"""Codes that are looked up at once."""


class Experiment(Protocol):
    """What distinguishes one score from another."""

    @property
    def pairs(self) -> bool:
        """Whether a point is made of pairs, or of one batch that shares one value."""

    def settings(self, mode: Mode) -> dict[str, Any]:
        """What the stamp should say."""

    def published(self, codes: Floats, sample: Floats) -> tuple[Floats, Keys]:
        """Codes that take part in the published score (M, d) of (M, D), and their columns.

        `sample` (n, D) are codes of observations that were drawn.
        """

    def measure(self, *batches: Floats) -> Floats:
        """What every entry of a point contributes, (p, L, F), from codes (p, L, d), one array or two."""

    def show(self, means: Floats) -> Shown:
        """What points show, (p, …), from mean contributions (p, F)."""

    def learn(self, shown: Shown, factor: Keys, mode: Mode) -> Guess | None:
        """A classifier of the factor that is held; None where too little was shown."""

    def summary(self, shown: Shown, factor: Keys, shape: tuple[int, int]) -> Floats:
        """The matrix behind the score, (d, k)."""


@dataclass(frozen=True)
class Sizes:
    """How much is drawn: observations per point, points that are learnt from and tested on, rows of the sample."""

    batch: int
    train: int
    test: int
    sample: int | None = None

    def __post_init__(self) -> None:
        if min(self.batch, self.train, self.test, 2 if self.sample is None else self.sample) < 2:
            raise ConfigError(f"batch, points: expected at least 2 of each, got {asdict(self)}.")

    def shared_by(self, folds: int) -> Sizes:
        """The part of every fold."""
        return replace(self, train=max(2, self.train // folds), test=max(2, self.test // folds))


@dataclass(frozen=True)
class Trial:
    """Points that one fold learns from and tests on, in rows of the table of codes."""

    train: Draws
    test: Draws


@dataclass(frozen=True)
class Outcome:
    """What a fold showed and learnt."""

    taught: Shown
    tested: Shown
    guess: Guess


@dataclass(frozen=True)
class Run:
    """One experiment, whose points stay the same while codes, rows or the classifier change."""

    experiment: Experiment
    arena: Arena
    sizes: Sizes
    mode: Mode
    problem: Problem
    trials: Sequence[Trial]
    sample: Keys | None

    @classmethod
    def of(cls, experiment: Experiment, arena: Arena, sizes: Sizes, mode: Mode, random: np.random.Generator) -> Self:
        """Draw all points, then look up or encode the observations that occur."""
        points = sizes.train, sizes.test
        draws = [
            draw(source, count, sizes.batch, random, pairs=experiment.pairs)
            for fold in arena.folds
            for source, count in zip(fold, points, strict=True)
        ]
        samples = [arena.folds[0][0].rows(sizes.sample, random)] if sizes.sample is not None else []
        problem, places = arena.resolve([rows for d in draws for rows in d.rows] + samples)
        left = iter(places)
        found = [Draws(d.factor, tuple(next(left) for _ in d.rows)) for d in draws]
        trials = [Trial(*found[i : i + 2]) for i in range(0, len(found), 2)]
        return cls(experiment, arena, sizes, mode, problem, trials, next(left, None))

    def prepared(self, random: np.random.Generator | None = None) -> tuple[Floats, Keys]:
        """Codes that take part, and their columns; on request those of random codes, with rows permuted."""
        problem = self.problem
        if random is not None:
            problem = replace(problem, codes=random.permutation(problem.codes))
        if self.mode == "robust":
            return standard_codes(problem)
        codes = problem.codes.astype(np.float64)
        return self.experiment.published(codes, codes if self.sample is None else codes[self.sample])

    def outcomes(self, table: Floats) -> list[Outcome] | None:
        """What every fold shows and learns from a table of codes; None when one cannot learn."""
        found = []
        for trial in self.trials:
            taught, tested = self.shown(table, trial.train), self.shown(table, trial.test)
            guess = self.experiment.learn(taught, trial.train.factor, self.mode)
            if guess is None:
                return None
            found.append(Outcome(taught, tested, guess))
        return found

    def accuracy(self, outcomes: Sequence[Outcome]) -> float:
        """Weighted share of the test points that are guessed."""
        right, weights = self.answers(outcomes)
        return float(right @ weights / weights.sum())

    def matrix(self, outcomes: Sequence[Outcome], live: Keys) -> Floats:
        """The matrix (D, K) of all test points; what was left out is 0."""
        shown, factor = (
            np.concatenate([o.tested for o in outcomes]),
            np.concatenate([t.test.factor for t in self.trials]),
        )
        full = np.zeros((self.problem.codes.shape[1], len(self.arena.factors.factors)))
        shape = len(live), len(self.arena.used)
        full[np.ix_(live, np.array(self.arena.used))] = self.experiment.summary(shown, factor, shape)
        return full

    def answers(self, outcomes: Sequence[Outcome]) -> tuple[Floats, Floats]:
        """Right answers (P,), 0 or 1, and their weights."""
        pairs = list(zip(outcomes, self.trials, strict=True))
        right = np.concatenate([o.guess(o.tested) == t.test.factor for o, t in pairs]).astype(np.float64)
        return right, self.arena.weights[np.concatenate([t.test.factor for t in self.trials])]

    def shown(self, table: Floats, draws: Draws) -> Shown:
        """What points show, looked up in a table of codes."""
        means = [measured.mean(axis=1) for _, measured in self._measured(table, draws)]
        return self.experiment.show(np.concatenate(means))

    def shown_without(self, table: Floats, draws: Draws, groups: Keys) -> Iterator[Shown]:
        """What points show without the entries that hold a row of one group, for each of the `groups` of rows (M,).

        A point that would keep less than two entries keeps all of them.
        """
        means = []
        for rows, measured in self._measured(table, draws):
            inside = np.stack([np.eye(groups.max() + 1, dtype=bool)[groups[r]] for r in rows]).any(axis=0)
            total, left = measured.sum(axis=1)[:, None], measured.shape[1] - inside.sum(axis=1)
            lost = np.swapaxes(inside, 1, 2).astype(np.float64) @ measured
            mean = (total - lost) / np.maximum(left, 1)[:, :, None]
            means.append(np.where(left[:, :, None] < 2, total / measured.shape[1], mean))
        every = np.concatenate(means)
        for group in range(every.shape[1]):
            yield self.experiment.show(every[:, group])

    def _measured(self, table: Floats, draws: Draws) -> Iterator[tuple[tuple[Keys, ...], Floats]]:
        """A few points at a time: their rows (p, L), and what they contribute (p, L, F)."""
        points, batch = draws.rows[0].shape
        step = max(1, NUMBERS // (batch * max(1, table.shape[1])))
        for start in range(0, points, step):
            rows = tuple(r[start : start + step] for r in draws.rows)
            yield rows, self.experiment.measure(*(table[r] for r in rows))

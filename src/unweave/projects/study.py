"""What a user study says of models: mean naturalness, and the share of blind choices, with honest intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.resampling import student_t
from unweave.stores.records import Choice, Naturalness, Rated

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean over ratings.

    Attributes:
        value: the mean of all ratings.
        interval: 95 %, for other raters and other edits like these; None where there is one rater.
        ratings, raters, items: how many; items are edits, or pairs of edits.
    """

    value: float
    interval: tuple[float, float] | None
    ratings: int
    raters: int
    items: int


@dataclass(frozen=True)
class ModelNaturalness:
    """How natural the edits of a model look, from 1 to 5."""

    model: str
    mean: Estimate


@dataclass(frozen=True)
class Preference:
    """How often a model was preferred to a rival.

    Attributes:
        share: from 0 to 1; "neither" counts as half. 0.5 is no preference.
        neither: how often neither was chosen.
        left: share of choices of the left side among those of a side: far from 0.5, people chose by side.
    """

    model: str
    rival: str
    share: Estimate
    neither: int
    left: float | None


@dataclass(frozen=True)
class Study:
    """The result of a study.

    Attributes:
        notes: what limits it, in words.
    """

    name: str
    naturalness: tuple[ModelNaturalness, ...]
    preferences: tuple[Preference, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)


@dataclass(frozen=True)
class _Vote:
    rater: str
    item: Hashable
    value: float


def summarise(name: str, rated: Sequence[Rated]) -> Study:
    """Sum up ratings. Where a rater rated the same edit or the same pair again, the last rating counts."""
    last = _last_words(rated)
    scores: dict[str, list[_Vote]] = defaultdict(list)
    choices: dict[tuple[str, str], list[Rated]] = defaultdict(list)
    same = 0
    for each in last:
        if isinstance(each.rating, Naturalness):
            scores[each.models[0]].append(_Vote(each.rating.rater, each.rating.edit, each.rating.score))
        elif each.models[0] == each.models[1]:
            same += 1
        else:
            first, second = sorted(each.models)
            choices[first, second].append(each)
    naturalness = tuple(ModelNaturalness(model, _naturalness(votes)) for model, votes in sorted(scores.items()))
    preferences = tuple(_preference(models, votes) for models, votes in sorted(choices.items()))
    return Study(name, naturalness, preferences, _notes(rated, last, same, preferences))


def _item(rating: Naturalness | Choice) -> Hashable:
    return rating.edit if isinstance(rating, Naturalness) else frozenset((rating.left, rating.right))


def _last_words(rated: Sequence[Rated]) -> list[Rated]:
    # Ratings without a rater's name may be of different people, so none replaces another.
    known = {(each.rating.rater or index, _item(each.rating)): each for index, each in enumerate(rated)}
    return list(known.values())


def _naturalness(votes: Sequence[_Vote]) -> Estimate:
    values, spread, degrees = _mean_and_variance(votes)
    raters = len({vote.rater for vote in votes})
    value = float(values.mean())
    interval = None
    if raters > 1:
        # Scores are whole numbers: raters who agree to within half a point all give the same one, which looks like
        # no spread at all. A uniform error within half a point has a variance of 1/12.
        half = student_t(degrees) * float(np.sqrt(max(spread, 1 / 12 / raters)))
        interval = (max(1.0, value - half), min(5.0, value + half))
    return Estimate(value, interval, len(votes), raters, len({vote.item for vote in votes}))


def _preference(models: tuple[str, str], choices: Sequence[Rated]) -> Preference:
    votes, sides = [], []
    for each in choices:
        rating = each.rating
        assert isinstance(rating, Choice)
        value = 0.5
        if rating.chosen != "neither":
            sides.append(rating.chosen)
            value = float(each.models[rating.chosen == "right"] == models[0])
        votes.append(_Vote(rating.rater, _item(rating), value))
    left = sides.count("left") / len(sides) if sides else None
    return Preference(*models, _share(votes), len(votes) - len(sides), left)


def _share(votes: Sequence[_Vote]) -> Estimate:
    """Share with the interval of Korn and Graubard (1998): Clopper and Pearson's, for the number of independent votes
    that would vary as much as these do, made wider for the few raters that this variance was estimated from."""
    from scipy.special import betaincinv  # SciPy takes a while to import

    values, spread, degrees = _mean_and_variance(votes)
    total, raters, value = len(votes), len({vote.rater for vote in votes}), float(values.mean())
    interval = None
    if raters > 1:
        # Where all agree nothing varies, and how alike the votes of one rater are cannot be seen: each counts as one.
        independent = min(total, value * (1 - value) / spread) if spread > 0 else raters
        count = independent * (student_t(total - 1) / student_t(degrees)) ** 2
        for_it, against = value * count, (1 - value) * count
        low = float(betaincinv(for_it, against + 1, 0.025)) if for_it > 0 else 0.0
        high = float(betaincinv(for_it + 1, against, 0.975)) if against > 0 else 1.0
        interval = (low, high)
    return Estimate(value, interval, total, raters, len({vote.item for vote in votes}))


def _mean_and_variance(votes: Sequence[_Vote]) -> tuple[Floats, float, int]:
    """Values, variance of their mean, its degrees of freedom.

    Raters and items are both drawn at random, and two votes by one rater or of one item are alike: the variances by
    raters and by items add up, less that of single votes, which is in both (Cameron, Gelbach and Miller 2011, eq. 2.5).
    Each is a jackknife that leaves out one group at a time. With one item the mean is about that item alone.
    """
    values = np.array([vote.value for vote in votes], dtype=np.float64)
    raters, items = [vote.rater for vote in votes], [vote.item for vote in votes]
    by_rater = _jackknife(values, raters)
    if len(set(items)) < 2:
        return values, by_rater, max(1, len(set(raters)) - 1)
    both = by_rater + _jackknife(values, items) - _jackknife(values, list(range(len(values))))
    return values, max(both, by_rater), max(1, min(len(set(raters)), len(set(items))) - 1)


def _jackknife(values: Floats, groups: Sequence[Hashable]) -> float:
    names = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    if len(names) < 2:
        return 0.0
    which = np.array([names[group] for group in groups])
    without = (values.sum() - np.bincount(which, values)) / (len(values) - np.bincount(which))
    return float((len(names) - 1) / len(names) * ((without - without.mean()) ** 2).sum())


def _notes(
    rated: Sequence[Rated], last: Sequence[Rated], same: int, preferences: Sequence[Preference]
) -> tuple[str, ...]:
    notes = []
    raters = {each.rating.rater for each in last}
    if len(raters) == 1:
        notes.append("One rater: there is no telling how others would rate, so there are no intervals.")
    elif len(raters) < 10:
        notes.append(f"{len(raters)} raters: intervals are wide because so few say little about others.")
    unnamed = sum(not each.rating.rater for each in last)
    if unnamed:
        notes.append(f"{unnamed} ratings name no rater; they count as those of a single one.")
    if len(rated) > len(last):
        notes.append(f"{len(rated) - len(last)} ratings were replaced by later ones of the same rater.")
    if same:
        notes.append(f"{same} choices between two edits of the same model are left out.")
    for one in preferences:
        if one.left is not None and abs(one.left - 0.5) > 0.2:
            where = f"{one.model} and {one.rival}: {one.left:.0%} of the choices fell on the left side"
            notes.append(f"{where}. Draw sides at random.")
    return tuple(notes)

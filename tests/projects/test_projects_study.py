"""Studies: means, shares, and intervals that hold what they say though raters are few."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import beta, t

from unweave.core.seeds import generator
from unweave.projects.study import summarise
from unweave.stores.records import Choice, Naturalness, Rated

THEN = datetime(2030, 1, 1, tzinfo=UTC)


def edit(name):
    return f"edit-{name}".ljust(16, "_")


def scored(rater, name, score, model="a@1"):
    return Rated(Naturalness("s", edit(name), score, rater), (model,), THEN)


def chosen(rater, name, side, models=("a@1", "b@2")):
    left, right = edit(f"{name}-{models[0][0]}"), edit(f"{name}-{models[1][0]}x")
    return Rated(Choice("s", left, right, side, rater), tuple(models), THEN)


def naturalness(rated):
    (found,) = summarise("s", rated).naturalness
    return found.mean


def preference(rated):
    (found,) = summarise("s", rated).preferences
    return found


def test_a_mean_with_the_interval_of_student_where_each_rater_rates_once():
    scores = [5, 4, 2, 3, 4, 4]
    found = naturalness([scored(f"r{n}", f"e{n}", score) for n, score in enumerate(scores)])
    half = t.ppf(0.975, 5) * np.std(scores, ddof=1) / math.sqrt(6)
    assert found.value == pytest.approx(np.mean(scores))
    assert found.interval == pytest.approx((np.mean(scores) - half, np.mean(scores) + half))
    assert (found.ratings, found.raters, found.items) == (6, 6, 6)


def test_ratings_of_one_rater_are_not_more_raters():
    few = [scored(f"r{n}", f"e{n}", 2 + n) for n in range(3)]
    many = [scored(f"r{n}", f"e{n}-{k}", 2 + n) for n in range(3) for k in range(50)]
    assert naturalness(many).interval == pytest.approx(naturalness(few).interval)


def test_edits_vary_too():
    """All raters agree on each edit: what is not known is how natural other edits are."""
    scores = [2, 3, 4, 3]
    shared = [scored(f"r{n}", f"e{k}", score) for n in range(20) for k, score in enumerate(scores)]
    by_edit, by_rating = np.var(scores, ddof=1) / 4, np.var(scores * 20, ddof=1) / 80
    half = t.ppf(0.975, 3) * math.sqrt(by_edit - by_rating)
    assert naturalness(shared).interval == pytest.approx((3 - half, 3 + half))


def test_raters_who_agree_are_still_few():
    low, high = naturalness([scored(f"r{n}", f"e{k}", 5) for n in range(3) for k in range(10)]).interval
    assert high == 5
    assert low == pytest.approx(5 - t.ppf(0.975, 2) / 6)


def test_one_rater_has_no_interval():
    study = summarise("s", [scored("", "e1", 4), scored("", "e1", 5), chosen("", "p", "left")])
    assert study.naturalness[0].mean.interval is None
    assert study.naturalness[0].mean.value == 4.5  # without a name nobody's rating replaces another's
    assert study.preferences[0].share.interval is None
    assert any("One rater" in note for note in study.notes)
    assert any("3 ratings name no rater" in note for note in study.notes)


def test_the_last_rating_of_a_rater_counts():
    study = summarise("s", [scored("r", "e", 1), scored("q", "e", 2), scored("r", "e", 5)])
    assert study.naturalness[0].mean.value == 3.5
    assert any("1 ratings were replaced" in note for note in study.notes)


def test_a_share_is_of_the_model_and_not_of_the_side():
    rated = [chosen("r1", "p", "left"), chosen("r2", "p", "right", ("b@2", "a@1"))]
    rated += [chosen("r3", "p", "neither"), chosen("r4", "p", "right")]
    found = preference(rated)
    assert (found.model, found.rival, found.share.value, found.neither) == ("a@1", "b@2", 0.625, 1)
    assert found.left == pytest.approx(1 / 3)


def test_choices_that_swapped_sides_are_of_the_same_pair():
    swapped = Rated(Choice("s", edit("p-bx"), edit("p-a"), "left", "r"), ("b@2", "a@1"), THEN)
    assert preference([chosen("r", "p", "left"), swapped]).share.value == 0


def test_a_share_has_the_interval_of_clopper_and_pearson_where_each_rater_chooses_once():
    votes = [chosen(f"r{n}", f"p{n}", "left" if n < 12 else "right") for n in range(40)]
    # The jackknife's variance has 39 degrees of freedom where the binomial's is known: p (1 - p) / 39, not / 40.
    expected = beta.ppf(0.025, 11.7, 28.3), beta.ppf(0.975, 12.7, 27.3)
    assert preference(votes).share.interval == pytest.approx(expected, abs=1e-6)


def test_raters_who_all_choose_the_same_count_once_each():
    votes = [chosen(f"r{n}", f"p{k}", "left") for n in range(4) for k in range(25)]
    found = preference(votes).share
    assert found.interval[1] == 1
    assert found.interval[0] < beta.ppf(0.025, 4, 1) < 0.5  # four of four, at best


def test_the_same_model_on_both_sides_says_nothing():
    study = summarise("s", [chosen("r", "p", "left", ("a@1", "a@1"))])
    assert study.preferences == ()
    assert any("same model" in note for note in study.notes)


def test_choices_by_side_are_noticed():
    study = summarise("s", [chosen(f"r{n}", f"p{n}", "left") for n in range(12)])
    assert any("100% of the choices fell on the left side" in note for note in study.notes)


@pytest.mark.parametrize(("raters", "items"), [(3, 12), (5, 8), (12, 6)])
def test_intervals_hold_the_truth_as_often_as_they_say(raters, items):
    """Raters differ, edits differ, and both are drawn anew. 300 draws know a coverage of 95 % to within 2.5 points."""
    random, held, shares = generator(0, "coverage", raters), 0, 0
    for _ in range(300):
        taste, quality = random.normal(0, 0.5, raters), random.normal(0, 0.4, items)
        latent = 3.2 + taste[:, None] + quality + random.normal(0, 0.6, (raters, items))
        low, high = naturalness(
            [
                scored(f"r{r}", f"e{i}", int(np.clip(round(latent[r, i]), 1, 5)))
                for r in range(raters)
                for i in range(items)
            ]
        ).interval
        held += low <= 3.2 <= high
        # Logistic normal choices: 0.5 is the truth by symmetry.
        left = taste[:, None] + quality + random.logistic(0, 0.5, (raters, items)) > 0
        low, high = preference(
            [chosen(f"r{r}", f"p{i}", "left" if left[r, i] else "right") for r in range(raters) for i in range(items)]
        ).share.interval
        shares += low <= 0.5 <= high
    assert held / 300 >= 0.925
    assert shares / 300 >= 0.925


def test_json_holds_it_all():
    content = summarise("s", [scored("r", "e", 4), chosen("r", "p", "left")]).to_json()
    assert content["naturalness"][0] == {
        "model": "a@1",
        "mean": {"value": 4.0, "interval": None, "ratings": 1, "raters": 1, "items": 1},
    }
    assert content["preferences"][0]["share"]["value"] == 1

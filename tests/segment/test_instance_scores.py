"""Matching of instances, on cases worked out by hand."""

import numpy as np
import pytest

from benchmarks.instance_scores import PERCENTS, Score, overlaps_of, pooled, score
from tasks.core.types import LabelArray


def row(text: str) -> LabelArray:
    """(1, W): a digit per pixel, `.` for background."""
    return np.array([[0 if pixel == "." else int(pixel) for pixel in text]], dtype=np.int32)


def kinds(result: Score) -> dict[str, int]:
    names = ("merged", "split", "missed", "outline", "extra")
    return {name: getattr(result, name) for name in names if getattr(result, name)}


def test_pairs_and_areas_of_labels_with_gaps() -> None:
    pairs = overlaps_of(row("22277..9"), row("55.33333"))
    assert pairs.true_areas.tolist() == [3, 2, 1]
    assert pairs.predicted_areas.tolist() == [5, 2]  # of labels 3 and 5
    assert list(zip(pairs.true.tolist(), pairs.predicted.tolist(), pairs.shared.tolist(), strict=True)) == [
        (0, 1, 2), (1, 0, 2), (2, 0, 1)
    ]  # fmt: skip


def test_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 3\) and \(1, 2\)"):
        overlaps_of(row("111"), row("11"))


def test_equal_objects_match_at_every_overlap_whatever_their_labels() -> None:
    result = score(row("11.2"), row("77.4"))
    assert result.hits == (2,) * len(PERCENTS)
    assert (result.f1(50), result.mean_average_precision) == (1, 1)
    assert kinds(result) == {}


@pytest.mark.parametrize(
    ("shared", "union", "matching"),
    [(5, 10, 0), (6, 10, 2), (7, 10, 4), (9, 10, 8), (19, 20, 9), (20, 20, 10)],
)
def test_an_overlap_must_be_exceeded(shared: int, union: int, matching: int) -> None:
    result = score(row("1" * union), row("1" * shared + "." * (union - shared)))
    assert sum(result.hits) == matching


def test_figures_of_a_field_by_hand() -> None:
    # 4 of 5 pixels shared: 80 %; the second true object has no match; the third predicted one lies on nothing
    result = score(row("11111..222..."), row("1111.....3.44"))
    assert (result.true, result.predicted) == (2, 3)
    assert result.hits == (1, 1, 1, 1, 1, 1, 0, 0, 0, 0)
    assert result.f1(70) == 2 / 5
    assert result.average_precision(75) == 1 / 4
    assert result.mean_average_precision == pytest.approx(0.6 / 4)
    assert kinds(result) == {"outline": 1, "extra": 1}


@pytest.mark.parametrize(
    ("truth", "predicted", "expected"),
    [
        ("1112222", "1111111", {"merged": 1}),  # the larger of the two has 4 of 7
        ("111222", "111111", {"merged": 2}),
        ("111111", "111222", {"split": 1}),
        ("1111.2222", "1111.....", {"missed": 1}),
        ("1111.....", "1111.2222", {"extra": 1}),
        ("111111", "11....", {"outline": 1}),
        ("11......", "11111111", {"outline": 1}),
        ("111112222233333", "111111111111...", {"merged": 2, "missed": 0, "outline": 1}),
    ],
)
def test_kinds_of_error(truth: str, predicted: str, expected: dict[str, int]) -> None:
    assert kinds(score(row(truth), row(predicted))) == {kind: count for kind, count in expected.items() if count}


def test_a_field_without_objects_is_right_where_none_are_predicted() -> None:
    nothing = score(row("..."), row("..."))
    assert (nothing.f1(50), nothing.average_precision(50)) == (1, 1)
    assert score(row("..."), row("1..")).average_precision(50) == 0


def test_pooling_adds_objects_where_a_mean_adds_fields() -> None:
    right, wrong = score(row("1.2.3"), row("1.2.3")), score(row("1"), row("."))
    both = pooled([right, wrong])
    assert (both.true, both.predicted, both.hits[0], both.missed) == (4, 3, 3, 1)
    assert both.f1(50) == 6 / 7
    assert np.mean([right.f1(50), wrong.f1(50)]) == 0.5


def test_random_labels_agree_with_a_loop_over_all_pairs() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 6, (2, 12, 12))
    predicted[3:] = truth[3:]  # so that some match
    overlaps = np.array([
        [((truth == a) & (predicted == b)).sum() / ((truth == a) | (predicted == b)).sum() for b in range(1, 6)]
        for a in range(1, 6)
    ])  # fmt: skip
    assert score(truth, predicted).hits == tuple(int((overlaps > percent / 100).sum()) for percent in PERCENTS)

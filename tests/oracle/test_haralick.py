"""Haralick's 13 features: his own example, and mahotas' and cp_measure's numbers (benchmarks/haralick_oracle.py)."""

from pathlib import Path

import numpy as np
import pytest

from tasks.core.types import FloatArray, IntArray
from tasks.features.definitions.pairs import HARALICK_NAMES, HARALICK_PLACES
from tasks.features.plain.pairs import haralick, pair_measures, pairs_of_levels

FIXTURE = Path(__file__).parent / "fixtures" / "haralick.npz"
CASES = range(5)
SAME = 1e-12
"""Largest relative difference."""
ORDER, PLACES = list(HARALICK_NAMES), list(HARALICK_PLACES)
VARIANCE = ORDER.index("difference_variance")

EXAMPLE = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 2], [2, 2, 3, 3]]) + 1
"""Figure 3 of Haralick, Shanmugam, Dinstein (1973), levels from 1."""
MATRICES = {
    "0°": [[4, 2, 1, 0], [2, 4, 0, 0], [1, 0, 6, 1], [0, 0, 1, 2]],
    "135°": [[2, 1, 3, 0], [1, 2, 1, 0], [3, 1, 0, 2], [0, 0, 2, 0]],
    "90°": [[6, 0, 2, 0], [0, 4, 2, 0], [2, 2, 2, 2], [0, 0, 2, 0]],
    "45°": [[4, 1, 0, 0], [1, 2, 2, 0], [0, 2, 4, 1], [0, 0, 1, 0]],
}
"""In the order of our directions."""


def test_the_matrices_of_the_paper() -> None:
    assert pairs_of_levels(EXAMPLE, number=4, distance=1).tolist() == list(MATRICES.values())


def test_features_of_the_papers_first_matrix_worked_by_hand() -> None:
    features = dict(zip(HARALICK_NAMES, pair_measures(np.array(MATRICES["0°"]))[PLACES].tolist(), strict=True))
    assert features["angular_second_moment"] == pytest.approx(84 / 576)
    assert features["contrast"] == pytest.approx(14 / 24)
    # levels 1 to 4 stand 7, 6, 8 and 3 times
    mean = (7 * 1 + 6 * 2 + 8 * 3 + 3 * 4) / 24
    variance = (7 * 1 + 6 * 4 + 8 * 9 + 3 * 16) / 24 - mean**2
    assert features["variance"] == pytest.approx(variance)
    assert features["correlation"] == pytest.approx(1 - 14 / 24 / 2 / variance)
    assert features["inverse_difference_moment"] == pytest.approx((16 + 6 / 2 + 2 / 5) / 24)
    assert features["sum_average"] == pytest.approx(2 * mean)
    # 16 pairs of equal levels, 6 of neighbouring ones, 2 two apart
    shares = np.array([16, 6, 2]) / 24
    assert features["difference_entropy"] == pytest.approx(-(shares * np.log2(shares)).sum())
    assert features["difference_variance"] == pytest.approx(14 / 24 - (10 / 24) ** 2)
    # sums 2 to 8: 4, 4, 2 + 4, 0, 6, 2, 2
    sums = np.array([4, 4, 6, 6, 2, 2]) / 24
    assert features["sum_entropy"] == pytest.approx(-(sums * np.log2(sums)).sum())
    assert features["sum_variance"] == pytest.approx(
        (4 * 4 + 4 * 9 + 6 * 16 + 6 * 36 + 2 * 49 + 2 * 64) / 24 - 4 * mean**2
    )
    joint = -sum(n / 24 * np.log2(n / 24) for n in (4, 2, 1, 2, 4, 1, 6, 1, 1, 2))
    single = -sum(n / 24 * np.log2(n / 24) for n in (7, 6, 8, 3))
    assert features["entropy"] == pytest.approx(joint)
    assert features["info_meas1"] == pytest.approx((joint - 2 * single) / single)
    assert features["info_meas2"] == pytest.approx(np.sqrt(1 - np.exp(-2 * (2 * single - joint))))


def load(case: int) -> tuple[dict[str, FloatArray], IntArray, int, int]:
    with np.load(FIXTURE) as arrays:
        stored = {name: arrays[name][case] for name in ("mahotas", "frequencies", "cp_measure")}
        return (
            stored, arrays["levels"][case].astype(np.int64), int(arrays["numbers"][case]),
            int(arrays["distances"][case]),
        )  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_mean_and_range_of_mahotas_directions(case: int) -> None:
    stored, levels, number, distance = load(case)
    features = haralick(levels, number=number, distance=distance)
    np.testing.assert_allclose(features[:13], stored["mahotas"].mean(axis=0), rtol=SAME)
    np.testing.assert_allclose(features[13:], np.ptp(stored["mahotas"], axis=0), rtol=1e-9, atol=SAME)


@pytest.mark.parametrize("case", [0, 3, 4])
def test_cp_measure_differs_in_the_difference_variance_alone(case: int) -> None:
    stored, levels, number, distance = load(case)
    counts = pairs_of_levels(levels, number=number, distance=distance)
    for direction, matrix in enumerate(counts):
        features, expected = pair_measures(matrix)[PLACES], stored["cp_measure"][:, direction]
        np.testing.assert_allclose(np.delete(features, VARIANCE), np.delete(expected, VARIANCE), rtol=SAME)
        # theirs is the variance of the frequencies themselves, of all differences up to the largest level
        steps = np.abs(np.subtract.outer(np.arange(number), np.arange(number)))
        frequencies = np.bincount(steps.ravel(), weights=matrix.ravel(), minlength=levels.max() + 1) / matrix.sum()
        assert expected[VARIANCE] == pytest.approx(frequencies.var(), rel=SAME)
        assert stored["frequencies"][direction] == pytest.approx(expected[VARIANCE], rel=SAME)

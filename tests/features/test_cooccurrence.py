"""Co-occurrence of grey levels: worked by hand, against scikit-image, and against the reference values of IBSI."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import graycomatrix, graycoprops

from tasks.core.types import BoolArray, IntArray
from tasks.features.definitions.levels import LEVELS
from tasks.features.definitions.texture import PROPERTIES
from tasks.features.plain.cooccurrence import pair_counts, properties

HARALICK = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 2], [2, 2, 3, 3]])
EVERYWHERE = np.ones((4, 4), dtype=bool)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        # the four matrices of Haralick, Shanmugam and Dinstein (1973), figure 3
        ((0, 1), [[4, 2, 1, 0], [2, 4, 0, 0], [1, 0, 6, 1], [0, 0, 1, 2]]),
        ((1, 0), [[6, 0, 2, 0], [0, 4, 2, 0], [2, 2, 2, 2], [0, 0, 2, 0]]),
        ((1, 1), [[2, 1, 3, 0], [1, 2, 1, 0], [3, 1, 0, 2], [0, 0, 2, 0]]),
        ((1, -1), [[4, 1, 0, 0], [1, 2, 2, 0], [0, 2, 4, 1], [0, 0, 1, 0]]),
    ],
)
def test_counts_of_the_published_example(offset: tuple[int, int], expected: list[list[int]]) -> None:
    counts = pair_counts(HARALICK, EVERYWHERE, offset=offset)
    assert counts[:4, :4].tolist() == expected
    assert counts.sum() == np.sum(expected)


def test_properties_of_two_by_two_worked_by_hand() -> None:
    # pairs right: (0, 1) and (2, 2); symmetric p: 1/4 at (0, 1) and (1, 0), 1/2 at (2, 2)
    counts = pair_counts(np.array([[0, 1], [2, 2]]), np.ones((2, 2), dtype=bool), offset=(0, 1))
    values = dict(zip(PROPERTIES, properties(counts).tolist(), strict=True))
    mean, variance = 5 / 4, (0.25 * 0 + 0.25 * 1 + 0.5 * 4) - (5 / 4) ** 2
    assert values == pytest.approx(
        {
            "contrast": 1 / 2, "dissimilarity": 1 / 2, "homogeneity": 1 / 2 * 1 / 2 + 1 / 2, "energy": np.sqrt(3 / 8),
            "correlation": (0.5 * 4 - mean**2) / variance, "ASM": 3 / 8,
        }
    )  # fmt: skip


def test_only_pairs_inside_count() -> None:
    inside = EVERYWHERE.copy()
    inside[0, 1] = False
    counts = pair_counts(HARALICK, inside, offset=(0, 1))
    # the pairs (0,0)-(0,1) and (0,1)-(0,2), levels 0-0 and 0-1, are gone
    assert counts[:2, :2].tolist() == [[2, 1], [1, 4]]


def test_equal_levels_have_no_correlation_and_all_else() -> None:
    counts = pair_counts(np.full((4, 4), 7), EVERYWHERE, offset=(1, 1))
    assert properties(counts) == pytest.approx([0, 0, 1, 1, np.nan, 1], nan_ok=True)


def test_offsets_beyond_the_frame_find_no_pair_and_no_properties() -> None:
    for offset in ((4, 0), (0, 9), (9, 0), (9, 9), (9, -9), (0, -9)):
        counts = pair_counts(HARALICK, EVERYWHERE, offset=offset)
        assert counts.sum() == 0
        assert np.isnan(properties(counts)).all()


@given(
    arrays(np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, LEVELS - 1)),
    st.randoms(use_true_random=False),
    st.sampled_from([(0, 3), (3, 3), (3, 0), (3, -3), (2, 2), (4, -4), (1, 2), (2, -1)]),
)
def test_counts_and_properties_are_those_of_scikit_image(
    levels: IntArray, random: "np.random.Generator", offset: tuple[int, int]
) -> None:
    inside: BoolArray = np.array([random.random() < 0.8 for _ in range(levels.size)]).reshape(levels.shape)
    counts = pair_counts(levels, inside, offset=offset)
    down, right = offset
    outside = np.where(inside, levels, LEVELS).astype(np.uint8)
    distance, angle = np.hypot(down, right), np.arctan2(down, right)
    matrix = graycomatrix(outside, [distance], [angle], levels=LEVELS + 1, symmetric=True)[:-1, :-1]
    assert np.array_equal(counts, matrix[:, :, 0, 0])
    if counts.sum():
        values = dict(zip(PROPERTIES, properties(counts).tolist(), strict=True))
        for name in PROPERTIES:
            expected = graycoprops(matrix, name).item()
            if name == "correlation" and np.isnan(values[name]):
                assert expected == 1  # scikit-image's value where there is no variance
            else:
                assert values[name] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_reference_values_of_ibsi(data_root: Path) -> None:
    """The digital phantom; 2-D, distance 1, averaged over directions and slices; three digits are published."""
    with np.load(data_root / "peer_ibsi" / "ibsi_digital_phantom.npz") as phantom:
        slices = [(phantom[f"z{z}_intensity"], phantom[f"z{z}_mask"] > 0) for z in range(1, 5)]
    with (data_root / "peer_ibsi" / "ibsi_reference_values.csv").open() as file:
        reference = {row["feature"]: float(row["value"]) for row in csv.DictReader(file)}
    offsets = ((0, 1), (1, 1), (1, 0), (1, -1))
    pairs = [pair_counts(a.astype(np.int64), inside, offset=offset) for a, inside in slices for offset in offsets]
    values = np.mean([properties(counts) for counts in pairs], axis=0)
    names = {
        "contrast": "GLCM_CONTRAST", "dissimilarity": "GLCM_DIS", "homogeneity": "GLCM_IDM",
        "correlation": "GLCM_CORRELATION", "ASM": "GLCM_ASM",
    }  # fmt: skip
    for name, theirs in names.items():
        assert values[PROPERTIES.index(name)] == pytest.approx(reference[theirs], rel=3e-3)

"""Families of profile ``standard`` against cp_measure 0.3, on real nuclei and generated cells.

The fixture is written by `benchmarks/cp_oracle.py`. Deliberate departures are listed in docs/features.md; each is
tested here as what it is.
"""

from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tasks.core.types import Batch, BoolArray, FloatArray, Ragged, Region
from tasks.features import Features, feature_columns, measure
from tasks.features.definitions.zernike import INDEXES
from tasks.features.families.neighbors import neighbors
from tasks.features.plain.zernike import enclosing_circle, polynomials

FIXTURE = Path(__file__).parent / "fixtures" / "cp_measure.npz"
CHANNELS = ("A", "B", "C")
PAIRS = tuple(combinations(CHANNELS, 2))
FAMILIES = ("shape", "intensity", "granularity", "radial_distribution", "zernike", "radial_zernike", "colocalization")
ROUNDING = 1e-9

Fixture = dict[str, npt.NDArray[np.generic]]
Ours = Callable[..., FloatArray]


@pytest.fixture(scope="module")
def theirs() -> Fixture:
    with np.load(FIXTURE) as file:
        return {key: file[key] for key in file.files}


def column(theirs: Fixture, family: str, name: str) -> FloatArray:
    """Return what cp_measure found for a feature."""
    return np.asarray(theirs[f"{family}.values"][..., theirs[f"{family}.names"].tolist().index(name)], dtype=np.float64)


@pytest.fixture(scope="module")
def cells(theirs: Fixture) -> tuple[Batch, Region]:
    shapes = theirs["shapes"].astype(np.int64)
    images = [image / 65535 for image in Ragged(flat=theirs["pixels"], shapes=shapes, n_channels=3).unstack()]
    masks = Ragged(flat=theirs["masks"].astype(bool), shapes=shapes, n_channels=1)
    background = np.asarray(theirs["granularity.background"], dtype=np.float64)
    region = Region(name="nucleus", shared=True, masks=masks, background=background)
    return Batch.of(images, channels=CHANNELS), region


@pytest.fixture(scope="module")
def ours(cells: tuple[Batch, Region]) -> Ours:
    """Measure all families; what is returned finds a feature's values of all cells."""
    batch, region = cells
    config = Features(families=FAMILIES)
    described = feature_columns(config=config, channels=CHANNELS, regions=[("nucleus", True)])
    measured = measure(batch, [region], config=config)
    table = {(c.family, c.stat, c.param, c.channels): measured[:, number] for number, c in enumerate(described)}

    def look(family: str, stat: str, param: str = "", *, channels: tuple[tuple[str, ...], ...] = ((),)) -> FloatArray:
        return np.stack([table[family, stat, param, own] for own in channels], axis=1)

    return look


EACH_CHANNEL = tuple((channel,) for channel in CHANNELS)

SHAPE = {
    "Area": "area", "BoundingBoxArea": "area_bbox", "ConvexArea": "area_convex",
    "EquivalentDiameter": "equivalent_diameter", "Perimeter": "perimeter", "MajorAxisLength": "axis_major_length",
    "MinorAxisLength": "axis_minor_length", "Eccentricity": "eccentricity", "FormFactor": "form_factor",
    "Extent": "extent", "Solidity": "solidity", "EulerNumber": "euler_number", "FilledArea": "area_filled",
    "PerimeterCrofton": "perimeter_crofton",
}  # fmt: skip


@pytest.mark.parametrize(("name", "stat"), SHAPE.items())
def test_shape(theirs: Fixture, ours: Ours, name: str, stat: str) -> None:
    np.testing.assert_allclose(ours("shape", stat)[:, 0], column(theirs, "sizeshape", name), rtol=ROUNDING)


@pytest.mark.parametrize(
    ("name", "stat"),
    [
        ("SpatialMoment", "moments"), ("CentralMoment", "moments_central"),
        ("NormalizedMoment", "moments_normalized"), ("InertiaTensor", "inertia_tensor"),
    ],
)  # fmt: skip
def test_moments(theirs: Fixture, ours: Ours, name: str, stat: str) -> None:
    compared = 0
    for p, q in product(range(4), repeat=2):
        try:
            actual = ours("shape", stat, f"{p}_{q}")[:, 0]
            expected = column(theirs, "sizeshape", f"{name}_{p}_{q}")
        except (KeyError, ValueError):  # a repetition of another column, or one that cp_measure leaves out
            continue
        np.testing.assert_allclose(actual, expected, rtol=ROUNDING, atol=ROUNDING * np.abs(expected).max())
        compared += 1
    assert compared >= 3


def test_orientation_is_in_radians(theirs: Fixture, ours: Ours) -> None:
    actual = np.degrees(ours("shape", "orientation")[:, 0])
    np.testing.assert_allclose(actual, column(theirs, "sizeshape", "Orientation"), rtol=ROUNDING)


def test_the_largest_diameter_reaches_to_the_outlines_of_pixels_not_their_middles(theirs: Fixture, ours: Ours) -> None:
    beyond = ours("shape", "feret_diameter_max")[:, 0] - column(theirs, "feret", "MaxFeretDiameter")
    assert (beyond >= 0.9).all()
    assert (beyond <= np.sqrt(2) + 0.5).all()


@pytest.mark.parametrize(
    ("name", "stat"),
    [
        ("IntegratedIntensity", "sum"), ("MeanIntensity", "mean"), ("StdIntensity", "std"), ("MinIntensity", "min"),
        ("MaxIntensity", "max"), ("MassDisplacement", "mass_displacement"),
        ("LowerQuartileIntensity", "lower_quartile"), ("MedianIntensity", "median"), ("MADIntensity", "mad"),
        ("UpperQuartileIntensity", "upper_quartile"),
    ],
)  # fmt: skip
def test_intensity(theirs: Fixture, ours: Ours, name: str, stat: str) -> None:
    actual = ours("intensity", stat, channels=EACH_CHANNEL)
    np.testing.assert_allclose(actual, column(theirs, "intensity", f"Intensity_{name}"), rtol=ROUNDING)


@pytest.mark.parametrize("radius", range(1, 17))
def test_granularity_at_full_resolution(theirs: Fixture, ours: Ours, radius: int) -> None:
    actual = ours("granularity", str(radius), channels=EACH_CHANNEL)
    expected = column(theirs, "granularity", f"Granularity_{radius}")
    np.testing.assert_allclose(actual, expected, rtol=ROUNDING, atol=1e-10)


@pytest.mark.parametrize("ring", range(1, 5))
@pytest.mark.parametrize(
    ("name", "stat"), [("FracAtD", "frac_at_d"), ("MeanFrac", "mean_frac"), ("RadialCV", "radial_cv")]
)
def test_radial_distribution(theirs: Fixture, ours: Ours, name: str, stat: str, ring: int) -> None:
    expected = column(theirs, "radial_distribution", f"RadialDistribution_{name}_{ring}of4")
    actual = ours("radial_distribution", stat, f"{ring}of4", channels=EACH_CHANNEL)
    np.testing.assert_allclose(actual, expected, rtol=ROUNDING, atol=1e-15)


def without_rim(mask: BoolArray, weights: FloatArray) -> list[npt.NDArray[np.complex128]]:
    """Return sums of Zernike's polynomials without any of the pixels on the enclosing circle, all choices of them.

    cp_measure leaves out those that rounding has moved beyond it.
    """
    row, column_, radius = enclosing_circle(mask)
    rows, columns = np.nonzero(mask)
    x, y = (columns - column_) / radius, (rows - row) / radius
    values = polynomials(x, y) * weights
    rim = np.flatnonzero(np.abs(np.hypot(x, y) - 1) < 1e-12)
    return [
        values.sum(axis=1) - values[:, rim[list(left_out)]].sum(axis=1)
        for number in range(len(rim) + 1)
        for left_out in combinations(range(len(rim)), number)
    ]


def test_zernike(theirs: Fixture, ours: Ours, cells: tuple[Batch, Region]) -> None:
    masks = [mask[0] for mask in cells[1].masks.unstack()]
    expected = np.stack([column(theirs, "zernike", f"Zernike_{n}_{m}") for n, m in INDEXES], axis=1)
    actual = np.concatenate([ours("zernike", str(n), str(m)) for n, m in INDEXES], axis=1)
    equal = np.isclose(actual, expected, rtol=ROUNDING, atol=1e-12).all(axis=1)
    assert equal.sum() >= 6
    for cell in np.flatnonzero(~equal):
        choices = without_rim(masks[cell], np.ones(masks[cell].sum()))
        area = np.pi * enclosing_circle(masks[cell])[2] ** 2
        assert any(np.allclose(np.abs(sums) / area, expected[cell], rtol=ROUNDING, atol=1e-12) for sums in choices)


def test_radial_zernike(theirs: Fixture, ours: Ours, cells: tuple[Batch, Region]) -> None:
    pixels, masks = cells[0].pixels.unstack(), [mask[0] for mask in cells[1].masks.unstack()]
    names = [f"{n}_{m}" for n, m in INDEXES]
    expected = {
        stat: np.stack([column(theirs, "radial_zernikes", f"RadialDistribution_{kind}_{name}") for name in names])
        for stat, kind in (("magnitude", "ZernikeMagnitude"), ("phase", "ZernikePhase"))
    }
    actual = {
        stat: np.stack([ours("radial_zernike", stat, name, channels=EACH_CHANNEL) for name in names])
        for stat in expected
    }
    # as complex numbers, for a phase near π may turn up as −π
    ours_, theirs_ = (table["magnitude"] * np.exp(1j * table["phase"]) for table in (actual, expected))
    equal = np.isclose(ours_, theirs_, rtol=ROUNDING, atol=1e-12).all(axis=0)
    assert equal.sum() >= 18
    for cell, channel in np.argwhere(~equal):
        mask = masks[cell]
        # their phase is atan2(real, imaginary)
        choices = [1j * np.conj(sums) / mask.sum() for sums in without_rim(mask, pixels[cell][channel][mask])]
        assert any(np.allclose(sums, theirs_[:, cell, channel], rtol=ROUNDING, atol=1e-12) for sums in choices)


@pytest.mark.parametrize(
    ("family", "name", "stat", "turned"),
    [
        ("pearson", "Correlation_Pearson", "pearson", False), ("pearson", "Correlation_Slope", "slope", False),
        ("overlap", "Correlation_Overlap", "overlap", False), ("overlap", "Correlation_K_1", "k", False),
        ("overlap", "Correlation_K_2", "k", True), ("manders_fold", "Correlation_Manders_1", "manders", False),
        ("manders_fold", "Correlation_Manders_2", "manders", True), ("rwc", "Correlation_RWC_1", "rwc", False),
        ("rwc", "Correlation_RWC_2", "rwc", True), ("costes", "C1", "costes", False), ("costes", "C2", "costes", True),
    ],
)  # fmt: skip
def test_colocalization(theirs: Fixture, ours: Ours, family: str, name: str, stat: str, *, turned: bool) -> None:
    pairs = tuple((b, a) if turned else (a, b) for a, b in PAIRS)
    actual, expected = ours("colocalization", stat, channels=pairs), column(theirs, family, name)
    known = np.isfinite(expected)
    assert known.sum() >= 28
    np.testing.assert_allclose(actual[known], expected[known], rtol=ROUNDING)
    # channels that correlate however low the threshold: cp_measure gives up, here all of the intensity is colocalized
    np.testing.assert_allclose(actual[~known], 1.0)


def test_neighbors(theirs: Fixture) -> None:
    labels = theirs["neighbors.labels"].astype(np.int32)
    number = int(labels.max())
    measured = neighbors(labels, numbers=np.arange(1, number + 1, dtype=np.int32))
    names = ("NumberOfNeighbors", "PercentTouching", "FirstClosestDistance", "SecondClosestDistance")
    for place, name in enumerate((*names, "AngleBetweenNeighbors")):
        expected = column(theirs, "neighbors", f"Neighbors_{name}_Adjacent")
        np.testing.assert_allclose(measured[:, place], expected, rtol=ROUNDING, atol=1e-5, err_msg=name)
    assert measured[:, 0].max() >= 4
    assert measured[:, 0].min() == 1

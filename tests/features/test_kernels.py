"""Every compiled family against its plain code, column by column, on ordinary cells and on all that may go wrong."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from _pytest.mark import ParameterSet
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import label

from tasks.core.columns import Column
from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, Ragged, Region
from tasks.features import blocks
from tasks.features.family import Family, Profile, RegionInfo, families_of

PROFILES: tuple[Profile, ...] = ("scip", "standard")
COMPILED = [family for profile in PROFILES for family in families_of(profile).values() if family.plain is not None]
EACH = pytest.mark.parametrize("family", COMPILED, ids=lambda family: f"{family.profile}-{family.name}")

RELATIVE = 1e-9
"""Largest relative difference."""
ROUNDING = 1e-12
"""Largest difference, in units of what is subtracted, where a definition subtracts numbers that may be equal."""
CHANNELS = ("a", "b", "c")
HU_FACTORS = (1, 2, 3, 3, 6, 4, 6)
"""How many second moments, or pairs of third ones, each of Hu's moments multiplies: its size by powers of the first."""
Row = dict[tuple[str, str, tuple[str, ...]], float]
"""Values of a cell by stat, parameter and channels of the column."""


def cancels(column: Column, *, row: Row, light: float, size: float) -> float:
    """How large the numbers are which a column's definition subtracts from each other; 0 where it does not.

    - What is less the background, a sum of pixels of both signs; what an opening removes of a sum.
    - Skewness and kurtosis of sets with a symmetry, and those of small deviations from a large mean.
    - The spread, if any, of values which are nearly equal: of pixels, gradients, eighths, two directions' measures.
    - The gradient of equal pixels, the covariance of grey levels, and that of two channels.
    - Central moments, products of inertia, Hu's moments and the angle of outlines with a symmetry.
    - The distance of two centroids which are the same point.
    - The range of nearly equal measures in several directions; correlation and cluster shade of pairs without one;
      information correlations of levels that do not depend on each other, the second as a root.
    - A deviation over a mean near zero, and the sum of quartiles near zero.
    - The minor axis of a line, and the eccentricity of what is round: roots of differences.
    - Zernike's polynomials, whose terms of up to ±280 sum to 1 at most; their phases, the smaller the magnitude.

    `row` is what the plain code finds in the cell, `light` the largest magnitude among pixels and background, `size`
    the height or width of the frame, whichever is larger.
    """

    def beside(stat: str, param: str = "") -> float:
        return row.get((stat, param, column.channels), 0.0)

    deviation = beside(re.sub("skewness|kurtosis", "std", column.stat)) or np.sqrt(beside("variance"))
    axis, hu = beside("axis_major_length"), beside("moments_hu", "0")
    order = sum(map(int, column.param.split("_"))) if column.stat in {"moments_central", "moments_normalized"} else 0
    mean, spread, ratio = abs(beside("mean")), beside("interquartile_range"), abs(beside(column.stat))
    phased, correlation = beside("magnitude", column.param), beside("pearson")
    kinds = {
        r"granularity:.*": 100.0, r"radial_distribution:radial_cv": 1.0, r"zernike:.*": 1.0,
        r"radial_zernike:magnitude": light, r"radial_zernike:phase": light / phased if phased > 0 else 0.0,
        r"colocalization:pearson": 1.0,
        r"colocalization:slope": abs(beside("slope") / correlation) if correlation else 0.0,
        r"(contrast|sum_variance|variance)_range": 30.0**2, r"info(rmation_correlation_|_meas)2(_range)?": 1 / 1e-6,
        r".*_range|correlation|info(rmation_correlation_|_meas)1": 30.0, r"cluster_shade": 30.0**3,
        r"(robust_)?(mean|median)_absolute_deviation|interquartile_range|percentile_.*|range": light,
        r"coefficient_of_variation": light / mean * ratio if mean > 0 else 0.0,
        r"quartile_dispersion": light * ratio**2 / spread if spread > 0 else 0.0,
        r"glcm_std_contrast|glcm_mean_correlation": 15.0**2, r"glcm_std_.*": 15.0, r"sobel_.*": light,
        r"(bgcorr_)?(edge_)?(skewness|kurtosis)": max(1.0, light / deviation) if deviation > 0 else 1.0,
        r"(bgcorr_)?(edge_)?(mean|median|max|min|std|mad|lower_quartile|upper_quartile)": light,
        r"(bgcorr_)?(edge_)?sum": light * size**2,
        r"mass_displacement": size**3 * light / beside("sum") if beside("sum") > 0 else 0.0, r"orientation": 1.0,
        r"eccentricity": 1 / max(beside("eccentricity"), 1e-6),
        r"axis_minor_length": axis / max(beside("axis_minor_length") / axis, 1e-6) if axis else 0.0,
        r"inertia_tensor(_eigvals)?": axis**2, r"moments_central": beside("area") * (axis / 2) ** order,
        r"moments_normalized": hu ** (order / 2),
        r"moments_hu": hu ** HU_FACTORS[int(column.param)] if column.stat == "moments_hu" else 0.0,
    }  # fmt: skip
    names = f"{column.family}:{column.stat}", column.stat
    return next((scale for kind, scale in kinds.items() if any(re.fullmatch(kind, name) for name in names)), 0.0)


def same_axes(ours: float, value: float, *, mask: BoolArray, slack: float) -> bool:
    """Whether two mean angles differ by the two ends of a half turn, which name the same axis.

    The sign of a rounding error decides whether an axis along the columns is at π/2 or −π/2, and the mean over K
    components moves by π/K.
    """
    step = np.pi / max(1, label(mask).max())
    return bool(abs((ours - value + step / 2) % step - step / 2) <= slack)


def batches(images: list[AnyArray], masks: list[BoolArray], background: FloatArray) -> tuple[Batch, list[Region]]:
    """Make a region of a mask per channel and one of their union."""
    combined = [np.logical_or.reduce(mask, axis=0, keepdims=True) for mask in masks]
    return Batch.of(images, channels=CHANNELS), [
        Region(name="li", shared=False, masks=Ragged.of(masks), background=background),
        Region(name="li.combined", shared=True, masks=Ragged.of(combined), background=background + 1),
    ]


def differences(family: Family, batch: Batch, region: Region) -> list[str]:
    """Tell every value that differs between compiled and plain code."""
    assert family.plain is not None
    actual, expected = family.measure(batch, region), family.plain(batch, region)
    columns = family.columns(region=RegionInfo(name=region.name, shared=region.shared), channels=batch.channels)
    assert actual.shape == expected.shape == (len(batch), len(columns))
    masks = region.masks.unstack()
    lines = []
    for cell, image in enumerate(batch.pixels.unstack()):
        light = float(np.abs(np.nan_to_num(image.astype(np.float64), posinf=0, neginf=0)).max(initial=0.0))
        light = max(light, float(np.nan_to_num(np.abs(region.background[cell])).max()))
        keys = [(column.stat, column.param, column.channels) for column in columns]
        row = dict(zip(keys, expected[cell].tolist(), strict=True))
        for column, ours, value in zip(columns, actual[cell].tolist(), row.values(), strict=True):
            slack = ROUNDING * cancels(column, row=row, light=light, size=max(image.shape))
            mask = masks[cell][batch.channels.index(column.channels[0]) if not region.shared else 0]
            agree = ours == value or (np.isnan(ours) and np.isnan(value))
            agree = agree or abs(ours - value) <= max(RELATIVE * abs(value), slack)
            if not agree and column.stat == "orientation":
                agree = same_axes(ours, value, mask=mask, slack=slack)
            if not agree and column.stat == "phase":
                agree = abs((ours - value + np.pi) % (2 * np.pi) - np.pi) <= slack
            if not agree:
                lines.append(f"cell {cell}, {column.name}: {ours} instead of {value}")
    return lines


def disc(height: int, width: int, row: float, column: float, radius: float) -> BoolArray:
    rows, columns = np.ogrid[:height, :width]
    return np.asarray((rows - row) ** 2 + (columns - column) ** 2 <= radius**2)


def lines(height: int, width: int) -> BoolArray:
    """Return a row, a column and a diagonal."""
    masks = np.zeros((3, height, width), dtype=bool)
    masks[0, height // 2, 2 : width - 3] = True
    masks[1, 1 : height - 2, width // 3] = True
    masks[2][np.eye(height, width, dtype=bool)] = True
    return masks


def degenerate_masks() -> dict[str, BoolArray]:
    """Return masks of three channels each."""
    h, w = 41, 37
    rng = np.random.default_rng(11)
    rows, columns = np.indices((h, w))
    masks = {
        "empty": np.zeros((3, h, w), dtype=bool),
        "one pixel": np.stack([(rows == r) & (columns == c) for r, c in ((20, 18), (0, 0), (h - 1, w - 1))]),
        "line": lines(h, w),
        "steep line": np.stack([columns == rows // 3, rows == columns // 2 + 5, rows + columns == 30]),
        "two pixels": np.stack(
            [(rows == 7) & (columns // 2 == 3), (rows // 2 == 3) & (columns == 9), (rows == columns) & (rows // 2 == 4)]
        ),
        "hole": np.stack([disc(h, w, 20, 18, 15) & ~disc(h, w, 20 + k, 18, 1 + 4 * k) for k in range(3)]),
        "many holes": np.stack([disc(h, w, 20, 18, 17) & ((rows % k > 0) | (columns % k > 0)) for k in (2, 3, 5)]),
        "ring": np.stack([disc(h, w, 20, 18, 15) & ~disc(h, w, 20, 18, 14 - 3 * k) for k in range(3)]),
        "ring with an island": np.stack(
            [disc(h, w, 20, 18, 16) & ~disc(h, w, 20, 18, 9) | disc(h, w, 20, 18, k) for k in range(3)]
        ),
        "components": np.stack(
            [disc(h, w, 10, 10, 6 + k) | disc(h, w, 28, 26, 7) | disc(h, w, 35, 5, k) for k in range(3)]
        ),
        "dust": rng.random((3, h, w)) < np.array([0.05, 0.3, 0.6])[:, None, None],
        "full": np.ones((3, h, w), dtype=bool),
        "full but one": np.stack([(rows != r) | (columns != c) for r, c in ((20, 18), (0, 5), (h - 1, w - 1))]),
        "border": np.stack([disc(h, w, 0, 18, 14), disc(h, w, 30, 36, 12), disc(h, w, 39, 2, 16)]),
        "square": np.stack([(abs(rows - 20) < k) & (abs(columns - 18) < k) for k in (2, 7, 12)]),
        "triangle": np.stack([(rows > columns) & (rows < 30), rows + columns < 35, (rows < 2 * columns) & (rows > 20)]),
        "comb": np.stack(
            [(columns % 2 == 0) | (rows == 40), (rows % 3 > 0) | (columns == 0), (rows * columns) % 2 == 0]
        ),
        "only one channel": np.stack([disc(h, w, 20, 18, 12), np.zeros((h, w), bool), np.zeros((h, w), bool)]),
    }
    sizes = ((1, 1), (1, 17), (23, 1), (2, 2), (3, 3), (5, 64), (9, 65), (30, 63), (12, 128), (14, 150))
    for height, width in sizes:
        masks[f"{height} x {width}"] = rng.random((3, height, width)) < 0.8
        masks[f"{height} x {width}, full"] = np.ones((3, height, width), dtype=bool)
    masks["90 x 140"] = np.stack([disc(90, 140, 45, 70, 30 + 20 * k) for k in range(3)])
    return masks


MASKS = degenerate_masks()


def pixel_kinds(shape: tuple[int, ...]) -> Iterator[tuple[str, AnyArray]]:
    """Yield pixels of one stamp that are difficult in one way each."""
    rng = np.random.default_rng(12)
    noise = rng.normal(size=shape)
    ramp = np.arange(np.prod(shape)).reshape(shape)
    yield "uint16", rng.integers(90, 4000, size=shape).astype(np.uint16)
    yield "uint8", rng.integers(0, 256, size=shape).astype(np.uint8)
    yield "up to 65535", rng.choice([0, 1, 65534, 65535], size=shape).astype(np.uint16)
    yield "two values", np.where(rng.random(shape) < 0.4, 100, 900).astype(np.uint16)
    yield "constant", np.full(shape, 611, dtype=np.uint16)
    yield "constant real", np.full(shape, 600 / 7)
    yield "zeros", np.zeros(shape, dtype=np.uint16)
    yield "ramp", (ramp % 65536).astype(np.uint16)
    yield "bool", rng.random(shape) < 0.5
    yield "int32", rng.integers(-(10**6), 10**6, size=shape).astype(np.int32)
    yield "float32", (300 + 40 * noise).astype(np.float32)
    yield "negative", -rng.gamma(1.5, 200, size=shape)
    yield "small on large", 1000 + 1e-3 * noise
    yield "tiny", 1e-140 * noise
    yield "huge", 1e70 * noise
    yield "fractions", rng.integers(0, 4096, size=shape) / 4095
    gaps = 300 + 40 * noise
    gaps[rng.random(shape) < 0.002] = np.nan
    gaps[0, rng.random(shape[1:]) < 0.002] = np.inf
    yield "missing", gaps
    yield "beyond all", np.where(rng.random(shape) < 0.01, -1e80, gaps)


SHARE = 8
"""One in so many masks is combined with each kind of pixels: every mask with some kinds, every kind with some masks."""

KINDS = [kind for kind, _ in pixel_kinds((3, 1, 1))]


def looks_at_pixels(family: Family) -> bool:
    """Whether a family measures more than the outline of a region."""
    columns = family.columns(region=RegionInfo(name="cell", shared=True), channels=CHANNELS)
    return any(column.channels for column in columns)


def combinations(share: int | None, *marks: pytest.MarkDecorator) -> list[ParameterSet]:
    """List families, kinds of pixels, and one in how many masks they are tried with; None: all, or fewer if slow."""
    return [
        pytest.param(family, kind, every, id=f"{family.profile}-{family.name}-{kind}-{every}", marks=marks)
        for family in COMPILED
        if looks_at_pixels(family)
        for every in [share or (SHARE // 2 if family.optional else 1)]
        for kind in KINDS
    ]


OUTLINES = [
    pytest.param(family, KINDS[0], 1, id=f"{family.profile}-{family.name}")
    for family in COMPILED
    if not looks_at_pixels(family)
]


@pytest.mark.parametrize(
    ("family", "kind", "share"), [*OUTLINES, *combinations(SHARE), *combinations(None, pytest.mark.slow)]
)
def test_compiled_and_plain_agree(family: Family, kind: str, share: int) -> None:
    masks = list(MASKS.values())[KINDS.index(kind) % share :: share]
    images = [dict(pixel_kinds(mask.shape))[kind] for mask in masks]
    scale = float(np.abs(np.nan_to_num(images[0].astype(np.float64), posinf=0.0)).max())
    background = np.random.default_rng(13).uniform(0.0, min(scale, 1e70), size=(len(masks), 3))
    batch, regions = batches(images, masks, background)
    assert [line for region in regions for line in differences(family, batch, region)] == []


@EACH
@pytest.mark.parametrize("background", [np.nan, np.inf, 0.0, -12.5, 1e76])
def test_they_agree_on_strange_backgrounds(family: Family, background: float) -> None:
    masks = [MASKS["ring"], MASKS["empty"], MASKS["full"]]
    images = [np.random.default_rng(14).integers(0, 4096, size=mask.shape).astype(np.uint16) for mask in masks]
    batch, regions = batches(images, masks, np.full((3, 3), background))
    assert [line for region in regions for line in differences(family, batch, region)] == []


@EACH
@given(data=st.data())
def test_they_agree_on_whatever_is_drawn(family: Family, data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 70))
    masks = data.draw(hnp.arrays(np.bool_, (3, height, width)))
    top = data.draw(st.sampled_from([1, 40, 65535]))
    image = data.draw(hnp.arrays(np.uint16, (3, height, width), elements=st.integers(0, top)))
    kind = data.draw(st.sampled_from([np.uint16, np.float64]))
    batch, regions = batches([image.astype(kind)], [masks], np.full((1, 3), 10.0))
    assert [line for region in regions for line in differences(family, batch, region)] == []


@EACH
def test_a_cell_is_measured_alike_alone_in_company_and_in_several_stacks(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = [MASKS["components"], MASKS["90 x 140"], MASKS["one pixel"], MASKS["ring"]]
    rng = np.random.default_rng(15)
    images = [(300 + 40 * rng.normal(size=mask.shape)).astype(np.float32) for mask in masks]
    batch, regions = batches(images, masks, rng.uniform(0, 90, size=(4, 3)))
    for region in regions:
        joint = family.measure(batch, region)
        for cell in range(4):
            alone = family.measure(batch.take([cell]), region.take([cell]))
            assert np.array_equal(alone[0], joint[cell], equal_nan=True)
        monkeypatch.setattr(blocks, "PIXELS", 3 * 41 * 37 + 1)
        assert np.array_equal(family.measure(batch, region), joint, equal_nan=True)
        assert [piece.cells for piece in blocks.blocks(batch, region)] == [slice(n, n + 1) for n in range(4)]
        monkeypatch.undo()

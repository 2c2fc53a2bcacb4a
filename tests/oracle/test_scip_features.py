"""Profile ``scip`` against the published program's own numbers; how they were made: benchmarks/scip_oracle.py."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, Ragged, Region
from tasks.features import Features, feature_columns, measure
from tasks.features.names import rename

FIXTURES = Path(__file__).parent / "fixtures"
RELATIVE = 1e-6
"""Largest relative difference."""
ROUNDING = 1e-12
"""Largest difference where the number is zero but for rounding, in units of what is rounded."""

Fixture = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """Stamps as the published program measured them."""

    images: Sequence[AnyArray]
    own: Sequence[BoolArray]
    combined: Sequence[BoolArray]
    background: FloatArray
    combined_background: FloatArray

    def measure(self) -> tuple[tuple[str, ...], FloatArray]:
        """Measure them as profile ``scip`` does, under the published names."""
        channels = tuple(f"c{number}" for number in range(self.images[0].shape[0]))
        own, combined = Ragged.of(self.own), Ragged.of([mask[np.newaxis] for mask in self.combined])
        regions = [
            Region(name="li", shared=False, masks=own, background=self.background),
            Region(name="li.combined", shared=True, masks=combined, background=self.combined_background),
        ]
        config = Features(profile="scip", names="scip")
        columns = feature_columns(config=config, channels=channels, regions=[(r.name, r.shared) for r in regions])
        return rename(columns, names="scip"), measure(Batch.of(self.images, channels=channels), regions, config=config)


def rounding(name: str, row: dict[str, float], *, image: AnyArray) -> float:
    """How far a number that is zero in mathematics may lie from zero; 0 where none of this kind is known.

    - Central moments and products of inertia of outlines with a symmetry cancel; (0, 1) and (1, 0) do for any outline.
    - Hu's moments from the second on are products of differences, which are zero for outlines with a symmetry.
    - Skewness and kurtosis of sets with a symmetry, and the angle of outlines with one; they are without unit.
    - The spread over directions and the correlation of grey levels cancel; levels differ by 15 at most.
    - The spread of equal pixels is the rounding of their mean, and whatever is less the background may meet zero.
    - The gradient's spread on a ramp, and the gradient of equal pixels.
    """
    stat, _ = name.removeprefix("feat_").removeprefix("li_").rsplit("_", 1)
    light = float(np.abs(image.astype(np.float64)).max())
    bound = 0.0
    if match := re.fullmatch(r"moments_central-(\d)-(\d)", stat):
        radius = row[name.replace(stat, "major_axis_length")] / 2
        bound = ROUNDING * row[name.replace(stat, "area")] * radius ** (int(match[1]) + int(match[2]))
    elif re.fullmatch(r"inertia_tensor(_eigvals)?(-\d)+", stat):
        bound = ROUNDING * row[name.replace(stat, "major_axis_length")] ** 2
    elif match := re.fullmatch(r"moments_hu-([1-6])", stat):
        bound = hu_rounding(int(match[1]), [row[name.replace(stat, f"moments_hu-{number}")] for number in range(4)])
    elif stat == "orientation" or re.search(r"(^|_)(skewness|kurtosis)$", stat):
        bound = ROUNDING
    elif re.search(r"glcm_(std|mean_correlation)", stat):
        bound = ROUNDING * 15**2
    elif re.search(r"bgcorr_.*sum$", stat):
        bound = ROUNDING * light * image[0].size
    elif re.search(r"(std|mad)$|sobel|bgcorr", stat):
        bound = ROUNDING * light
    return bound


def hu_rounding(number: int, hu: list[float]) -> float:
    """How far the rounding of second and third moments takes one of Hu's moments.

    They are products of factors whose size the roots of the second to fourth (numbers 1 to 3) tell: 1 = a², 2 = b²,
    3 = c², 4 and 6 are made of b c³, 5 of a c².
    """
    unit = hu[0] if np.isfinite(hu[0]) else 0.0
    a, b, c = np.sqrt(np.nan_to_num(np.abs(hu[1:])))
    second, third = ROUNDING * unit, ROUNDING * unit**1.5
    powers = {1: (2, 0, 0), 2: (0, 2, 0), 3: (0, 0, 2), 4: (0, 1, 3), 5: (1, 0, 2), 6: (0, 1, 3)}[number]
    exact, rounded = (np.prod(np.power(f, powers)) for f in ((a, b, c), (a + second, b + third, c + third)))
    return float(rounded - exact + ROUNDING * exact)


def equal_pixels(name: str, row: dict[str, float]) -> bool:
    """Whether a skewness or kurtosis is of equal pixels.

    It is NaN by definition. Where the mean of equal pixels is not exact the published program takes the rounding, the
    same for all of them, for a spread: skewness ±1 and kurtosis −2.
    """
    kind = re.search(r"(skewness|kurtosis)", name)
    return kind is not None and row[name.replace(kind[0], "min")] == row[name.replace(kind[0], "max")]


def differences(
    names: Sequence[str], actual: FloatArray, theirs: Sequence[str], expected: FloatArray, images: Sequence[AnyArray]
) -> list[str]:
    """Tell every column of every stamp that differs from the published program's."""
    assert set(theirs) <= set(names)
    place = {name: number for number, name in enumerate(names)}
    lines = []
    for values, reference, image in zip(actual, expected, images, strict=True):
        row = dict(zip(theirs, reference.tolist(), strict=True))
        for name, value in row.items():
            ours = values[place[name]]
            if np.isnan(ours) and (np.isnan(value) or equal_pixels(name, row)):
                continue
            if not abs(ours - value) <= max(RELATIVE * abs(value), rounding(name, row, image=image)):  # NaN differs too
                lines.append(f"{name}: {ours} instead of {value}")
    return lines


def load(name: str) -> Fixture:
    with np.load(FIXTURES / name) as file:
        return {key: file[key] for key in file.files}


def cut(flat: AnyArray, shapes: AnyArray) -> list[AnyArray]:
    """Cut a flat buffer into the arrays that were joined in it."""
    stops = np.cumsum(shapes.prod(axis=1))[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(flat, stops), shapes, strict=True)]


def unpack(packed: AnyArray, shapes: AnyArray) -> list[BoolArray]:
    """Cut a packed buffer of bits."""
    return cut(np.unpackbits(packed, count=int(shapes.prod(axis=1).sum())).astype(bool), shapes)


@pytest.fixture(scope="module")
def features() -> Fixture:
    return load("scip_features.npz")


@pytest.fixture(scope="module")
def masks() -> Fixture:
    return load("scip_masks.npz")


def compare(group: str, images: Sequence[AnyArray], *, features: Fixture, masks: Fixture) -> None:
    """Compare all columns of the stamps that are kept by li, and the raw ones of all."""
    shapes = masks[f"{group}.shapes"]
    stamps = Stamps(
        images=images,
        own=unpack(masks[f"{group}.li.masks"], shapes),
        combined=unpack(masks[f"{group}.li.combined"], shapes[:, 1:]),
        background=masks[f"{group}.li.background"],
        combined_background=masks[f"{group}.li.combined_background"],
    )
    ours, values = stamps.measure()
    names = features[f"{group}.names"].tolist()
    assert sorted(ours) == sorted(names)
    rejected = np.array([not name.startswith("feat_raw_") for name in ours])
    values[np.ix_(~masks[f"{group}.li.kept"], rejected)] = np.nan
    assert differences(ours, values, names, features[f"{group}.values"], images) == []


def test_real_stamps(features: Fixture, masks: Fixture, data_root: Path) -> None:
    with np.load(data_root / "ifc_pbmc_multiframe" / "test_zarr_decoded.npz") as decoded:
        images = [decoded[f"obj_{number}"] for number in range(10)]
    assert len(features["zarr.names"]) == 59 + (203 + 11) * 7
    assert masks["zarr.li.kept"].all()
    compare("zarr", images, features=features, masks=masks)


def test_generated_stamps_of_twelve_channels(features: Fixture, masks: Fixture) -> None:
    assert len(features["generated.names"]) == 59 + (203 + 11) * 12
    assert masks["generated.li.kept"].sum() >= 20
    images = cut(masks["generated.pixels"], masks["generated.shapes"])
    compare("generated", images, features=features, masks=masks)


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
def test_handmade_masks(features: Fixture, dtype: str) -> None:
    shapes = features["handmade.shapes"]
    images = cut(features["handmade.pixels"], shapes)
    own = unpack(features["handmade.masks"], shapes)
    combined = unpack(features["handmade.combined"], shapes[:, 1:])
    measured = features["handmade.measured"].all(axis=1)
    # the published program stops at an empty combined mask; what ours gives: tests/features/test_scip_profile.py
    assert {case.split("/")[0] for case in features["handmade.cases"][~measured]} == {"empty_all"}
    rows = np.flatnonzero(measured & (features["handmade.dtypes"] == dtype))
    assert len(rows) >= 30
    stamps = Stamps(
        images=[images[row].astype(dtype) for row in rows],
        own=[own[row] for row in rows],
        combined=[combined[row] for row in rows],
        background=features["handmade.background"][rows],
        combined_background=features["handmade.combined_background"][rows],
    )
    ours, values = stamps.measure()
    unmasked = [name.replace("feat_li_", "feat_") for name in ours]
    names = features["handmade.names"].tolist()
    assert sorted(names) == sorted(name for name in unmasked if not name.startswith("feat_raw_"))
    cases = features["handmade.cases"][rows]
    mismatches = {
        case: differences(
            unmasked, values[[at]], names, features["handmade.values"][rows[[at]]], stamps.images[at : at + 1]
        )
        for at, case in enumerate(cases.tolist())
    }
    assert {case: lines for case, lines in mismatches.items() if lines} == {}


def test_no_column_is_only_ever_compared_as_zero(features: Fixture, masks: Fixture) -> None:
    """The allowance for rounding decides nothing for most stamps of any column but the two that are always zero."""
    images = cut(masks["generated.pixels"], masks["generated.shapes"])
    names, expected = features["generated.names"].tolist(), features["generated.values"]
    held = np.zeros(len(names), dtype=int)
    for reference, image in zip(expected, images, strict=True):
        row = dict(zip(names, reference.tolist(), strict=True))
        held += [RELATIVE * abs(value) > rounding(name, row, image=image) for name, value in row.items()]
    loose = {
        re.sub(r"_(c\d+|combined)$", "", name)
        for name, count in zip(names, held.tolist(), strict=True)
        if not count and not np.isin(expected[:, names.index(name)], [0.0, np.nan]).all()
    }
    assert loose == {"feat_li_moments_central-0-1", "feat_li_moments_central-1-0"}

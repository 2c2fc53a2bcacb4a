"""What leaves features unchanged: as every column says of itself, and what no column may depend on."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from tasks.core.columns import Column
from tasks.core.types import AnyArray, Batch, FloatArray, Ragged, Region
from tasks.features import Features, feature_columns, measure
from tasks.features.family import Profile

PROFILES: tuple[Profile, ...] = get_args(Profile)
OPTIONAL = ("colocalization", "granularity", "radial_distribution", "radial_zernike", "zernike")
GREY = ("glcm", "gldzm", "glrlm", "glszm", "haralick", "histogram", "ibsi_intensity", "ngldm", "ngtdm")


def each_config(*without: str) -> pytest.MarkDecorator:
    """Parametrize by both profiles, grey levels, and the optional families but those that do not make the claim."""
    profiles = [pytest.param(Features(profile=profile), id=profile) for profile in PROFILES]
    optional = [pytest.param(Features(families=(name,)), id=name) for name in OPTIONAL if name not in without]
    return pytest.mark.parametrize("config", [*profiles, pytest.param(Features(families=GREY), id="grey"), *optional])


REGIONS = [("li", False), ("li.combined", True)]
Cells = tuple[Batch, list[Region]]


def values_of(
    cells: Cells,
    *,
    config: Features,
    change: Callable[[AnyArray], AnyArray] = lambda image: image,
    move: Callable[[AnyArray], AnyArray] = lambda plane: plane,
    scale: float = 1.0,
    shift: float = 0.0,
) -> FloatArray:
    """Measure the cells after their pixels were changed, and pixels and masks moved."""
    batch, regions = cells
    changed = Batch.of([move(change(image)) for image in batch.pixels.unstack()], channels=batch.channels)
    moved = [
        replace(
            region,
            masks=Ragged.of([move(mask) for mask in region.masks.unstack()]),
            background=region.background * scale + shift,
        )
        for region in regions
    ]
    return measure(changed, moved, config=config)


def columns_of(cells: Cells, *, config: Features) -> tuple[Column, ...]:
    return feature_columns(config=config, channels=cells[0].channels, regions=REGIONS)


def assert_kept(
    actual: FloatArray,
    expected: FloatArray,
    columns: tuple[Column, ...],
    claims: set[str],
    *,
    but: tuple[str, ...] = (),
) -> None:
    """Assert that the columns that make one of the claims are unchanged."""
    claiming = [
        number
        for number, column in enumerate(columns)
        if column.region != "raw" and claims & set(column.invariances) and not column.name.startswith(but or ("~",))
    ]
    grey = columns[0].family in GREY
    assert len(claiming) > (0 if columns[0].family in OPTIONAL else 149 if grey else 100 // len(claims))
    for number in claiming:
        if columns[number].family in OPTIONAL:
            difference = actual[:, number] - expected[:, number]
            if columns[number].unit == "rad":
                difference = (difference + np.pi) % (2 * np.pi) - np.pi
            size = np.abs(expected[:, number]) if columns[number].unit == "intensity" else 1.0
            assert np.array_equal(np.isnan(actual[:, number]), np.isnan(expected[:, number])), columns[number].name
            assert (np.abs(np.nan_to_num(difference)) <= 1e-8 * np.nan_to_num(size) + 1e-9).all(), columns[number].name
            continue
        rtol, atol = 1e-7, 1e-13 if columns[number].unit == "1" else 1e-7
        if grey:
            rtol, atol = (1e-7, 0) if columns[number].family == "ibsi_intensity" else (1e-9, 1e-12)
        np.testing.assert_allclose(
            actual[:, number], expected[:, number], rtol=rtol, atol=atol, err_msg=columns[number].name
        )
    if grey and any(claim.startswith("intensity") for claim in claims):
        for number in set(range(len(columns))) - set(claiming):
            assert not np.allclose(actual[:, number], expected[:, number]), columns[number].name


@each_config()
def test_a_larger_frame_changes_no_feature_of_the_cell(cells: Cells, config: Features) -> None:
    def enlarge(image: AnyArray) -> AnyArray:
        filler = 0 if image.dtype == bool else 777
        return np.pad(image, ((0, 0), (3, 8), (9, 1)), constant_values=filler)

    columns = columns_of(cells, config=config)
    before = values_of(cells, config=config)
    assert_kept(values_of(cells, config=config, move=enlarge), before, columns, {"translation"})
    # nothing but the whole frame and the background could have changed
    of_frame = [c.name for c in columns if "translation" not in c.invariances and c.region != "raw"]
    if config.families is None:
        assert all("background" in name for name in of_frame)


@each_config("radial_distribution")
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns(cells: Cells, config: Features, turns: int) -> None:
    def turn(image: AnyArray) -> AnyArray:
        return np.rot90(image, turns, axes=(1, 2))

    actual = values_of(cells, config=config, move=turn)
    columns = columns_of(cells, config=config)
    assert_kept(actual, values_of(cells, config=config), columns, {"rotation", "quarter turn"})


@each_config(*OPTIONAL)
@pytest.mark.parametrize("axis", [1, 2])
def test_mirror_images(cells: Cells, config: Features, axis: int) -> None:
    actual = values_of(cells, config=config, move=lambda image: np.flip(image, axis=axis))
    expected = values_of(cells, config=config)
    columns = columns_of(cells, config=config)
    seventh = tuple(column.name for column in columns if (column.stat, column.param) == ("moments_hu", "6"))
    assert_kept(actual, expected, columns, {"rotation", "quarter turn"}, but=seventh)
    if config.profile == "standard":  # Hu's seventh tells an image from its mirror image by the sign
        numbers = [number for number, column in enumerate(columns) if column.name in seventh]
        np.testing.assert_allclose(actual[:, numbers], -expected[:, numbers], rtol=1e-7)


@each_config("radial_distribution", "radial_zernike", "zernike")
def test_a_constant_added_to_the_pixels(cells: Cells, config: Features) -> None:
    actual = values_of(cells, config=config, change=lambda image: image + np.uint16(5000), shift=5000)
    columns = columns_of(cells, config=config)
    expected = values_of(cells, config=config)
    assert_kept(actual, expected, columns, {"intensity shift"})
    shifted = {"mean", "edge_median", "background"}
    moved = [n for n, column in enumerate(columns) if column.stat in shifted and column.unit == "intensity"]
    np.testing.assert_allclose(actual[:, moved], expected[:, moved] + 5000)


@each_config("zernike")
def test_pixels_of_another_bit_depth(cells: Cells, config: Features) -> None:
    def deepen(image: AnyArray) -> AnyArray:
        return image.astype(np.uint32) * 257

    actual = values_of(cells, config=config, change=deepen, scale=257)
    columns = columns_of(cells, config=config)
    expected = values_of(cells, config=config)
    assert_kept(actual, expected, columns, {"intensity scale"})
    grey = [n for n, c in enumerate(columns) if c.family == "texture" and "sobel" not in c.stat]
    if config.profile == "standard":
        assert np.array_equal(actual[:, grey], expected[:, grey])
    scaled = [number for number, column in enumerate(columns) if column.unit in {"intensity", "intensity/px"}]
    np.testing.assert_allclose(actual[:, scaled], expected[:, scaled] * 257, rtol=1e-9, atol=1e-6)


@each_config()
@pytest.mark.parametrize("dtype", [np.int32, np.uint64, np.float32, np.float64, ">u2"])
def test_storage_changes_nothing(cells: Cells, config: Features, dtype: str) -> None:
    actual = values_of(cells, config=config, change=lambda image: image.astype(dtype))
    assert np.array_equal(actual, values_of(cells, config=config), equal_nan=True)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_cell_does_not_depend_on_the_others_of_its_batch(cells: Cells, profile: Profile) -> None:
    batch, regions = cells
    config = Features(profile=profile)
    joint = measure(batch, regions, config=config)
    for row in range(len(batch)):
        alone = measure(batch.take([row]), [region.take([row]) for region in regions], config=config)
        assert np.array_equal(alone[0], joint[row], equal_nan=True)
    backwards = [2, 1, 0]
    turned = measure(batch.take(backwards), [region.take(backwards) for region in regions], config=config)
    assert np.array_equal(turned[::-1], joint, equal_nan=True)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_channel_does_not_depend_on_the_others(cells: Cells, profile: Profile) -> None:
    batch, regions = cells
    config = Features(profile=profile)
    columns = columns_of(cells, config=config)
    both = measure(batch, regions, config=config)
    second = Batch.of([image[1:] for image in batch.pixels.unstack()], channels=("c1",))
    narrowed = [
        replace(
            region,
            masks=region.masks if region.shared else Ragged.of([mask[1:] for mask in region.masks.unstack()]),
            background=region.background[:, 1:],
        )
        for region in regions
    ]
    alone = measure(second, narrowed, config=config)
    wanted = [number for number, column in enumerate(columns) if column.channels in {(), ("c1",)}]
    assert np.array_equal(both[:, wanted], alone, equal_nan=True)


def test_size_does_not_change_what_claims_so() -> None:
    """A smooth outline drawn in two sizes; pixels allow two per cent, and a hundredth of Zernike's disk."""
    rows, columns = np.mgrid[:400, :400]
    per_family: dict[str, list[FloatArray]] = {"shape": [], "zernike": []}
    for size in (60, 120):
        outline = ((rows - 200) / (0.9 * size)) ** 2 + ((columns - 200 + rows / 4 - 50) / (0.5 * size)) ** 2 < 1
        batch = Batch.of([np.zeros((1, 400, 400))], channels=("c0",))
        region = Region(name="cell", shared=True, masks=Ragged.of([outline[None]]), background=np.zeros((1, 1)))
        for family, values in per_family.items():
            values += [measure(batch, [region], config=Features(families=(family,)))[0]]
    described = feature_columns(config=Features(families=("shape",)), channels=["c0"], regions=[("cell", True)])
    claiming = [number for number, column in enumerate(described) if "scale" in column.invariances]
    assert len(claiming) > 20
    small, large = per_family["shape"]
    for number in claiming:
        assert small[number] == pytest.approx(large[number], rel=0.02, abs=1e-5), described[number].name
    small, large = per_family["zernike"]
    np.testing.assert_allclose(small, large, atol=0.01)
    assert small.max() > 0.3

"""The mask stage's step: statuses, combination, backgrounds, and what does not matter."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pytest

from tasks.core.errors import ConfigError
from tasks.core.regions import regions
from tasks.core.types import AnyArray, Batch, BoolArray, MaskResult, Ragged
from tasks.mask import Mask, MaskMethod, circle_mask, li_mask, mask_batch, masks, remove_border_objects
from tasks.mask.kernels.objects import outside_mean
from tasks.mask.plain import keep_uncut_plain
from tasks.mask.stage import keep_uncut_cells

CHANNELS = ("BF", "PI", "SSC")


def config(**fields: Any) -> Mask:  # noqa: ANN401 - as read from a file
    return Mask.model_validate({"methods": ["li"], "main_channel": "BF"} | fields)


def square(top: int, left: int, *, side: int = 10, shape: tuple[int, int] = (40, 44)) -> AnyArray:
    image = np.full(shape, 100, dtype=np.uint16)
    image[top : top + side, left : left + side] = 900
    return image


def flat(shape: tuple[int, int] = (40, 44)) -> AnyArray:
    return np.full(shape, 100, dtype=np.uint16)


CENTRE = np.stack([square(14, 16), square(10, 10), flat()])
NO_OBJECT = np.stack([flat(), square(10, 10), flat()])
AT_BORDER = np.stack([square(0, 16, side=14), square(10, 10), flat()])
ZERO = np.zeros((3, 40, 44), dtype=np.uint16)
SMALL = np.stack([square(9, 8, shape=(30, 27)), flat((30, 27)), square(9, 8, shape=(30, 27))])
STAMPS = (CENTRE, NO_OBJECT, AT_BORDER, ZERO, SMALL)


def run(images: Sequence[AnyArray], **fields: Any) -> list[MaskResult]:  # noqa: ANN401 - as read from a file
    return mask_batch(Batch.of(images, channels=CHANNELS), config=config(**fields))


def assert_same(first: MaskResult, second: MaskResult) -> None:
    for field in ("n_components", "box", "status", "background", "combined_background"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field), err_msg=field)
    for field in ("masks", "combined"):
        np.testing.assert_array_equal(getattr(first, field).flat, getattr(second, field).flat, err_msg=field)


def test_statuses_and_regions_tell_why_a_stamp_is_rejected() -> None:
    (li,) = run(STAMPS)
    assert li.status.tolist() == ["kept", "no_object", "border", "no_object", "kept"]
    assert li.n_components.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 1]]
    assert li.n_components.dtype == np.int32


def test_the_border_rule_can_be_set_and_turned_off() -> None:
    for border, statuses in ((0.1, ["border"]), (0.6, ["kept"]), ("off", ["kept"]), (False, ["kept"])):
        (li,) = run([AT_BORDER], border=border)
        assert li.status.tolist() == statuses


def test_another_main_channel_decides_otherwise_and_its_masks_are_those_after_the_border_rule() -> None:
    (li,) = run(STAMPS, main_channel="SSC")
    assert li.status.tolist() == ["no_object"] * 4 + ["kept"]
    (li,) = run([AT_BORDER], main_channel="PI")
    assert li.status.tolist() == ["kept"]
    expected = [remove_border_objects(li_mask(plane, sigma=0.5)) for plane in AT_BORDER]
    np.testing.assert_array_equal(li.masks.unstack()[0], expected)
    assert [bool(mask.any()) for mask in expected] == [False, True, False]


def test_a_rejected_stamp_keeps_only_its_regions() -> None:
    (li,) = run(STAMPS)
    for index in (1, 2, 3):
        assert not li.masks.unstack()[index].any()
        assert not li.combined.unstack()[index].any()
        assert li.box[index].tolist() == [0, 0, 0, 0]
        assert np.isnan(li.background[index]).all()
        assert np.isnan(li.combined_background[index]).all()


def test_the_combined_mask_is_the_union_over_the_chosen_channels() -> None:
    (all_channels,) = run([CENTRE])
    bf, pi, _ = all_channels.masks.unstack()[0]
    np.testing.assert_array_equal(all_channels.combined.unstack()[0], [bf | pi])
    (two_channels,) = run([CENTRE], combine=["PI", "SSC"])
    np.testing.assert_array_equal(two_channels.combined.unstack()[0], [pi])
    assert two_channels.box.tolist() == all_channels.box.tolist()  # the box goes around all channels


def test_backgrounds_are_means_outside_the_own_and_the_combined_mask() -> None:
    (li,) = run([CENTRE])
    bf, pi, _ = li.masks.unstack()[0]
    union = bf | pi
    # the gradient's mask reaches beyond the squares, so only the background is left outside
    assert li.background.tolist() == [[100.0, 100.0, 100.0]]
    assert li.combined_background.tolist() == [[100.0, 100.0, 100.0]]
    (circle,) = run([CENTRE], methods=["circle"])
    disk = circle.masks.unstack()[0][0]
    assert circle.background[0, 1] == pytest.approx(CENTRE[1][~disk].mean(), rel=1e-15)
    assert circle.background[0, 1] > 100
    (first,) = run([CENTRE], combine=["BF"])
    assert first.combined_background[0, 1] == pytest.approx(CENTRE[1][~bf].mean(), rel=1e-15)
    assert not np.array_equal(union, bf)


def test_several_masks_come_in_configured_order_and_do_not_touch_each_other() -> None:
    methods = ["circle", "li", {"method": "li", "name": "wide", "sigma": 2}]
    joint = run(STAMPS, methods=methods)
    assert [result.name for result in joint] == ["circle", "li", "wide"]
    for method, masked in zip(methods, joint, strict=True):
        (alone,) = run(STAMPS, methods=[method])
        assert_same(masked, alone)


def test_a_parameter_per_channel_reaches_its_channel() -> None:
    (mixed,) = run([CENTRE], methods=[{"method": "li", "sigma": {"PI": 1}}])
    expected = [remove_border_objects(li_mask(CENTRE[n], sigma=sigma)) for n, sigma in ((0, 0.5), (1, 1))]
    np.testing.assert_array_equal(mixed.masks.unstack()[0][:2], expected)
    assert expected[0].sum() < expected[1].sum()


def test_a_disk_is_kept_wherever_there_are_pixels() -> None:
    (circle,) = run(STAMPS, methods=["circle"])
    assert circle.status.tolist() == ["kept", "kept", "kept", "no_object", "kept"]
    assert circle.n_components.tolist() == [[1, 1, 1]] * 3 + [[0, 0, 0]] + [[1, 1, 1]]
    np.testing.assert_array_equal(circle.masks.unstack()[0][2], circle_mask(CENTRE[2]))


def noisy(image: AnyArray) -> AnyArray:
    noise = np.random.default_rng(3).normal(0, 5, image.shape)
    return np.rint(image + noise).astype(np.uint16)


@pytest.mark.parametrize("method", ["li", "circle", "otsu", "watershed", "spot"])
def test_a_channel_that_fails_the_filter_has_no_mask(method: str) -> None:
    image = noisy(CENTRE)  # SSC is noise alone
    (without,) = run([image], methods=[method], combine=["BF"])
    (filtered,) = run([image], methods=[method], combine=["BF"], channel_filter=["normaltest"])
    assert filtered.status.tolist() == ["kept"]
    assert filtered.n_components[0].tolist() == [*without.n_components[0, :2].tolist(), 0]
    assert not filtered.masks.unstack()[0][2].any()
    assert filtered.background[0, 2] == pytest.approx(image[2].mean(), rel=1e-15)


@pytest.mark.parametrize("method", ["li", "circle", "otsu", "watershed"])
def test_a_main_channel_that_fails_the_filter_rejects_the_stamp(method: str) -> None:
    (filtered,) = run([noisy(NO_OBJECT)], methods=[method], channel_filter=["normaltest"])
    assert filtered.status.tolist() == ["channel_filter"]
    assert filtered.n_components.tolist() == [[0, 1, 0]]
    assert not filtered.masks.flat.any()


def test_filters_test_the_channels_they_list_and_are_anded() -> None:
    image = noisy(NO_OBJECT)
    (spared,) = run([image], methods=["circle"], channel_filter=[{"method": "normaltest", "channels": ["SSC"]}])
    assert spared.n_components.tolist() == [[1, 1, 0]]
    both = [{"method": "normaltest", "channels": ["BF"]}, {"method": "normaltest", "p": 1, "channels": ["BF", "SSC"]}]
    for filters in (both, both[::-1]):
        (masked,) = run([image], methods=["circle"], main_channel="PI", channel_filter=filters)
        assert masked.n_components.tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("method", ["li", "circle", "otsu", "watershed"])
def test_nan_pixels_empty_the_mask_of_their_channel(method: str) -> None:
    image = CENTRE.astype(np.float32)
    image[1, 2, 3] = np.nan
    (masked,) = run([image], methods=[method], channel_filter=["normaltest"], main_channel="BF")
    assert masked.status.tolist() == ["kept"]
    assert not masked.masks.unstack()[0][1].any()
    assert masked.n_components[0, :2].tolist() == [1, 0]
    assert np.isnan(masked.background[0]).tolist() == [False, True, False]
    (masked,) = run([image], methods=[method], main_channel="PI")
    assert masked.status.tolist() == ["no_object"]


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 40), (5, 5)])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float64"])
def test_tiny_and_constant_stamps_are_rejected_without_a_warning(shape: tuple[int, int], dtype: str) -> None:
    images = [np.full((3, *shape), value, dtype=dtype) for value in (0, 7)]
    images.append(np.arange(3 * shape[0] * shape[1]).reshape(3, *shape).astype(dtype))
    li, circle = run(images, methods=["li", "circle"], channel_filter=[])
    assert li.status[:2].tolist() == ["no_object"] * 2
    assert li.status[2] == ("border" if shape in {(1, 40), (5, 5)} else "no_object")  # too small for an object
    expected = "kept" if shape == (5, 5) else "border"
    assert circle.status.tolist() == ["no_object", expected, expected]
    (filtered,) = run(images[:2], channel_filter=["normaltest"])
    assert filtered.status.tolist() == ["no_object", "channel_filter"]


def test_the_rest_of_the_batch_does_not_matter() -> None:
    joint = run(STAMPS, methods=["li", "circle"])
    backwards = run(STAMPS[::-1], methods=["li", "circle"])
    for number, image in enumerate(STAMPS):
        for masked, mirrored, alone in zip(joint, backwards, run([image], methods=["li", "circle"]), strict=True):
            for batch, index in ((masked, number), (mirrored, len(STAMPS) - 1 - number)):
                assert batch.status[index] == alone.status[0]
                for field in ("n_components", "box", "background", "combined_background", "masks", "combined"):
                    many, single = getattr(batch, field), getattr(alone, field)
                    if isinstance(many, Ragged):
                        many, single = many.unstack(), single.unstack()
                    np.testing.assert_array_equal(many[index], single[0])


def test_an_empty_batch_gives_empty_results() -> None:
    nothing = Ragged(flat=np.zeros(0, dtype=np.uint16), shapes=np.zeros((0, 2), dtype=np.int64), n_channels=3)
    (li,) = mask_batch(Batch(pixels=nothing, channels=CHANNELS), config=config(channel_filter=["normaltest"]))
    assert (len(li.masks), li.n_components.shape, li.box.shape, li.status.tolist()) == (0, (0, 3), (0, 4), [])


def test_a_channel_that_is_not_there_is_an_error_in_pure_use_too() -> None:
    with pytest.raises(ConfigError, match=r"mask\.main_channel: got 'DAPI'"):
        run([CENTRE], main_channel="DAPI")


def test_regions_are_the_own_and_the_combined_mask() -> None:
    (li,) = run(STAMPS, methods=[{"method": "li", "name": "cell"}])
    own, combined = regions(li)
    assert (own.name, own.shared, combined.name, combined.shared) == ("cell", False, "cell.combined", True)
    np.testing.assert_array_equal(own.masks.flat, li.masks.flat)
    np.testing.assert_array_equal(combined.masks.flat, li.combined.flat)
    np.testing.assert_array_equal(own.background, li.background)
    np.testing.assert_array_equal(combined.background, li.combined_background)


class Foreign(MaskMethod):
    """A mask method of another package, which does what the test wants."""

    method: Literal["foreign"] = "foreign"
    fault: Literal["", "planes", "dtype"] = ""


@pytest.fixture
def foreign() -> Iterator[None]:
    @masks.register(Foreign)
    def fill(batch: Batch, config: Foreign) -> Ragged:
        full: BoolArray = np.ones(batch.pixels.flat.size, dtype=bool)
        full.reshape(-1, 2, 2)[0, 0] = False  # BF: its first row
        shapes, n_channels = batch.pixels.shapes, batch.pixels.n_channels
        if config.fault == "planes":
            return Ragged(flat=full[:4], shapes=shapes, n_channels=1)
        return Ragged(flat=full.astype(int) if config.fault else full, shapes=shapes, n_channels=n_channels)

    yield
    del masks._parts["foreign"]


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize(("fault", "words"), [("planes", "of 1 planes"), ("dtype", "dtype int64")])
def test_a_method_that_returns_something_else_is_named(fault: str, words: str) -> None:
    with pytest.raises(TypeError, match=f"'foreign' returned 1 masks .*{words}"):
        run([np.ones((3, 2, 2))], methods=[{"method": "foreign", "fault": fault}])


@pytest.mark.parametrize("keep", [keep_uncut_cells, keep_uncut_plain])
def test_a_mask_that_fills_the_stamp_has_background_0_and_no_combined_background(
    keep: Callable[..., MaskResult],
) -> None:
    batch = Batch.of([np.arange(12.0).reshape(3, 2, 2)], channels=CHANNELS)
    full = np.ones(12, dtype=bool)
    full[:2] = False  # BF: its first row
    foreground = Ragged(flat=full, shapes=batch.pixels.shapes, n_channels=3)
    passed = np.ones((1, 3), dtype=bool)
    masked = keep(batch, foreground=foreground, name="full", config=config(border="off"), passed=passed)
    assert masked.background.tolist() == [[0.5, 0.0, 0.0]]
    assert np.isnan(masked.combined_background).all()


@pytest.mark.parametrize("exact", [True, False])
def test_the_compiled_mean_outside_a_mask_that_fills_the_stamp_is_nan(exact: bool) -> None:  # noqa: FBT001
    bits = np.array([[3], [3]], dtype=np.uint64)
    image, runs = np.arange(4.0), np.empty((2, 3), dtype=np.int64)
    mean, count = outside_mean(image, bits, 2, 2, exact, np.empty(4), runs)
    assert np.isnan(mean)
    assert count == 0
    bits[0] = 1
    assert outside_mean(image, bits, 2, 2, exact, np.empty(4), runs) == (1.0, 1)

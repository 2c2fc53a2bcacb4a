"""Every compiled mask, filter and border rule against its plain code, bit for bit, and that stamps stay apart."""

from collections.abc import Callable
from typing import cast

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.filters import gaussian, sobel, threshold_li
from skimage.morphology import dilation as grey_dilation
from skimage.morphology import disk

from tasks.core.types import AnyArray, Batch, FloatArray, IntArray, MaskResult, Ragged
from tasks.mask import Li, Mask, NormalTest, Otsu, Spot, Std, ValueRange, Watershed, mask_batch
from tasks.mask.channelwise import unit_range
from tasks.mask.compact_watershed import compact_watershed
from tasks.mask.filters.std import std_plain
from tasks.mask.kernels import blocks
from tasks.mask.kernels import filters as kernels
from tasks.mask.kernels.flood import OUTSIDE, flood, make_queue
from tasks.mask.kernels.flood_integral import distances
from tasks.mask.kernels.li import li_threshold
from tasks.mask.kernels.medians import allocate_scratch, find_medians, lay_out
from tasks.mask.kernels.morphology import dilate, dilated_size
from tasks.mask.kernels.spot import quantile_of
from tasks.mask.kernels.sums import sum_pairwise
from tasks.mask.plain import keep_uncut_plain
from tasks.mask.rank_median import rank_median
from tasks.mask.registry import ChannelFilter, MaskFunction, MaskMethod, channel_filters, masks
from tasks.mask.stage import keep_uncut_cells

CHANNELS = ("a", "b", "c")
DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64", "longdouble", ">u2", ">f4"),
)
METHODS: tuple[MaskMethod, ...] = (
    Li(), Li.model_validate({"sigma": {"a": 0, "b": 1.3, "c": 4}}), Otsu(), Watershed(), Spot(),
    Spot.model_validate({"size": {"a": 1, "b": 3, "c": 8}}),
)  # fmt: skip
EACH = pytest.mark.parametrize("method", METHODS, ids=["li", "li-mixed", "otsu", "watershed", "spot", "spot-mixed"])


def cell(shape: tuple[int, int], *, seed: int, light: float = 400) -> FloatArray:
    """Draw three channels of a noisy disk, brighter from one to the next, as whole numbers."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(rows - shape[0] / 2.2, columns - shape[1] / 1.9) / max(1, min(shape) / 3.5)
    image = 20 + light * np.array([0.1, 1, 4])[:, None, None] / (1 + np.exp(10 * distance - 10))
    return np.asarray(np.rint(image + rng.normal(0, 4, image.shape)))


def batch(images: list[AnyArray]) -> Batch:
    return Batch.of(images, channels=CHANNELS[: len(images[0])])


def degenerate() -> list[FloatArray]:
    """Draw stamps that have no threshold, many equal pixels, values at the limits, or hardly any pixels."""
    rng = np.random.default_rng(4)
    flat = np.zeros((3, 20, 22))
    square, corner, stripes, single = flat.copy(), flat.copy(), flat.copy(), flat.copy()
    square[:, 6:15, 5:16] = 500
    corner[:, :6, :7] = 60
    stripes[:, :, ::2] = 9
    single[:, 9, 9] = 1
    rows, columns = np.mgrid[:20, :22]
    mirrored = np.broadcast_to(np.hypot(rows - 9.5, columns - 10.5).round(), flat.shape)
    steps = np.broadcast_to(np.repeat([0, 1, 2, 3], [5, 5, 5, 5])[:, None] * 7, flat.shape)
    shapes = [(1, 1), (1, 9), (9, 1), (2, 7), (7, 2), (3, 3), (4, 70), (66, 5), (1, 130), (12, 64), (12, 65), (30, 128)]
    return [
        *(flat, flat + 7, square, corner, stripes, single, mirrored, steps),
        rng.choice([0, 1, 65534, 65535], size=(3, 21, 20)).astype(float),
        rng.integers(0, 3, size=(3, 25, 24)).astype(float),
        *(rng.integers(0, 700, size=(3, *shape)).astype(float) for shape in shapes),
    ]


def plain(method: MaskMethod) -> MaskFunction:
    function = masks.part(method).plain
    assert function is not None
    return function


def assert_same_masks(method: MaskMethod, stamps: Batch) -> None:
    actual, expected = masks.function(method)(stamps, method), plain(method)(stamps, method)
    assert actual.flat.dtype == np.bool_
    for number, (ours, theirs) in enumerate(zip(actual.unstack(), expected.unstack(), strict=True)):
        np.testing.assert_array_equal(ours, theirs, err_msg=f"stamp {number}, {stamps.pixels.flat.dtype}")


@EACH
def test_masks_of_cells_of_many_sizes_are_those_of_the_plain_code(method: MaskMethod) -> None:
    shapes = [(40, 46), (31, 64), (65, 33), (24, 24), (60, 60), (17, 90)]
    stamps = batch([cell(shape, seed=seed).astype(np.uint16) for seed, shape in enumerate(shapes)])
    actual = masks.function(method)(stamps, method)
    assert 0 < actual.flat.mean() < 0.9
    assert_same_masks(method, stamps)


@EACH
@pytest.mark.parametrize("dtype", DTYPES)
def test_masks_are_those_of_the_plain_code_whatever_the_type(method: MaskMethod, dtype: str) -> None:
    images = [cell(shape, seed=7 + seed, light=25) for seed, shape in enumerate([(30, 34), (22, 20)])]
    if np.dtype(dtype).kind == "f":
        images = [image * 0.37 - 9.1 for image in images]
    elif np.dtype(dtype).kind == "i":
        images = [image - 60 for image in images]
    assert_same_masks(method, batch([np.clip(image, -120, 120).astype(dtype) for image in images]))


@EACH
@pytest.mark.parametrize("dtype", ["uint16", "float64"])
def test_masks_of_degenerate_stamps_are_those_of_the_plain_code(method: MaskMethod, dtype: str) -> None:
    assert_same_masks(method, batch([image.astype(dtype) for image in degenerate()]))


@EACH
@pytest.mark.parametrize("factor", [1e-320, 1e-300, 1e-9, 1.0, 1e12, 1e300])
def test_masks_of_any_magnitude_are_those_of_the_plain_code(method: MaskMethod, factor: float) -> None:
    image = cell((28, 31), seed=5) - 30
    assert_same_masks(method, batch([image * factor, (image + 0.25) * factor, image * factor + 3e-7]))


@EACH
def test_channels_with_nan_or_infinite_pixels_have_no_mask(method: MaskMethod) -> None:
    image = cell((30, 30), seed=1)
    image[0, 3, 4], image[2, 7, 7] = np.nan, -np.inf
    stamps = batch([image, np.full((3, 9, 9), np.inf), np.zeros((3, 0, 5))])
    assert not masks.function(method)(stamps, method).unstack()[0][[0, 2]].any()
    assert_same_masks(method, stamps)


@EACH
def test_the_size_of_stacks_does_not_matter(method: MaskMethod, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = batch([cell((24 + seed, 30), seed=seed).astype(np.float32) for seed in range(5)])
    joint = masks.function(method)(stamps, method)
    monkeypatch.setattr(blocks, "PIXELS", 3 * 28 * 30)
    assert [piece.cells for piece in blocks.blocks(stamps)] == [slice(n, n + 1) for n in range(5)]
    np.testing.assert_array_equal(masks.function(method)(stamps, method).flat, joint.flat)


@EACH
@given(data=st.data())
def test_masks_of_any_stamp_are_those_of_the_plain_code(method: MaskMethod, data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.just(3), st.integers(1, 26), st.integers(1, 26)))
    drawn = st.one_of(
        hnp.arrays(np.uint16, shape),
        hnp.arrays(np.uint8, shape, elements=st.integers(0, 3)),
        hnp.arrays(np.float64, shape, elements=st.floats(-700, 700)),
    )
    assert_same_masks(method, batch([data.draw(drawn)]))


@pytest.mark.parametrize(
    "config",
    [
        *(NormalTest(), NormalTest(p=1), NormalTest(p=1e-9), Std(threshold=0), Std(threshold=30)),
        *(ValueRange(threshold=0), ValueRange(threshold=90)),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["uint16", "int64", "uint64", "float16", "float64"])
def test_filters_pass_the_channels_that_the_plain_code_passes(config: ChannelFilter, dtype: str) -> None:
    rng = np.random.default_rng(8)
    images = [*degenerate(), *(cell((30, 33), seed=seed) for seed in range(6))]
    images += [rng.normal(300, scale, size=(3, *shape)) for scale in (1, 9, 30) for shape in [(2, 4), (3, 6), (40, 40)]]
    images = [np.clip(image, 0, 60000).astype(dtype) for image in images]
    if dtype.startswith("float"):
        images[2][1, 3, 3] = np.nan
    stamps = batch(images)
    actual = channel_filters.function(config)(stamps, config)
    by_plain_code = channel_filters.part(config).plain
    assert by_plain_code is not None
    expected = by_plain_code(stamps, config)
    np.testing.assert_array_equal(actual, expected)
    assert actual.any()
    assert not actual.all()


def test_a_threshold_met_exactly_is_decided_as_by_the_plain_code() -> None:
    image = np.zeros((1, 2, 2))
    image[0, 0] = 6  # standard deviation 3
    stamps = batch([image, image + 1e9])
    for threshold in (3.0, np.nextafter(3.0, 0), np.nextafter(3.0, 9)):
        config = Std(threshold=float(threshold))
        np.testing.assert_array_equal(channel_filters.function(config)(stamps, config), std_plain(stamps, config))


def assert_same(first: MaskResult, second: MaskResult) -> None:
    for field in ("n_components", "box", "status"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field), err_msg=field)
    for field in ("background", "combined_background"):
        np.testing.assert_allclose(getattr(first, field), getattr(second, field), rtol=1e-12, err_msg=field)
    for field in ("masks", "combined"):
        np.testing.assert_array_equal(getattr(first, field).flat, getattr(second, field).flat, err_msg=field)


@given(seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from(DTYPES), density=st.sampled_from([0.02, 0.2, 0.5, 0.9]))
def test_border_rule_box_and_backgrounds_are_those_of_the_plain_code(seed: int, dtype: str, density: float) -> None:
    rng = np.random.default_rng(seed)
    shapes = [(int(rng.integers(1, 40)), int(rng.integers(1, 140))) for _ in range(6)]
    images = [(rng.random((3, *shape)) * 120).astype(dtype) for shape in shapes]
    images[0][:] = np.iinfo(dtype).min if np.dtype(dtype).kind == "i" and seed % 2 else 0
    if np.dtype(dtype).kind == "f":
        images[1][1, 0, 0] = np.nan
    stamps = batch(images)
    foreground = Ragged(flat=rng.random(stamps.pixels.flat.size) < density, shapes=stamps.pixels.shapes, n_channels=3)
    passed = rng.random((6, 3)) < 0.8
    combine = [None, ["b"], ["a", "c"]][seed % 3]
    border = [0.25, 0, 0.6, "off"][seed // 6 % 4]
    fields = {"methods": ["li"], "main_channel": "abc"[seed % 2], "combine": combine, "border": border}
    config = Mask.model_validate(fields)
    ours = keep_uncut_cells(stamps, foreground=foreground, name="m", config=config, passed=passed)
    assert_same(ours, keep_uncut_plain(stamps, foreground=foreground, name="m", config=config, passed=passed))


def test_several_methods_filters_and_parameters_per_channel_work_together() -> None:
    images = [cell((33, 36), seed=seed).astype(np.uint16) for seed in range(4)]
    images[1][1] = 50
    config = Mask.model_validate(
        {
            "methods": ["otsu", {"method": "li", "sigma": {"b": 2}}, "watershed", "spot", "circle"],
            "main_channel": "b",
            "combine": ["b", "c"],
            "channel_filter": [{"method": "std", "threshold": 30, "channels": ["a", "b"]}],
        }
    )
    stamps = batch(images)
    passed = std_plain(stamps, Std(threshold=30)) | [False, False, True]
    for method, masked in zip(config.methods, mask_batch(stamps, config=config), strict=True):
        name = method.name
        foreground = (masks.part(method).plain or masks.function(method))(stamps, method)
        assert_same(masked, keep_uncut_plain(stamps, foreground=foreground, name=name, config=config, passed=passed))
        assert masked.status.tolist() == ["kept", "channel_filter", "kept", "kept"]


@pytest.mark.parametrize("sigma", [1e-16, 0.1, 0.5, 1, 1.7, 6])
@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (9, 2), (33, 70)])
def test_filters_round_as_those_of_scipy_and_scikit_image(shape: tuple[int, int], sigma: float) -> None:
    image = unit_range(np.random.default_rng(3).normal(size=shape))
    weights = kernels.half_kernel(sigma)
    radius = len(weights) - 1
    height, width = shape
    framed = np.empty((height + 2 * radius) * (width + 2 * radius))
    kernels.frame(image.ravel(), width, height, width, radius, framed)
    stride = kernels.smooth(framed, height, width, weights, np.empty_like(framed))
    rows = framed[: height * stride].reshape(height, stride)[:, :width]
    np.testing.assert_array_equal(rows, gaussian(image, sigma=sigma, mode="nearest"))
    framed = np.empty((height + 2) * (width + 2))
    kernels.frame(image.ravel(), width, height, width, 1, framed)
    result = np.empty_like(framed)
    stride = kernels.sobel(framed, height, width, result)
    rows = result[: height * stride].reshape(height, stride)[:, :width]
    np.testing.assert_array_equal(rows, sobel(image, mode="reflect"))


def test_lis_threshold_is_unsure_where_a_pixel_lies_on_it() -> None:
    # the first threshold is the mean, 1, which is a pixel's value
    assert li_threshold(np.array([0.0, 1.0, 2.0]), np.empty(3)) == (0.0, False)
    noise = np.random.default_rng(2).gamma(2, size=3000)
    threshold, sure = li_threshold(noise, np.empty(3000))
    assert sure
    assert threshold == pytest.approx(threshold_li(noise), rel=1e-12)


def _medians_of(image: IntArray) -> IntArray:
    height, width = image.shape
    scratch = allocate_scratch(np.array([[height, width]]))
    lay_out(height, width, scratch)
    medians = np.empty(height * width, np.int64)
    find_medians(image.ravel(), height, width, scratch, medians)
    return medians.reshape(height, width)


medians_of = cast("Callable[[IntArray], IntArray]", numba.njit(_medians_of))
"""Only compiled code can call what it is made of."""


@pytest.mark.parametrize("levels", [1, 2, 127, 128, 129, 256, 513, 16384])
@pytest.mark.parametrize("shape", [(1, 1), (3, 70), (40, 5), (31, 64), (66, 130)])
def test_medians_are_those_of_sorted_neighbourhoods(shape: tuple[int, int], levels: int) -> None:
    image = np.random.default_rng(levels).integers(0, levels, size=shape)
    medians = medians_of(image)
    np.testing.assert_array_equal(medians, rank_median(image.astype(np.float64), radius=5))


@pytest.mark.parametrize("radius", [1, 2, 5, 11, 30])
@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (25, 12)])
def test_dilation_with_a_disk(shape: tuple[int, int], radius: int) -> None:
    image = np.random.default_rng(radius).normal(size=shape)
    padded = np.pad(image, radius, constant_values=-np.inf)
    expected = grey_dilation(padded, disk(radius))[radius:-radius, radius:-radius]
    dilated = image.ravel().copy()
    dilate(dilated, *shape, radius, np.empty((3, dilated_size(np.array([shape]), radius))))
    np.testing.assert_array_equal(dilated.reshape(shape), expected)


@given(seed=st.integers(0, 2**32 - 1), values=st.sampled_from(["few", "whole", "large", "real", "negative"]))
def test_flooding_takes_the_queues_own_order(seed: int, values: str) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 26)), int(rng.integers(1, 26)))
    image = {
        "few": rng.integers(0, 4, size=shape).astype(float),
        "whole": rng.integers(0, 60000, size=shape).astype(float),
        "large": rng.integers(2**40, 2**40 + 9, size=shape).astype(float),
        "real": rng.normal(size=shape).round(1) + 0.0,
        "negative": rng.integers(-9, 9, size=shape) * -0.5,
    }[values]
    markers = (rng.integers(1, 3, size=shape) * (rng.random(shape) < rng.choice([0.02, 0.3, 0.8]))).astype(np.int32)
    labels = np.pad(markers, 1, constant_values=OUTSIDE).ravel()
    flood(image.ravel(), *shape, labels, make_queue(len(labels)), distances())
    flooded = labels.reshape(shape[0] + 2, shape[1] + 2)[1:-1, 1:-1]
    np.testing.assert_array_equal(flooded, compact_watershed(image, markers))


@pytest.mark.parametrize("count", [0, 1, 7, 8, 127, 128, 129, 137, 1000, 3600, 40001])
def test_sums_and_quantiles_are_those_of_numpy(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count) ** 3
    assert sum_pairwise(values, count) == pytest.approx(values.sum(), rel=1e-12, abs=1e-12 * np.abs(values).sum())
    if count:
        for quantile in (0.0, 0.3, 0.5, 0.99, 1.0):
            assert quantile_of(values.copy(), count, quantile) == np.quantile(values, quantile)

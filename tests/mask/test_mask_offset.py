"""A camera's offset is no light: signed counts give the masks of unsigned ones, with every method."""

import numpy as np
import pytest

from tasks.core.types import AnyArray, Batch
from tasks.mask import Mask, mask_batch, masks
from tasks.mask.offset import without_offset

METHODS = ["li", "otsu", "spot", "watershed", "circle"]


def stamps(dtype: str) -> list[AnyArray]:
    """Draw bright and dim cells, below 512 and above, with a dark stamp among them."""
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[:48, :45]
    top = np.iinfo(f"u{np.dtype(dtype).itemsize}").max
    images: list[AnyArray] = []
    for height in (60, 90, 140, 180):
        cell = height * np.exp(-((rows - 24) ** 2 + (columns - 22) ** 2) / 128)
        images.append(np.stack([rng.poisson(20 + cell), rng.poisson(10 + cell / 2)]) * (1 if top == 255 else height))
    return [np.minimum(image, top).astype(f"u{np.dtype(dtype).itemsize}") for image in [*images, 0 * images[0]]]


def batch(images: list[AnyArray]) -> Batch:
    return Batch.of(images, channels=["BF", "PI"])


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4"])
def test_signed_counts_are_masked_as_unsigned_ones(dtype: str) -> None:
    unsigned = stamps(dtype)
    # a view of the bits with the sign turned: minus 128, 32768, …
    signed = [(image ^ image.dtype.type(1 << (8 * image.itemsize - 1))).view(dtype) for image in unsigned]
    assert all(image.min() < 0 for image in signed)
    config = Mask.model_validate({"methods": METHODS, "main_channel": "BF"})
    expected = mask_batch(batch(unsigned), config=config)
    for masked, other in zip(mask_batch(batch(signed), config=config), expected, strict=True):
        assert masked.status.tolist() == other.status.tolist()
        assert masked.status[-1] == "no_object"
        assert np.array_equal(masked.masks.flat, other.masks.flat)
        assert np.array_equal(masked.box, other.box)
        offset = float(np.iinfo(dtype).min)
        assert np.allclose(masked.background, other.background + offset, rtol=1e-12, equal_nan=True)
    assert {status for masked in expected for status in masked.status[:-1]} >= {"kept"}


@pytest.mark.parametrize("name", METHODS[:-1])
@pytest.mark.parametrize("shift", [0, 30, 300, 70000])
def test_kernels_and_plain_code_agree_on_negative_pixels(name: str, shift: int) -> None:
    config = Mask.model_validate({"methods": [name], "main_channel": "BF"}).methods[0]
    for dtype in ("int32", "float32", "float64"):
        given = batch([image.astype(dtype) - np.dtype(dtype).type(shift) for image in stamps("i2")])
        plain = masks.part(config).plain
        assert plain is not None
        assert np.array_equal(masks.function(config)(given, config).flat, plain(given, config).flat)


@pytest.mark.parametrize("shift", [0.0, 300.5, 70000.0])
@pytest.mark.parametrize("name", METHODS)
def test_a_cell_is_found_whatever_the_offset_of_floats(name: str, shift: float) -> None:
    given = batch([image - shift for image in stamps("i2")[:-1]])
    (masked,) = mask_batch(
        given, config=Mask.model_validate({"methods": [name], "main_channel": "BF", "border": "off"})
    )
    assert masked.status.tolist() == ["kept"] * 4


@pytest.mark.parametrize("judge", [("std", 900), ("value_range", 9000), ("normaltest", None)])
def test_channel_filters_judge_signed_counts_as_unsigned_ones(judge: tuple[str, float | None]) -> None:
    method, threshold = judge
    settings = {"method": method} | ({} if threshold is None else {"threshold": threshold})
    config = Mask.model_validate({"methods": ["circle"], "main_channel": "BF", "channel_filter": [settings]})
    images = [*stamps("i2"), np.random.default_rng(0).normal(500, 9, (2, 48, 45)).astype(np.uint16)]
    signed = [(image.astype(np.int32) - 32768).astype(np.int16) for image in images]
    (unsigned,), (shifted,) = mask_batch(batch(images), config=config), mask_batch(batch(signed), config=config)
    assert shifted.status.tolist() == unsigned.status.tolist()
    assert {"kept", "channel_filter"} <= set(shifted.status)


def test_other_pixels_stay_as_they_are() -> None:
    for image in (np.array([[[-3, 9]]]), np.array([[[-3.0, 9]]]), np.array([[[3, 9]]], dtype=np.uint8)):
        given = Batch.of([image], channels=["BF"])
        assert without_offset(given) is given
    signed = Batch.of([np.array([[[3, 9]]], dtype=np.int16)], channels=["BF"])
    assert without_offset(signed).pixels.flat.tolist() == [3, 9]

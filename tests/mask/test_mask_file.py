"""The masks that files hold, as masks of stamps: what is done to all masks is done to them."""

import numpy as np
import pytest

from tasks.core.types import Batch, BoolArray
from tasks.mask import Mask, mask_batch

CHANNELS = ("BF", "PI")
CENTRE, CORNER, NOTHING = (np.zeros((12, 14), dtype=np.bool_) for _ in range(3))
CENTRE[4:8, 5:9] = True
CORNER[:5, :6] = True
MASKS: list[BoolArray] = [np.stack([CENTRE, CORNER]), np.stack([CORNER, CENTRE]), np.stack([NOTHING, CENTRE])]
BATCH = Batch.of(
    [np.arange(2 * 12 * 14, dtype=np.uint16).reshape(2, 12, 14) + number for number in range(3)],
    channels=CHANNELS,
    file_masks=MASKS,
)


def config(**fields: object) -> Mask:
    return Mask.model_validate({"methods": ["file"], "main_channel": "BF"} | fields)


def test_they_are_taken_as_they_are_where_nothing_touches_the_frame() -> None:
    (file,) = mask_batch(BATCH, config=config(border="off"))
    assert file.status.tolist() == ["kept", "kept", "no_object"]
    np.testing.assert_array_equal(file.masks.unstack()[0], MASKS[0])
    np.testing.assert_array_equal(file.combined.unstack()[1][0], CENTRE | CORNER)
    pixels = BATCH.pixels.unstack()[0]
    np.testing.assert_allclose(file.background[0], [pixels[0][~CENTRE].mean(), pixels[1][~CORNER].mean()])


def test_border_rule_and_filters_look_at_them_as_at_any_others() -> None:
    (file,) = mask_batch(BATCH, config=config(border=0))
    assert file.status.tolist() == ["kept", "border", "no_object"]
    assert not file.masks.unstack()[0][1].any()
    (filtered,) = mask_batch(BATCH, config=config(channel_filter=[{"method": "std", "threshold": 1000}]))
    assert filtered.status.tolist() == ["channel_filter"] * 3


def test_they_stand_beside_masks_that_are_found() -> None:
    with_file = mask_batch(BATCH, config=config(methods=["file", "otsu"]))
    (alone,) = mask_batch(Batch(pixels=BATCH.pixels, channels=CHANNELS), config=config(methods=["otsu"]))
    np.testing.assert_array_equal(with_file[1].masks.flat, alone.masks.flat)


def test_they_stay_with_their_stamps() -> None:
    (file,) = mask_batch(BATCH.take([1, 0]), config=config(border="off"))
    np.testing.assert_array_equal(file.masks.unstack()[0], MASKS[1])
    signed = Batch.of([np.full((2, 12, 14), -5, dtype=np.int16)], channels=CHANNELS, file_masks=MASKS[:1])
    (file,) = mask_batch(signed, config=config(border="off"))
    np.testing.assert_array_equal(file.masks.unstack()[0], MASKS[0])


def test_a_batch_that_was_read_without_them_has_none() -> None:
    with pytest.raises(ValueError, match="needs the masks in the files"):
        mask_batch(Batch(pixels=BATCH.pixels, channels=CHANNELS), config=config())


def test_only_the_method_that_needs_them_asks_for_them() -> None:
    assert config(methods=["li", "file"]).from_files
    assert not config(methods=["li", "otsu"]).from_files

"""Inputs on which a gray level was taken for light, or a single value for a statistic: what they give now."""

import numpy as np
import polars as pl
import pytest

from tasks.core.decision import emptied_groups
from tasks.core.errors import InputError
from tasks.core.regions import regions
from tasks.core.types import AnyArray, Batch, FloatArray
from tasks.illumination.config import Polynomial
from tasks.illumination.correction import corrected, correction_image, light_offset
from tasks.illumination.sums import FieldSum, added
from tasks.mask import Mask, mask_batch
from tasks.quality.config import Quality
from tasks.quality.decide import decide
from tasks.quality.measure import measure_metrics, with_regions
from tasks.segment.config import Segment
from tasks.segment.stage import segment_image


def shaded_fields() -> list[AnyArray]:
    """Draw counts (1, 150, 180) of twelve cells per field, whose light falls off by up to 70 % in the corners."""
    rows, columns = np.mgrid[-1:1:150j, -1:1:180j]
    shade = 1 - 0.35 * (rows**2 + columns**2)
    draw = np.random.default_rng(4)
    fields: list[AnyArray] = []
    for _ in range(12):
        spots = draw.uniform(-0.85, 0.85, (12, 2))
        light = 200 + sum(800 * np.exp(-((rows - a) ** 2 + (columns - b) ** 2) / 0.01) for a, b in spots)
        fields.append(draw.poisson(shade * light)[np.newaxis])
    return fields


def correct(fields: list[AnyArray]) -> list[AnyArray]:
    config = Polynomial()
    light = added([FieldSum.of(field, downscale=config.downscale) for field in fields])
    correction = correction_image(light, config=config, channels=["DNA"], title="150×180 px")
    offset = light_offset(light, config=config)
    return [corrected(field, correction, offset=offset) for field in fields]


def test_a_cameras_offset_is_no_light() -> None:
    counts = shaded_fields()
    unsigned = correct([field.astype(np.uint16) for field in counts])
    signed = correct([(field - 32768).astype(np.int16) for field in counts])
    assert np.array_equal(signed, unsigned)
    nuclei = Segment.model_validate({"objects": {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 20}}})
    n_nuclei = [segment_image(field, channels=["DNA"], config=nuclei).labels["nucleus"].max() for field in signed[:3]]
    assert all(8 <= number <= 14 for number in n_nuclei)


def test_a_subtracted_background_leaves_no_light_to_correct_by() -> None:
    message = r"mean light of DNA of 150×180 px is not clearly positive in 49\.\d% of the field"
    with pytest.raises(InputError, match=message):
        correct([(field - 215).astype(np.float32) for field in shaded_fields()])


def test_equal_stamps_have_equal_masks_whatever_the_offset() -> None:
    rows, columns = np.mgrid[:48, :48]
    draw = np.random.default_rng(7)
    stamps: list[AnyArray] = []
    for _ in range(24):
        size, height = draw.uniform(6, 10), draw.uniform(300, 2000)
        cell = height * np.exp(-((rows - 24) ** 2 + (columns - 24) ** 2) / (2 * size**2))
        stamps.append(np.stack([draw.poisson(400 + cell), draw.poisson(200 + cell / 2)]))
    config = Mask(methods=("li", "otsu", "watershed", "spot", "circle"), main_channel="BF")
    unsigned, signed = (
        mask_batch(Batch.of(images, channels=["BF", "PI"]), config=config)
        for images in (
            [stamp.astype(np.uint16) for stamp in stamps],
            [(stamp - 32768).astype(np.int16) for stamp in stamps],
        )
    )
    for mask, other in zip(unsigned, signed, strict=True):
        assert "no_object" not in mask.status
        assert mask.status.tolist() == other.status.tolist()
        assert np.array_equal(mask.masks.flat, other.masks.flat)
        assert np.allclose(mask.background - 32768, other.background, rtol=1e-12, equal_nan=True)


def test_a_group_of_one_cell_keeps_it_and_emptied_groups_are_told() -> None:
    rows, columns = np.mgrid[:40, :40]
    draw = np.random.default_rng(0)
    plates, stamps = [], []
    for plate, level, cells in (("01", 300, 6), ("1", 3000, 6), ("02", 500, 1)):
        for _ in range(cells):
            cell: FloatArray = level * np.exp(-((rows - 20) ** 2 + (columns - 20) ** 2) / 60)
            stamps.append(np.stack([draw.poisson(50 + cell), draw.poisson(30 + cell / 2)]).astype(np.uint16))
            plates.append(plate)
    batch = Batch.of(stamps, channels=["BF", "PI"])
    (masked,) = mask_batch(batch, config=Mask(methods=("li",), main_channel="BF"))
    for threshold, n_kept in (({"method": "mad", "n": -50}, 13), ({"method": "absolute", "value": 700}, 6)):
        rule = {"metric": "max", "channel": "BF", "threshold": threshold, "group_by": ["plate"]}
        rules = Quality.model_validate([rule]).rules
        metrics = measure_metrics(batch, regions(masked), rules=rules, frames=batch.pixels.unstack()).with_columns(
            meta__image=pl.int_range(13).cast(pl.String), status=pl.lit("kept"), meta__plate=pl.Series(plates)
        )
        decision = decide(metrics, rules=with_regions(rules, main_region="li", stamps=True))
        assert decision.statuses(metrics, metrics["status"].to_list()).count("kept") == n_kept
        emptied = {group.group["plate"]: group.before for group in emptied_groups(decision)}
        assert emptied == ({} if n_kept == 13 else {"01": 6, "02": 1})

"""Profile ``scip`` where the published program stops or stays silent; its numbers: tests/oracle."""

import numpy as np
import pytest

from tasks.core.types import Batch, BoolArray, FloatArray, Ragged, Region
from tasks.features import Features, feature_columns, measure
from tasks.features.plain.texture import edge_levels, published_texture

RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 60000, size=(2, 21, 24)).astype(np.float64)
MASK = np.zeros((2, 21, 24), dtype=bool)
MASK[0, 3:17, 4:19] = True
MASK[1, 8:12, 8:12] = True
COMBINED = MASK[:1] | MASK[1:]


def named(pixels: FloatArray, own: BoolArray, combined: BoolArray) -> dict[str, float]:
    batch = Batch.of([pixels], channels=("a", "b"))
    regions = [
        Region(name="li", shared=False, masks=Ragged.of([own]), background=np.full((1, 2), 10.0)),
        Region(name="li.combined", shared=True, masks=Ragged.of([combined]), background=np.full((1, 2), 11.0)),
    ]
    config = Features(profile="scip")
    columns = feature_columns(config=config, channels=batch.channels, regions=[(r.name, r.shared) for r in regions])
    values = measure(batch, regions, config=config)[0]
    return {column.name: value for column, value in zip(columns, values.tolist(), strict=True)}


def test_an_empty_combined_mask_does_not_stop_it() -> None:
    nothing = np.zeros((2, 21, 24), dtype=bool)
    features = named(PIXELS, nothing, nothing[:1])
    for name, value in features.items():
        region, feature = name.split("__")[:2]
        if region == "raw":
            assert np.isfinite(value)
        elif feature.startswith("intensity"):
            assert value == 0, name
        elif feature.startswith("texture") or region == "li.combined":
            assert np.isnan(value), name
    zeros = {name for name, value in features.items() if name.startswith("li__shape") and value == 0}
    assert len(zeros) == 11 * 2


def test_components_are_averaged() -> None:
    own = np.zeros((2, 21, 24), dtype=bool)
    own[:, 2:6, 2:6] = True
    own[:, 10:12, 10:20] = True
    features = named(PIXELS, own, own[:1])
    assert features["li__shape_area__a"] == (16 + 20) / 2
    assert features["li__shape_euler_number__a"] == 1
    assert features["li__shape_moments_1_0__a"] == (4 * (0 + 1 + 2 + 3) + 10 * (0 + 1)) / 2


def test_a_missing_pixel_leaves_its_views_without_a_value_and_is_outside_for_texture() -> None:
    pixels = PIXELS.copy()
    pixels[0, 10, 11] = np.nan
    features = named(pixels, MASK, COMBINED)
    clean = named(PIXELS, MASK, COMBINED)
    assert np.isnan([features["li__intensity_mean__a"], features["raw__intensity_sum__a"]]).all()
    assert features["li__intensity_edge_mean__a"] == clean["li__intensity_edge_mean__a"]
    without = MASK[0].copy()
    without[10, 11] = False
    assert np.array_equal(published_texture(pixels[0], mask=MASK[0]), published_texture(PIXELS[0], mask=without))
    assert all(
        features[name] == value for name, value in clean.items() if name.startswith("li__") and name.endswith("__b")
    )


def test_a_background_that_does_not_exist_leaves_only_what_is_corrected_without_a_value() -> None:
    batch = Batch.of([PIXELS], channels=("a", "b"))
    full = Region(name="li.combined", shared=True, masks=Ragged.of([MASK[:1]]), background=np.full((1, 2), np.nan))
    config = Features(profile="scip", families=("intensity",))
    columns = feature_columns(config=config, channels=batch.channels, regions=[("li.combined", True)])
    values = measure(batch, [full], config=config)[0]
    for column, value in zip(columns, values, strict=True):
        assert np.isnan(value) == column.stat.startswith("bgcorr"), column.name


@pytest.mark.parametrize("value", [0.0, 611.0, -11.5, 1e15])
def test_equal_pixels_are_of_one_level(value: float) -> None:
    inside = np.ones((6, 6), dtype=bool)
    assert len(set(edge_levels(np.full((6, 6), value), inside).ravel().tolist())) == 1


def test_levels_count_the_edges_below() -> None:
    # edges 0, 3, 6 … 45: a value on an edge belongs below it
    pixels = np.array([[0.0, 1.0, 3.0, 4.0, 6.0, 45.0, 42.0, 42.5]])
    levels = edge_levels(pixels, np.ones(pixels.shape, dtype=bool))
    assert levels.tolist() == [[0, 1, 1, 2, 2, 15, 14, 15]]

"""Objects found by a model: mechanics that hold whatever the network."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal

from tasks.core.errors import ConfigError
from tasks.core.types import AnyArray, LabelArray
from tasks.segment import Segment, segment_image
from tasks.segment.model.maps import field_maps
from tasks.segment.model.network import Network, find_network, open_network
from tests.segment.handmade_model import discs, write_model


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "discs.onnx")


@pytest.fixture(scope="module")
def network(path: Path) -> Network:
    return open_network(find_network(str(path)))


def find(image: AnyArray, *, path: Path, **options: Any) -> LabelArray:  # noqa: ANN401
    nucleus = {"method": "model", "channel": "DNA", "model": str(path), "diameter": 20, **options}
    config = Segment.model_validate({"border": "keep", "objects": {"nucleus": nucleus}})
    return segment_image(image[np.newaxis], channels=["DNA"], config=config).labels["nucleus"]


def diameters(labels: LabelArray) -> AnyArray:
    return np.sqrt(np.bincount(labels.ravel())[1:] * 4 / np.pi)


@pytest.mark.parametrize(("diameter", "count"), [(9.0, 90), (20.0, 40), (57.0, 9)])
def test_discs_of_any_size_are_found_where_they_are(path: Path, diameter: float, count: int) -> None:
    image = discs((260, 330), diameter=diameter, count=count)
    labels = find(image, path=path, diameter=diameter)
    assert labels.max() == count
    bright = image > 100
    assert np.count_nonzero((labels > 0) != bright) < 0.1 * np.count_nonzero(bright)


@pytest.mark.parametrize("diameter", [9.0, 20.0, 57.0])
def test_a_diameter_that_is_not_given_is_estimated_from_the_image(path: Path, diameter: float) -> None:
    image = discs((260, 330), diameter=diameter, count=9)
    assert find(image, path=path, diameter="auto").max() == 9


FIELD = discs((150, 170), diameter=20, count=12)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.astype(np.uint16) * 257, lambda image: image.astype(np.int64) * 1_000_003 - 77,
        lambda image: image.astype(np.uint32) << 24, lambda image: image.astype(np.float64) / 256,
        lambda image: image.astype(np.float16), lambda image: image.astype(">i2") - 900,
    ],
    ids=["times 257", "int64 scale and shift", "uint32 shift", "float64 in 0..1", "float16", "offset, big endian"],
)  # fmt: skip
def test_neither_dtype_nor_offset_nor_gain_matter(path: Path, change: Callable[[AnyArray], AnyArray]) -> None:
    assert_array_equal(find(change(FIELD), path=path), find(FIELD, path=path))


def test_a_field_moved_by_what_the_network_is_blind_to_has_its_objects_moved(path: Path) -> None:
    """By 10 px of the field, 8 of the network, whose pooling would notice less; far from the frame."""
    image = np.pad(FIELD, 60, constant_values=50)
    moved = np.roll(image, (10, 20), axis=(0, 1))
    assert_array_equal(find(moved, path=path), np.roll(find(image, path=path), (10, 20), axis=(0, 1)))


@pytest.mark.parametrize("diameter", [7.0, 16.0, 31.0])
def test_tiles_give_what_one_piece_gives(network: Network, diameter: float) -> None:
    image = discs((303, 410), diameter=diameter, count=30)
    expected, tiled = (field_maps(image, network=network, diameter=diameter, tile=tile) for tile in (4096, 96))
    assert expected is not None
    assert tiled is not None
    np.testing.assert_allclose(tiled, expected, atol=2e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 3), (40, 50)])
@pytest.mark.parametrize("value", [0, 1, np.nan, np.inf])
@pytest.mark.parametrize("diameter", [3.0, 200.0, "auto"])
def test_fields_without_contrast_have_no_object(
    path: Path, shape: tuple[int, int], value: float, diameter: float | str
) -> None:
    assert not find(np.full(shape, value), path=path, diameter=diameter).any()


def test_a_field_that_is_dark_but_for_one_object_has_it(path: Path) -> None:
    image = np.zeros((400, 400), dtype=np.uint8)
    image[:200, :200] = np.where(discs((200, 200), diameter=14, count=1, low=0) > 50, 90, 0)
    labels = find(image, path=path, diameter=14)
    assert labels.max() == 1
    assert diameters(labels)[0] == pytest.approx(14, abs=1.5)


def test_pixels_without_value_belong_to_no_object_and_spoil_no_other(path: Path) -> None:
    image = FIELD.astype(np.float32)
    expected = find(image, path=path)
    image[:30] = np.nan
    labels = find(image, path=path)
    assert not labels[:30].any()
    assert_array_equal(labels[60:] > 0, expected[60:] > 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    arrays.arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.floats())
    | arrays.arrays(np.int64, st.tuples(st.integers(1, 12), st.integers(1, 12)))
    | arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))),
    st.sampled_from([0.5, 3.0, 16.0, 1000.0]) | st.just("auto"),
)
def test_no_tiny_image_fails(path: Path, image: AnyArray, diameter: float | str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels = find(image, path=path, diameter=diameter, min_diameter=0)
    assert_array_equal(np.unique(labels[labels > 0]), np.arange(1, labels.max() + 1))
    assert not labels[~np.isfinite(image)].any()


def test_options_override_those_of_the_model(path: Path) -> None:
    wide, narrow = (find(FIELD, path=path, foreground_threshold=level) for level in (0.1, 0.9))
    assert np.count_nonzero(wide) > np.count_nonzero(narrow) > 0
    assert not find(FIELD, path=path, min_diameter=30).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"diameter": 0}, "expected a length in pixels above 0"),
        ({"diameter": 20, "group_by": "plate"}, "group_by: got it beside a diameter"),
        ({"diameter": {"use": "x"}, "group_by": ["plate"]}, "group_by: got it beside diameter.use"),
    ],
)
def test_settings_that_contradict_each_other(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Segment.model_validate({"objects": {"nucleus": {"method": "model", "channel": "DNA", **options}}})


def test_a_relative_path_is_of_the_folder_in_which_the_program_was_started(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    objects = {"nucleus": {"method": "model", "channel": "DNA", "model": path.name, "diameter": 20}}
    located = Segment.model_validate({"objects": objects}).located()
    monkeypatch.chdir("/")
    (entry,) = located.objects
    entry.load(device="cpu")
    assert segment_image(FIELD[np.newaxis], channels=["DNA"], config=located).labels["nucleus"].any()


def test_another_runs_diameter_is_for_runs(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"objects.nucleus.diameter: use is for runs"):
        find(FIELD, path=path, diameter={"use": "output"})

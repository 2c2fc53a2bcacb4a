"""Fields of a file per channel."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import ConfigError, InputError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray
from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import LeftOut, build_index
from tasks.ingest.load import load_images, read_planes

WriteTiff = Callable[..., AnyArray]
PATTERN = r"(?P<well>[A-Z]\d+)_s(?P<site>\d)_ch(?P<channel>\w+)\.tif"


@pytest.fixture
def plate(tmp_path: Path, write_tiff: WriteTiff) -> dict[str, AnyArray]:
    return {
        f"{well}_{channel}": write_tiff(tmp_path / "plate" / f"{well}_s1_ch{channel}.tif", shape=(8, 6))
        for well in ("B10", "B9")
        for channel in ("02", "1", "10")
    }


def test_files_of_a_field_are_put_together_in_natural_order(tmp_path: Path, plate: dict[str, AnyArray]) -> None:
    config = Load(pattern=PATTERN)
    index = build_index([tmp_path / "plate"], config=config)
    assert [reference.image for reference in index.references] == ["plate/B9_s1_ch*.tif", "plate/B10_s1_ch*.tif"]
    assert index.references[0].metadata == {"well": "B9", "site": "1"}
    channels, probe = resolve_channels(index.references, config=config)
    assert (channels.names, channels.count) == (("1", "02", "10"), 3)
    assert probe.shape == (3, 8, 6)
    loaded = load_images(index.references, channels=channels)
    for well, image in zip(("B9", "B10"), loaded.images, strict=True):
        assert image is not None
        np.testing.assert_array_equal(image, np.stack([plate[f"{well}_{text}"] for text in ("1", "02", "10")]))


def test_configured_channels_choose_and_order_the_files(tmp_path: Path, plate: dict[str, AnyArray]) -> None:
    config = Load.model_validate({"pattern": PATTERN, "channels": {"RNA": "10", "DNA": 2}})
    index = build_index([tmp_path / "plate"], config=config)
    assert index.left_out == LeftOut(unused=2)  # the files of channel 1
    channels, _ = resolve_channels(index.references, config=config)
    assert channels.names == ("RNA", "DNA")
    image = load_images(index.references, channels=channels).images[0]
    assert image is not None
    np.testing.assert_array_equal(image, np.stack([plate["B9_10"], plate["B9_02"]]))


def test_a_missing_channel_sets_its_field_aside(tmp_path: Path, plate: dict[str, AnyArray]) -> None:
    assert plate
    (tmp_path / "plate" / "B9_s1_ch02.tif").unlink()
    index = build_index([tmp_path / "plate"], config=Load(pattern=PATTERN))
    assert [reference.image for reference in index.references] == ["plate/B10_s1_ch*.tif"]
    (fault,) = index.faults
    assert (fault.image, fault.stage) == ("plate/B9_s1_ch*.tif", "ingest")
    assert fault.metadata == {"well": "B9", "site": "1"}
    assert "has no file for channel '02' (it has 1, 10)" in fault.message


def test_a_channel_that_is_not_needed_may_be_missing(tmp_path: Path, plate: dict[str, AnyArray]) -> None:
    assert plate
    (tmp_path / "plate" / "B9_s1_ch02.tif").unlink()
    config = Load.model_validate({"pattern": PATTERN, "channels": {"BF": "1"}})
    index = build_index([tmp_path / "plate"], config=config)
    assert (len(index.references), index.faults) == (2, ())


def test_a_field_without_any_needed_channel_is_set_aside(
    tmp_path: Path, plate: dict[str, AnyArray], write_tiff: WriteTiff
) -> None:
    assert plate
    write_tiff(tmp_path / "plate" / "C3_s1_chX.tif", shape=(8, 6))
    config = Load.model_validate({"pattern": PATTERN, "channels": {"BF": "1"}})
    index = build_index([tmp_path / "plate"], config=config)
    assert [fault.image for fault in index.faults] == ["plate/C3_s1_ch*.tif"]


def test_two_files_for_one_field_and_channel_are_both_named(tmp_path: Path, plate: dict[str, AnyArray]) -> None:
    assert plate
    with pytest.raises(InputError) as error:
        build_index([tmp_path / "plate"], config=Load(pattern=r"_s(?P<site>\d)_ch(?P<channel>\w+)"))
    assert "plate/B10_s1_ch02.tif" in str(error.value)
    assert "plate/B9_s1_ch02.tif" in str(error.value)
    assert "(site '1')" in str(error.value)


def test_a_channel_that_no_file_has_is_a_configuration_error(tmp_path: Path, plate: dict[str, AnyArray]) -> None:
    assert plate
    config = Load.model_validate({"pattern": PATTERN, "channels": {"BF": "3"}})
    with pytest.raises(ConfigError, match=r"load\.channels: got the source '3'.*allowed: 1, 02, 10"):
        build_index([tmp_path / "plate"], config=config)


def test_a_text_that_cannot_be_a_column_name_asks_for_a_name(tmp_path: Path, write_tiff: WriteTiff) -> None:
    write_tiff(tmp_path / "plate" / "B1_s1_ch_x.tif", shape=(8, 6))
    config = Load(pattern=PATTERN)
    references = build_index([tmp_path / "plate"], config=config).references
    with pytest.raises(ConfigError, match=r"load\.channels: .*other names here"):
        resolve_channels(references, config=config)


def test_auto_leaves_pictures_that_are_no_tiff_out(tmp_path: Path, plate: dict[str, AnyArray]) -> None:
    assert plate
    (tmp_path / "plate" / "B9_s1_ch1_overlay.png").touch()
    index = build_index([tmp_path / "plate"], config=Load(pattern=PATTERN.replace(r"\.tif", "")))
    assert (len(index.references), index.left_out) == (2, LeftOut(no_image=1))


def test_channel_files_that_disagree_or_hold_several_planes_are_faults(
    tmp_path: Path, plate: dict[str, AnyArray], write_tiff: WriteTiff
) -> None:
    config = Load(pattern=PATTERN)
    assert plate
    write_tiff(tmp_path / "plate" / "B9_s1_ch1.tif", shape=(5, 6))
    write_tiff(tmp_path / "plate" / "B10_s1_ch10.tif", shape=(2, 8, 6))
    write_tiff(tmp_path / "plate" / "C1_s1_ch1.tif", shape=(8, 6))
    write_tiff(tmp_path / "plate" / "C1_s1_ch02.tif", shape=(8, 6))
    write_tiff(tmp_path / "plate" / "C1_s1_ch10.tif", shape=(8, 6), dtype="uint8")
    references = build_index([tmp_path / "plate"], config=config).references
    channels, probe = resolve_channels(references, config=config)
    assert (probe.probed, probe.failed) == (3, 2)
    loaded = load_images(references, channels=channels)
    assert [image is None for image in loaded.images] == [True, True, False]
    assert "differ in size (rows × columns: B9_s1_ch1.tif 5×6, B9_s1_ch02.tif 8×6" in loaded.faults[0].message
    assert "B10_s1_ch10.tif holds 2 planes" in loaded.faults[1].message
    assert loaded.images[2] is not None
    assert loaded.images[2].dtype == np.uint16  # 8 and 16 bits meet without loss


STACKS = r"Z(?P<z>\d+)?/(?P<well>[A-Z]\d+)_w(?P<channel>\w)\.tif"


@pytest.fixture
def blocks(tmp_path: Path, write_tiff: WriteTiff) -> dict[tuple[str, str, str], AnyArray]:
    """Two wells, two channels, planes 2, 9 and 10, and beside them a projection without a number."""
    return {
        (well, channel, z): write_tiff(tmp_path / "plate" / f"Z{z}" / f"{well}_w{channel}.tif", shape=(8, 6))
        for well in ("A1", "A2")
        for channel in ("1", "2")
        for z in ("2", "9", "10", "")
    }


def largest(planes: Iterable[AnyArray]) -> AnyArray:
    image: AnyArray = np.stack(list(planes)).max(axis=0)
    return image


def test_planes_are_in_natural_order_and_no_metadata(
    tmp_path: Path, blocks: dict[tuple[str, str, str], AnyArray]
) -> None:
    config = Load(pattern=STACKS)
    index = build_index([tmp_path / "plate"], config=config)
    assert [reference.image for reference in index.references] == ["plate/Z*/A1_w*.tif", "plate/Z*/A2_w*.tif"]
    assert [reference.metadata for reference in index.references] == [{"well": "A1"}, {"well": "A2"}]
    assert index.left_out == LeftOut(unused=4)  # the projections
    channels, _ = resolve_channels(index.references, config=config)
    assert (channels.names, channels.count, config.metadata_groups) == (("1", "2"), 2, ("well",))
    planes = list(read_planes(index.references[0], channels=channels))
    expected = [np.stack([blocks["A1", "1", z], blocks["A1", "2", z]]) for z in ("2", "9", "10")]
    np.testing.assert_array_equal(planes, expected)
    loaded = load_images(index.references, channels=channels, projection=largest)
    np.testing.assert_array_equal(loaded.images[0], np.max(expected, axis=0))
    window = PixelWindow(row_start=2, row_stop=5, col_start=0, col_stop=6)
    part = load_images(index.references, channels=channels, projection=largest, region=window)
    np.testing.assert_array_equal(part.images[0], np.max(expected, axis=0)[:, 2:5])


def test_a_missing_plane_sets_its_field_aside(tmp_path: Path, blocks: dict[tuple[str, str, str], AnyArray]) -> None:
    assert blocks
    (tmp_path / "plate" / "Z9" / "A2_w2.tif").unlink()
    (tmp_path / "plate" / "Z10" / "A2_w2.tif").unlink()
    index = build_index([tmp_path / "plate"], config=Load(pattern=STACKS))
    (fault,) = index.faults
    assert fault.message.startswith("has no file for z '9', '10' of channel '2'; restore it")
    assert (fault.image, fault.metadata) == ("plate/Z*/A2_w*.tif", {"well": "A2"})
    only = Load.model_validate({"pattern": STACKS, "channels": {"DNA": 1}})
    assert build_index([tmp_path / "plate"], config=only).faults == ()


def test_two_files_for_one_plane_are_both_named(tmp_path: Path, blocks: dict[tuple[str, str, str], AnyArray]) -> None:
    assert blocks
    with pytest.raises(InputError, match=r"two files for channel '1' and z '10' of one field"):
        build_index([tmp_path / "plate"], config=Load(pattern=r"Z(?P<z>10)/.*_w(?P<channel>\w)"))


def test_planes_that_differ_or_are_damaged_set_their_field_aside(
    tmp_path: Path, blocks: dict[tuple[str, str, str], AnyArray], write_tiff: WriteTiff
) -> None:
    assert blocks
    for channel in ("1", "2"):
        write_tiff(tmp_path / "plate" / "Z9" / f"A1_w{channel}.tif", shape=(8, 5))
    (tmp_path / "plate" / "Z10" / "A2_w1.tif").write_bytes(b"II*")
    config = Load(pattern=STACKS)
    references = build_index([tmp_path / "plate"], config=config).references
    channels, _ = resolve_channels(references, config=config)
    differs, damaged = load_images(references, channels=channels, projection=largest).faults
    assert differs.message == (
        "its z planes differ: the first is 2×8×6 uint16, plane 2 is 2×8×5 uint16 (channels × rows × columns)"
    )
    assert damaged.message.startswith("cannot be read; it is cut short")


def test_a_group_z_that_matches_nowhere_leaves_flat_images(tmp_path: Path, plate: dict[str, AnyArray]) -> None:
    assert plate
    index = build_index([tmp_path / "plate"], config=Load(pattern=PATTERN.replace(r"\.tif", r"(_z(?P<z>\d))?\.tif")))
    assert [reference.depth for reference in index.references] == [1, 1]

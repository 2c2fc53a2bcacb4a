"""Pixels of a batch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.digest import pixel_digest
from tasks.core.errors import ConfigError, PixelError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray
from tasks.ingest.channels import Channels, resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.load import LoadedBatch, load_images, validated_pixels
from tasks.project.config import Project
from tasks.project.methods import Projection

WriteTiff = Callable[..., AnyArray]
WriteStore = Callable[..., list[AnyArray]]
ReadAll = Callable[..., LoadedBatch]
THREE = Channels(names=("BF", "PI", "SSC"), sources=None, count=3)


def test_a_bad_image_does_not_touch_the_others(tmp_path: Path, write_tiff: WriteTiff, read_all: ReadAll) -> None:
    first = write_tiff(tmp_path / "1.tif")
    write_tiff(tmp_path / "2.tif", shape=(4, 9, 7))
    (tmp_path / "3.tif").write_bytes((tmp_path / "1.tif").read_bytes()[:300])
    last = write_tiff(tmp_path / "4.tif", shape=(3, 4, 20), dtype="float32")
    loaded = read_all(tmp_path)
    assert [image is None for image in loaded.images] == [False, True, True, False]
    np.testing.assert_array_equal(loaded.images[0], first)
    np.testing.assert_array_equal(loaded.images[3], last)
    assert loaded.digests == [pixel_digest(first), None, None, pixel_digest(last)]
    root = tmp_path.name
    assert [fault.image for fault in loaded.faults] == [f"{root}/2.tif", f"{root}/3.tif"]
    assert {fault.stage for fault in loaded.faults} == {"ingest"}
    assert "has 4 channels, the other images have 3" in loaded.faults[0].message


def test_a_file_that_vanished_or_is_something_else_is_told_in_words(tmp_path: Path, write_tiff: WriteTiff) -> None:
    write_tiff(tmp_path / "1.tif")
    (tmp_path / "2.tif").write_bytes(b"\x89PNG\r\n\x1a\n")
    references = build_index([tmp_path], config=Load()).references
    (tmp_path / "1.tif").unlink()
    loaded = load_images(references, channels=THREE)
    gone, other = loaded.faults
    assert (gone.error, gone.message) == ("FileNotFoundError", "is not there any more")
    assert other.error == "TiffFileError"
    assert other.message.startswith("cannot be read; it is cut short, damaged or of another format (not a TIFF file")


def test_stores_and_files_mix_in_one_batch(
    tmp_path: Path, write_tiff: WriteTiff, write_store: WriteStore, read_all: ReadAll
) -> None:
    pixels = write_tiff(tmp_path / "run" / "b.tif", shape=(2, 5, 5))
    first, second = write_store(tmp_path / "run" / "a.zarr", sizes=[(3, 3), (4, 4)])
    third = write_store(tmp_path / "run" / "c.zarr", sizes=[(3, 6)])[0]
    loaded = read_all(tmp_path / "run")
    for image, expected in zip(loaded.images, [first, second, pixels, third], strict=True):
        np.testing.assert_array_equal(image, expected)


def test_pixels_that_are_not_finite_are_told_by_channel(tmp_path: Path) -> None:
    pixels = np.ones((3, 4, 5), dtype=np.float32)
    pixels[1, 0, :2] = np.nan
    pixels[2, 3, 3] = -np.inf
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack")
    references = build_index([tmp_path], config=Load()).references
    (fault,) = load_images(references, channels=THREE).faults
    assert fault.message == ("has pixels that are NaN or infinite: channel 'PI' has 2, channel 'SSC' has 1 of 20")
    only_first = Channels(names=("BF",), sources=(0,), count=3)
    assert load_images(references, channels=only_first).faults == []


def test_an_image_of_zeros_is_no_fault(tmp_path: Path, read_all: ReadAll) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 6, 6), dtype=np.uint16), photometric="minisblack")
    loaded = read_all(tmp_path)
    assert loaded.faults == []
    assert loaded.images[0] is not None


def test_the_digest_is_that_of_the_chosen_channels(tmp_path: Path, write_tiff: WriteTiff, read_all: ReadAll) -> None:
    pixels = write_tiff(tmp_path / "a.tif")
    chosen = read_all(tmp_path, channels={"SSC": 2, "BF": 0})
    assert chosen.digests == [pixel_digest(pixels[[2, 0]])]


def test_a_window_of_every_reader_is_that_of_the_image(
    tmp_path: Path, write_tiff: WriteTiff, write_store: WriteStore
) -> None:
    originals = [
        write_store(tmp_path / "run" / "a.zarr", sizes=[(9, 7)], channels=3)[0],
        write_tiff(tmp_path / "run" / "b.tif"),
    ]
    references = build_index([tmp_path / "run"], config=Load()).references
    window = PixelWindow(row_start=1, row_stop=9, col_start=2, col_stop=4)
    loaded = load_images(references, channels=THREE, region=window)
    for image, expected in zip(loaded.images, originals, strict=True):
        np.testing.assert_array_equal(image, expected[:, 1:9, 2:4])
    beyond = load_images(references, channels=THREE, region=window._replace(row_stop=10))
    assert [fault.message for fault in beyond.faults] == [
        "has 9×7 pixels; got the window 1:10, 2:4, not within them"
    ] * 2


def test_no_reference_gives_no_image() -> None:
    assert load_images([], channels=THREE) == LoadedBatch(images=[], faults=[], digests=[])


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((1, 0, 4), dtype=np.uint8), r"has no pixels \(1 channels of 0×4\)"),
        (np.zeros((1, 2, 2), dtype=np.complex64), "type complex64"),
        (np.zeros((1, 2, 2), dtype="U1"), "expected integers or floating-point numbers"),
    ],
)
def test_unusable_pixels_are_refused(image: AnyArray, message: str) -> None:
    with pytest.raises(PixelError, match=message):
        validated_pixels(image, Channels(names=("BF",), sources=None, count=1))


@given(
    image=hnp.arrays(
        dtype=st.sampled_from([np.dtype(code) for code in ("u1", ">u2", "<i4", ">f4", "f8", "?", "f2")]),
        shape=hnp.array_shapes(min_dims=3, max_dims=3, max_side=5),
    ),
    turned=st.booleans(),
)
def test_usable_pixels_keep_their_values(image: Any, turned: bool) -> None:  # noqa: ANN401, FBT001
    image = image.transpose(0, 2, 1) if turned else image
    channels = Channels(names=tuple(f"c{number}" for number in range(len(image))), sources=None, count=len(image))
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        with pytest.raises(PixelError, match="NaN or infinite"):
            validated_pixels(image, channels)
        return
    result = validated_pixels(image, channels)
    np.testing.assert_array_equal(result, image)
    assert result.flags.c_contiguous
    assert result.dtype.isnative
    assert result.dtype == (np.uint8 if image.dtype.kind == "b" else image.dtype.newbyteorder("="))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("uint16", [0, 0, 1, 900]), ("int16", [-100, 0, 1, 900]), ("float32", [-100.0, 0.0, 1.0, 900.0])],
)
def test_the_dark_level_is_subtracted_and_unsigned_pixels_stop_at_0(dtype: str, expected: list[float]) -> None:
    image = np.array([[[0, 100, 101, 1000]], [[1, 2, 3, 4]]], dtype=dtype)
    channels = Channels(names=("BF", "PI"), sources=None, count=2, offsets=(100.0, 0.0))
    result = validated_pixels(image, channels)
    assert result.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(result, [[expected], [[1, 2, 3, 4]]])


def test_offsets_are_given_by_channel(tmp_path: Path) -> None:
    for name, level in (("a", 7), ("b", 9)):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.full((2, 4, 5), level, dtype=np.uint8), photometric="minisblack")
    config = Load.model_validate({"channels": {"BF": 0, "PI": 1}, "offset": {"PI": 3}})
    references = build_index([tmp_path], config=config).references
    channels, _ = resolve_channels(references, config=config)
    first = load_images(references, channels=channels).images[0]
    assert first is not None
    assert first[:, 0, 0].tolist() == [7, 4]
    with pytest.raises(ConfigError, match=r"load\.offset: there is no channel 'P'; allowed: BF, PI; did you mean 'PI'"):
        resolve_channels(references, config=Load.model_validate({"channels": {"BF": 0, "PI": 1}, "offset": {"P": 3}}))


def test_of_a_stack_the_dark_level_is_subtracted_once_from_each_plane(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.ome.tif", np.full((3, 4, 5), 500, dtype=np.uint16), metadata={"axes": "ZYX"})
    references = build_index([tmp_path], config=Load()).references
    channels = Channels(names=("c0",), sources=None, count=1, offsets=(100.0,))
    (image,) = load_images(references, channels=channels, projection=Projection(config=Project(method="max"))).images
    np.testing.assert_array_equal(image, np.full((1, 4, 5), 400, dtype=np.uint16))

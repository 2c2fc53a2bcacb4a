"""Readers ``image`` and ``multiframe_tiff``: formats, and files that are cut short."""

import io
import logging
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from PIL import Image

from tasks.core.types import AnyArray
from tasks.ingest.channels import Channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.load import LoadedBatch, load_images

WriteTiff = Callable[..., AnyArray]
ReadAll = Callable[..., LoadedBatch]

PIXELS = np.random.default_rng(7).poisson(150, (3, 12, 10)).astype(np.uint16)
BYTES = np.clip(PIXELS, 0, 255).astype(np.uint8)


def tiff(pixels: AnyArray, *, separately: bool = False, **options: Any) -> bytes:  # noqa: ANN401
    buffer = io.BytesIO()
    kind = {key: options.pop(key) for key in ("bigtiff", "imagej", "ome", "byteorder") if key in options}
    if not kind.get("imagej"):
        options.setdefault("photometric", "minisblack")
    with tifffile.TiffWriter(buffer, **kind) as writer:
        for part in pixels if separately else [pixels]:
            writer.write(part, **options)
    return buffer.getvalue()


def pillow(compression: str) -> bytes:
    buffer = io.BytesIO()
    pages = [Image.fromarray(page) for page in BYTES]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], compression=compression)
    return buffer.getvalue()


COMPRESSED = {
    f"{name}{predictor or ''}": tiff(PIXELS, compression=name, predictor=predictor, rowsperstrip=5)
    for name, predictor in [
        ("deflate", None),
        ("deflate", 2),
        ("lzw", None),
        ("lzw", 2),
        ("packbits", None),
        ("zstd", None),
        ("lzma", None),
        ("lerc", None),
        ("png", None),
        ("jpegxl", None),
        ("jpeg2000", None),
    ]
}
LAYOUTS = {
    "plain": tiff(PIXELS),
    "strips": tiff(PIXELS, rowsperstrip=5),
    "tiles": tiff(PIXELS, tile=(16, 16)),
    "compressed tiles": tiff(PIXELS, tile=(16, 16), compression="deflate"),
    "pages one by one": tiff(PIXELS, separately=True, metadata=None),
    "big-endian BigTIFF": tiff(PIXELS, bigtiff=True, byteorder=">"),
    "big-endian compressed": tiff(PIXELS, byteorder=">", compression="deflate", predictor=2),
    "ImageJ": tiff(PIXELS, imagej=True),
    "OME": tiff(PIXELS, ome=True, compression="deflate"),
    "one page for all": tiff(PIXELS, truncate=True),
    "one big-endian page for all": tiff(PIXELS, truncate=True, byteorder=">"),
    "colour": tiff(np.moveaxis(PIXELS, 0, -1), photometric="rgb"),
    "colour by plane": tiff(PIXELS, photometric="rgb", planarconfig="separate"),
}
TIFFS = COMPRESSED | LAYOUTS
PILLOW = {f"pillow {name}": pillow(name) for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits")}


def load(path: Path, *, count: int = 3, reader: str = "auto") -> LoadedBatch:
    references = build_index([path], config=Load(reader=reader)).references
    names = tuple(f"c{number}" for number in range(count))
    return load_images(references, channels=Channels(names=names, sources=None, count=count))


@pytest.mark.parametrize("name", TIFFS)
def test_a_tiff_gives_the_pixels_that_were_written(name: str, tmp_path: Path, read_all: ReadAll) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(TIFFS[name])
    loaded = read_all(path)
    (image,) = loaded.images
    assert loaded.faults == []
    assert image is not None
    assert image.dtype == np.uint16
    assert image.dtype.isnative
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, PIXELS)
    chosen = read_all(path, channels={"last": 2, "first": 0}).images[0]
    np.testing.assert_array_equal(chosen, PIXELS[[2, 0]])


@pytest.mark.parametrize("name", TIFFS | PILLOW)
def test_a_tiff_cut_anywhere_never_gives_other_pixels(name: str, tmp_path: Path) -> None:
    """What was cut off may be an unused end of the file; any other cut has to be a fault."""
    content = (TIFFS | PILLOW)[name]
    original = PIXELS if name in TIFFS else BYTES
    path = tmp_path / "a.tif"
    lengths = {*range(0, len(content), 23), *range(8), *range(max(len(content) - 40, 0), len(content))}
    faults = 0
    for length in sorted(lengths):
        path.write_bytes(content[:length])
        loaded = load(path)
        if loaded.images[0] is None:
            faults += 1
            assert loaded.faults[0].message
        else:
            np.testing.assert_array_equal(loaded.images[0], original, err_msg=f"cut at {length}")
    assert faults > len(lengths) / 3


@pytest.mark.parametrize("name", ["deflate", "lzw", "zstd", "tiles", "strips", "pages one by one"])
def test_a_tiff_with_damaged_tags_gives_a_fault_or_an_image_but_never_stops_the_batch(
    name: str, tmp_path: Path
) -> None:
    content = TIFFS[name]
    rng = np.random.default_rng(3)
    path = tmp_path / "a.tif"
    for position in rng.integers(0, min(len(content), 700), 120):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        loaded = load(path)
        assert (loaded.images[0] is None) == (len(loaded.faults) == 1)


def test_strips_that_were_never_written_are_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(TIFFS["deflate"])
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[1].aspage().tags["StripByteCounts"].overwrite((50, 0, 50))
    assert load(path).faults[0].message == "a part of page 2 was never written; the file is incomplete"


def test_reduced_copies_of_a_page_are_no_channels(tmp_path: Path, read_all: ReadAll) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(PIXELS[0], photometric="minisblack")
        writer.write(PIXELS[0, ::2, ::2], photometric="minisblack", subfiletype=1)
    np.testing.assert_array_equal(read_all(path).images[0], PIXELS[:1])


@pytest.mark.parametrize("reader", ["image", "multiframe_tiff"])
def test_frames_of_different_size_are_a_fault(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(PIXELS[0], photometric="minisblack")
        writer.write(PIXELS[1, :7], photometric="minisblack")
    fault = load(path, count=2, reader=reader).faults[0]
    assert fault.message == "its frames differ in size (rows × columns: 12×10, 7×10)"


def test_coloured_frames_are_for_the_other_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(TIFFS["colour"])
    assert "the reader 'image' makes a channel of each colour" in load(path, reader="multiframe_tiff").faults[0].message


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".png", imagecodecs.png_encode(BYTES[0])),
        (".png", imagecodecs.png_encode(PIXELS[0])),
        (".png", imagecodecs.png_encode(np.ascontiguousarray(np.moveaxis(BYTES, 0, -1)))),
        (".png", imagecodecs.png_encode(np.ascontiguousarray(np.moveaxis(PIXELS, 0, -1)))),
        (".png", imagecodecs.png_encode(np.ascontiguousarray(np.moveaxis(BYTES[[0, 1, 2, 0]], 0, -1)))),
        (".bmp", imageio.imwrite("<bytes>", BYTES[0], extension=".bmp")),
        (".PNG", imagecodecs.png_encode(BYTES[0])),
    ],
    ids=["grey", "grey 16 bit", "colour", "colour 16 bit", "opacity", "bmp", "capital suffix"],
)
def test_other_lossless_pictures_give_their_planes(
    suffix: str, content: bytes, tmp_path: Path, read_all: ReadAll
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    (image,) = read_all(path).images
    assert image is not None
    original = PIXELS if image.dtype == np.uint16 else BYTES
    np.testing.assert_array_equal(image, original[[0, 1, 2, 0][: len(image)]])


def test_jpeg_gives_three_colours(tmp_path: Path, read_all: ReadAll) -> None:
    imageio.imwrite(tmp_path / "a.jpg", np.full((16, 24, 3), (200, 100, 50), dtype=np.uint8), quality=95)
    (image,) = read_all(tmp_path / "a.jpg").images
    assert image is not None
    assert image.shape == (3, 16, 24)
    np.testing.assert_allclose(image.mean(axis=(1, 2)), (200, 100, 50), atol=3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp"])
def test_other_pictures_cut_anywhere_never_give_other_pixels(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    imageio.imwrite(path, np.moveaxis(BYTES, 0, -1))
    content = path.read_bytes()
    complete = load(path).images[0]
    assert complete is not None
    faults = 0
    for length in range(0, len(content), 3):
        path.write_bytes(content[:length])
        image = load(path).images[0]
        faults += image is None
        if image is not None:
            np.testing.assert_array_equal(image, complete)
    assert faults > len(content) / 3 * 0.9


@pytest.mark.parametrize("suffix", [".tif", ".png", ".bmp"])
def test_a_bilevel_picture_is_read_as_0_and_1(suffix: str, tmp_path: Path, read_all: ReadAll) -> None:
    Image.fromarray(PIXELS[0] > 150).save(tmp_path / f"a{suffix}")
    (image,) = read_all(tmp_path / f"a{suffix}").images
    assert image is not None
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image[0], PIXELS[0] > 150)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_of_few_bits_is_the_number_in_the_file(bits: int, tmp_path: Path, read_all: ReadAll) -> None:
    pixels = (PIXELS[0] % 2**bits).astype(np.uint8)
    rows = np.unpackbits(pixels[:, :, np.newaxis], axis=2, count=None)[:, :, -bits:].reshape(len(pixels), -1)
    lines = b"".join(b"\0" + line.tobytes() for line in np.packbits(rows, axis=1))
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    ]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    np.testing.assert_array_equal(read_all(tmp_path / "a.png").images[0], pixels[np.newaxis])


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_an_animated_picture_is_a_fault_that_counts_its_frames(suffix: str, tmp_path: Path) -> None:
    frames = [Image.fromarray(np.stack([page] * 3, axis=-1)) for page in BYTES]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    assert "is animated: it holds 3 frames, expected one picture" in load(tmp_path / f"a{suffix}").faults[0].message


def test_another_format_under_a_tiffs_name_is_told_in_words(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tif").symlink_to(data_root / "ifc_cif" / "eos_objects_000_059.cif")
    assert load(tmp_path / "a.tif").faults[0].message == "cannot be read; it is cut short, damaged or of another format"


def test_the_log_of_tifffile_is_silenced_only_while_reading(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(TIFFS["pages one by one"][:900])
    with caplog.at_level(logging.DEBUG):
        assert load(path).images == [None]
        assert caplog.records == []
        logging.getLogger("tifffile").warning("someone else's")
    assert [record.message for record in caplog.records] == ["someone else's"]

"""Inputs that would stop, hang or flood a run: each is set aside or refused with its reason, the others are read."""

import os
import socket
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import imagecodecs
import imageio.v3 as imageio
import numcodecs
import numpy as np
import polars as pl
import pytest
import tifffile
from PIL import Image

from tasks.core.channels import Channels
from tasks.core.errors import ConfigError, Fault, InputError
from tasks.core.types import AnyArray
from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import Index, LeftOut, build_index
from tasks.ingest.limits import Limits, limited
from tasks.ingest.listing import list_images
from tasks.ingest.load import LoadedBatch, load_images
from tasks.ingest.readers.decompress import decompress

WriteTiff = Callable[..., AnyArray]
WriteStore = Callable[..., list[AnyArray]]
THREE = Channels(names=("BF", "PI", "SSC"), sources=None, count=3)
GRAY = Channels(names=("BF",), sources=None, count=1)
SHARED = ("ImageWidth", "ImageLength", "RowsPerStrip", "StripOffsets", "StripByteCounts")
posix = pytest.mark.skipif(os.name != "posix", reason="elsewhere there are no such files")


def index(*inputs: Path, **load: Any) -> Index:  # noqa: ANN401
    return build_index(inputs, config=Load.model_validate(load))


def images(listed: Index) -> list[str]:
    return [reference.image for reference in listed.references]


def load(*inputs: Path, channels: Channels = THREE, limits: Limits | None = None) -> LoadedBatch:
    return load_images(index(*inputs).references, channels=channels, limits=limits or Limits())


def refused(path: Path, *, channels: Channels = GRAY) -> Fault:
    (fault,) = load(path, channels=channels).faults
    return fault


def pages(file: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    return [page for page in file.pages if isinstance(page, tifffile.TiffPage)]


def retagged(path: Path, **tags: int) -> None:
    """Write other numbers into tags of a TIFF's first page."""
    with tifffile.TiffFile(path, mode="r+") as file:
        for name, value in tags.items():
            file.pages.first.tags[name].overwrite(value, dtype=4)


@posix
@pytest.mark.parametrize("kind", ["FIFO", "socket", "device"])
def test_what_is_no_file_is_set_aside_and_nobody_waits_for_it(
    kind: str, tmp_path: Path, write_tiff: WriteTiff, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiff(tmp_path / "run" / "a.tif")
    path = tmp_path / "run" / "x.tif"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        monkeypatch.chdir(path.parent)  # the name of a socket is short
        socket.socket(socket.AF_UNIX).bind(path.name)
    loaded = load(tmp_path / "run")
    (fault,) = loaded.faults
    assert loaded.images[0] is not None
    assert (fault.image, fault.stage, fault.error) == ("run/x.tif", "ingest", "PixelError")
    assert fault.message.startswith("is a ")
    assert kind in fault.message
    with pytest.raises(InputError, match=f"can be read.*{kind}"):
        resolve_channels(index(path).references, config=Load())


@posix
def test_a_pipe_in_a_store_or_in_place_of_a_record_is_not_waited_for(tmp_path: Path, write_store: WriteStore) -> None:
    folder = tmp_path / "run"
    write_store(folder / "a.zarr", sizes=[(3, 4)])
    write_store(folder / "b.zarr", sizes=[(3, 4)])
    (folder / "b.zarr" / ".zattrs").unlink()
    for pipe in (folder / "run.json", folder / "b.zarr" / ".zattrs", folder / "a.zarr" / "1"):
        os.mkfifo(pipe)
    listed = index(folder)
    assert images(listed) == ["run/a.zarr#0"]
    (fault,) = listed.faults
    assert (fault.image, fault.message) == ("run/b.zarr", ".zattrs of the store is no file")


@posix
def test_links_that_lead_nowhere_or_back_are_set_aside(tmp_path: Path, write_tiff: WriteTiff) -> None:
    folder = tmp_path / "run"
    write_tiff(folder / "a.tif")
    (folder / "b.tif").symlink_to(folder / "c.tif")
    (folder / "c.tif").symlink_to(folder / "b.tif")
    (folder / "deep").mkdir()
    (folder / "deep" / "back").symlink_to(folder)
    (folder / "deep" / "self").symlink_to(folder / "deep" / "self")
    loaded = load(folder)
    assert [(fault.image, fault.message.split(";")[0]) for fault in loaded.faults] == [
        ("run/b.tif", "is a symbolic link that leads back to itself"),
        ("run/c.tif", "is a symbolic link that leads back to itself"),
    ]
    assert loaded.images[0] is not None


@posix
def test_a_file_reached_by_links_is_taken_once_under_its_own_name(tmp_path: Path, write_tiff: WriteTiff) -> None:
    folder = tmp_path / "run"
    write_tiff(folder / "m.tif")
    write_tiff(folder / "n.tif")
    (folder / "a.tif").symlink_to(folder / "m.tif")
    os.link(folder / "n.tif", folder / "o.tif")
    (tmp_path / "again").symlink_to(folder)
    for given in ([folder, tmp_path / "again"], [tmp_path / "again", folder]):
        listed = index(*given)
        assert images(listed)[0] == "run/m.tif"
        assert len(listed.references) == 2
        assert listed.left_out.linked == 6
    assert index(folder / "m.tif", folder / "a.tif").left_out == LeftOut(linked=1)
    (folder / "p.tif").write_bytes((folder / "n.tif").read_bytes())  # a copy is another file
    assert images(index(folder)) == ["run/m.tif", "run/n.tif", "run/p.tif"]


@posix
def test_a_name_that_is_no_text_sets_one_file_aside(tmp_path: Path, write_tiff: WriteTiff) -> None:
    folder = tmp_path / "run"
    write_tiff(folder / "s1_a.tif")
    odd = os.fsencode(folder) + b"/s2_\xe9.tif"
    Path(os.fsdecode(odd)).write_bytes((folder / "s1_a.tif").read_bytes())
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt")).touch()
    config = Load(pattern=r"s(?P<sample>\d)")
    listing = list_images(
        [str(folder)], config=config, partition_size=1, limit=None, seed=0, work=tmp_path / "out" / "work"
    )
    assert (listing.images.images, listing.images.left_out) == (1, LeftOut(no_image=1))
    (tmp_path / "out" / "work").mkdir(parents=True)  # as the lock of a run does
    listing.write()
    row = pl.read_parquet(Path(listing.images.folder) / "faults.parquet").row(0, named=True)
    assert (row["meta__image"], row["stage"], row["meta__sample"]) == (r"run/s2_\xe9.tif", "ingest", "2")
    assert "is not UTF-8 text; rename it" in row["message"]
    with pytest.raises(InputError, match="is not UTF-8 text; rename it"):
        index(Path(os.fsdecode(odd)))


@posix
def test_odd_names_are_read_like_any_other(tmp_path: Path, write_tiff: WriteTiff) -> None:
    names = [
        "a b.tif",
        "'q' \"r\".tif",
        "line\nbreak.tif",
        "Zürich µ 細胞.tif",
        "up..tif",
        "*[1]?.tif",
        "$HOME`x`;.tif",
    ]
    pixels = {name: write_tiff(tmp_path / "a .." / name) for name in names}
    listed = index(tmp_path / "run" / ".." / "a ..")
    assert sorted(images(listed)) == sorted(f"a ../{name}" for name in names)
    loaded = load_images(listed.references, channels=THREE)
    for reference, image in zip(listed.references, loaded.images, strict=True):
        np.testing.assert_array_equal(image, pixels[reference.image.removeprefix("a ../")])


def test_a_pattern_that_does_not_end_is_cut_off_and_named(tmp_path: Path, write_tiff: WriteTiff) -> None:
    write_tiff(tmp_path / "run" / f"{'a' * 60}!.tif")
    started = time.process_time()
    with pytest.raises(ConfigError, match=r"load\.pattern: got '\(a\+\)\+b'.*aaa!\.tif.*does not end"):
        index(tmp_path / "run", pattern="(a+)+b")
    assert time.process_time() - started < 2  # the search is in another process


def test_files_cut_short_empty_or_of_another_kind_say_so(tmp_path: Path, write_tiff: WriteTiff) -> None:
    write_tiff(tmp_path / "a.tif")
    content = (tmp_path / "a.tif").read_bytes()
    bad = {"empty": b"", "half": content[: len(content) // 2], "text": b"well,site\n", "flipped": b"\xff" + content[1:]}
    for name, damaged in bad.items():
        (tmp_path / f"{name}.tif").write_bytes(damaged)
    faults = load(tmp_path).faults
    assert [Path(fault.image).stem for fault in faults] == sorted(bad)
    assert all(fault.message and fault.error and fault.stage == "ingest" for fault in faults)


@posix
def test_a_file_that_may_not_be_read_is_set_aside(write_tiff: WriteTiff) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        write_tiff(folder / "a.tif")
        write_tiff(folder / "b.tif")
        references = index(folder).references
        load_images(references, channels=THREE)  # imports what another user perhaps may not
        (folder / "b.tif").chmod(0)
        user = os.geteuid()
        if user == 0:  # who may read everything
            os.seteuid(65534)
        try:
            loaded = load_images(references, channels=THREE)
        finally:
            os.seteuid(user)
    (fault,) = loaded.faults
    assert (Path(fault.image).name, fault.error) == ("b.tif", "PermissionError")
    assert fault.message == "may not be read; ask for its permissions to be changed"


def test_a_header_of_a_million_by_a_million_pixels_is_refused_before_decoding(tmp_path: Path) -> None:
    plain, packed, tiles = (tmp_path / f"{name}.tif" for name in ("plain", "packed", "tiles"))
    gray = np.ones((64, 64), dtype=np.uint16)
    tifffile.imwrite(plain, gray)
    tifffile.imwrite(packed, gray, compression="deflate")
    tifffile.imwrite(tiles, gray, compression="deflate", tile=(16, 16))
    retagged(plain, ImageWidth=1_000_000, ImageLength=1_000_000)
    retagged(packed, ImageWidth=1_000_000, ImageLength=1_000_000, RowsPerStrip=1_000_000)
    retagged(tiles, TileWidth=1_000_000, TileLength=1_000_000)
    png = bytearray(imageio.imwrite("<bytes>", gray, extension=".png"))
    struct.pack_into(">II", png, 16, 1_000_000, 1_000_000)
    struct.pack_into(">I", png, 29, zlib.crc32(png[12:29]))
    (tmp_path / "x.png").write_bytes(png)
    faults = load(tmp_path, channels=GRAY).faults
    assert [Path(fault.image).name for fault in faults] == ["packed.tif", "plain.tif", "tiles.tif", "x.png"]
    for fault in faults:
        assert fault.message.startswith("has 1000000×1000000 pixels a channel, more than load.max_pixels: 200000000")


def test_the_limit_of_pixels_is_that_of_the_configuration_for_every_reader(
    tmp_path: Path, write_tiff: WriteTiff, write_store: WriteStore
) -> None:
    write_tiff(tmp_path / "a.tif", shape=(2, 9, 7))
    write_store(tmp_path / "b.zarr", sizes=[(9, 7)])
    just, less = Limits(max_pixels=63), Limits(max_pixels=62)
    two = Channels(names=("BF", "PI"), sources=None, count=2)
    assert load(tmp_path, channels=two, limits=just).faults == []
    faults = load(tmp_path, channels=two, limits=less).faults
    assert ["load.max_pixels: 62 allows" in fault.message for fault in faults] == [True, True]
    with pytest.raises(InputError, match=r"none of the 2 images.*load\.max_pixels: 62 allows"):
        resolve_channels(index(tmp_path).references, config=Load(max_pixels=62))


def test_a_deflate_bomb_is_refused_in_no_time_and_memory(tmp_path: Path) -> None:
    strip = zlib.compress(bytes(16384 * 1024))  # 1024 rows of zeros, as often as it takes
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(
        path, iter([strip] * 32), shape=(32768, 16384), dtype=np.uint8, compression="deflate", rowsperstrip=1024
    )
    assert path.stat().st_size < 1_000_000
    fault = refused(path)
    assert "load.max_pixels" in fault.message
    (loaded,) = load(path, channels=GRAY, limits=Limits(max_pixels=10**9)).faults
    assert loaded.message.startswith(f"would be {32768 * 16384} bytes")
    assert "more than load.max_compression: 1000 allows" in loaded.message


def test_pages_that_share_their_bytes_are_a_bomb_too(tmp_path: Path) -> None:
    path, page = tmp_path / "shared.tif", np.zeros((4096, 4096), dtype=np.uint8)
    page[:, ::64] = np.random.default_rng(0).integers(0, 255, page[:, ::64].shape)
    with tifffile.TiffWriter(path) as writer:
        writer.write(page, compression="deflate", rowsperstrip=4096, metadata=None)
        for _ in range(63):
            writer.write(page[:1, :1], compression="deflate", rowsperstrip=1, metadata=None)
    with tifffile.TiffFile(path, mode="r+") as file:
        tags = {name: file.pages.first.tags[name].value for name in SHARED}
        for other in pages(file)[1:]:
            for name, value in tags.items():
                other.tags[name].overwrite(value, dtype=4)
    fault = refused(path, channels=Channels(names=tuple(f"c{number}" for number in range(64)), sources=None, count=64))
    assert fault.message.startswith(f"would be {2**30} bytes, which its file holds in {path.stat().st_size}: more than")


@pytest.mark.parametrize("compression", ["deflate", "zstd", "lzma"])
def test_an_empty_field_compresses_without_bound_and_is_no_bomb(compression: str, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2160, 2160), np.uint16), compression=compression, rowsperstrip=2160)
    assert load(tmp_path, channels=GRAY).faults == []


def test_a_picture_is_judged_by_its_header(tmp_path: Path) -> None:
    Image.new("L", (16000, 16000)).save(tmp_path / "a.jpg")
    Image.new("L", (13500, 13500)).save(tmp_path / "b.bmp")  # Pillow's own limit is lower
    png = imagecodecs.png_encode(np.zeros((14000, 14000), np.uint8), level=9)
    (tmp_path / "c.png").write_bytes(png)
    pixels, ratio = load(tmp_path, channels=GRAY).faults
    assert "load.max_pixels: 200000000" in pixels.message
    assert (ratio.image, "load.max_compression: 1000" in ratio.message) == (f"{tmp_path.name}/c.png", True)


@pytest.mark.parametrize(
    "codec",
    [
        numcodecs.Blosc("zstd"), numcodecs.Zstd(), numcodecs.LZ4(), numcodecs.Zlib(9), numcodecs.GZip(9),
        numcodecs.BZ2(9), numcodecs.LZMA(),
    ],
    ids=lambda codec: codec.codec_id,
)  # fmt: skip
def test_a_chunk_is_decompressed_up_to_the_limit(codec: numcodecs.abc.Codec) -> None:
    content = np.zeros(20 * 2**20, dtype=np.uint8)
    content[::200] = np.random.default_rng(0).integers(0, 255, len(content[::200]))
    packed = np.frombuffer(codec.encode(content), dtype=np.uint8)
    np.testing.assert_array_equal(decompress(packed, codec=codec.get_config()), content)
    with limited(Limits(max_compression=2)), pytest.raises(ValueError, match=r"load\.max_compression: 2 allows"):
        decompress(packed, codec=codec.get_config())


def test_a_list_of_pages_that_leads_back_ends(tmp_path: Path, write_tiff: WriteTiff) -> None:
    write_tiff(path := tmp_path / "a.tif", metadata=None)
    with tifffile.TiffFile(path) as file:
        first, last = file.pages.first.offset, file.pages[-1].offset
        tags = len(pages(file)[-1].tags)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, last + 2 + 12 * tags, first)
    path.write_bytes(content)
    assert "leads back from page 3 to an earlier one" in refused(path).message

"""Compensated image files of imaging flow cytometers: their coding, their chain of directories, and damage to both."""

import csv
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.errors import ConfigError, InputError, PixelError
from tasks.core.types import AnyArray, BoolArray
from tasks.ingest.channels import Channels, resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.example_cif import encode_grey, encode_mask, write_cif
from tasks.ingest.index import Index, build_index
from tasks.ingest.load import LoadedBatch, load_images
from tasks.ingest.readers import readers
from tasks.ingest.readers.amnis_coding import Bytes, Shape, decode_grey, decode_grey_plain, decode_mask
from tasks.ingest.readers.amnis_file import BYTES, COMPRESSION, HEIGHT, OFFSET, WIDTH, channel_names, open_container
from tasks.ingest.readers.ifd_chain import COUNT, ENTRY, NEXT

REAL = Path("ifc_cif", "eos_objects_000_059.cif")
NAMES = ("BF", "PI", "SSC")
THREE = Channels(names=NAMES, sources=None, count=3)
OBJECTS = 5


def stamps(count: int = OBJECTS) -> list[AnyArray]:
    draw = np.random.default_rng(3)
    return [draw.integers(0, 4096, (3, 7 + number, 9)).astype(np.uint16) for number in range(count)]


def bright(images: list[AnyArray]) -> list[BoolArray]:
    return [image > 2000 for image in images]


def index(path: Path | list[Path], **load: Any) -> Index:  # noqa: ANN401
    return build_index(path if isinstance(path, list) else [path], config=Load.model_validate(load))


def load(path: Path, *, channels: Channels = THREE, **options: Any) -> LoadedBatch:  # noqa: ANN401
    return load_images(index(path).references, channels=channels, **options)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Write a file of five objects, numbered 10, 12 …."""
    path = tmp_path / "run.cif"
    images = stamps()
    write_cif(path, images=images, masks=bright(images), names=NAMES, numbers=[10 + 2 * n for n in range(OBJECTS)])
    return path


def directories(content: bytes | bytearray) -> list[int]:
    """Offsets of the directories in their order."""
    found = []
    (at,) = NEXT.unpack_from(content, 4)
    while at:
        found.append(at)
        (at,) = NEXT.unpack_from(content, next_at(content, at))
    return found


def next_at(content: bytes | bytearray, directory: int) -> int:
    (count,) = COUNT.unpack_from(content, directory)
    return directory + COUNT.size + int(count) * ENTRY.size


def change(path: Path, *, directory: int, tag: int, value: int, kind: int | None = None) -> None:
    """Write another value into an entry; directory 1 is the first object's pixels, 2 its mask."""
    content = bytearray(path.read_bytes())
    at = directories(content)[directory] + COUNT.size
    while ENTRY.unpack_from(content, at)[0] != tag:
        at += ENTRY.size
    _, old_kind, count, _ = ENTRY.unpack_from(content, at)
    ENTRY.pack_into(content, at, tag, old_kind if kind is None else kind, count, value)
    path.write_bytes(content)


def test_the_real_file_equals_an_independent_decoding(data_root: Path) -> None:
    found = index(data_root / REAL)
    channels, probe = resolve_channels(found.references, config=Load())
    assert (len(found.references), found.faults) == (60, ())
    assert channels.names == ("Ch1", "Ch2", "Ch3", "Ch4", "Ch5", "Ch6")
    assert (probe.dtype, probe.failed) == ("uint16", 0)
    loaded = load_images(found.references, channels=channels, masks=True)
    assert loaded.faults == []
    assert loaded.masks is not None
    with np.load(data_root / "ifc_cif" / "eos_objects_000_059_decoded.npz") as decoded:
        for position, (image, mask) in enumerate(zip(loaded.images, loaded.masks, strict=True)):
            assert image is not None
            assert mask is not None
            np.testing.assert_array_equal(image, decoded[f"img_{position}"])
            # 2 and 3 mark another cell that the frame cuts off; one object has such a neighbour
            np.testing.assert_array_equal(mask, decoded[f"mask_{position}"] == 1)


def test_the_background_of_the_real_file_is_what_its_tags_say(data_root: Path) -> None:
    loaded = load(data_root / REAL, channels=Channels(names=tuple("abcdef"), sources=None, count=6), masks=True)
    with (data_root / "ifc_cif" / "eos_objects_000_059_decoded.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert loaded.masks is not None
    assert [int(row["object"]) for row in rows] == [own.object_number for own in index(data_root / REAL).references]
    for row, image, mask in zip(rows, loaded.images, loaded.masks, strict=True):
        assert image is not None
        assert mask is not None
        outside = image[:, ~mask.any(axis=0)]
        means = np.array([float(row[f"file_bg_mean_Ch{number}"]) for number in range(1, 7)])
        deviations = np.array([float(row[f"file_bg_std_Ch{number}"]) for number in range(1, 7)])
        # light is scattered beyond the masks, most of it in the first channel and none in the second
        assert (np.abs(np.median(outside, axis=1) - means) < [3, 1, 1, 1, 1, 1]).all()
        assert abs(outside[1].mean() - means[1]) < 0.3
        assert outside[1].std() == pytest.approx(deviations[1], rel=0.1)


@given(st.data())
def test_what_is_coded_comes_back(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)))
    levels = data.draw(st.sampled_from([3, 300, 65535]))
    image = data.draw(hnp.arrays(np.uint16, shape, elements=st.integers(0, levels)))
    coded = np.frombuffer(encode_grey(image), dtype=np.uint8)
    for decode in (decode_grey, decode_grey_plain):
        decoded = decode(coded, shape=shape)
        assert decoded.dtype == np.uint16
        np.testing.assert_array_equal(decoded, image)
    mask = data.draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 3)))
    decoded_mask = decode_mask(np.frombuffer(encode_mask(mask), dtype=np.uint8), shape=shape)
    np.testing.assert_array_equal(decoded_mask, mask == 1)


def test_runs_of_a_mask_may_be_longer_than_a_pair_can_tell() -> None:
    mask = np.ones((2, 40, 30), dtype=np.bool_)
    coded = np.frombuffer(encode_mask(mask), dtype=np.uint8)
    assert len(coded) == 2 * -(-mask.size // 256)
    assert decode_mask(coded, shape=mask.shape).all()


@given(st.binary(min_size=1, max_size=60), st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 5)))
def test_any_bytes_are_decoded_or_refused_by_both_forms(content: bytes, shape: Shape) -> None:
    coded = np.frombuffer(content, dtype=np.uint8)

    def outcome(decode: Callable[..., AnyArray]) -> AnyArray | None:
        try:
            return decode(coded, shape=shape)
        except PixelError:
            return None

    compiled, plain = outcome(decode_grey), outcome(decode_grey_plain)
    assert (compiled is None) == (plain is None)
    if compiled is not None:
        np.testing.assert_array_equal(compiled, plain)


def nibbles(*values: int) -> Bytes:
    return np.array([low | high << 4 for low, high in zip(values[::2], values[1::2], strict=True)], dtype=np.uint8)


@pytest.mark.parametrize("decode", [decode_grey, decode_grey_plain])
@pytest.mark.parametrize(
    ("coded", "message"),
    [
        (nibbles(1, 1), "end early"),
        (nibbles(1, 8 | 1), "end early"),
        (nibbles(1, 6, 1, 0), "not between 0 and 65535"),
        (nibbles(1, 8, 8, 8, 8, 8, 8, 8, 1, 0, 0, 0), "more than 21 bits"),
        (nibbles(8 | 7, 8 | 7, 8 | 7, 8 | 7, 8 | 7, 3, 0, 0), "not between 0 and 65535"),
        (nibbles(1, 1, 1, 0, 0, 0), "take 2 bytes, but it has 3"),
    ],
)
def test_bytes_that_make_no_three_pixels_are_refused(
    decode: Callable[..., AnyArray], coded: Bytes, message: str
) -> None:
    with pytest.raises(PixelError, match=message):
        decode(coded, shape=(1, 1, 3))


def test_objects_are_images_with_numbers_and_names(written: Path) -> None:
    found = index(written.parent)
    assert [own.image for own in found.references] == [f"{written.parent.name}/run.cif#{n}" for n in range(OBJECTS)]
    assert [own.object_number for own in found.references] == [10, 12, 14, 16, 18]
    assert {own.reader for own in found.references} == {"cif"}
    channels, _ = resolve_channels(found.references, config=Load())
    assert channels.names == NAMES
    loaded = load_images(found.references[::-1], channels=channels)  # in any order
    for image, stamp in zip(loaded.images, stamps()[::-1], strict=True):
        np.testing.assert_array_equal(image, stamp)
        assert image is not None
        assert image.flags.writeable


def test_channels_are_chosen_and_windows_cut_of_pixels_and_masks_alike(written: Path) -> None:
    chosen = Channels(names=("side", "bright"), sources=(2, 0), count=3, labels=NAMES)
    loaded = load(written, channels=chosen, region=(1, 5, 2, 8), masks=True)
    assert loaded.masks is not None
    for image, mask, stamp in zip(loaded.images, loaded.masks, stamps(), strict=True):
        window = stamp[[2, 0], 1:5, 2:8]
        np.testing.assert_array_equal(image, window)
        np.testing.assert_array_equal(mask, window > 2000)


def test_a_file_of_other_channels_is_told_apart(written: Path) -> None:
    loaded = load(written, channels=Channels(names=("a", "b"), sources=None, count=2))
    assert len(loaded.faults) == OBJECTS
    assert "has 3 channels, the other images have 2" in loaded.faults[0].message


def test_names_that_two_channels_share_are_no_names() -> None:
    use = b"<ChannelInUseIndicators_0_11>0 1 1 0 </ChannelInUseIndicators_0_11>"
    assert channel_names(use + b"<Channel2Name>A</Channel2Name><Channel3Name>A</Channel3Name>") == ("Ch2", "Ch3")
    with pytest.raises(PixelError, match="which channels are in use"):
        channel_names(b"<ChannelInUseIndicators_0_11>0 0</ChannelInUseIndicators_0_11>")


def test_an_object_without_a_mask_is_read_and_quarantined_only_where_masks_are_asked_for(tmp_path: Path) -> None:
    write_cif(tmp_path / "run.cif", images=stamps(2), names=NAMES)
    assert load(tmp_path).faults == []
    loaded = load(tmp_path, masks=True)
    assert [fault.message for fault in loaded.faults] == [
        "has no mask in its file; leave it to another method, such as li"
    ] * 2
    assert loaded.images == loaded.masks == [None, None]


def test_masks_are_not_asked_of_files_that_hold_none(tmp_path: Path, write_tiff: Callable[..., AnyArray]) -> None:
    write_tiff(tmp_path / "a.tif")
    with pytest.raises(ConfigError, match=r"files such as .*/a\.tif hold none \(reader 'image'\); expected \.cif"):
        load(tmp_path, masks=True)


def test_a_file_cut_anywhere_gives_its_whole_objects_and_says_so(written: Path) -> None:
    content, images = written.read_bytes(), stamps()
    seen = set()
    for length in range(0, len(content), 41):
        written.write_bytes(content[:length])
        try:
            found = index(written)
        except InputError as error:
            assert "none of the 1 images in the input is usable" in str(error)  # noqa: PT017 - most lengths raise none
            continue
        loaded = load_images(found.references, channels=THREE)
        whole = [image for image in loaded.images if image is not None]
        assert len(whole) + len(loaded.faults) == len(found.references)
        for image, stamp in zip(whole, images, strict=False):
            np.testing.assert_array_equal(image, stamp)
        assert all("cut short" in fault.message for fault in [*found.faults, *loaded.faults])
        assert loaded.faults or found.faults or length > directories(content)[-1]
        seen.add(len(whole))
    assert seen == {0, 1, 2, 3, 4, 5}


def test_the_chain_may_not_lead_in_a_circle(written: Path) -> None:
    content = bytearray(written.read_bytes())
    chain = directories(content)
    NEXT.pack_into(content, next_at(content, chain[6]), chain[3])
    written.write_bytes(content)
    found = index(written)
    assert len(found.references) == 3
    (fault,) = found.faults
    assert fault.message == "its chain of images leads in a circle; 3 of its 5 objects were found"
    assert load_images(found.references, channels=THREE).faults == []


def test_directories_that_overlap_end_soon(tmp_path: Path) -> None:
    # each begins two bytes behind the one before and has the same number of entries
    entries = 13
    content = bytearray(b"II*\0\x08\0\0\0" + struct.pack("<H", entries) * 40_000)
    path = tmp_path / "run.cif"
    path.write_bytes(content)
    with pytest.raises(InputError, match="usable"):
        index(path)


def test_fewer_objects_than_the_file_tells_of_are_told(tmp_path: Path) -> None:
    path = tmp_path / "run.cif"
    write_cif(path, images=stamps(2), names=NAMES)
    content = bytearray(path.read_bytes())
    NEXT.pack_into(content, next_at(content, directories(content)[1]), 0)
    path.write_bytes(content)
    assert [fault.message for fault in index(path).faults] == ["1 of its 2 objects were found"]


@pytest.mark.parametrize(
    ("directory", "tag", "value", "message"),
    [
        (1, WIDTH, 0, "0 pixels wide"),
        (1, HEIGHT, 0, "0 high"),
        (1, WIDTH, 28, "3 channels of one size cannot"),
        (1, HEIGHT, 2**32 - 1, "more than load.max_pixels"),
        (1, HEIGHT, 10**6, "end early"),
        (1, HEIGHT, 6, "but it has"),
        (1, COMPRESSION, 1, "compression 1, expected 30817"),
        (1, OFFSET, 2**32 - 9, "cut short"),
        (1, BYTES, 2**32 - 1, "cut short"),
        (1, BYTES, 0, "does not tell where"),
        (1, BYTES, 5, "end early"),
        (2, HEIGHT, 6, "its mask has 6×27 pixels, all channels together, its image 7×27"),
        (2, BYTES, 5, "bytes, expected pairs"),
        (2, BYTES, 6, "pixels, expected 189"),
        (2, BYTES, 0, "does not tell where"),
        (2, OFFSET, 2**32 - 9, "cut short"),
    ],
)
def test_damage_to_one_object_is_its_own(written: Path, directory: int, tag: int, value: int, message: str) -> None:
    change(written, directory=directory, tag=tag, value=value)
    loaded = load(written, masks=True)
    (fault,) = loaded.faults
    assert (fault.image, message in fault.message) == ("run.cif#0", True), fault.message
    assert [image is None for image in loaded.images] == [True, False, False, False, False]


def test_a_number_of_another_type_is_none(written: Path) -> None:
    change(written, directory=1, tag=OFFSET, value=100, kind=2)
    (fault,) = load(written).faults
    assert "does not tell where one strip of bytes lies" in fault.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has 0 bytes, too few for a header"),
        (b"data_quartz\n_cell_length_a 4.913\n", "does not begin as a little-endian TIFF does"),
        (b"MM\0*\0\0\0\x08" + bytes(20), "does not begin as a little-endian TIFF does"),
        (b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0", "does not begin as a little-endian TIFF does"),
        (b"II*\0\0\0\0\0", "does not tell which channels are in use"),
        (b"II*\0\x08\0\0\0\0\0\0\0\0\0", "there is none|is none"),
        (b"II*\0\x08\0\0\0\xff\xff\0\0\0\0", "is none"),
    ],
)
def test_files_of_another_kind_are_told_by_what_they_are(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "run.cif"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        index(path)


def test_one_bad_file_does_not_stop_the_others(written: Path) -> None:
    (written.parent / "other.cif").write_bytes(b"data_quartz")
    found = index(written.parent)
    assert len(found.references) == OBJECTS
    assert [fault.image for fault in found.faults] == [f"{written.parent.name}/other.cif"]


def test_a_raw_file_is_refused_with_what_to_do(written: Path) -> None:
    raw = written.with_name("raw.rif")
    raw.write_bytes(written.read_bytes())
    with pytest.raises(InputError, match=r"raw\.rif, is a raw image file.* IDEAS, which writes a compensated image"):
        index(raw)
    (fault,) = index(written.parent).faults
    assert "raw image file" in fault.message


def test_a_raw_file_beside_its_compensated_one_is_passed_over(written: Path) -> None:
    raw = written.with_suffix(".rif")
    raw.write_bytes(b"")
    found = index(written.parent)
    assert (found.faults, found.left_out.unused) == ((), 1)
    assert len(index([written, raw]).faults) == 1  # named: it was meant


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes")
def test_a_pipe_is_not_waited_for(written: Path) -> None:
    os.mkfifo(written.with_name("pipe.cif"))
    (fault,) = index(written.parent).faults
    assert "named pipe" in fault.message


def test_directories_are_read_once_for_each_state_of_a_file(written: Path) -> None:
    first = open_container(str(written))
    assert open_container(str(written)) is first
    write_cif(written, images=stamps(2), names=NAMES)
    assert len(open_container(str(written)).numbers) == 2


def test_an_object_that_is_gone_is_told(written: Path) -> None:
    references = index(written).references
    write_cif(written, images=stamps(2), names=NAMES)
    faults = load_images(references, channels=THREE).faults
    assert [fault.message for fault in faults] == ["the file holds 2 objects now; it was changed"] * 3


def test_the_example_is_whole(tmp_path: Path) -> None:
    readers["cif"].example(tmp_path)  # type: ignore[attr-defined]
    found = index(tmp_path)
    channels, _ = resolve_channels(found.references, config=Load())
    loaded = load_images(found.references, channels=channels, masks=True)
    assert (channels.names, len(found.references), found.faults, loaded.faults) == (("BF", "PI"), 3, (), [])


def test_a_file_without_objects_says_so(tmp_path: Path) -> None:
    write_cif(tmp_path / "run.cif", images=[], names=NAMES)
    with pytest.raises(InputError, match=r"run\.cif, 0 objects were found"):
        index(tmp_path)

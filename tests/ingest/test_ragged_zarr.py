"""The published system's stores of stamps of different size."""

import json
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest

from tasks.core.errors import InputError
from tasks.core.types import AnyArray
from tasks.ingest.channels import Channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.load import LoadedBatch, load_images
from tasks.ingest.readers import ragged_zarr
from tasks.ingest.references import identity

WriteStore = Callable[..., list[AnyArray]]
ReadAll = Callable[..., LoadedBatch]
SIZES = [(4, 5), (6, 3), (2, 2), (5, 5), (1, 7), (3, 3), (4, 4)]
TWO = Channels(names=("a", "b"), sources=None, count=2)


def references(store: Path) -> tuple[Any, ...]:
    return build_index([store], config=Load()).references


@pytest.mark.parametrize("chunk", [1, 3, 7, 20])
@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<f4", "<f8", "|u1"])
@pytest.mark.parametrize("codec", [numcodecs.Blosc("zstd"), numcodecs.Zlib(1)])
def test_stamps_come_back_as_written(
    chunk: int, dtype: str, codec: numcodecs.abc.Codec, tmp_path: Path, write_store: WriteStore, read_all: ReadAll
) -> None:
    stamps = write_store(tmp_path / "c.zarr", sizes=SIZES, chunk=chunk, dtype=dtype, compressor=codec)
    loaded = read_all(tmp_path / "c.zarr")
    assert loaded.faults == []
    for stamp, image in zip(stamps, loaded.images, strict=True):
        assert image is not None
        assert image.dtype == np.dtype(dtype).newbyteorder("=")
        assert image.flags.aligned
        assert image.flags.writeable
        np.testing.assert_array_equal(image, stamp)


def test_stamps_are_numbered_and_sorted_by_number(tmp_path: Path, write_store: WriteStore) -> None:
    write_store(tmp_path / "run" / "c.zarr", sizes=[(2, 2)] * 12)
    stamp_references = references(tmp_path / "run")
    assert [reference.image for reference in stamp_references] == [f"run/c.zarr#{position}" for position in range(12)]
    assert [reference.index for reference in stamp_references] == list(range(12))
    assert stamp_references[3].object_number == 121


def test_each_chunk_is_read_once_for_a_batch_in_any_order(
    tmp_path: Path, write_store: WriteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps = [write_store(tmp_path / f"{name}.zarr", sizes=SIZES) for name in "ab"]
    stamp_references = [reference for name in "ab" for reference in references(tmp_path / f"{name}.zarr")]
    order = np.random.default_rng(0).permutation(len(stamp_references))[:9]
    reads: Counter[str] = Counter()
    decoded: Counter[str] = Counter()
    from_file, read_chunk = np.fromfile, ragged_zarr.read_chunk

    def counted_file(path: Path, *, dtype: type[np.uint8]) -> AnyArray:
        reads[str(path)] += 1
        return from_file(path, dtype=dtype)

    def counted_chunk(path: str, *, store: ragged_zarr.Store, chunk: int) -> list[AnyArray]:
        decoded[f"{path}/{chunk}"] += 1
        return read_chunk(path, store=store, chunk=chunk)

    monkeypatch.setattr(np, "fromfile", counted_file)
    monkeypatch.setattr(ragged_zarr, "read_chunk", counted_chunk)
    loaded = load_images([stamp_references[position] for position in order], channels=TWO)
    needed = {f"{tmp_path}/{'ab'[position // 7]}.zarr/{position % 7 // 3}" for position in order}
    assert reads == decoded == Counter(dict.fromkeys(needed, 1))
    for position, image in zip(order, loaded.images, strict=True):
        np.testing.assert_array_equal(image, stamps[position // 7][position % 7])


def test_a_few_stamps_do_not_keep_their_chunk(tmp_path: Path, write_store: WriteStore) -> None:
    stamps = write_store(tmp_path / "c.zarr", sizes=[(3, 4)] * 8, chunk=8)
    stored = references(tmp_path / "c.zarr")
    few, all_of_them = load_images(stored[2:4], channels=TWO).images, load_images(stored, channels=TWO).images
    for image, stamp in zip(few, stamps[2:4], strict=True):
        assert image is not None
        np.testing.assert_array_equal(image, stamp)
        assert buffer_of(image).nbytes == image.nbytes
    assert all_of_them[0] is not None
    assert buffer_of(all_of_them[0]).nbytes > sum(stamp.nbytes for stamp in stamps)


def buffer_of(image: AnyArray) -> AnyArray:
    """Array whose memory a view holds."""
    return image if image.base is None else buffer_of(image.base)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bytes(3), "requires a buffer"),
        (struct.pack("<II", 2, 4) + bytes(4), "requires a buffer"),
        (struct.pack("<II", 1, 8) + bytes(4), "has 12 bytes, an array goes on to 16"),
        (struct.pack("<II", 1, 3) + bytes(3), "an array has 3 bytes, a pixel 2"),
        (struct.pack("<II", 1, 4) + bytes(4), "holds 1 stamps, expected 3"),
    ],
)
def test_a_chunk_that_was_not_written_whole_is_told(
    content: bytes, message: str, tmp_path: Path, write_store: WriteStore
) -> None:
    write_store(tmp_path / "c.zarr", sizes=SIZES, chunk=3)
    (tmp_path / "c.zarr" / "0").write_bytes(numcodecs.Blosc("lz4").encode(content))
    loaded = load_images(references(tmp_path / "c.zarr"), channels=TWO)
    assert [image is None for image in loaded.images] == [True] * 3 + [False] * 4
    assert all(message in fault.message for fault in loaded.faults)


def test_stamps_need_not_be_compressed(tmp_path: Path, write_store: WriteStore) -> None:
    codec = numcodecs.Blosc("lz4")
    stamps = write_store(tmp_path / "c.zarr", sizes=SIZES, compressor=codec)
    array = json.loads((tmp_path / "c.zarr" / ".zarray").read_text())
    (tmp_path / "c.zarr" / ".zarray").write_text(json.dumps(array | {"compressor": None}))
    for chunk in range(3):
        file = tmp_path / "c.zarr" / str(chunk)
        file.write_bytes(codec.decode(file.read_bytes()))
    loaded = load_images(references(tmp_path / "c.zarr"), channels=TWO)
    for stamp, image in zip(stamps, loaded.images, strict=True):
        np.testing.assert_array_equal(image, stamp)


def test_indexing_and_probing_read_no_chunk(
    tmp_path: Path, write_store: WriteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_store(tmp_path / "c.zarr", sizes=SIZES)
    for chunk in range(3):
        (tmp_path / "c.zarr" / str(chunk)).write_bytes(b"")
    monkeypatch.setattr(ragged_zarr, "read_chunk", lambda *_, **__: pytest.fail("a chunk was read"))
    reader = ragged_zarr.RaggedZarrReader()
    header = reader.probe(references(tmp_path / "c.zarr")[1], pattern=None)
    assert (header.channels, header.height, header.width, header.dtype) == (2, 6, 3, np.dtype(np.uint16))


@pytest.mark.parametrize("damage", ["missing", "empty", "half", "one byte short", "noise"])
@pytest.mark.parametrize("codec", [numcodecs.Blosc("lz4"), numcodecs.Zlib(1)])
def test_a_damaged_chunk_sets_only_its_stamps_aside(
    damage: str, codec: numcodecs.abc.Codec, tmp_path: Path, write_store: WriteStore
) -> None:
    stamps = write_store(tmp_path / "c.zarr", sizes=SIZES, compressor=codec)
    stamp_references = references(tmp_path / "c.zarr")
    chunk = tmp_path / "c.zarr" / "1"
    content = chunk.read_bytes()
    chunk.unlink()
    if damage != "missing":
        length = {"empty": 0, "half": len(content) // 2, "one byte short": len(content) - 1, "noise": 0}[damage]
        noise = np.random.default_rng(0).bytes(len(content)) if damage == "noise" else b""
        chunk.write_bytes(content[:length] + noise)
    loaded = load_images(stamp_references, channels=TWO)
    assert [image is None for image in loaded.images] == [position in {3, 4, 5} for position in range(7)]
    assert [fault.image for fault in loaded.faults] == ["c.zarr#3", "c.zarr#4", "c.zarr#5"]
    assert all("chunk 1 of the store is" in fault.message for fault in loaded.faults)
    np.testing.assert_array_equal(loaded.images[6], stamps[6])
    assert [digest is None for digest in loaded.digests] == [image is None for image in loaded.images]


def test_a_missing_chunk_is_known_by_the_table_and_changes_identities(tmp_path: Path, write_store: WriteStore) -> None:
    write_store(tmp_path / "c.zarr", sizes=SIZES)
    before = references(tmp_path / "c.zarr")
    (tmp_path / "c.zarr" / "1").unlink()
    after = references(tmp_path / "c.zarr")
    equal = [identity(earlier) == identity(later) for earlier, later in zip(before, after, strict=True)]
    assert equal == [True, True, True, False, False, False, True]


def test_a_stamp_whose_size_disagrees_is_a_fault_of_its_own(tmp_path: Path, write_store: WriteStore) -> None:
    store = tmp_path / "c.zarr"
    write_store(store, sizes=SIZES)
    attributes = json.loads((store / ".zattrs").read_text())
    attributes["shape"][1] = [2, 6, 4]
    attributes["shape"][2] = [2, 4]
    attributes["shape"][4] = [1, 2, 7]
    (store / ".zattrs").write_text(json.dumps(attributes))
    loaded = load_images(references(store), channels=TWO)
    assert [fault.image for fault in loaded.faults] == ["c.zarr#1", "c.zarr#2", "c.zarr#4"]
    assert "holds 36 values" in loaded.faults[0].message
    assert "2×6×4" in loaded.faults[0].message
    assert "does not give channels, rows and columns" in loaded.faults[1].message
    assert "has 1 channel, the other images have 2" in loaded.faults[2].message


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "needs an attribute 'shape' with an entry for each of its 7 stamps, got none"),
        ({"shape": [[2, 2, 2]]}, "got 1"),
        ({"shape": [[2, 2, 2]] * 7, "object_number": [1]}, "1 object numbers for 7 stamps"),
    ],
)
def test_a_store_without_sense_is_one_fault_and_an_error_if_alone(
    attributes: dict[str, object], message: str, tmp_path: Path, write_store: WriteStore
) -> None:
    write_store(tmp_path / "run" / "bad.zarr", sizes=SIZES, attributes=attributes)
    with pytest.raises(InputError) as error:
        references(tmp_path / "run")
    assert message in str(error.value)
    assert "run/bad.zarr" in str(error.value)
    write_store(tmp_path / "run" / "good.zarr", sizes=SIZES)
    index = build_index([tmp_path / "run"], config=Load())
    assert len(index.references) == 7
    (fault,) = index.faults
    assert fault.image == "run/bad.zarr"
    assert message in fault.message


def test_object_numbers_may_be_absent(tmp_path: Path, write_store: WriteStore) -> None:
    shapes = [[2, *size] for size in SIZES]
    write_store(tmp_path / "c.zarr", sizes=SIZES, attributes={"shape": shapes})
    assert {reference.object_number for reference in references(tmp_path / "c.zarr")} == {None}


def test_a_store_that_shrank_after_indexing_gives_faults(tmp_path: Path, write_store: WriteStore) -> None:
    write_store(tmp_path / "c.zarr", sizes=SIZES)
    stamp_references = references(tmp_path / "c.zarr")
    for file in (tmp_path / "c.zarr").iterdir():
        file.unlink()
    (tmp_path / "c.zarr").rmdir()
    write_store(tmp_path / "c.zarr", sizes=SIZES[:4])
    loaded = load_images(stamp_references, channels=TWO)
    assert [image is None for image in loaded.images] == [False] * 4 + [True] * 3
    (tmp_path / "c.zarr" / ".zattrs").unlink()
    assert load_images(stamp_references, channels=TWO).images == [None] * 7


def test_the_pattern_searches_the_path_of_the_store(tmp_path: Path, write_store: WriteStore) -> None:
    write_store(tmp_path / "sample4.zarr", sizes=SIZES)
    index = build_index([tmp_path / "sample4.zarr"], config=Load(pattern=r"sample(?P<sample>\d+)"))
    assert [reference.metadata for reference in index.references] == [{"sample": "4"}] * 7


@pytest.mark.parametrize("part", ["compressor", "filters"])
def test_a_store_whose_metadata_name_a_codec_for_pickles_is_refused(
    part: str, tmp_path: Path, write_store: WriteStore
) -> None:
    write_store(tmp_path / "c.zarr", sizes=SIZES)
    path = tmp_path / "c.zarr" / ".zarray"
    array = json.loads(path.read_text())
    codec = {"id": "pickle", "protocol": 5}
    path.write_text(json.dumps(array | {part: codec if part == "compressor" else [*array["filters"], codec]}))
    (tmp_path / "c.zarr" / "0").write_bytes(b"cos\nmkdir\n(S'" + str(tmp_path / "owned").encode() + b"'\ntR.")
    with pytest.raises(InputError, match="is encoded by 'pickle'; expected one of adler32, blosc"):
        references(tmp_path / "c.zarr")
    assert not (tmp_path / "owned").exists()

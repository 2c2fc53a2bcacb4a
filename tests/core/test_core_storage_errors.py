"""Disks that are full, read-only or gone: whatever writes, the error says what, where and what to do."""

import errno
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import tifffile

from tasks.core.storage import atomic, write_json
from tasks.core.storage_errors import StorageError, check_reachable, storage_error
from tasks.core.work import result_folder
from tests.disks import Disk, disk

SMALL = 200_000
KEY = "0123456789" * 4
VALUES = np.random.default_rng(0).random(200_000)
TABLE = pl.DataFrame({"a": VALUES})


def _arrow(path: Path) -> None:
    with pq.ParquetWriter(path, TABLE.to_arrow().schema) as writer:
        writer.write_table(TABLE.to_arrow())


WRITERS: dict[str, Callable[[Path], object]] = {
    "polars parquet": TABLE.write_parquet,
    "polars csv": TABLE.write_csv,
    "pyarrow": _arrow,
    "tifffile": lambda path: tifffile.imwrite(path, VALUES.reshape(400, 500), compression="zlib"),
    "plain tiff": lambda path: tifffile.imwrite(path, VALUES.reshape(400, 500)),
    "numpy": lambda path: np.save(path.open("wb"), VALUES),
    "python": lambda path: path.write_bytes(VALUES.tobytes()),
    "copy": lambda path: shutil.copyfile(pl.__file__.replace("__init__.py", "../numpy/linalg/_linalg.py"), path),
}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, size=SMALL) as mounted:
        (mounted.path / "out" / "work").mkdir(parents=True)
        yield mounted


def into_file(out: Path, write: Callable[[Path], object]) -> None:
    with atomic(out / "table.bin") as temporary:
        write(temporary)


def into_result(out: Path, write: Callable[[Path], object]) -> None:
    with result_folder(out / "work" / "mask" / KEY) as folder:
        write(folder / "table.bin")


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


@pytest.mark.chaos
@pytest.mark.parametrize("into", [into_file, into_result])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_keeps_what_was_there(writer: str, into: Callable[..., None], small: Disk) -> None:
    out = small.path / "out"
    (out / "table.bin").write_text("before")
    (out / "ballast").write_bytes(b"x" * 100_000)
    with pytest.raises(
        StorageError, match=r"/out/.* cannot be written: the disk is full .*; free some space, and run the same command"
    ) as full:
        into(out, WRITERS[writer])
    assert not full.value.passing
    assert names(out) == ["ballast", "table.bin"]
    assert (out / "table.bin").read_text() == "before"
    small.resize(10 * len(VALUES) * 8)
    into(out, WRITERS[writer])


@pytest.mark.chaos
@pytest.mark.parametrize("into", [into_file, into_result])
@pytest.mark.parametrize("writer", ["polars parquet", "pyarrow", "python"])
def test_a_disk_that_is_lost_or_read_only_is_named_and_nothing_is_written_beneath(
    writer: str, into: Callable[..., None], small: Disk
) -> None:
    out = small.path / "out"
    small.make_read_only()
    with pytest.raises(StorageError, match=r"cannot be written: the file system is read-only .*; make it writable"):
        into(out, WRITERS[writer])

    def lose(path: Path) -> None:
        small.lose()
        WRITERS[writer](path)

    small.lose()
    small.bring_back()
    with pytest.raises(StorageError, match=r"its folder is gone, or the disk or network mount .*; bring it back"):
        into(out, lose)
    if into is into_result:
        with pytest.raises(StorageError, match="its folder is gone"):
            into(out, WRITERS[writer])
    assert list(small.path.iterdir()) == []
    with pytest.raises(StorageError, match="its folder is gone"):
        check_reachable(out)


def test_what_the_disk_is_not_to_blame_for_stays_what_it_is(tmp_path: Path) -> None:
    for error in (FileNotFoundError(errno.ENOENT, "gone"), ValueError("No space left (os error 28)"), OSError("odd")):
        assert storage_error(error, path=tmp_path / "table.bin") is None
    with pytest.raises(OSError, match=r"^odd$"), atomic(tmp_path / "table.bin"):
        raise OSError("odd")
    with pytest.raises(pl.exceptions.ComputeError, match="odd"), atomic(tmp_path / "table.bin"):
        raise pl.exceptions.ComputeError("odd")
    assert list(tmp_path.iterdir()) == []


def test_an_error_travels_and_knows_whether_it_may_pass(tmp_path: Path) -> None:
    for number, passing in {errno.ESTALE: True, errno.EIO: True, errno.ENOSPC: False, errno.EDQUOT: False}.items():
        explained = storage_error(OSError(number, "x"), path=tmp_path / "run.json")
        assert explained is not None
        back = pickle.loads(pickle.dumps(explained))  # noqa: S301 - as Dask does
        assert (str(back), back.passing) == (str(explained), passing)
    with pytest.raises(StorageError, match=r"table\.json cannot be written: its folder is gone"):
        check_reachable(tmp_path / "table.json")
    write_json(tmp_path / "table.json", {})
    check_reachable(tmp_path / "table.json")


def test_a_file_elsewhere_is_not_the_output_disks_fault(tmp_path: Path) -> None:
    result = tmp_path / "out" / "work" / "mask" / "key"
    denied = PermissionError(errno.EACCES, "denied", "/data/flat.tif")
    assert storage_error(denied, path=result) is None
    copied = OSError(errno.ENOSPC, "full", "/data/flat.tif", None, str(result / "flat.tif"))
    assert storage_error(copied, path=result) is not None
    assert storage_error(FileNotFoundError(errno.ENOENT, "gone", str(tmp_path / "out")), path=result) is not None

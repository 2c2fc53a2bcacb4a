"""Which images the inputs hold."""

import builtins
import errno
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tasks.core.errors import InputError
from tasks.core.types import AnyArray
from tasks.ingest.config import Load
from tasks.ingest.index import Index, LeftOut, build_index

WriteTiff = Callable[..., AnyArray]
WriteStore = Callable[..., list[AnyArray]]


def names(index: Index) -> list[str]:
    return [reference.image for reference in index.references]


def index(*inputs: str | Path, **load: Any) -> Index:  # noqa: ANN401
    return build_index(inputs, config=Load.model_validate(load))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("run/s10/c2.tif", "run/s10/c10.tif", "run/s9/c1.TIFF", "run/s9/note.txt", "run/s9/.hidden.tif"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no TIFF at all")
    return tmp_path / "run"


def test_a_folder_is_searched_to_its_depth_and_sorted_naturally(folder: Path) -> None:
    images = index(folder)
    assert names(images) == ["run/s9/c1.TIFF", "run/s10/c2.tif", "run/s10/c10.tif"]
    assert images.left_out == LeftOut(no_image=1, hidden=1)
    assert images.references[0].paths == (str(folder / "s9" / "c1.TIFF"),)


def test_identity_is_relative_to_the_parent_of_what_was_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(index(folder / "s9")) == ["s9/c1.TIFF"]
    assert names(index(folder / "s9" / "c1.TIFF")) == ["c1.TIFF"]
    assert names(index(f"{folder}/s1*/c*.tif")) == ["s10/c2.tif", "s10/c10.tif"]
    assert names(index(f"{folder}/**/c?.tif")) == ["s10/c2.tif"]
    assert names(index(f"{folder.parent}/r*")) == names(index(folder))
    monkeypatch.chdir(folder)
    assert names(index(".")) == names(index(folder))


def test_a_folder_whose_name_has_brackets_is_no_glob_pattern(tmp_path: Path, write_tiff: WriteTiff) -> None:
    write_tiff(tmp_path / "run[1]" / "a.tif")
    assert names(index(tmp_path / "run[1]")) == ["run[1]/a.tif"]


def test_a_file_given_twice_is_one_image(folder: Path) -> None:
    assert names(index(folder, folder / "s9", f"{folder}/s9/*.TIFF")) == names(index(folder))


def test_equal_names_from_two_inputs_are_refused(tmp_path: Path, write_tiff: WriteTiff) -> None:
    for plate in ("p1", "p2"):
        write_tiff(tmp_path / plate / "Images" / "a.tif")
    with pytest.raises(InputError, match=r"both be called 'Images/a.tif'.*p1.*p2.*give the folder above") as error:
        index(tmp_path / "p1" / "Images", tmp_path / "p2" / "Images")
    assert "Images/a.tif" in str(error.value)
    assert names(index(tmp_path / "p1", tmp_path / "p2")) == ["p1/Images/a.tif", "p2/Images/a.tif"]


def test_order_does_not_depend_on_the_order_of_inputs(tmp_path: Path, write_tiff: WriteTiff) -> None:
    for name in ("1.tif", "01.tif", "001.tif", "2.tif", "10.tif"):
        write_tiff(tmp_path / name)
    files = sorted(tmp_path.iterdir())
    expected = ["001.tif", "01.tif", "1.tif", "2.tif", "10.tif"]
    assert names(index(*files)) == names(index(*reversed(files))) == expected


def test_a_link_back_up_ends_the_search(folder: Path) -> None:
    (folder / "s9" / "again").symlink_to(folder)
    assert names(index(folder)) == ["run/s9/c1.TIFF", "run/s10/c2.tif", "run/s10/c10.tif"]


def test_linked_folders_are_followed_and_a_dangling_link_is_not_lost(tmp_path: Path, write_tiff: WriteTiff) -> None:
    write_tiff(tmp_path / "storage" / "a.tif")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "plate").symlink_to(tmp_path / "storage")
    (tmp_path / "run" / "gone.tif").symlink_to(tmp_path / "nowhere.tif")
    assert names(index(tmp_path / "run")) == ["run/gone.tif", "run/plate/a.tif"]


def test_the_pattern_makes_metadata_and_what_it_does_not_match_is_counted(folder: Path) -> None:
    images = index(folder, pattern=r"s(?P<sample>\d+)/c(?P<cell>\d)(?P<more>\d)?\.tif")
    assert [reference.metadata for reference in images.references] == [
        {"sample": "10", "cell": "2"},
        {"sample": "10", "cell": "1", "more": "0"},
    ]
    assert images.unmatched == ("run/s9/c1.TIFF",)
    assert images.left_out == LeftOut(no_image=1, unmatched=1, hidden=1)


def test_indexing_opens_no_image(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real_open = io.open

    def watched(file: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        opened.append(str(file))
        return real_open(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", watched)
    monkeypatch.setattr(io, "open", watched)
    monkeypatch.setattr(tifffile.TiffFile, "__init__", lambda *_, **__: pytest.fail("a TIFF was opened"))
    monkeypatch.setattr(np, "fromfile", lambda *_, **__: pytest.fail("pixels were read"))
    index(folder)
    index(folder, pattern=r"s(?P<field>\d+)/c(?P<channel>2)")
    assert [name for name in opened if name.lower().endswith((".tif", ".tiff"))] == []
    with open(folder / "s9" / "c1.TIFF", "rb"):  # noqa: PTH123 - the watch itself works
        assert opened[-1] == str(folder / "s9" / "c1.TIFF")


def test_auto_takes_each_kind_of_file_for_what_it_is(
    tmp_path: Path, write_tiff: WriteTiff, write_store: WriteStore
) -> None:
    write_tiff(tmp_path / "run" / "a.tif")
    write_store(tmp_path / "run" / "cells.zarr", sizes=[(4, 5)] * 2)
    images = index(tmp_path / "run")
    assert [(reference.image, reference.reader) for reference in images.references] == [
        ("run/a.tif", "image"),
        ("run/cells.zarr#0", "ragged_zarr"),
        ("run/cells.zarr#1", "ragged_zarr"),
    ]


def test_a_chosen_reader_leaves_other_files_out(folder: Path, write_store: WriteStore) -> None:
    write_store(folder / "cells.zarr", sizes=[(4, 5)])
    (folder / "overview.png").write_bytes(b"")
    images = index(folder, reader="multiframe_tiff")
    assert {reference.reader for reference in images.references} == {"multiframe_tiff"}
    assert images.left_out == LeftOut(no_image=3, hidden=1)


@pytest.mark.parametrize(
    ("given", "load", "message"),
    [
        ("rum", {}, "did you mean"),
        ("run/s9/c3.tif", {}, "holds no 'c3.tif'"),
        ("run/*.png", {}, "no file or folder matches the input pattern"),
        ("run/s9/note.txt", {}, "its suffix '.txt' is none of an image"),
        ("run", {"pattern": "well(?P<well>x)"}, "does not match any of the 3 files"),
        ("run", {"pattern": "well(?P<well>x)"}, "'run/s10/c10.tif'"),
        ("run", {"reader": "ragged_zarr"}, "it holds .tif (2), .tiff (1), .txt (1)"),
        ("empty", {}, "is empty: there is no file in it"),
        ("notes", {}, "it holds .csv (2), .xml (1)"),
    ],
)
def test_errors_name_the_input_and_what_would_do(
    folder: Path, given: str, load: dict[str, object], message: str
) -> None:
    root = folder.parent
    (root / "empty").mkdir()
    (root / "notes").mkdir()
    for name in ("a.csv", "b.csv", "c.xml"):
        (root / "notes" / name).touch()
    with pytest.raises(InputError) as error:
        index(root / given, **load)
    assert message in str(error.value)


def test_an_empty_folder_is_an_error_even_beside_a_good_one(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        index(folder, tmp_path / "empty")


def test_a_store_of_another_kind_is_refused_if_named_and_passed_over_if_found(folder: Path) -> None:
    store = folder / "plate.zarr"
    (store / "0").mkdir(parents=True)
    (store / ".zgroup").write_text('{"zarr_format": 2}')
    (store / "0" / "picture.tif").touch()
    assert names(index(folder)) == ["run/s9/c1.TIFF", "run/s10/c2.tif", "run/s10/c10.tif"]
    with pytest.raises(InputError, match=r"the store .*plate\.zarr' cannot be read"):
        index(store)


def test_a_folder_that_may_not_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = Path.iterdir

    def guarded(path: Path) -> Iterator[Path]:
        if path.name == "s9":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return iter(list(entries(path)))

    monkeypatch.setattr(Path, "iterdir", guarded)  # an administrator, who may run the tests, may read every folder
    with pytest.raises(InputError, match=r"may not be read: .*s9"):
        index(folder)


def test_no_input_is_an_error() -> None:
    with pytest.raises(InputError, match="no input was given"):
        index()

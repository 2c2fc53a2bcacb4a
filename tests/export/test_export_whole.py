"""Whatever the format: a file is whole or as it was, those of others are left alone, those of an earlier run go."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyarrow as pa
import pytest

from flows.config import parse_config
from flows.stages.export import export_tables
from tasks.core.errors import ConfigError, InputError, RunError
from tasks.export.config import Export
from tasks.export.published import mend_published
from tasks.export.registry import ExportMethod, FeatureTable, exporters
from tests.export.feature_tables import odd_table

FORMATS = {
    "features.csv": {"method": "csv"},
    "features.h5ad": {"method": "anndata"},
    "features.zarr": {"method": "anndata", "store": "zarr"},
    "features.fcs": {"method": "fcs"},
}
HEX = "0" * 32


@pytest.fixture(params=FORMATS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / "out" / "exports" / str(request.param)


def configured(path: Path) -> ExportMethod:
    return Export.model_validate({"formats": [FORMATS[path.name]]}).formats[-1]


def write(path: Path, table: FeatureTable) -> None:
    exporters.function(configured(path))(table, path.parents[1], configured(path))


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four rows."""
    monkeypatch.setattr("tasks.core.feature_files.GROUP_ROWS", 4)


@pytest.mark.usefixtures("small")
def test_what_fails_halfway_leaves_what_was_there(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, odd_table(tmp_path / "work", rows=9))
    before = files(path.parent)
    original = FeatureTable.tables

    def fails(table: FeatureTable, *, rows: int) -> Iterator[pa.Table]:
        yield next(original(table, rows=rows))
        raise OSError("the disk is gone")

    monkeypatch.setattr(FeatureTable, "tables", fails)
    with pytest.raises((OSError, RunError)):
        write(path, odd_table(tmp_path / "work", rows=20))
    assert files(path.parent) == before


def test_a_second_run_takes_the_place_of_the_first_and_lists_all_of_its_files(path: Path, tmp_path: Path) -> None:
    write(path, odd_table(tmp_path / "work", rows=20))
    write(path, odd_table(tmp_path / "work", rows=9))
    after = files(path.parent)
    listed = {str(file.relative_to(path.parent)) for file in configured(path).PUBLISHED.files(path.parents[1])}
    assert listed == set(after)
    other = tmp_path / "other" / "exports" / path.name
    write(other, odd_table(tmp_path / "work", rows=9))
    assert files(other.parent) == after


def test_what_another_program_wrote_is_refused_and_left_alone(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(parents=True)
    for foreign in (path, path / "0", path / ".zattrs"):
        if path.is_file():
            path.unlink()
        foreign.parent.mkdir(exist_ok=True)
        foreign.write_text("{}")
        with pytest.raises(RunError, match=r"is in the way: it was not written by this program"):
            write(path, odd_table(tmp_path / "work"))
        with pytest.raises(InputError, match=rf"{path.name} was not written by this program"):
            configured(path).published.check(path.parents[1])
        configured(path).PUBLISHED.discard_stale(path.parents[1], but=())
        assert foreign.read_text() == "{}"


def test_an_earlier_runs_file_goes_when_nobody_asks_for_it(path: Path, tmp_path: Path) -> None:
    write(path, odd_table(tmp_path / "work"))
    (path.parent / "notes.txt").write_text("mine")
    configured(path).PUBLISHED.discard_stale(path.parents[1], but=())
    assert [left.name for left in path.parent.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(("first", "second"), [("features.h5ad", "features.zarr"), ("features.zarr", "features.h5ad")])
def test_the_other_store_goes(first: str, second: str, tmp_path: Path) -> None:
    exports = tmp_path / "out" / "exports"
    write(exports / first, odd_table(tmp_path / "work"))
    write(exports / second, odd_table(tmp_path / "work"))
    assert [left.name for left in exports.iterdir()] == [second]


def test_a_store_that_is_a_link_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "out" / "exports" / "features.zarr"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.parent.mkdir(parents=True)
    write(tmp_path / "first" / "exports" / "features.zarr", odd_table(tmp_path / "work", rows=5))
    (tmp_path / "first" / "exports" / "features.zarr").rename(elsewhere / "store")
    path.symlink_to(elsewhere / "store")
    write(path, odd_table(tmp_path / "work", rows=9))
    assert path.is_symlink()
    write(tmp_path / "second" / "exports" / "features.zarr", odd_table(tmp_path / "work", rows=9))
    assert files(elsewhere / "store") == files(tmp_path / "second" / "exports" / "features.zarr")
    assert [left.name for left in elsewhere.iterdir()] == ["store"]


@pytest.mark.parametrize("suffix", ["tmp", "old"])
def test_a_store_whose_exchange_was_killed_is_mended(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "out" / "exports" / "features.zarr"
    write(path, odd_table(tmp_path / "work"))
    whole = files(path)
    left = path.with_name(f".{path.name}.{HEX}.{suffix}")
    if suffix == "old":  # between two renames
        path.rename(left)
    else:
        (left / "obs").mkdir(parents=True)
        (left / "obs" / "0").write_bytes(b"half")
    mend_published(path.parents[1])
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert files(path) == whole


def test_a_package_that_is_missing_or_too_old_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    config = parse_config({"mask": {"methods": ["li"], "main_channel": "BF"}, "export": {"formats": ["anndata"]}})
    monkeypatch.setattr("tasks.core.extras.version", lambda name: "0.10.9" if name == "anndata" else version(name))
    with pytest.raises(ConfigError, match=r"^export\.formats: got anndata 0\.10\.9, expected 0\.12 or later; "):
        export_tables.prepare(config, None, None)  # type: ignore[arg-type] # looks at neither

    def lacks(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("tasks.core.extras.version", lacks)
    with pytest.raises(
        ConfigError,
        match=r"^export\.formats: anndata needs the package anndata, .* install this program's extra: pip install -e "
        r"'\.\[anndata\]'$",
    ):
        export_tables.prepare(config, None, None)  # type: ignore[arg-type]

"""The feature table in every form: a function of its rows alone, nothing of other programs touched."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.columns import Column
from tasks.core.dictionary import encode, is_ours, read_dictionary
from tasks.core.errors import InputError, RunError
from tasks.core.feature_files import GROUP_BYTES, GROUP_ROWS, group_rows, write_feature_file
from tasks.export.config import Export
from tasks.export.formats.csv import Csv, write_csv
from tasks.export.formats.parquet import Parquet, write_parquet
from tasks.export.registry import FeatureTable

COLUMN = Column(region="li", family="shape", stat="area", unit="px^2", definition="Number of pixels.")
DICTIONARY = encode({COLUMN.name: COLUMN}, meta={"meta__image": "Where it is from."})
ROWS = 23


def rows(start: int, stop: int) -> pa.Table:
    """Rows of a table with every type of column, odd numbers and odd text among them."""
    numbers = np.arange(start, stop)
    floats = np.where(numbers % 5 == 0, np.nan, np.exp(numbers / 3.0 - 40))
    return pa.table(
        {
            "meta__image": pa.array([f'a "{number}",\n' for number in numbers], pa.large_string()),
            "meta__object": pa.array(numbers, pa.int32()),
            "meta__plate": pa.array([None if number % 3 == 0 else "" for number in numbers], pa.large_string()),
            "meta__valid__li__BF": pa.array(numbers % 2 == 0),
            "meta__centroid_row": pa.array(floats * 3),
            "li__shape_area": pa.array(floats.astype(np.float32)),
        }
    )


def table(folder: Path, cuts: Sequence[int]) -> FeatureTable:
    """Write the rows as partitions that end at `cuts`."""
    folder.mkdir(exist_ok=True)
    edges = [0, *sorted(cuts), ROWS]
    files = [folder / f"{number}.parquet" for number in range(len(edges) - 1)]
    for file, start, stop in zip(files, edges[:-1], edges[1:], strict=True):
        write_feature_file(file, [rows(start, stop)])
    return FeatureTable(files=tuple(files), dictionary=DICTIONARY)


def published(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(output.rglob("*")) if path.is_file()}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of four rows and parts of two groups, so that a few rows fill some."""
    monkeypatch.setattr("tasks.core.feature_files.GROUP_ROWS", 4)
    monkeypatch.setattr("tasks.export.formats.parquet.PART_GROUPS", 2)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("cuts", [(), (1, 2, 3, 4, 20), (8, 16), (0, 0, 7, 23)])
def test_parts_and_row_groups_are_cut_by_rows_whatever_the_partitions(cuts: Sequence[int], tmp_path: Path) -> None:
    write_parquet(table(tmp_path / "work", cuts), tmp_path, Parquet())
    parts = [tmp_path / "features" / f"part-0000{number}.parquet" for number in range(3)]
    assert sorted((tmp_path / "features").iterdir()) == parts
    groups = [pq.read_metadata(part) for part in parts]
    assert [[file.row_group(n).num_rows for n in range(file.num_row_groups)] for file in groups] == [
        [4, 4],
        [4, 4],
        [4, 3],
    ]
    both = pl.concat(pl.read_parquet(part, glob=False) for part in parts)
    assert both.equals(pl.DataFrame(rows(0, ROWS)), null_equal=True)
    for part in parts:
        row = read_dictionary(part).row(by_predicate=pl.col("name") == "li__shape_area", named=True)
        assert (row["unit"], row["definition"], row["dtype"]) == ("px^2", "Number of pixels.", "float")


@pytest.mark.usefixtures("small")
def test_equal_tables_are_equal_to_the_last_byte_whatever_the_partitions(tmp_path: Path) -> None:
    made = []
    for name, cuts in [("one", (3, 9)), ("two", ()), ("three", range(1, ROWS))]:
        for write, config in ((write_parquet, Parquet()), (write_csv, Csv())):
            write(table(tmp_path / "work", cuts), tmp_path / name, config)
        made.append(published(tmp_path / name))
    assert made[0] == made[1] == made[2]
    assert sorted(made[0]) == ["features.csv", "part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]


def test_a_table_without_any_row_has_a_part_with_all_columns(tmp_path: Path) -> None:
    write_feature_file(tmp_path / "none.parquet", [rows(0, 0)])
    empty = FeatureTable(files=(tmp_path / "none.parquet",), dictionary=DICTIONARY)
    write_parquet(empty, tmp_path / "empty", Parquet())
    write_parquet(table(tmp_path / "work", (4,)), tmp_path / "full", Parquet())
    paths = [tmp_path / name / "features" / "part-00000.parquet" for name in ("empty", "full")]
    assert pl.read_parquet(paths[0]).schema == pl.read_parquet(paths[1]).schema
    assert read_dictionary(paths[0]).equals(read_dictionary(paths[1]))
    assert is_ours(paths[0])
    write_csv(empty, tmp_path, Csv())
    assert (tmp_path / "exports" / "features.csv").read_text() == ",".join(rows(0, 0).column_names) + "\n"


def test_row_groups_have_thousands_of_rows_and_bounded_bytes() -> None:
    def wide(count: int, dtype: pa.DataType) -> pa.Schema:
        return pa.schema([("meta__image", pa.string()), *((f"x{number}", dtype) for number in range(count))])

    assert group_rows(wide(2500, pa.float32())) == 13378
    assert group_rows(wide(2500, pa.float64())) * 2500 * 8 <= GROUP_BYTES
    assert group_rows(wide(3, pa.float32())) == GROUP_ROWS


def test_what_is_not_a_value_takes_few_bytes(tmp_path: Path) -> None:
    """Ten thousand rows of 300 columns with names as long as ours, and a dictionary of them."""
    columns = [
        Column(region="li", family="texture", stat="contrast", param=f"d{n}", channels=("BF",), definition="…" * 40)
        for n in range(300)
    ]
    drawn = np.random.default_rng(0).normal(size=(300, 10_000)).astype(np.float32)
    work = tmp_path / "work.parquet"
    write_feature_file(work, [pa.table({column.name: values for column, values in zip(columns, drawn, strict=True)})])
    described = encode({column.name: column for column in columns}, meta={})
    write_parquet(FeatureTable(files=(work,), dictionary=described), tmp_path, Parquet())
    part = tmp_path / "features" / "part-00000.parquet"
    group = pq.read_metadata(part).row_group(0)
    chunks = [group.column(n) for n in range(300)]
    headers = sum(chunk.total_uncompressed_size - 4 * 10_000 for chunk in chunks)
    values = sum(chunk.total_compressed_size for chunk in chunks) - headers
    assert 1 - values / part.stat().st_size < 0.02


def test_text_gives_back_the_same_numbers_and_a_missing_value_is_empty(tmp_path: Path) -> None:
    write_csv(table(tmp_path / "work", (5, 6)), tmp_path, Csv())
    path = tmp_path / "exports" / "features.csv"
    expected = pl.DataFrame(rows(0, ROWS))
    back = pl.read_csv(path, schema=expected.schema)
    assert back.equals(expected.fill_nan(None), null_equal=True)
    assert path.read_text().count(",true,,\n") == 3
    assert "nan" not in path.read_text().lower()


def test_files_of_an_earlier_run_go_and_those_of_others_stay(tmp_path: Path) -> None:
    write_parquet(table(tmp_path / "work", ()), tmp_path, Parquet())
    part = tmp_path / "features" / "part-00000.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(part.with_name("part-99999.parquet"))
    part.with_name("part-00007.parquet").write_bytes(b"no parquet at all")
    for name in ("part-00001.parquet", "part-filtered.parquet"):  # what somebody made of ours has another name
        part.with_name(name).write_bytes(part.read_bytes())
    write_parquet(table(tmp_path / "work", ()), tmp_path, Parquet())
    assert sorted(path.name for path in part.parent.iterdir()) == [
        "part-00000.parquet", "part-00007.parquet", "part-99999.parquet", "part-filtered.parquet",
    ]  # fmt: skip


@pytest.mark.usefixtures("small")
def test_a_foreign_file_with_the_name_of_ours_is_not_overwritten(tmp_path: Path) -> None:
    for name in ("features/part-00001.parquet", "exports/features.csv"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("mine,and mine\n1,2\n")
    before = published(tmp_path)
    for write, config in ((write_parquet, Parquet()), (write_csv, Csv())):
        with pytest.raises(RunError, match=r"is in the way: it was not written by this program; move it"):
            write(table(tmp_path.with_name("work"), (4,)), tmp_path, config)
    assert published(tmp_path) == before
    Parquet.PUBLISHED.check(tmp_path)  # this run may write one part only
    (tmp_path / "features" / "part-00001.parquet").rename(tmp_path / "features" / "part-00000.parquet")
    with pytest.raises(InputError, match=r"part-00000\.parquet was not written by this program"):
        Parquet.PUBLISHED.check(tmp_path)
    with pytest.raises(InputError, match=r"features\.csv was not written by this program and would be overwritten"):
        Csv.PUBLISHED.check(tmp_path)


@pytest.mark.parametrize(
    "names", ["meta__image,meta__object", "meta_image,meta_object", "Metadata_Image,Metadata_Object"]
)
def test_text_is_known_as_ours_by_how_it_begins(names: str, tmp_path: Path) -> None:
    path = tmp_path / "exports" / "features.csv"
    path.parent.mkdir()
    for text, ours in [(f"{names},x\n", True), (f"{names}\n", True), (f"{names}s,x\n", False), ("", False)]:
        path.write_text(text)
        assert Csv.PUBLISHED.is_ours(path) is ours


def test_formats_are_named_or_spelled_out_and_parquet_is_always_the_first() -> None:
    for given_formats in (["csv"], ["csv", "parquet"], [{"method": "csv"}, {"method": "parquet"}]):
        assert Export.model_validate({"formats": given_formats}).formats == (Parquet(), Csv())
    assert Export().formats == Export(formats=()).formats == (Parquet(),)
    with pytest.raises(
        ValueError, match=r"unknown exporter method 'parket'; allowed: .*csv, .*; did you mean 'parquet'"
    ):
        Export.model_validate({"formats": ["parket"]})
    with pytest.raises(ValueError, match="got 'csv' twice; expected each format once"):
        Export.model_validate({"formats": ["csv", "csv"]})

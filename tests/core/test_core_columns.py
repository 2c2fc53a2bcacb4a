"""Columns as data, and the dictionary of them that every feature table carries."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.columns import Column, unique_names
from tasks.core.dictionary import KEY, encode, is_ours, meta_definitions, read_dictionary
from tasks.core.layout import Layout
from tasks.features.all_families import feature_columns
from tasks.features.config import Features


def column(region: str = "li", *, channels: tuple[str, ...] = ("BF",), param: str = "") -> Column:
    return Column(region=region, family="texture", stat="contrast", param=param, channels=channels, definition="…")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (column(), "li__texture_contrast__BF"),
        (column(param="d3"), "li__texture_contrast_d3__BF"),
        (column("li.combined", channels=()), "li.combined__texture_contrast"),
        (column("cell", channels=("BF", "PI")), "cell__texture_contrast__BF__PI"),
    ],
)
def test_names_follow_the_contract(given: Column, name: str) -> None:
    assert given.name == name
    assert given.as_dict()["name"] == name


def test_columns_of_one_name_are_refused() -> None:
    assert unique_names([column(), column("cell")]) == ("li__texture_contrast__BF", "cell__texture_contrast__BF")
    with pytest.raises(ValueError, match=r"columns share a name: \['li__texture_contrast__BF'\]"):
        unique_names([column(), column("cell"), column()])


@pytest.fixture
def everything(tmp_path: Path) -> tuple[Path, list[Column], Layout]:
    """Write a table with every column of a run with many masks: more than 100 metadata columns come first."""
    layout = Layout(
        channels=tuple(f"C{number}" for number in range(12)),
        regions=("a", "b", "c", "d", "e"),
        stamps=True,
        groups=("well",),
        numbered=True,
    )
    columns = feature_columns(config=Features(), channels=layout.channels, regions=[("a", False), ("a.combined", True)])
    meta = list(layout.cell_meta())
    assert len(meta) > 100
    names = [*meta, *unique_names(columns)]
    table = pa.table({name: pa.array([], type=pa.float32()) for name in names})
    metadata = encode(dict(zip(unique_names(columns), columns, strict=True)), meta=meta_definitions(meta))
    path = tmp_path / "part-00000.parquet"
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path, list(columns), layout


def test_the_dictionary_tells_every_column_as_it_was_described(everything: tuple[Path, list[Column], Layout]) -> None:
    path, columns, layout = everything
    dictionary = read_dictionary(path)
    assert dictionary["name"].to_list() == pq.read_schema(path).names
    rows = {row["name"]: row for row in dictionary.iter_rows(named=True)}
    for column in columns:
        expected = column.as_dict() | {"object": column.region, "dtype": "float"}
        del expected["region"], expected["scip"]
        expected |= {"channels": list(column.channels), "invariances": list(column.invariances)}
        assert rows[column.name] == expected
    for name in layout.cell_meta():
        assert rows[name]["family"] == "meta"
        assert len(rows[name]["definition"]) > 20


def test_the_dictionary_can_be_filtered(everything: tuple[Path, list[Column], Layout]) -> None:
    path, columns, _ = everything
    texture = read_dictionary(path).filter(pl.col("family") == "texture", pl.col("channels").list.contains("C3"))
    expected = [column.name for column in columns if column.family == "texture" and "C3" in column.channels]
    assert texture["name"].to_list() == expected
    assert expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("meta__image", "path relative to the input"),
        ("meta__bbox_max_col__nucleus", "Bounding box of nucleus, max col"),
        ("meta__regions__li__BF", "components of the mask li in channel BF"),
        ("meta__valid__cell__BF", "Whether cell has pixels to measure in channel BF"),
        ("meta__well", "the group 'well' of load.pattern"),
        ("meta__valid", "the group 'valid' of load.pattern"),
        ("meta__regions", "the group 'regions' of load.pattern"),
        ("meta__bbox_min_row", "the group 'bbox_min_row' of load.pattern"),
    ],
)
def test_every_metadata_column_is_defined(name: str, words: str) -> None:
    assert words in meta_definitions([name])[name]


def test_only_tables_of_this_program_are_ours(tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.parquet" for name in ("ours", "foreign", "plain", "garbage", "empty", "none")}
    table = pa.table({"a": [1]})
    pq.write_table(table.replace_schema_metadata(encode({}, meta={})), paths["ours"])
    pq.write_table(table.replace_schema_metadata({b"pandas": b"{}"}), paths["foreign"])
    pq.write_table(table, paths["plain"])
    paths["garbage"].write_bytes(b"PAR1" + KEY + b"PAR1")
    paths["empty"].write_bytes(b"")
    (tmp_path / "folder.parquet").mkdir()
    assert [name for name, path in paths.items() if is_ours(path)] == ["ours"]
    assert not is_ours(tmp_path / "folder.parquet")


def test_a_table_without_dictionary_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "theirs.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(ValueError, match=r"theirs\.parquet holds no dictionary of columns; expected a features/part"):
        read_dictionary(path)

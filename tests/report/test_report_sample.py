"""Which cells and fields a report shows: a sample of the whole table, whatever the partitions were."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from tasks.core.layout import Layout
from tasks.report.sample import EXAMPLES, FIELDS, Sample, ShownCell, draw_sample, sample_cells, sample_fields
from tests.report.conftest import PublishedRun
from tests.running import Run

STAMPS = Layout(channels=("BF",), regions=("li",), stamps=True, groups=(), numbered=False)
STATUSES = ("kept", "kept", "kept", "quality:dim", "border", "quarantined", "no_object")


def write_cells(path: Path, *, cells: int, rows: int) -> None:
    """Write a table of stamps with every status, in row groups of some rows."""
    schema = STAMPS.cell_meta() | {"status": pl.String()}
    table = pl.DataFrame(
        {
            "meta__image": [f"stamps/{number}.tif" for number in range(cells)],
            "meta__object": [1] * cells,
            "status": [STATUSES[number % len(STATUSES)] for number in range(cells)],
        },
        schema_overrides={"meta__object": pl.Int32},
    )
    empty = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in table.columns]
    pq.write_table(table.with_columns(empty).to_arrow(), path, row_group_size=rows)


def cells(sample: Sample) -> list[ShownCell]:
    return sorted((cell for part in sample.parts for cell in part.cells), key=lambda cell: (cell.image, cell.object))


def drawn(run: Run, *, kept: int = 20, seed: int = 0) -> Sample:
    return draw_sample(run.work.parent, layout=run.layout, kept=kept, seed=seed)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "cells.parquet"
    write_cells(path, cells=150_000, rows=150_000)
    return path


def test_of_each_status_as_many_as_asked_and_none_that_were_set_aside(table: Path) -> None:
    sampled = sample_cells(table, layout=STAMPS, kept=500, seed=0)
    assert Counter(sampled["status"]) == {
        "kept": 500,
        "quality:dim": EXAMPLES,
        "border": EXAMPLES,
        "no_object": EXAMPLES,
    }
    for own in sampled.partition_by("status"):
        assert own["rank"].to_list() == list(range(len(own)))


def test_the_sample_spreads_over_the_whole_table(table: Path) -> None:
    kept = sample_cells(table, layout=STAMPS, kept=2000, seed=0).filter(pl.col("status") == "kept")
    numbers = kept["meta__image"].str.extract(r"(\d+)").cast(pl.Int64)
    by_tenth = Counter((numbers // 15_000).to_list())
    assert set(by_tenth) == set(range(10))
    assert min(by_tenth.values()) > 140  # of 200 on average, with a standard deviation of 13


def test_a_larger_sample_holds_the_smaller_one_and_another_seed_gives_another(table: Path) -> None:
    small, large, other = (
        set(sample_cells(table, layout=STAMPS, kept=count, seed=seed)["meta__image"])
        for count, seed in ((100, 0), (300, 0), (100, 1))
    )
    assert small < large
    assert len(small & other) < len(small) / 2


def test_the_sample_does_not_depend_on_how_the_table_is_cut(table: Path, tmp_path: Path) -> None:
    write_cells(tmp_path / "cut.parquet", cells=150_000, rows=777)
    one, many = (sample_cells(path, layout=STAMPS, kept=50, seed=3) for path in (table, tmp_path / "cut.parquet"))
    assert one.equals(many)


def test_fewer_cells_than_asked_are_all_shown_and_an_empty_table_shows_none(tmp_path: Path) -> None:
    write_cells(tmp_path / "few.parquet", cells=7, rows=7)
    assert sample_cells(tmp_path / "few.parquet", layout=STAMPS, kept=50, seed=0)["meta__image"].len() == 6
    write_cells(tmp_path / "none.parquet", cells=0, rows=7)
    assert sample_cells(tmp_path / "none.parquet", layout=STAMPS, kept=50, seed=0).is_empty()


@pytest.mark.parametrize("size", [1, 4])
def test_jurkat_cells_of_a_sample_are_equal_for_any_partition_size(jurkat: PublishedRun, size: int) -> None:
    cut, uncut = drawn(jurkat(size=size), kept=5), drawn(jurkat(), kept=5)
    assert cells(cut) == cells(uncut)
    assert cut.side == uncut.side == 40
    assert len(uncut.parts) == 1 < len(cut.parts)
    shown = {cell.image for cell in cells(cut)}
    for_display = [name for names in cut.images_for_display(4).values() for name in names]
    assert sorted(for_display) == sorted(name for names in uncut.images_for_display(4).values() for name in names)
    assert set(for_display) <= shown


def test_fields_of_nf1_are_shown_with_their_kept_cells(schwann: PublishedRun) -> None:
    cut, uncut = drawn(schwann(size=1)), drawn(schwann())
    assert cells(cut) == cells(uncut)
    fields = [field for part in cut.parts for field in part.fields]
    assert fields == [field for part in uncut.parts for field in part.fields]
    assert len(fields) == 3
    table = pl.read_parquet(schwann().work.parent / "cells.parquet").filter(pl.col("status") == "kept")
    assert {field.image: list(field.kept) for field in fields} == dict(
        table.group_by("meta__image").agg(pl.col("meta__object").sort()).iter_rows()
    )
    assert [part.partition for part in cut.parts] == [0, 1, 2]


def write_images(path: Path, images: Sequence[tuple[str, str, str]]) -> None:
    names = ["meta__image", "meta__plate", "meta__well"]
    table = pl.DataFrame(images, schema=dict.fromkeys(names, pl.String()), orient="row")
    table.with_columns(status=pl.lit("read")).write_parquet(path)


def test_fields_come_from_all_plates_and_wells(tmp_path: Path) -> None:
    images = [(f"{p}/{w}/{s}", f"P{p}", f"W{w}") for p in range(3) for w in range(6) for s in range(9)]
    write_images(tmp_path / "images.parquet", images)
    fields = sample_fields(tmp_path / "images.parquet", groups=("plate", "well"), seed=0)
    assert len(fields) == FIELDS
    assert Counter(field.split("/")[0] for field in fields) == {"0": 2, "1": 2, "2": 2}
    assert len({field.split("/")[1] for field in fields}) == 6


def test_fields_that_were_set_aside_are_not_shown(tmp_path: Path) -> None:
    write_images(tmp_path / "images.parquet", [("a", "P", "W"), ("b", "P", "W")])
    images = pl.read_parquet(tmp_path / "images.parquet")
    images.with_columns(status=pl.Series(["quarantined", "read"])).write_parquet(tmp_path / "images.parquet")
    assert sample_fields(tmp_path / "images.parquet", groups=("plate",), seed=0) == ("b",)

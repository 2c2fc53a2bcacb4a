"""What differs between two runs: of tables made for it, and of real runs."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.compare import compare_outputs, main_app
from flows.comparison.records import Change, changed, read_published
from flows.comparison.tables import TableDifference, compare_tables
from flows.config import parse_config
from flows.preprocess import preprocess
from tasks.core.errors import ConfigError
from tasks.ingest.example import write_example

KEYS = ("meta__image", "meta__object")
NAN = float("nan")

CONFIG: dict[str, Any] = {
    "load": {"channels": {"BF": 0, "DNA": 2}},
    "mask": {"methods": ["li"], "main_channel": "BF"},
    "quality": {"rules": [{"metric": "sum", "channel": "DNA", "threshold": {"method": "quantile", "q": 0.1}}]},
    "features": {"families": ["shape"]},
    "run": {"partition_size": 4},
}


def table(count: int = 40) -> pl.DataFrame:
    rows = range(count)
    return pl.DataFrame(
        {
            "meta__image": [f"t/{row // 3}.tif" for row in rows],
            "meta__object": pl.Series([row % 3 + 1 for row in rows], dtype=pl.Int32),
            "meta__valid": [row % 2 == 0 for row in rows],
            "area": pl.Series([NAN if row == 5 else 10.0 + row for row in rows], dtype=pl.Float32),
            "large": [1e6 * (row + 1) for row in rows],
        }
    )


def write(folder: Path, frame: pl.DataFrame, *, parts: int = 3) -> list[Path]:
    """Write a table in parts of several row groups."""
    folder.mkdir()
    size = -(-len(frame) // parts) or 1
    paths = [folder / f"part-{number:05d}.parquet" for number in range(parts)]
    for number, path in enumerate(paths):
        frame.slice(number * size, size).write_parquet(path, row_group_size=5)
    return paths


@pytest.fixture
def compare(tmp_path: Path) -> Callable[..., TableDifference]:
    """Compare two tables, cut into parts and read in pieces that do not match each other."""

    def compare(mine: pl.DataFrame, theirs: pl.DataFrame, **given: Any) -> TableDifference:  # noqa: ANN401
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        files = write(folder / "mine", mine), write(folder / "theirs", theirs, parts=2)
        return compare_tables(*files, keys=given.pop("keys", (KEYS, KEYS)), piece_bytes=40 * 7, **given)

    return compare


def test_a_table_equals_itself_however_it_is_cut(compare: Callable[..., TableDifference]) -> None:
    assert not compare(table(), table())


def test_rows_that_only_one_table_has_are_counted_and_named(compare: Callable[..., TableDifference]) -> None:
    mine, theirs = table().filter(pl.col("meta__image") != "t/2.tif"), table().slice(2)
    difference = compare(mine, theirs)
    assert (difference.only_first.count, difference.only_first.examples) == (2, ("t/0.tif 1", "t/0.tif 2"))
    assert (difference.only_second.count, difference.only_second.examples[0]) == (3, "t/2.tif 1")
    assert (difference.columns, difference.reordered, difference.repeated) == ((), False, 0)


def test_another_order_is_a_difference_and_values_are_still_those_of_their_rows(
    compare: Callable[..., TableDifference],
) -> None:
    assert compare(table(), table().reverse()) == TableDifference(reordered=True)


def test_two_rows_that_changed_places_are_another_order(compare: Callable[..., TableDifference]) -> None:
    order = [*range(20), 21, 20, *range(22, 40)]
    assert compare(table(), table()[order]) == TableDifference(reordered=True)


def test_a_column_tells_how_many_rows_differ_and_by_how_much(compare: Callable[..., TableDifference]) -> None:
    row = pl.int_range(pl.len())
    theirs = table().with_columns(
        pl.when(row == 5).then(1.0).when(row == 7).then(NAN).when(row == 30).then(42.0).otherwise("area")
        .cast(pl.Float32).alias("area"),
        pl.when(row == 9).then(1e7 + 1).when(row == 11).then(float("inf")).otherwise("large").alias("large"),
        pl.when(row == 1).then(~pl.col("meta__valid")).otherwise("meta__valid").alias("meta__valid"),
    )  # fmt: skip
    valid, area, large = compare(table(), theirs).columns
    assert (area.name, area.rows, area.missing, area.largest) == ("area", 3, 2, 2.0)  # 40 and 42
    assert area.largest_relative == pytest.approx(2 / 42)
    assert (large.rows, large.missing, large.largest, large.largest_relative) == (2, 0, float("inf"), 1.0)
    assert (valid.name, valid.rows, valid.largest) == ("meta__valid", 1, 1.0)


@pytest.mark.parametrize(("tolerance", "differs"), [(0.0, 2), (1e-7, 1), (1e-3, 0)])
def test_the_tolerance_is_absolute_up_to_1_and_relative_beyond(
    compare: Callable[..., TableDifference], tolerance: float, differs: int
) -> None:
    mine = table().with_columns(small=pl.lit(0.0))
    theirs = mine.with_columns(
        small=pl.lit(1e-4), large=pl.when(pl.col("large") == 2e6).then(2e6 + 0.1).otherwise("large")
    )
    assert len(compare(mine, theirs, tolerance=tolerance).columns) == differs


def test_columns_and_their_types_may_differ(compare: Callable[..., TableDifference]) -> None:
    theirs = table().with_columns(pl.col("area").cast(pl.Float64), more=1).drop("meta__valid")
    difference = compare(table(), theirs)
    assert difference.columns_only_first == ("meta__valid",)
    assert difference.columns_only_second == ("more",)
    assert difference.types == {"area": ("Float32", "Float64")}
    assert difference.columns == ()  # the values are the same


def test_rows_of_one_name_are_told(compare: Callable[..., TableDifference]) -> None:
    assert compare(table(), pl.concat([table(), table().tail(1)])) == TableDifference(repeated=1)


def test_rows_of_one_name_in_the_first_table_are_told(compare: Callable[..., TableDifference]) -> None:
    for count in (35, 40):  # pieces have seven rows: the two rows are in two pieces, or in one
        both = table(count)
        assert compare(pl.concat([both, both.tail(1)]), both) == TableDifference(repeated=1)


def test_names_of_the_key_columns_may_differ(compare: Callable[..., TableDifference]) -> None:
    theirs = table().rename({"meta__image": "Metadata_Image", "meta__object": "Metadata_Object"})
    assert not compare(table(), theirs, keys=(KEYS, ("Metadata_Image", "Metadata_Object")))


def test_empty_tables_can_be_compared(compare: Callable[..., TableDifference]) -> None:
    difference = compare(table().clear(), table())
    assert (difference.only_first.count, difference.only_second.count) == (0, 40)


def test_named_entries_of_a_configuration_are_compared_by_name() -> None:
    mine = {"rules": [{"name": "a", "q": 0.1}, {"name": "b", "q": 0.1}], "limits": [], "q": None}
    theirs = {"rules": [{"name": "b", "q": 0.2}, {"name": "a", "q": 0.1}], "limits": [1], "q": 0}
    assert changed(mine, theirs) == [
        Change(key="rules.b.q", first="0.1", second="0.2"),
        Change(key="limits", first="[]", second="absent"),
        Change(key="q", first="nothing", second="0"),
        Change(key="limits.0", first="absent", second="1"),
    ]


@pytest.fixture(scope="module")
def run(scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Run the pipeline on twelve images, or on those that are left of them."""
    images = write_example(tmp_path_factory.mktemp("images"), count=12, seed=2)

    def run(*, less: int = 0, **changes: Any) -> Path:  # noqa: ANN401
        folder = tmp_path_factory.mktemp("run")
        inputs = Path(shutil.copytree(images, folder / "example", copy_function=shutil.copy2))
        for path in sorted(inputs.rglob("*.tif"))[:less]:
            path.unlink()
        limit = changes.pop("limit", None)
        config = parse_config(CONFIG | changes)
        preprocess(config=config, inputs=[str(inputs)], output=str(folder / "output"), cluster=scheduler, limit=limit)
        return folder / "output"

    return run


@pytest.fixture(scope="module")
def base(run: Callable[..., Path]) -> Path:
    return run()


def command(*arguments: object) -> tuple[int, str]:
    ran = CliRunner().invoke(main_app(), [str(argument) for argument in arguments])
    return ran.exit_code, ran.output


def test_a_run_of_other_partitions_has_equal_results(base: Path, run: Callable[..., Path]) -> None:
    status, printed = command(base, run(run={"partition_size": 6}))
    assert status == 0
    assert "run.partition_size" in printed
    assert "the results are equal" in printed


def test_an_image_that_was_removed_is_named(base: Path, run: Callable[..., Path]) -> None:
    other = run(less=1)
    (lost,) = set(pl.read_parquet(base / "images.parquet")["meta__image"]) - set(
        pl.read_parquet(other / "images.parquet")["meta__image"]
    )
    status, printed = command(base, other)
    assert status == 1
    assert f"images: 1 rows are in A only, such as {lost}" in printed
    assert f"cells: 1 rows are in A only, such as {lost} 1" in printed


def test_a_changed_rule_changes_which_cells_there_are(base: Path, run: Callable[..., Path]) -> None:
    rule = {"metric": "sum", "channel": "DNA", "threshold": {"method": "quantile", "q": 0.5}}
    other = run(quality={"rules": [rule]})
    status, printed = command(base, other)
    assert status == 1
    assert "quality.rules.sum_DNA.threshold.q" in printed
    differences = compare_outputs(read_published(base), read_published(other), tolerance=0)
    assert not differences["images"]
    (status_column,) = differences["cells"].columns
    lost = pl.read_parquet(base / "features/*.parquet").height - pl.read_parquet(other / "features/*.parquet").height
    assert (status_column.name, status_column.rows) == ("status", lost)
    assert differences["features"].only_first.count == lost > 0
    assert differences["features"].columns == ()  # a cell's features do not depend on which others are kept


def test_a_changed_seed_samples_other_images(run: Callable[..., Path]) -> None:
    mine = run(limit=6, run={"partition_size": 4, "seed": 0})
    theirs = run(limit=6, run={"partition_size": 4, "seed": 1})
    status, printed = command(mine, theirs)
    assert status == 1
    assert "run.seed" in printed
    difference = compare_outputs(read_published(mine), read_published(theirs), tolerance=0)["images"]
    assert difference.only_first.count == difference.only_second.count > 0


def test_a_folder_without_results_is_an_error_in_usage(base: Path, tmp_path: Path) -> None:
    assert command(base)[0] == 2
    assert command(base, base, "--tolerance", "-1")[0] == 2
    status, printed = command(base, tmp_path)
    assert status == 2
    assert "run.json is missing; give the output folder of a run" in printed
    content = json.loads((base / "run.json").read_text(encoding="utf-8"))
    (tmp_path / "run.json").write_text(json.dumps(content | {"files": None, "status": "failed"}), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"has no published results; its status is 'failed'"):
        read_published(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match=r" is missing, which .*run\.json lists \(\d+ such files\)"):
        read_published(tmp_path)

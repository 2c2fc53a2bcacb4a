"""The whole pipeline in this process: the table is a function of inputs and configuration alone."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import tifffile
from polars.testing import assert_frame_equal

from flows.config import Config, parse_config
from flows.engine.summary import Summary
from flows.preprocess import preprocess
from tasks.core.errors import InputError, RunError
from tasks.ingest.example import write_example

CHANNELS = {"BF": 0, "DNA": 2, "CD45": 3}


def config(**sections: object) -> Config:
    base: dict[str, object] = {
        "load": {"pattern": r"(?P<cell_type>[^/]+)/cell_(?P<cell>\d+)\.tif$", "channels": CHANNELS},
        "mask": {"methods": ["li", "circle"], "main_channel": "BF"},
        "quality": {
            "rules": [{"name": "dim", "metric": "sum", "channel": "DNA", "threshold": {"method": "quantile", "q": 0.1}}]
        },
        "features": {"families": ["shape", "intensity"]},
    }
    return parse_config(base | sections)


@pytest.fixture(scope="module")
def stamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_example(tmp_path_factory.mktemp("stamps"), count=36, seed=3)


def table(output: Path) -> pl.DataFrame:
    return pl.read_parquet(output / "features" / "part-*.parquet")


Run = Callable[..., Summary]


@pytest.fixture(scope="module")
def run(scheduler: str) -> Run:
    """Return what runs the pipeline: with output, inputs, sections of the configuration."""

    def run(output: Path, inputs: Path, *, cluster: str = scheduler, **sections: object) -> Summary:
        return preprocess(config=config(**sections), inputs=[str(inputs)], output=str(output), cluster=cluster)

    return run


@pytest.fixture(scope="module")
def reference(run: Run, stamps: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    output = tmp_path_factory.mktemp("reference")
    return output, run(output, stamps, run={"partition_size": 12})


@pytest.mark.parametrize(
    ("cluster", "size"), [("shared", 5), pytest.param("one-worker.yaml", 36, marks=pytest.mark.slow)]
)
def test_table_is_equal_for_any_workers_and_partition_size(
    run: Run, reference: tuple[Path, Summary], stamps: Path, tmp_path: Path, cluster: str, size: int
) -> None:
    sections = {"run": {"partition_size": size}}
    if cluster == "shared":
        run(tmp_path, stamps, **sections)
    else:
        (tmp_path / cluster).write_text("{kind: local, workers: 1}", encoding="utf-8")
        run(tmp_path, stamps, cluster=str(tmp_path / cluster), **sections)
    assert_frame_equal(table(tmp_path), table(reference[0]), check_exact=True)
    for name in ("cells.parquet", "quarantine.parquet"):
        assert_frame_equal(pl.read_parquet(tmp_path / name), pl.read_parquet(reference[0] / name), check_exact=True)
    images = [pl.read_parquet(folder / "images.parquet").drop("partition") for folder in (tmp_path, reference[0])]
    assert_frame_equal(*images, check_exact=True)


def test_every_image_is_accounted_for(reference: tuple[Path, Summary]) -> None:
    output, summary = reference
    cells = pl.read_parquet(output / "cells.parquet")
    assert summary.images == len(pl.read_parquet(output / "images.parquet")) == 36
    assert sum(summary.statuses.values()) == len(cells) == 36
    assert summary.rows == len(table(output)) == summary.statuses["kept"] > 25
    assert summary.statuses["quality:dim"] == 4
    assert table(output)["meta__image"].to_list() == cells.filter(pl.col("status") == "kept")["meta__image"].to_list()


def test_a_run_leaves_as_many_files_as_the_plan_says(reference: tuple[Path, Summary]) -> None:
    work = reference[0] / "work"
    partitions = len([*(work / "features").iterdir()])
    stages = ("mask", "quality-metrics", "features")
    files = [path for stage in stages for path in (work / stage).rglob("*") if path.is_file()]
    files += [path for path in (work / "results").iterdir() if path.name[:-41] in stages]
    assert len(files) == 7 * partitions  # as test_plan.py has it: two for each task and one more


def test_second_run_computes_nothing_and_a_changed_section_only_what_depends_on_it(
    run: Run, reference: tuple[Path, Summary], stamps: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    shutil.copytree(reference[0], output)
    again = run(output, stamps, run={"partition_size": 12})
    partition_stages = ("mask", "quality metrics", "features")
    assert [again.stages[name].computed for name in partition_stages] == [0, 0, 0]
    assert [again.stages[name].cached for name in partition_stages] == [4, 4, 4]

    shape = run(output, stamps, run={"partition_size": 12}, features={"families": ["shape"]})
    assert [shape.stages[name].computed for name in partition_stages] == [0, 0, 4]

    rule = {"name": "dim", "metric": "sum", "channel": "DNA", "threshold": {"method": "quantile", "q": 0.2}}
    stricter = run(output, stamps, run={"partition_size": 12}, quality={"rules": [rule]})
    assert [stricter.stages[name].computed for name in partition_stages] == [0, 0, 4]
    assert stricter.statuses["quality:dim"] == 8


def test_a_descriptor_without_its_file_is_not_believed(
    run: Run, reference: tuple[Path, Summary], stamps: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    shutil.copytree(reference[0], output)
    shutil.rmtree(next((output / "work" / "features").iterdir()))
    again = run(output, stamps, run={"partition_size": 12})
    assert (again.stages["features"].computed, again.stages["features"].cached) == (1, 3)
    assert_frame_equal(table(output), table(reference[0]), check_exact=True)


def test_a_smaller_run_leaves_no_part_of_a_larger_one(
    run: Run, reference: tuple[Path, Summary], stamps: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    shutil.copytree(reference[0], output)
    foreign = output / "features" / "part-00099.parquet"
    pl.DataFrame({"mine": [1]}).write_parquet(foreign)
    run(output, stamps, run={"partition_size": 36})
    assert sorted(path.name for path in (output / "features").iterdir()) == ["part-00000.parquet", foreign.name]


def test_pixels_that_changed_behind_an_equal_size_and_time_are_masked_again(
    run: Run, stamps: Path, tmp_path: Path
) -> None:
    folder, output = tmp_path / "plain", tmp_path / "output"
    for path in sorted(stamps.rglob("*.tif"))[:12]:
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(folder / path.parent.name / path.name, tifffile.imread(path), photometric="minisblack")
    brighter: dict[str, object] = {"metric": "mean", "channel": "DNA", "threshold": {"method": "absolute", "value": 1}}

    def again(output: Path, *families: str) -> Summary:
        sizes, rules = {"partition_size": 6}, {"rules": [brighter]}
        return run(output, folder, run=sizes, quality=rules, features={"families": families})

    again(output, "shape", "intensity")

    changed = folder.parent / table(output)["meta__image"][0]
    before = changed.stat()
    tifffile.imwrite(changed, tifffile.imread(changed)[:, ::-1] // 2, photometric="minisblack")
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changed.stat().st_size == before.st_size

    resumed = again(output, "shape")
    image = changed.relative_to(folder.parent).as_posix()
    assert resumed.redone == (image,)
    assert resumed.warnings == (f"{image} changed while the run went on, and was done again",)
    for stage in ("mask", "quality metrics"):
        assert (resumed.stages[stage].computed, resumed.stages[stage].cached) == (1, 2)
    back = again(output, "shape", "intensity")
    assert (back.stages["features"].computed, back.stages["features"].cached) == (1, 2)
    again(tmp_path / "fresh", "shape", "intensity")
    assert_frame_equal(table(output), table(tmp_path / "fresh"), check_exact=True)
    cells = [pl.read_parquet(folder / "cells.parquet") for folder in (output, tmp_path / "fresh")]
    assert_frame_equal(*cells, check_exact=True)


@pytest.fixture
def damaged(stamps: Path, tmp_path: Path) -> Path:
    """Make a copy of the stamps in which two files cannot be read."""
    folder = tmp_path / stamps.name
    shutil.copytree(stamps, folder)
    files = sorted(folder.rglob("*.tif"))
    files[3].write_bytes(files[3].read_bytes()[:2000])
    files[20].write_bytes(b"not an image")
    return folder


def test_unreadable_files_are_quarantined_and_the_others_go_on(
    run: Run, reference: tuple[Path, Summary], damaged: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    summary = run(output, damaged, run={"partition_size": 12, "max_quarantined": 0.1}, quality=None)
    assert (summary.images, summary.quarantined, summary.cells) == (36, 2, 34)
    quarantine = pl.read_parquet(output / "quarantine.parquet")
    assert quarantine["stage"].to_list() == ["ingest", "ingest"]
    assert set(table(output)["meta__image"]) < set(pl.read_parquet(reference[0] / "cells.parquet")["meta__image"])


def test_what_would_hang_or_flood_a_run_is_quarantined_with_its_reason(run: Run, stamps: Path, tmp_path: Path) -> None:
    folder, output = tmp_path / "stamps", tmp_path / "output"
    shutil.copytree(stamps, folder)
    good = min(folder.rglob("*.tif"))
    os.mkfifo(good.with_name("cell_90001.tif"))
    good.with_name("cell_90002.tif").symlink_to("cell_90002.tif")
    shutil.copy(good, large := good.with_name("cell_90003.tif"))
    with tifffile.TiffFile(large, mode="r+") as file:
        for tag in ("ImageWidth", "ImageLength"):
            file.pages.first.tags[tag].overwrite(1_000_000, dtype=4)
    os.link(good, good.with_name("cell_90004.tif"))
    (odd := folder / os.fsdecode(b"odd\xff")).mkdir()
    shutil.copy(good, odd / "cell_90005.tif")
    summary = run(output, folder, run={"partition_size": 40, "max_quarantined": 0.1}, quality=None)
    assert (summary.images, summary.quarantined, summary.left_out.linked) == (40, 4, 1)
    rows = pl.read_parquet(output / "quarantine.parquet").sort("meta__image")
    reasons = {
        "cell_90001": "a named pipe",
        "cell_90002": "leads back to itself",
        "cell_90003": "load.max_pixels",
        "cell_90005": "is not UTF-8 text",
    }
    assert [Path(image).stem for image in rows["meta__image"]] == list(reasons)
    assert all(reason in message for reason, message in zip(reasons.values(), rows["message"], strict=True))


def test_too_many_quarantined_images_fail_the_run_and_the_reasons_are_written(
    run: Run, damaged: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with pytest.raises(RunError, match=r"2 of 36 images were quarantined, more than run\.max_quarantined: 0\.05"):
        run(output, damaged, run={"partition_size": 12})
    assert len(pl.read_parquet(output / "quarantine.parquet")) == 2


def test_equal_pixels_under_two_names_are_kept_and_reported(run: Run, stamps: Path, tmp_path: Path) -> None:
    folder = tmp_path / stamps.name
    shutil.copytree(stamps, folder)
    first = min(folder.rglob("*.tif"))
    shutil.copy(first, copy := first.with_name(first.name.replace("_", "_9", 1)))
    summary = run(tmp_path / "output", folder, quality=None)
    names = tuple(path.relative_to(tmp_path).as_posix() for path in (first, copy))
    assert (summary.images, summary.equal.images, summary.equal.examples) == (37, 1, (names,))
    assert set(names) <= set(table(tmp_path / "output")["meta__image"])


def test_a_run_that_keeps_nothing_says_so(run: Run, stamps: Path, tmp_path: Path) -> None:
    rule = {"name": "dim", "metric": "sum", "channel": "DNA", "threshold": {"method": "absolute", "value": 1e12}}
    summary = run(tmp_path, stamps, quality={"rules": [rule], "allow_none": True})
    (warning,) = summary.warnings
    assert summary.rows == len(table(tmp_path)) == 0
    assert warning.startswith("no cell was kept: ")
    assert f"{summary.rejected['quality:dim']} quality:dim" in warning
    assert json.loads((tmp_path / "run.json").read_text())["summary"]["warnings"] == [warning]


def test_a_class_lost_to_the_border_rule_is_told_and_kept_without_it(run: Run, data_root: Path, tmp_path: Path) -> None:
    mask = {"methods": [{"method": "li", "sigma": 0.5}], "main_channel": "BF"}  # frames of 40 × 40: telophases are long
    given = {"load": {"pattern": r"(?P<phase>\w+)/\w+\.tif", "channels": {"BF": 0, "PI": 1}}, "quality": None}
    lost, unlimited = (
        run(tmp_path / name, data_root / "ifc_jurkat_cellcycle" / "images" / "[AT]*", mask=section, **given)
        for name, section in (("lost", mask), ("kept", mask | {"border": "off"}))
    )
    assert (lost.statuses, unlimited.statuses) == ({"kept": 7, "border": 14}, {"kept": 21})
    assert lost.warnings == ("phase Telophase: none of its 14 cells was kept: 14 border",)
    assert unlimited.warnings == ()


def test_a_second_run_into_the_same_folder_at_the_same_time_is_refused(run: Run, stamps: Path, tmp_path: Path) -> None:
    from flows.engine.lock import only_run_in  # noqa: PLC0415

    with only_run_in(tmp_path), pytest.raises(InputError, match="another run is writing"):
        run(tmp_path, stamps)

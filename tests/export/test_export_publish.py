"""The published files: counts, order, what is set aside, and nothing of other people's touched."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import tifffile

from tasks.core.decision import GroupThreshold, QualityDecision, RuleDecision
from tasks.core.dictionary import encode
from tasks.core.errors import Fault, InputError, RunError
from tasks.core.feature_files import write_feature_file
from tasks.core.layout import FAULTS, Layout
from tasks.core.partition_files import fault_table, write_cells
from tasks.core.types import LabelArray
from tasks.core.work import Stopwatch
from tasks.export.config import Export
from tasks.export.emptied import GroupCounts
from tasks.export.labels import publish_labels
from tasks.export.published import SINGLE
from tasks.export.results import PartitionResults
from tasks.export.tables import publish_cells, publish_images, publish_quarantine
from tasks.export.task import Exported, export, export_quarantine

LAYOUT = Layout(channels=("DNA",), regions=("nucleus",), stamps=False, groups=("well",), numbered=False)
METRIC = "image__quality_sum__DNA"
DECISION = QualityDecision(
    rules=(
        RuleDecision(
            rule="dim",
            column=METRIC,
            keep="above",
            group_by=(),
            groups=(GroupThreshold(group={}, threshold=10.0, before=9, after=5),),
        ),
    )
)
Image = tuple[str, list[str], float]
"""Name, status of each cell, and metric of the image."""


def fault(image: str, stage: str) -> Fault:
    return Fault(image=image, stage=stage, error="PixelError", message=f"{image} failed")


def features(path: Path, rows: list[tuple[str, int]]) -> None:
    schema = pa.schema([("meta__image", pa.large_string()), ("meta__object", pa.int32()), ("x", pa.float32())])
    values = [[row[0] for row in rows], [row[1] for row in rows], [float(len(row[0])) for row in rows]]
    write_feature_file(path, [pa.table(dict(zip(schema.names, values, strict=True)), schema=schema)])


@pytest.fixture
def partition(tmp_path: Path) -> Callable[..., PartitionResults]:
    """Make the folders that the stages leave of one partition."""

    def make(
        number: int, images: list[Image], *, quarantined: list[str] | None = None, metrics: str = "", measured: str = ""
    ) -> PartitionResults:
        """Fields with their cells; `quarantined` could not be read, and two more failed later, in other stages."""
        schema = LAYOUT.images() | {"position": pl.Int32()}
        names = [name for name, _, _ in images]
        table = pl.DataFrame(
            [
                {"meta__image": name, "meta__well": name[0], "status": "read", "position": row}
                for row, name in enumerate(names)
            ],
            schema=schema,
        )
        cells = pl.DataFrame(
            [
                {"meta__image": name, "meta__object": label, "status": status, "position": row, "meta__well": name[0]}
                for row, (name, statuses, _) in enumerate(images)
                for label, status in enumerate(statuses, start=1)
            ],
            schema=LAYOUT.cells(),
        )
        folder = tmp_path / "work" / f"{number}[x]"
        labels: dict[tuple[int, str], LabelArray] = {
            (row, "nucleus"): np.full((3, 4), len(statuses), dtype=np.int32)
            for row, (name, statuses, _) in enumerate(images)
            if name not in (quarantined or [])
        }
        faults = [fault(name, "ingest") for name in quarantined or []]
        write_cells(folder / "cells", images=table, faults=faults, cells=cells, labels=labels)
        value = {name: metric for name, _, metric in images}
        column = pl.Series(METRIC, [value[name] for name in cells["meta__image"]], dtype=pl.Float64)
        (folder / "metrics").mkdir()
        cells.select("position", "meta__image", "status").with_columns(column).write_parquet(
            folder / "metrics" / "metrics.parquet"
        )
        fault_table([fault(metrics, "quality")] if metrics else []).write_parquet(folder / "metrics" / "faults.parquet")
        broken = {*(quarantined or []), metrics, measured}
        statuses = DECISION.statuses(pl.DataFrame(column), cells["status"].to_list())
        rows = [
            (row["meta__image"], row["meta__object"])
            for row, status in zip(cells.iter_rows(named=True), statuses, strict=True)
            if status == "kept" and row["meta__image"] not in broken
        ]
        (folder / "features").mkdir()
        features(folder / "features" / "features.parquet", rows)
        fault_table([fault(measured, "features")] if measured else []).write_parquet(
            folder / "features" / "faults.parquet"
        )
        stages = ("cells", "metrics", "features")
        return PartitionResults(
            number=number, **{stage: Stopwatch().result(str(folder / stage), run_id="test") for stage in stages}
        )

    return make


@pytest.fixture
def image_list(tmp_path: Path) -> Path:
    """Tell of an image that was set aside as the images were listed, and what its path says of it."""
    folder = tmp_path / "work" / "ingest"
    folder.mkdir(parents=True)
    faults = fault_table([fault("Z9/lacks_a_channel.tif", "ingest")]).with_columns(meta__well=pl.lit("Z"))
    faults.write_parquet(folder / "faults.parquet")
    return folder


@pytest.fixture
def partitions(partition: Callable[..., PartitionResults]) -> list[PartitionResults]:
    first: list[Image] = [
        ("A/1.tif", ["kept", "border"], 20.0),
        ("A/2.tif", [], 5.0),
        ("A/3.tif", ["kept", "kept"], 5.0),
    ]
    second: list[Image] = [
        ("A/10.tif", ["kept"], 99.0),
        ("B/1.tif", ["kept", "border"], 99.0),
        ("B/2.tif", ["kept"], 30.0),
    ]
    return [
        partition(0, first, quarantined=["A/2.tif"]),
        partition(1, second, metrics="A/10.tif", measured="B/1.tif"),
    ]


def test_images_stand_in_table_order_with_their_last_status(
    partitions: list[PartitionResults], image_list: Path, tmp_path: Path
) -> None:
    counts = publish_images(tmp_path / "images.parquet", partitions=partitions, image_list=image_list, layout=LAYOUT)
    table = pl.read_parquet(tmp_path / "images.parquet")
    assert dict(table.schema) == LAYOUT.images() | {"partition": pl.Int32()}
    assert table["meta__well"].to_list() == [image[0] for image in table["meta__image"]]
    assert table.select("meta__image", "status", "cells", "partition").rows() == [
        ("A/1.tif", "read", 2, 0),
        ("A/2.tif", "quarantined", 0, 0),
        ("A/3.tif", "read", 2, 0),
        ("A/10.tif", "quarantined", 1, 1),
        ("B/1.tif", "quarantined", 2, 1),
        ("B/2.tif", "read", 1, 1),
        ("Z9/lacks_a_channel.tif", "quarantined", None, None),
    ]
    assert counts == {"read": 3, "quarantined": 4}


def test_cells_know_why_they_were_left_out(partitions: list[PartitionResults], tmp_path: Path) -> None:
    groups = GroupCounts(LAYOUT.groups)
    path = tmp_path / "cells.parquet"
    counts = publish_cells(path, partitions=partitions, decision=DECISION, layout=LAYOUT, groups=groups)
    assert groups.emptied() == ()
    table = pl.read_parquet(tmp_path / "cells.parquet")
    assert dict(table.schema) == LAYOUT.cell_meta() | {"status": pl.String(), METRIC: pl.Float64()}
    assert table.select("meta__image", "meta__object", "status", METRIC).rows() == [
        ("A/1.tif", 1, "kept", 20.0),
        ("A/1.tif", 2, "border", 20.0),
        ("A/3.tif", 1, "quality:dim", 5.0),
        ("A/3.tif", 2, "quality:dim", 5.0),
        ("A/10.tif", 1, "quarantined", 99.0),
        ("B/1.tif", 1, "quarantined", 99.0),
        ("B/1.tif", 2, "quarantined", 99.0),
        ("B/2.tif", 1, "kept", 30.0),
    ]
    assert counts == {"kept": 2, "border": 1, "quality:dim": 2, "quarantined": 3}


def test_without_quality_there_are_no_metrics(partitions: list[PartitionResults], tmp_path: Path) -> None:
    plain = [replace(results, metrics=None) for results in partitions]
    path, groups = tmp_path / "cells.parquet", GroupCounts(LAYOUT.groups)
    counts = publish_cells(path, partitions=plain, decision=QualityDecision(rules=()), layout=LAYOUT, groups=groups)
    assert dict(pl.read_parquet_schema(tmp_path / "cells.parquet")) == LAYOUT.cell_meta() | {"status": pl.String()}
    assert counts == {"kept": 5, "border": 1, "quarantined": 2}


def test_the_quarantine_tells_every_image_once_wherever_it_failed(
    partitions: list[PartitionResults], image_list: Path, tmp_path: Path
) -> None:
    publish_quarantine(tmp_path / "quarantine.parquet", partitions=partitions, image_list=image_list)
    table = pl.read_parquet(tmp_path / "quarantine.parquet")
    assert dict(table.schema) == FAULTS
    assert table.select("meta__image", "stage").rows() == [
        ("Z9/lacks_a_channel.tif", "ingest"),
        ("A/2.tif", "ingest"),
        ("A/10.tif", "quality"),
        ("B/1.tif", "features"),
    ]


def test_an_image_that_fails_at_every_stage_is_told_with_the_first(
    partition: Callable[..., PartitionResults], image_list: Path, tmp_path: Path
) -> None:
    twice = partition(0, [("A/1.tif", ["kept"], 99.0)], metrics="A/1.tif", measured="A/1.tif")
    publish_quarantine(tmp_path / "quarantine.parquet", partitions=[twice], image_list=image_list)
    table = pl.read_parquet(tmp_path / "quarantine.parquet")
    assert table.select("meta__image", "stage").rows()[1:] == [("A/1.tif", "quality")]


def run_export(output: Path, *, partitions: list[PartitionResults], image_list: Path, **config: object) -> Exported:
    return export.fn(
        output=str(output),
        image_list=str(image_list),
        cells=[results.cells for results in partitions],
        metrics=[results.metrics for results in partitions if results.metrics],
        features=[results.features for results in partitions if results.features],
        decision=DECISION,
        layout=LAYOUT,
        config=Export.model_validate(config),
        dictionary=encode({}, meta={}),
        run_id="test",
    )


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_everything_is_published_and_adds_up(
    partitions: list[PartitionResults], image_list: Path, tmp_path: Path
) -> None:
    made = run_export(tmp_path / "out[1]", partitions=partitions, image_list=image_list)
    assert sorted(files(tmp_path / "out[1]")) == [
        "cells.parquet", "features/part-00000.parquet", "images.parquet",
        "labels/A/1.tif.nucleus.tif", "labels/A/10.tif.nucleus.tif", "labels/A/3.tif.nucleus.tif",
        "labels/B/1.tif.nucleus.tif", "labels/B/2.tif.nucleus.tif", "quarantine.parquet", "statistics/quality.json",
    ]  # fmt: skip
    assert made.counts == {
        "rows": 2, "labels": 5, "images:read": 3, "images:quarantined": 4, "cells:kept": 2, "cells:border": 1,
        "cells:quality:dim": 2, "cells:quarantined": 3,
    }  # fmt: skip
    part = pl.read_parquet(tmp_path / "out[1]" / "features" / "part-00000.parquet", glob=False)
    cells = pl.read_parquet(tmp_path / "out[1]" / "cells.parquet", glob=False).filter(pl.col("status") == "kept")
    assert part.select("meta__image", "meta__object").rows() == [("A/1.tif", 1), ("B/2.tif", 1)]
    assert part.select("meta__image", "meta__object").equals(cells.select("meta__image", "meta__object"))


def test_labels_are_published_as_ome_zarr_too_and_listed_file_by_file(
    partitions: list[PartitionResults], image_list: Path, tmp_path: Path
) -> None:
    made = run_export(tmp_path / "out", partitions=partitions, image_list=image_list, formats=["ome_zarr_labels"])
    listed = {name: file.sha256 for name, file in made.files.items()}
    assert listed == files(tmp_path / "out")
    assert "exports/labels.zarr/A/1.tif/labels/nucleus/0/zarr.json" in listed
    assert "labels/A/1.tif.nucleus.tif" in listed
    made = run_export(tmp_path / "out", partitions=partitions, image_list=image_list)
    assert {name for name in listed if not name.startswith("exports/")} == set(made.files)
    assert made.files.keys() == files(tmp_path / "out").keys()


def test_two_equal_runs_publish_equal_bytes(
    partitions: list[PartitionResults], image_list: Path, tmp_path: Path
) -> None:
    run_export(tmp_path / "one", partitions=partitions, image_list=image_list)
    run_export(tmp_path / "two", partitions=partitions, image_list=image_list)
    published = files(tmp_path / "one")
    assert published == files(tmp_path / "two")
    run_export(tmp_path / "one", partitions=partitions, image_list=image_list)
    assert published == files(tmp_path / "one")


def test_labels_of_an_earlier_run_go_and_pictures_of_others_stay(
    partitions: list[PartitionResults], tmp_path: Path
) -> None:
    folder = tmp_path / "labels"
    assert len(publish_labels(tmp_path, partitions=partitions, layout=LAYOUT)) == 5
    np.testing.assert_array_equal(tifffile.imread(folder / "A" / "1.tif.nucleus.tif"), np.full((3, 4), 2))
    tifffile.imwrite(folder / "A" / "mine.tif", np.zeros((2, 2), np.uint8))
    tifffile.imwrite(folder / "by_hand.tif", np.zeros((2, 2), np.uint8), software="ImageJ")
    for name, content in {"garbage": b"garbage", "empty": b"", "no_page": b"II*\0\x08\0\0\0"}.items():
        (folder / f"{name}.tif").write_bytes(content)
    (folder / "folder.tif").mkdir()
    before = files(folder)
    assert len(publish_labels(tmp_path, partitions=partitions[1:], layout=LAYOUT)) == 3
    assert before.keys() - files(folder).keys() == {"A/1.tif.nucleus.tif", "A/3.tif.nucleus.tif"}
    stamps = LAYOUT.model_copy(update={"stamps": True})
    assert len(publish_labels(tmp_path, partitions=partitions, layout=stamps)) == 0
    assert sorted(files(folder)) == ["A/mine.tif", "by_hand.tif", "empty.tif", "garbage.tif", "no_page.tif"]


def test_labels_of_others_are_not_overwritten(partitions: list[PartitionResults], tmp_path: Path) -> None:
    (tmp_path / "labels" / "A").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "labels" / "A" / "3.tif.nucleus.tif", np.zeros((2, 2), np.uint8))
    before = files(tmp_path / "labels")
    with pytest.raises(
        RunError, match=r"3\.tif\.nucleus\.tif is in the way: it was not written by this program; move it"
    ):
        publish_labels(tmp_path, partitions=partitions, layout=LAYOUT)
    assert files(tmp_path / "labels") == before


def test_a_run_that_stops_early_tells_which_images_were_set_aside(
    partitions: list[PartitionResults], image_list: Path, tmp_path: Path
) -> None:
    count = export_quarantine.fn(
        output=str(tmp_path), image_list=str(image_list), cells=[results.cells for results in partitions]
    )
    table = pl.read_parquet(tmp_path / "quarantine.parquet")
    assert count == len(table)
    assert table["meta__image"].to_list() == ["Z9/lacks_a_channel.tif", "A/2.tif"]


def test_tables_of_somebody_else_are_refused_and_our_own_are_not(tmp_path: Path) -> None:
    publish_quarantine(tmp_path / "quarantine.parquet", partitions=(), image_list=_listed(tmp_path))
    check_all(tmp_path)
    pl.DataFrame({"mine": [1]}).write_parquet(tmp_path / "cells.parquet")
    with pytest.raises(InputError, match=r"cells\.parquet was not written by this program"):
        check_all(tmp_path)


def check_all(output: Path) -> None:
    for published in SINGLE:
        published.check(output)


def _listed(folder: Path) -> Path:
    image_list = folder / "listed"
    image_list.mkdir()
    fault_table([]).write_parquet(image_list / "faults.parquet")
    return image_list

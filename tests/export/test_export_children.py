"""Children from files to published tables: their rows, whom they follow, and what they leave as it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from polars.testing import assert_frame_equal

from tasks.core.decision import GroupThreshold, QualityDecision, RuleDecision
from tasks.core.partition_files import read_labels
from tasks.core.work import Stopwatch
from tasks.export.emptied import GroupCounts
from tasks.export.labels import publish_labels
from tasks.export.results import by_partition
from tasks.export.tables import publish_cells
from tests.running import Run

NUCLEI = ((20, 20), (20, 60), (60, 40), (60, 79))
"""Centers of nuclei of radius 8 in a field of 80 × 84 pixels; the last one is cut by the frame."""
SPOTS = ((18, 18), (24, 22), (60, 38), (60, 80), (40, 60))
"""Two in the first nucleus, none in the second, one in the third, one in the last, one outside."""
ALL = QualityDecision(rules=())
AREA = QualityDecision(
    rules=(
        RuleDecision(
            rule="third",
            column="x",
            keep="below",
            group_by=(),
            groups=(GroupThreshold(group={}, threshold=2.5, before=9, after=6),),
        ),
    )
)
"""Rejects the third cell of each field by a metric that is its number."""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three fields of nuclei and spots, the second without spots, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("children") / "images"
    folder.mkdir()
    rows, columns = np.mgrid[:80, :84]
    for number in range(3):
        image = np.random.default_rng(number).normal(100, 3, (2, 80, 84))
        for row, column in NUCLEI:
            image[0] += 700 * (np.hypot(rows - row, columns - column) < 8)
        for row, column in SPOTS if number != 1 else ():
            image[1] += (400 + 10 * row) * (np.hypot(rows - row, columns - column) < 2.5)
        tifffile.imwrite(folder / f"w{number}.tif", image.astype(np.uint16), photometric="minisblack")
    (folder / "broken.tif").write_bytes(b"II*\0 not a picture")
    return folder


@pytest.fixture(scope="module")
def segmented(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    def run(*, size: int = 100, children: bool = True) -> Run:
        spots = {"method": "watershed", "channel": "FISH", "diameter": 6, "within": "nucleus"}
        objects: dict[str, Any] = {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 16}}
        sections = {
            "load": {"channels": {"DNA": 0, "FISH": 1}, "pattern": r"w?(?P<well>\w+)\.tif"},
            "segment": {"objects": objects | ({"spots": spots} if children else {})},
            "features": {"families": ["shape", "intensity"]},
        }
        return Run.of(sections, inputs=[images], output=tmp_path_factory.mktemp("run"), size=size)

    return run


@pytest.fixture(scope="module")
def together(segmented: Callable[..., Run]) -> Run:
    return segmented()


def published(run: Run, *, decision: QualityDecision = ALL) -> tuple[pl.DataFrame, dict[str, int]]:
    metrics = []
    for number, result in enumerate(run.cells if decision.rules else ()):
        folder = run.work / f"metrics{number}"
        folder.mkdir()
        cells = pl.read_parquet(result.file("cells.parquet"))
        cells.select("status", x=pl.col("meta__object").cast(pl.Float64)).write_parquet(folder / "metrics.parquet")
        metrics.append(Stopwatch().result(str(folder), run_id="test"))
    path = run.work.parent / "cells.parquet"
    counts = publish_cells(
        path,
        partitions=by_partition(cells=run.cells, metrics=metrics),
        decision=decision,
        layout=run.layout,
        groups=GroupCounts(run.layout.groups),
    )
    return pl.read_parquet(path), counts


def test_rows_of_children_follow_those_of_the_cells_of_their_image(together: Run) -> None:
    table, counts = published(together)
    shown = table.select("meta__image", "meta__object_name", "meta__object", "meta__parent", "status").rows()
    nuclei: list[tuple[str, int, int | None, str]] = [
        ("nucleus", 1, None, "kept"),
        ("nucleus", 2, None, "kept"),
        ("nucleus", 3, None, "kept"),
    ]
    nuclei.append(("nucleus", 4, None, "border"))
    spots: list[tuple[str, int, int | None, str]] = [
        ("spots", 1, 1, "kept"),
        ("spots", 2, 1, "kept"),
        ("spots", 3, 3, "kept"),
    ]
    spots += [("spots", 4, None, "no_parent"), ("spots", 5, 4, "border")]
    assert shown == [
        (f"images/w{number}.tif", *row) for number in range(3) for row in nuclei + (spots if number != 1 else [])
    ]
    assert counts == {"kept": 9, "border": 3}
    assert table.schema == pl.Schema(together.layout.cell_meta() | together.layout.child_meta() | {"status": pl.String})
    first, spot = (
        table.filter(pl.col("meta__object_name") == name).row(0, named=True) for name in ("nucleus", "spots")
    )
    assert (spot["meta__centroid_row"], spot["meta__centroid_col"]) == pytest.approx((18, 18), abs=0.3)
    assert spot["meta__bbox_min_row__spots"] < 18 < spot["meta__bbox_max_row__spots"]
    assert spot["meta__well"] == first["meta__well"] == "0"
    assert (spot["meta__bbox_min_row__nucleus"], first["meta__bbox_min_row__spots"]) == (None, None)


def test_images_count_cells_alone(together: Run) -> None:
    images = pl.read_parquet(together.cells[0].file("images.parquet"))
    assert images["cells"].to_list() == [0, 4, 4, 4]
    assert together.cells[0].counts == {"images": 4, "quarantined": 1, "cells": 12, "kept": 9, "border": 3}


def test_children_of_a_rejected_cell_are_rejected_with_it(segmented: Callable[..., Run]) -> None:
    table, counts = published(segmented(), decision=AREA)
    assert counts == {"kept": 6, "border": 3, "quality:third": 3}
    of_third = table.filter(pl.col("meta__object_name") == "spots", pl.col("meta__parent") == 3)
    assert of_third["status"].to_list() == ["quality:third"] * 2
    assert table.filter(pl.col("meta__parent") == 1)["status"].to_list() == ["kept"] * 4


def test_features_count_the_children_of_each_cell_and_average_them(together: Run, images: Path) -> None:
    table = together.features()
    assert table["nucleus__spots_count"].to_list() == [2, 0, 1, 0, 0, 0, 2, 0, 1]
    brightness = table["nucleus__spots_mean_intensity_max__FISH"]
    assert brightness.is_nan().to_list() == [False, True, False, True, True, True, False, True, False]
    labels = read_labels(Path(together.cells[0].folder), position=1, name="spots")
    pixels = tifffile.imread(images / "w0.tif")[1]
    assert brightness[0] == np.mean([pixels[labels == spot].max() for spot in (1, 2)])


def test_cutting_the_data_set_otherwise_changes_nothing(segmented: Callable[..., Run], together: Run) -> None:
    apart = segmented(size=1)
    assert len(apart.cells) > 1
    assert_frame_equal(apart.features(), together.features())
    assert_frame_equal(published(apart)[0], published(together)[0])


def test_children_change_nothing_of_the_cells(segmented: Callable[..., Run], together: Run) -> None:
    without = segmented(children=False)
    plain, features = without.features(), together.features()
    assert_frame_equal(features.select(plain.columns), plain)
    cells, counts = published(without)
    assert (cells.columns, counts) == ([*without.layout.cell_meta(), "status"], {"kept": 9, "border": 3})
    own = published(together)[0].filter(pl.col("meta__object_name") == "nucleus")
    assert_frame_equal(own.select(cells.columns), cells)
    assert not without.cells[0].file("children.parquet").exists()


def test_label_images_of_children_are_published(together: Run, tmp_path: Path) -> None:
    published_labels = publish_labels(tmp_path, partitions=by_partition(cells=together.cells), layout=together.layout)
    names = {path.relative_to(tmp_path / "labels").as_posix() for path in published_labels}
    assert names == {f"images/w{number}.tif.{name}.tif" for number in range(3) for name in ("nucleus", "spots")}
    assert np.unique(tifffile.imread(tmp_path / "labels/images/w2.tif.spots.tif")).tolist() == [0, 1, 2, 3]

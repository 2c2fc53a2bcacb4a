"""``--plan``: what a run would do, in words and numbers, without doing it."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from rich.console import Console

from flows.pipeline import PIPELINE
from flows.terminal.plan import NETWORK_BYTES, print_plan
from tasks.core.columns import Column
from tasks.features.all_families import feature_columns
from tasks.features.regions import region_list
from tasks.ingest.example import CHANNELS, write_example
from tests.running import prepared
from tests.segment.handmade_model import write_model

QUALITY = [{"metric": "sum", "channel": "BF", "threshold": {"method": "quantile", "q": 0.1}}]
FIELDS = {
    "load": {"channels": {"DNA": 0, "[red]": 1}},
    "segment": {"objects": {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 12}}},
    "features": {"families": ["shape"]},
    "run": {"partition_size": 2},
}


def plan_text(config: dict[str, Any], *, images: Path, verbose: bool = False) -> str:
    preparation = prepared(config, inputs=[images], output=images.parent / "out")
    text = io.StringIO()
    print_plan(Console(file=text, width=120), preparation, stages=PIPELINE, verbose=verbose)
    return text.getvalue()


def columns_of(config: dict[str, Any], *, images: Path) -> Sequence[Column]:
    preparation = prepared(config, inputs=[images], output=images.parent / "out")
    layout = preparation.layout
    return feature_columns(
        config=preparation.spec.config.features, channels=layout.channels, regions=region_list(layout)
    )


@pytest.fixture
def stamps(tmp_path: Path) -> dict[str, Any]:
    """Make the configuration of a small example data set, which lies in the folder ``images``."""
    write_example(tmp_path, count=25, seed=3).rename(tmp_path / "images")
    return {
        "load": {"pattern": r"(?P<type>[^/]+)/cell_(?P<cell>\d+)", "channels": {n: i for i, n in enumerate(CHANNELS)}},
        "mask": {"methods": ["li", "circle"], "main_channel": "BF"},
        "quality": QUALITY,
        "run": {"partition_size": 10},
    }


def test_the_plan_of_stamps_tells_images_partitions_tasks_and_columns(stamps: dict[str, Any], tmp_path: Path) -> None:
    plan = plan_text(stamps, images=tmp_path / "images")
    lines = {line[:11].strip(): line[11:].strip() for line in plan.splitlines()}
    assert lines["images"].startswith("25 of about ")
    assert lines["images"].endswith(" px, uint16")
    assert lines["channels"] == ", ".join(CHANNELS)
    assert lines["metadata"] == "type, cell"
    assert lines["masks"] == "li, circle"
    assert lines["partitions"] == "2 of up to 15 images"
    assert (
        lines["tasks"]
        == "13: mask, quality metrics, features, report per partition, 5 for the run, a few for each quality rule"
    )
    assert lines["work/"] == "about 18 files, 9 a partition"
    megabytes = 25 * 4 * len(columns_of(stamps, images=tmp_path / "images")) / 1e6
    assert lines["disk"] == f"up to {megabytes:.1f} MB of features, twice while work/ is there"
    assert lines["memory"] == "about 0.5 GB a worker"
    assert plan.rstrip().endswith("Nothing was run.")
    assert not (tmp_path / "out").exists()


def test_the_numbers_of_columns_are_those_of_the_table(stamps: dict[str, Any], tmp_path: Path) -> None:
    columns = columns_of(stamps, images=tmp_path / "images")
    plan = plan_text(stamps, images=tmp_path / "images")
    rows = [line.split() for line in plan.splitlines() if line.strip().startswith(("shape", "intensity", "texture"))]
    counts = {(family, region): int(count.replace(",", "")) for family, region, count in rows}
    for (family, region), count in counts.items():
        assert count == sum(column.family == family and column.region == region for column in columns)
    assert {region for _, region in counts} == {"li", "li.combined", "circle", "circle.combined"}
    (total,) = (line.split()[1] for line in plan.splitlines() if line.strip().startswith("all"))
    assert int(total.replace(",", "")) == sum(counts.values()) == len(columns)


def test_verbose_lists_every_column_with_unit_and_definition(stamps: dict[str, Any], tmp_path: Path) -> None:
    stamps |= {
        "features": {"families": ["shape"], "names": "cytominer"},
        "mask": {"methods": "li", "main_channel": "BF"},
    }
    columns = columns_of(stamps, images=tmp_path / "images")
    plan = plan_text(stamps, images=tmp_path / "images", verbose=True)
    lines = [line for line in plan.splitlines() if "  [" in line]
    assert len(lines) == len(columns)
    for line, column in zip(lines, columns, strict=True):
        assert f"  [{column.unit}]  {column.definition}" in line
    assert not lines[0].startswith("li__"), "the names are those that the table will have"


def test_the_plan_of_fields_names_objects_and_what_is_left_out(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(3):
        tifffile.imwrite(images / f"{number}.tif", np.zeros((2, 40, 50), np.uint8), photometric="minisblack")
    (images / "notes.txt").write_text("no image")
    plan = plan_text(FIELDS, images=images)
    assert "3 of about 40 × 50 px, uint8" in plan
    assert "DNA, [red]" in plan, "a name in brackets is no markup"
    assert "none; load.pattern has no named groups" in plan
    lines = {line[:11].strip(): line[11:].strip() for line in plan.splitlines()}
    assert lines["objects"] == "nucleus"
    assert lines["partitions"] == "1 of up to 3 images"
    assert lines["tasks"] == "8: segment, features, report per partition, 5 for the run"
    assert lines["left out"] == "1 files that are no images"


def test_the_memory_of_networks_counts_once_for_each_model(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    tifffile.imwrite(images / "0.tif", np.zeros((40, 50), np.uint8))
    other = write_model(tmp_path / "discs.onnx")

    def memory(**objects: dict[str, Any]) -> float:
        nucleus = {"method": "watershed", "channel": "DNA"}
        config = {"load": {"channels": {"DNA": 0}}, "segment": {"objects": {"nucleus": nucleus, **objects}}}
        preparation = prepared(config, inputs=[images], output=tmp_path / "out", stages=PIPELINE)
        text = io.StringIO()
        print_plan(Console(file=text, width=120), preparation, stages=PIPELINE, verbose=False)
        (line,) = (line for line in text.getvalue().splitlines() if line.startswith("memory"))
        return float(line.split()[2])  # about … GB a worker

    spots = {"method": "model", "channel": "DNA", "diameter": 5, "within": "nucleus"}
    without, one, two = (memory(**own) for own in ({}, {"a": spots}, {"a": spots, "b": spots | {"model": str(other)}}))
    assert one - without == pytest.approx(NETWORK_BYTES / 1e9)
    assert memory(a=spots, b=spots) == one
    assert two - one == pytest.approx(NETWORK_BYTES / 1e9)

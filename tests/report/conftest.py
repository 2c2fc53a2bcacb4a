"""Runs of real images up to the published tables of cells and images, without the flow around them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.config import load_config
from tasks.core.decision import QualityDecision
from tasks.export.emptied import GroupCounts
from tasks.export.results import by_partition
from tasks.export.tables import publish_cells, publish_images
from tests.running import Run

CONFIGS = Path(__file__).resolve().parents[2] / "deployments" / "configs"

PublishedRun = Callable[..., Run]
"""Finds cells in partitions of a `size` and publishes the tables."""


def published(config: str, *, inputs: Path, output: Path, size: int, **sections: Any) -> Run:  # noqa: ANN401
    read = load_config(CONFIGS / f"{config}.yaml").model_dump(mode="json", by_alias=True) | sections
    run = Run.of(read, inputs=[inputs], output=output, size=size)
    partitions = by_partition(cells=run.cells)
    publish_cells(
        output / "cells.parquet",
        partitions=partitions,
        decision=QualityDecision(rules=()),
        layout=run.layout,
        groups=GroupCounts(run.layout.groups),
    )
    publish_images(
        output / "images.parquet", partitions=partitions, image_list=Path(run.images.folder), layout=run.layout
    )
    return run


@pytest.fixture(scope="session")
def jurkat(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> PublishedRun:
    """Stamps of three channels; the telophases, of which some touch the frame."""
    images = data_root / "ifc_jurkat_cellcycle" / "images" / "Telophase"

    def run(*, size: int = 100) -> Run:
        output = tmp_path_factory.mktemp("jurkat")
        return published("ifc_jurkat_cellcycle", inputs=images, output=output, size=size, quality=None)

    return run


@pytest.fixture(scope="session")
def schwann(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> PublishedRun:
    """Three fields of NF1 cells; their nuclei are found without a model, which takes long."""
    nucleus = {"name": "nucleus", "method": "watershed", "channel": "DAPI", "diameter": 60}
    cell = {"name": "cell", "method": "seeded_watershed", "channel": "RFP", "seeds": "nucleus"}

    def run(*, size: int = 100) -> Run:
        output = tmp_path_factory.mktemp("schwann")
        segment = {"objects": [nucleus, cell]}
        return published("hcs_nf1", inputs=data_root / "hcs_nf1" / "images", output=output, size=size, segment=segment)

    return run


@pytest.fixture(scope="session")
def human(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One field of HT29 cells."""
    output = tmp_path_factory.mktemp("human")
    return published("hcs_examplehuman", inputs=data_root / "hcs_examplehuman", output=output, size=100)

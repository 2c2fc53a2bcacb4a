"""Put the published files together."""

from collections.abc import Sequence
from pathlib import Path

from prefect import task

from tasks.core.decision import Decision
from tasks.core.layout import Layout
from tasks.core.storage import discard_leftovers
from tasks.core.work import Made, Stopwatch
from tasks.export.config import Export
from tasks.export.publish import (
    PartitionFolders,
    publish_cells,
    publish_decision,
    publish_features,
    publish_images,
    publish_labels,
    publish_quarantine,
)


@task(name="export")
def export(
    *,
    output: str,
    listed: str,
    partitions: Sequence[PartitionFolders],
    decision: Decision,
    layout: Layout,
    config: Export,
    run: str,
) -> Made:
    """Write images, cells, quarantine, statistics, features and labels into the output folder."""
    watch = Stopwatch()
    folder = Path(output)
    below = (path for part in ("features", "labels", "statistics") for path in (folder / part).rglob(".*"))
    discard_leftovers([*folder.glob(".*"), *below])
    # First what can be refused, because files of somebody else have the names of ours.
    rows = publish_features(folder / "features", partitions=partitions)
    labels = publish_labels(folder / "labels", partitions=partitions if config.labels else (), layout=layout)
    cells = publish_cells(folder / "cells.parquet", partitions=partitions, decision=decision, layout=layout)
    images = publish_images(folder / "images.parquet", partitions=partitions, listed=Path(listed), layout=layout)
    publish_quarantine(folder / "quarantine.parquet", partitions=partitions, listed=Path(listed))
    publish_decision(folder / "statistics" / "quality.json", decision)
    counts = {"rows": rows, "labels": labels}
    counts |= {f"images:{status}": count for status, count in images.items()}
    counts |= {f"cells:{status}": count for status, count in cells.items()}
    return Made(counts=counts, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


@task(name="quarantine")
def export_quarantine(*, output: str, listed: str, found: Sequence[str]) -> None:
    """Write quarantine.parquet of a run that stops after masking or segmentation."""
    partitions = [PartitionFolders(number=number, found=one) for number, one in enumerate(found)]
    publish_quarantine(Path(output) / "quarantine.parquet", partitions=partitions, listed=Path(listed))

"""Put the published files together."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from prefect import task

from tasks.core.decision import QualityDecision
from tasks.core.file_names import (
    CELLS,
    FEATURES,
    IMAGES,
    QUARANTINE,
    STATISTICS_FOLDER,
)
from tasks.core.layout import Layout
from tasks.core.manifest import Manifest, list_files
from tasks.core.storage import atomic
from tasks.core.work import StageResult, Stopwatch
from tasks.export.config import Export
from tasks.export.emptied import Emptied, GroupCounts
from tasks.export.labels import label_files, publish_labels
from tasks.export.registry import FeatureTable, exporters
from tasks.export.results import by_partition
from tasks.export.tables import publish_cells, publish_images, publish_quarantine


class Exported(StageResult):
    """What was published, counted and listed; the groups of the path's metadata that lost all of their cells."""

    emptied: tuple[Emptied, ...]
    files: Manifest


@task(name="export")
def export(
    *,
    output: str,
    image_list: str,
    cells: Sequence[StageResult],
    metrics: Sequence[StageResult],
    features: Sequence[StageResult],
    decision: QualityDecision,
    layout: Layout,
    config: Export,
    dictionary: dict[bytes, bytes],
    run_id: str,
) -> Exported:
    """Write features, labels, cells, images, quarantine and statistics into the output folder.

    Parameters
    ----------
    dictionary
        Parquet metadata that describes the columns of the feature table.
    """
    watch = Stopwatch()
    folder = Path(output)
    partitions = by_partition(cells=cells, metrics=metrics, features=features)
    # First what can be refused, because other programs' files have the names of ours.
    table = FeatureTable(
        files=tuple(measured.file(FEATURES) for measured in features),
        dictionary=dictionary,
        labels=None if layout.stamps else partial(label_files, partitions, layout=layout),
    )
    for format_ in config.formats:
        exporters.function(format_)(table, folder, format_)
    for kind in exporters:
        if not any(isinstance(format_, kind) for format_ in config.formats):
            kind.PUBLISHED.discard_stale(folder, but=())
    labels = publish_labels(folder, partitions=partitions if config.labels else (), layout=layout)
    groups = GroupCounts(layout.groups)
    cell_counts = publish_cells(folder / CELLS, partitions=partitions, decision=decision, layout=layout, groups=groups)
    image_counts = publish_images(folder / IMAGES, partitions=partitions, image_list=Path(image_list), layout=layout)
    publish_quarantine(folder / QUARANTINE, partitions=partitions, image_list=Path(image_list))
    with atomic(folder / STATISTICS_FOLDER / "quality.json") as temporary:
        temporary.write_text(decision.model_dump_json(indent=2) + "\n", encoding="utf-8")
    files = [folder / name for name in (CELLS, IMAGES, QUARANTINE)] + [folder / STATISTICS_FOLDER / "quality.json"]
    files += [path for format_ in config.formats for path in format_.PUBLISHED.files(folder)]
    counts = {"rows": table.rows, "labels": len(labels)}
    counts |= {f"images:{status}": count for status, count in image_counts.items()}
    counts |= {f"cells:{status}": count for status, count in cell_counts.items()}
    result = watch.result(output, run_id=run_id, counts=counts)
    return Exported(**result.model_dump(), emptied=groups.emptied(), files=list_files(folder, [*files, *labels]))


@task(name="quarantine")
def export_quarantine(*, output: str, image_list: str, cells: Sequence[StageResult]) -> int:
    """Write quarantine.parquet of a run that stops after masking or segmentation; return its number of images."""
    path = Path(output) / QUARANTINE
    return sum(publish_quarantine(path, partitions=by_partition(cells=cells), image_list=Path(image_list)).values())

"""The tables of images, cells and quarantined images, put together partition by partition, each whole or absent."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from natsort import natsort_keygen

from tasks.core.decision import QualityDecision
from tasks.core.dictionary import encode
from tasks.core.file_names import CELLS, CHILDREN, FAULTS, IMAGES, METRICS
from tasks.core.layout import FAULTS as FAULT_COLUMNS
from tasks.core.layout import Layout
from tasks.core.storage import atomic, read_table
from tasks.export.emptied import GroupCounts
from tasks.export.results import PartitionResults


def publish_images(
    path: Path, *, partitions: Sequence[PartitionResults], image_list: Path, layout: Layout
) -> dict[str, int]:
    """Write images.parquet, a row per image in natural order of the identities; count them by status."""
    schema = layout.images() | {"partition": pl.Int32()}
    apart = _in_order(_unread(read_table(image_list / FAULTS), schema=schema))

    def tables() -> Iterator[pl.DataFrame]:
        left = apart
        for partition in partitions:
            images = read_table(partition.cells.file(IMAGES))
            broken = partition.faults()["meta__image"].to_list()
            images = images.with_columns(
                partition=pl.lit(partition.number),
                status=pl.when(pl.col("meta__image").is_in(broken)).then(pl.lit("quarantined")).otherwise("status"),
            ).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
            last = _order(images["meta__image"].to_list()[-1])
            due = sum(_order(image) < last for image in left["meta__image"])
            yield _in_order(pl.concat([images, left[:due]])) if due else images
            left = left[due:]
        yield left

    return _stream(path, tables(), schema=schema)


_natural = natsort_keygen()


def _order(image: str) -> tuple[object, str]:
    """Order of images, as the list of images has it."""
    return _natural(image), image


def _in_order(images: pl.DataFrame) -> pl.DataFrame:
    names = images["meta__image"].to_list()
    return images[sorted(range(len(names)), key=lambda row: _order(names[row]))]


def _unread(faults: pl.DataFrame, *, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Table images that could not be put together from their files, with what their paths tell."""
    known = faults.select(name for name in faults.columns if name in schema).with_columns(status=pl.lit("quarantined"))
    return pl.concat([pl.DataFrame(schema=schema), known], how="diagonal")


def publish_cells(
    path: Path,
    *,
    partitions: Sequence[PartitionResults],
    decision: QualityDecision,
    layout: Layout,
    groups: GroupCounts,
) -> dict[str, int]:
    """Write cells.parquet, a row per cell found, kept or not and why, with its quality metrics; count by status.

    Where cells have children, their rows follow those of the cells of their image, with the status of their cell, and
    ``no_parent`` where they have none; only cells are counted.

    Parameters
    ----------
    groups
        Counts the cells of each group too.
    """
    metrics = {rule.column: pl.Float64() for rule in decision.rules}
    schema = layout.cell_meta() | layout.child_meta() | {"status": pl.String()} | metrics
    counts: Counter[str] = Counter()

    def tables() -> Iterator[pl.DataFrame]:
        for partition in partitions:
            cells = read_table(partition.cells.file(CELLS))
            if partition.metrics is not None:
                measured = read_table(partition.metrics.file(METRICS)).select(list(metrics))
                cells = pl.concat([cells, measured], how="horizontal")
            broken = partition.faults()["meta__image"].to_list()
            status = pl.Series("status", decision.statuses(cells, cells["status"].to_list()), dtype=pl.String)
            cells = cells.with_columns(status).with_columns(
                status=pl.when(pl.col("meta__image").is_in(broken)).then(pl.lit("quarantined")).otherwise("status")
            )
            groups.add(cells)
            counts.update(dict(cells["status"].value_counts().rows()))
            yield _with_children(cells, partition=partition, broken=broken, layout=layout) if layout.children else cells

    _stream(path, tables(), schema=schema)
    return dict(counts)


def _with_children(
    cells: pl.DataFrame, *, partition: PartitionResults, broken: Sequence[str], layout: Layout
) -> pl.DataFrame:
    """Put the children of a partition's images behind their cells, kind by kind."""
    children = read_table(partition.cells.file(CHILDREN))
    of_cells = cells.select("position", "status", pl.col("meta__object").alias("meta__parent"))
    children = children.join(of_cells, on=["position", "meta__parent"], how="left", suffix="_of_cell")
    children = children.with_columns(
        status=pl.when(pl.col("meta__image").is_in(broken))
        .then(pl.lit("quarantined"))
        .otherwise(pl.coalesce("status_of_cell", "status"))
    )
    kinds = [layout.regions[0], *(child.name for child in layout.children)]
    named = cells.with_columns(pl.lit(kinds[0]).alias("meta__object_name"))
    kind = pl.col("meta__object_name").replace_strict(kinds, list(range(len(kinds))))
    return pl.concat([named, children], how="diagonal").sort("position", kind, "meta__object")


def publish_quarantine(path: Path, *, partitions: Sequence[PartitionResults], image_list: Path) -> dict[str, int]:
    """Write quarantine.parquet: a row per image set aside."""

    def tables() -> Iterator[pl.DataFrame]:
        yield read_table(image_list / FAULTS).with_columns(status=pl.lit("quarantined"))
        for partition in partitions:
            yield partition.faults().with_columns(status=pl.lit("quarantined"))

    return _stream(path, tables(), schema=FAULT_COLUMNS)


def _stream(path: Path, tables: Iterable[pl.DataFrame], *, schema: dict[str, pl.DataType]) -> dict[str, int]:
    """Write tables one after the other into one Parquet file; count the values of the column status."""
    counts: dict[str, int] = {}
    arrow = pl.DataFrame(schema=schema).to_arrow().schema.with_metadata(encode({}, meta={}))
    with atomic(path) as temporary, pq.ParquetWriter(temporary, arrow, compression="zstd") as writer:
        for table in tables:
            for status, count in table["status"].value_counts().rows():
                counts[status] = counts.get(status, 0) + count
            if len(table):
                chosen = table.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
                writer.write_table(chosen.to_arrow().cast(arrow))
    return counts

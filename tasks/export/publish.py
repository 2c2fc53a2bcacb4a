"""The files a user reads, put together partition by partition, each whole or absent."""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import tifffile
from natsort import natsort_keygen

from tasks.core.decision import Decision
from tasks.core.dictionary import encode, is_ours
from tasks.core.errors import InputError, RunError
from tasks.core.layout import FAULTS, Layout
from tasks.core.partition_files import LABEL_SOFTWARE, label_path
from tasks.core.storage import atomic, read_table
from tasks.core.work import Frozen

PART = re.compile(r"part-\d{5,}\.parquet")
"""Name of a file of the feature table."""


class PartitionFolders(Frozen):
    """Where the stages left what they made of one partition."""

    number: int
    found: str
    metrics: str | None = None
    features: str = ""

    def faults(self) -> pl.DataFrame:
        """Images of this partition that were set aside, at whatever stage."""
        stages = [folder for folder in (self.found, self.metrics, self.features) if folder]
        faults = pl.concat([read_table(Path(stage) / "faults.parquet") for stage in stages])
        return faults.unique("meta__image", keep="first", maintain_order=True)


TABLES = ("images.parquet", "cells.parquet", "quarantine.parquet")


def check_output(folder: Path) -> None:
    """Refuse an output folder in which files of somebody else have the names of ours.

    Raises
    ------
    InputError
        Naming the file.
    """
    ours: dict[Path, Callable[[Path], bool]] = {folder / name: is_ours for name in TABLES}
    ours |= {folder / "run.json": _holds("configuration"), folder / "statistics" / "quality.json": _holds("rules")}
    ours[folder / "statistics" / "illumination.json"] = _holds("corrections")
    ours[folder / "statistics" / "normalization.json"] = _holds("transform")
    for path, is_our in ours.items():
        if path.exists() and not is_our(path):
            raise InputError(
                f"--output: {path} was not written by this program and would be overwritten; move it away or choose "
                "another folder"
            )


def _holds(key: str) -> Callable[[Path], bool]:
    """Make a test for JSON objects that have a key."""

    def test(path: Path) -> bool:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return isinstance(content, dict) and key in content

    return test


def publish_images(
    path: Path, *, partitions: Sequence[PartitionFolders], listed: Path, layout: Layout
) -> dict[str, int]:
    """Write images.parquet: a row per image in natural order of the identities."""
    schema = layout.images() | {"partition": pl.Int32()}
    apart = sorted(read_table(listed / "faults.parquet")["meta__image"].to_list(), key=_order)

    def tables() -> Iterator[pl.DataFrame]:
        for one in partitions:
            images = read_table(Path(one.found) / "images.parquet")
            broken = one.faults()["meta__image"].to_list()
            images = images.with_columns(
                partition=pl.lit(one.number),
                status=pl.when(pl.col("meta__image").is_in(broken)).then(pl.lit("quarantined")).otherwise("status"),
            ).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
            last = _order(images["meta__image"].to_list()[-1])
            due = [image for image in apart if _order(image) < last]
            del apart[: len(due)]
            yield _in_order(pl.concat([images, _unread(due, schema=schema)])) if due else images
        yield _unread(apart, schema=schema)

    return _stream(path, tables(), schema=schema)


_natural = natsort_keygen()


def _order(image: str) -> tuple[object, str]:
    """Order of images, as the list of images has it."""
    return _natural(image), image


def _in_order(images: pl.DataFrame) -> pl.DataFrame:
    names = images["meta__image"].to_list()
    return images[sorted(range(len(names)), key=lambda row: _order(names[row]))]


def _unread(images: Sequence[str], *, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Table images that could not be put together from their files."""
    missing = pl.DataFrame({"meta__image": images, "status": ["quarantined"] * len(images)}, schema_overrides=schema)
    return pl.concat([pl.DataFrame(schema=schema), missing], how="diagonal")


def publish_cells(
    path: Path, *, partitions: Sequence[PartitionFolders], decision: Decision, layout: Layout
) -> dict[str, int]:
    """Write cells.parquet: a row per cell found, kept or not and why, with its quality metrics."""
    metrics = {rule.column: pl.Float64() for rule in decision.rules}
    schema = layout.cell_meta() | {"status": pl.String()} | metrics

    def tables() -> Iterator[pl.DataFrame]:
        for one in partitions:
            cells = read_table(Path(one.found) / "cells.parquet")
            if one.metrics is not None:
                measured = read_table(Path(one.metrics) / "metrics.parquet").select(list(metrics))
                cells = pl.concat([cells, measured], how="horizontal")
            broken = one.faults()["meta__image"].to_list()
            status = pl.Series("status", decision.statuses(cells, cells["status"].to_list()), dtype=pl.String)
            yield cells.with_columns(status).with_columns(
                status=pl.when(pl.col("meta__image").is_in(broken)).then(pl.lit("quarantined")).otherwise("status")
            )

    return _stream(path, tables(), schema=schema)


def publish_quarantine(path: Path, *, partitions: Sequence[PartitionFolders], listed: Path) -> dict[str, int]:
    """Write quarantine.parquet: a row per image set aside."""

    def tables() -> Iterator[pl.DataFrame]:
        yield read_table(listed / "faults.parquet").with_columns(status=pl.lit("quarantined"))
        for one in partitions:
            yield one.faults().with_columns(status=pl.lit("quarantined"))

    return _stream(path, tables(), schema=FAULTS)


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


def publish_features(folder: Path, *, partitions: Sequence[PartitionFolders]) -> int:
    """Write features/part-00000.parquet …, one per partition, and remove parts of an earlier run; count the rows.

    Raises
    ------
    RunError
        A file of somebody else has the name of a part; nothing is written then.
    """
    rows = 0
    names = [f"part-{number:05d}.parquet" for number in range(len(partitions))]
    for target in (folder / name for name in names):
        if target.exists() and not is_ours(target):
            raise RunError(
                f"{target} is in the way: it was not written by this program; move it, or choose another --output, "
                "and run again"
            )
    for name, one in zip(names, partitions, strict=True):
        source = Path(one.features) / "features.parquet"
        rows += pq.read_metadata(source).num_rows
        _copy(source, folder / name)
    for stale in folder.iterdir():
        if stale.name not in names and PART.fullmatch(stale.name) and is_ours(stale):
            stale.unlink()
    return rows


def publish_labels(folder: Path, *, partitions: Sequence[PartitionFolders], layout: Layout) -> int:
    """Write labels/<image>.<object>.tif of segmented fields, and remove those of an earlier run; count them."""
    names: set[Path] = set()
    for one in partitions if not layout.stamps else ():
        images = read_table(Path(one.found) / "images.parquet", columns=["position", "meta__image"])
        for position, image in images.rows():
            for name in layout.regions:
                source = label_path(Path(one.found), position=position, name=name)
                if source.exists():
                    target = folder / f"{_file_name(image)}.{name}.tif"
                    if target.exists() and not _is_our_label(target):
                        raise RunError(f"{target} was not written by this program; move it away and run again")
                    names.add(target)
                    _copy(source, target)
    for stale in folder.rglob("*.tif"):
        if stale not in names and _is_our_label(stale):
            stale.unlink()
    return len(names)


def _file_name(image: str) -> str:
    return image.replace("*", "+").replace(":", "+")


def _is_our_label(path: Path) -> bool:
    try:
        with tifffile.TiffFile(path) as file:
            software = file.pages.first.tags.valueof("Software")
            return bool(software == LABEL_SOFTWARE)
    except (OSError, ValueError, IndexError):  # an IndexError: no page in it
        return False


def _copy(source: Path, target: Path) -> None:
    """Copy, not link: a program that writes into the published file must not change what a rerun relies on."""
    with atomic(target) as temporary:
        shutil.copyfile(source, temporary)


def publish_decision(path: Path, decision: Decision) -> None:
    """Write what was decided over the whole data set: statistics/quality.json."""
    with atomic(path) as temporary:
        temporary.write_text(decision.model_dump_json(indent=2) + "\n", encoding="utf-8")

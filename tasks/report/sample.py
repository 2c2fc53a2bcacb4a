"""Which cells and fields the report shows: a seeded sample of the published tables, whatever the partitions were."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import xxhash

from tasks.core.decision import KEPT
from tasks.core.layout import Layout
from tasks.core.work import Frozen

EXAMPLES = 24
"""Removed cells that are shown for each reason."""

FIELDS = 6
"""Fields that are shown."""

CANDIDATES = 1000
"""Fields among which those are chosen."""

ROWS = 1 << 16
"""Rows of the table of cells that are in memory at a time."""

IDENTITY = ["meta__image", "meta__object"]

CANDIDATE = {
    "meta__image": pl.String(),
    "meta__object": pl.Int32(),
    "status": pl.String(),
    "side": pl.Int32(),
    "hash": pl.UInt64(),
}
"""Columns of the cells among which the sample is chosen."""


class ShownCell(Frozen):
    """A cell that the report shows; `rank` is its place among the shown cells of its status."""

    image: str
    object: int
    status: str
    rank: int


class ShownField(Frozen):
    """A field that the report shows, and which of its cells were kept, in order."""

    image: str
    kept: tuple[int, ...]


class PartitionSample(Frozen):
    """What the report shows of one partition."""

    partition: int
    cells: tuple[ShownCell, ...] = ()
    fields: tuple[ShownField, ...] = ()


class Sample(Frozen):
    """What the report shows, by partition; `side` is the median length of the kept cells' longer sides, in pixels."""

    parts: tuple[PartitionSample, ...]
    side: int

    def images_for_display(self, count: int) -> dict[int, tuple[str, ...]]:
        """Choose fields, or else images of the first `count` cells, kept ones before others, by partition."""
        if any(part.fields for part in self.parts):
            return {part.partition: tuple(field.image for field in part.fields) for part in self.parts if part.fields}
        cells = [
            (cell.status != KEPT, cell.rank, cell.image, part.partition) for part in self.parts for cell in part.cells
        ]
        images: dict[int, dict[str, None]] = {}
        for *_, image, partition in sorted(cells)[:count]:
            images.setdefault(partition, {})[image] = None
        return {partition: tuple(sorted(names)) for partition, names in sorted(images.items())}


def draw_sample(output: Path, *, layout: Layout, kept: int, seed: int) -> Sample:
    """Choose what to show of a run whose tables are published.

    Parameters
    ----------
    output
        Folder of ``cells.parquet`` and ``images.parquet``.
    kept
        Kept cells to show, at most; of those removed for each reason it is `EXAMPLES`.
    """
    cells = sample_cells(output / "cells.parquet", layout=layout, kept=kept, seed=seed)
    fields = () if layout.stamps else sample_fields(output / "images.parquet", groups=layout.groups, seed=seed)
    images = _facts(output / "images.parquet", images={*cells["meta__image"], *fields})
    return Sample(
        parts=tuple(_by_partition(cells, fields=_kept_of(output / "cells.parquet", fields, layout), images=images)),
        side=_side(cells, images=images, stamps=layout.stamps),
    )


def sample_cells(path: Path, *, layout: Layout, kept: int, seed: int) -> pl.DataFrame:
    """Choose the kept cells with the smallest hash of (image, object), and those removed for each reason.

    Returns
    -------
    Columns ``meta__image``, ``meta__object``, ``status``, ``side`` (longest side of the boxes around its objects or
    masks; null where it has none) and ``rank``, in order of status and rank. What was set aside is not among them.
    """
    lowest = pl.DataFrame(schema=CANDIDATE)
    for table in _cells(path, layout=layout):
        hashed = table.with_columns(hash=pl.Series(_hashes(table, seed=seed), dtype=pl.UInt64))
        ranked = _ranked(pl.concat([lowest, hashed.select(pl.col(name).cast(CANDIDATE[name]) for name in CANDIDATE)]))
        most = pl.when(pl.col("status") == KEPT).then(max(kept, EXAMPLES)).otherwise(EXAMPLES)
        lowest = ranked.filter(pl.col("rank") < most).drop("rank")
    return _ranked(lowest).drop("hash")


def sample_fields(path: Path, *, groups: Sequence[str], seed: int) -> tuple[str, ...]:
    """Choose `FIELDS` fields that have as few values of the path's metadata in common as can be.

    One by one that is taken which shares the fewest values with those before it, and of equal ones that with the
    smallest hash; of very many fields those `CANDIDATES` with the smallest hash are looked at.
    """
    columns = ["meta__image", *(f"meta__{group}" for group in groups)]
    best = pl.DataFrame()
    for batch in pq.ParquetFile(path).iter_batches(ROWS, columns=[*columns, "status"]):
        read = pl.DataFrame(pl.from_arrow(batch)).filter(pl.col("status") != "quarantined").select(columns)
        hashed = read.with_columns(
            hash=pl.Series([_hash(image, seed=seed) for image in read["meta__image"]], dtype=pl.UInt64)
        )
        best = (pl.concat([best, hashed]) if len(best) else hashed).bottom_k(CANDIDATES, by="hash").sort("hash")
    chosen: list[tuple[str, ...]] = []
    candidates = [row[:-1] for row in best.iter_rows()]
    while candidates and len(chosen) < FIELDS:
        shared = [
            sum(value == other for field in chosen for value, other in zip(row[1:], field[1:], strict=True))
            for row in candidates
        ]
        chosen.append(candidates.pop(shared.index(min(shared))))
    return tuple(sorted(field[0] for field in chosen))


def _cells(path: Path, *, layout: Layout) -> Iterator[pl.DataFrame]:
    """Yield the cells, some at a time, without what they have several of, and without those that were set aside."""
    boxes = [
        f"meta__bbox_{side}__{region}"
        for region in layout.regions
        for side in ("min_row", "min_col", "max_row", "max_col")
    ]
    columns = [*IDENTITY, "status", *boxes, *(["meta__object_name"] if layout.children else [])]
    for batch in pq.ParquetFile(path).iter_batches(ROWS, columns=columns):
        table = pl.DataFrame(pl.from_arrow(batch)).filter(pl.col("status") != "quarantined")
        if layout.children:
            table = table.filter(pl.col("meta__object_name") == layout.regions[0])
        yield table.select(*IDENTITY, "status", side=_longest(layout.regions))


def _longest(regions: Sequence[str]) -> pl.Expr:
    """Length of the longer side of the box around all regions of a cell."""

    def over(function: str, side: str) -> pl.Expr:
        horizontal = pl.min_horizontal if function == "min" else pl.max_horizontal
        return horizontal(f"meta__bbox_{function}_{side}__{region}" for region in regions)

    return pl.max_horizontal(over("max", side) - over("min", side) for side in ("row", "col"))


def _hashes(table: pl.DataFrame, *, seed: int) -> list[int]:
    return [_hash(f"{image}\0{number}", seed=seed) for image, number in table.select(IDENTITY).iter_rows()]


def _hash(text: str, *, seed: int) -> int:
    return xxhash.xxh3_64_intdigest(text.encode(), seed=seed % 2**64)


def _ranked(cells: pl.DataFrame) -> pl.DataFrame:
    """Sort by status and hash, and number the cells of each status in that order."""
    return cells.sort("status", "hash", *IDENTITY).with_columns(rank=pl.int_range(pl.len()).over("status"))


def _facts(path: Path, *, images: set[str]) -> pl.DataFrame:
    """Look up in which partition some images are, and how large they are."""
    wanted = pl.Series(sorted(images), dtype=pl.String)
    scan = pl.scan_parquet(path, glob=False).select("meta__image", "partition", "height", "width")
    return scan.filter(pl.col("meta__image").is_in(wanted.implode())).collect(engine="streaming")


def _kept_of(path: Path, fields: Sequence[str], layout: Layout) -> dict[str, tuple[int, ...]]:
    """Look up which cells of some fields were kept."""
    if not fields:
        return {}
    scan = pl.scan_parquet(path, glob=False).filter(
        pl.col("meta__image").is_in(pl.Series(fields, dtype=pl.String).implode()), pl.col("status") == KEPT
    )
    if layout.children:
        scan = scan.filter(pl.col("meta__object_name") == layout.regions[0])
    numbers = scan.select(IDENTITY).sort(IDENTITY).collect(engine="streaming").partition_by("meta__image", as_dict=True)
    return {field: tuple(numbers[(field,)]["meta__object"]) if (field,) in numbers else () for field in fields}


def _by_partition(
    cells: pl.DataFrame, *, fields: dict[str, tuple[int, ...]], images: pl.DataFrame
) -> Iterator[PartitionSample]:
    partition_of = dict(images.select("meta__image", "partition").iter_rows())
    shown: dict[int, list[ShownCell]] = {}
    for image, number, status, rank in cells.select(*IDENTITY, "status", "rank").sort(IDENTITY).iter_rows():
        cell = ShownCell(image=image, object=number, status=status, rank=rank)
        shown.setdefault(partition_of[image], []).append(cell)
    fields_of: dict[int, list[ShownField]] = {}
    for image, kept in fields.items():
        fields_of.setdefault(partition_of[image], []).append(ShownField(image=image, kept=kept))
    for number in sorted({*shown, *fields_of}):
        yield PartitionSample(
            partition=number, cells=tuple(shown.get(number, ())), fields=tuple(fields_of.get(number, ()))
        )


def _side(cells: pl.DataFrame, *, images: pl.DataFrame, stamps: bool) -> int:
    """Median length of the kept cells' longer sides, of stamps those of the whole stamp; 1 where there is none."""
    if stamps:
        cells = cells.join(images, on="meta__image").with_columns(side=pl.max_horizontal("height", "width"))
    own = cells.filter(pl.col("status") == KEPT)["side"].drop_nulls()
    size = (own if len(own) else cells["side"].drop_nulls()).quantile(0.5, interpolation="higher")
    return 1 if size is None else int(size)

"""The images of a partition that the report shows, read again."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import polars as pl

from tasks.core.file_names import IMAGES
from tasks.core.pixel_source import PixelSource, read_images
from tasks.core.storage import read_table
from tasks.core.types import AnyArray
from tasks.core.work import Partition, StageResult


class ShownImage(NamedTuple):
    """An image that can be shown.

    Parameters
    ----------
    name
        ``meta__image``.
    position
        Row in its partition.
    metadata
        Its columns of images.parquet.
    pixels
        (C, H, W), transformed, on the scale of the files.
    """

    name: str
    position: int
    metadata: Mapping[str, Any]
    pixels: AnyArray


def read_shown(
    partition: Partition, *, source: PixelSource, names: Collection[str], cells: StageResult | None = None
) -> Iterator[ShownImage]:
    """Read some images of a partition; those that cannot be read are left out.

    Parameters
    ----------
    cells
        What masking or segmentation wrote for the partition; an image whose pixels are no longer those that were looked
        at then is left out, too, since its outlines would lie beside the cells.
    """
    index = pl.scan_parquet(partition.index, glob=False).slice(partition.start, partition.images).select("image")
    wanted = pl.Series(sorted(names), dtype=pl.String).implode()
    rows = index.with_row_index("position").filter(pl.col("image").is_in(wanted)).collect()
    before = None if cells is None else _digests(cells)
    for images in read_images(partition, source=source, positions=rows["position"].to_list()) if len(rows) else ():
        for metadata, pixels in zip(images.table.iter_rows(named=True), images.pixels, strict=True):
            position = metadata["position"]
            if pixels is None or (before is not None and before.get(position) != metadata["digest"]):
                continue
            yield ShownImage(name=metadata["meta__image"], position=position, metadata=metadata, pixels=pixels)


def _digests(cells: StageResult) -> dict[int, str | None]:
    return dict(read_table(cells.file(IMAGES), columns=["position", "digest"]).iter_rows())

"""The one way in which tasks get at pixels: images are loaded, transformed, and gathered into batches of one dtype.

Every task that needs pixels reads them itself; none travel between tasks. It reads so many images at a time as fit into
some memory, and lets go of them before it reads more: a large partition takes no more memory than a small one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import polars as pl

from tasks.core.errors import Fault, PixelError
from tasks.core.layout import Layout
from tasks.core.transforms import PixelTransform, ScaleTransform, StackProjection
from tasks.core.types import AnyArray, Batch, BoolArray, IntArray
from tasks.core.work import Excluded, Partition

BATCH_BYTES = 32 * 2**20
"""Bytes of pixels that are read at a time: enough for kernels to be busy, a small part of a worker's memory."""

EXPANSION = 4
"""Bytes of pixels that a byte of a file is counted for until some were read."""


class LoadedImages(Protocol):
    """Images as the files hold them."""

    @property
    def images(self) -> list[AnyArray | None]:
        """(C, H, W) each; None for one that cannot be used."""

    @property
    def faults(self) -> list[Fault]:
        """Why not."""

    @property
    def digests(self) -> list[str | None]:
        """Digest of each image's pixels."""

    @property
    def masks(self) -> list[BoolArray | None] | None:
        """Masks that the files hold, of the images' shapes; None where they were not asked for."""


class ImageLoader(Protocol):
    """Reads the images that rows of the index stand for; `identity` is what the partitions' digests do not hold."""

    @property
    def identity(self) -> object: ...  # noqa: D102 - the class tells

    def __call__(self, index: pl.DataFrame, *, masks: bool = False) -> LoadedImages:
        """Load images, and the masks in their files where they are asked for."""

    def projected_by(self, projection: StackProjection) -> "ImageLoader":
        """Return the loader that makes one image of each z-stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelSource:
    """How the images of a run are read: what all of its tasks that look at pixels have in common.

    Parameters
    ----------
    load
        Reads images.
    layout
        Columns of the run's tables.
    transforms
        Applied to every image that is read, in this order.
    scale
        Applied afterwards to the pixels of cells; images as `read_images` returns them are not scaled.
    batch_bytes
        About how many bytes of pixels are read at a time; no result depends on it.
    """

    load: ImageLoader
    layout: Layout
    transforms: tuple[PixelTransform, ...] = ()
    scale: ScaleTransform | None = None
    batch_bytes: int = BATCH_BYTES

    @property
    def identity(self) -> dict[str, object]:
        """What results depend on: all but the size of batches."""
        return {"load": self.load, "layout": self.layout, "transforms": self.transforms, "scale": self.scale}

    def projected_by(self, projection: StackProjection) -> "PixelSource":
        """Return the source of one image of each z-stack."""
        return replace(self, load=self.load.projected_by(projection))

    def transformed_by(self, transform: PixelTransform) -> "PixelSource":
        """Return the source of images after a further transform."""
        return replace(self, transforms=(*self.transforms, transform))

    def shrunk(self, factor: int) -> "PixelSource":
        """Return the source whose images are worked on in batches smaller by a factor."""
        return replace(self, batch_bytes=max(self.batch_bytes // factor, 1))

    def scaled_by(self, scale: ScaleTransform) -> "PixelSource":
        """Return the source of cells whose pixels are scaled."""
        return replace(self, scale=scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceImages:
    """Images that a task reads at a time.

    Parameters
    ----------
    table
        A row per image: `Layout.images` and ``position``, its row within the partition.
    pixels
        (C, H, W) per image, transformed; None where there are none.
    faults
        Why not.
    masks
        (C, H, W) bool per image, those that its file holds; None where they were not asked for.
    """

    table: pl.DataFrame
    pixels: list[AnyArray | None]
    faults: list[Fault]
    masks: list[BoolArray | None] | None = None

    def transformed(self, transform: PixelTransform) -> "SourceImages":
        """Return the images after a transform; those on which it fails are set aside."""
        apply = transform.open()
        pixels: list[AnyArray | None] = []
        faults = list(self.faults)
        for metadata, image in zip(self.table.iter_rows(named=True), self.pixels, strict=True):
            try:
                pixels.append(None if image is None else apply(image, metadata))
            except PixelError as error:
                pixels.append(None)
                faults.append(Fault.of(error, image=metadata["meta__image"], stage=transform.stage))
        return replace(self, pixels=pixels, faults=faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What the images that were read so far take, as files and as pixels.

    Examples
    --------
    >>> read = Footprint(images=2, file_bytes=100, pixel_bytes=300)
    >>> read.fitting(np.array([50, 10, 100, 50]), limit=600)
    3
    """

    images: int = 0
    file_bytes: int = 0
    pixel_bytes: int = 0

    def fitting(self, file_bytes: IntArray, *, limit: int) -> int:
        """Return how many of the next images are likely to fit into `limit` bytes of pixels; at least one.

        An image is taken to be as large as those before it, or larger where its file is: so neither an image that
        compresses well nor a larger one after smaller ones deceives. Before any was read, a file is taken to be
        compressed to a fourth.
        """
        if self.images:
            each = np.maximum(file_bytes * (self.pixel_bytes / self.file_bytes), self.pixel_bytes / self.images)
        else:
            each = file_bytes * float(EXPANSION)
        return max(1, int(np.searchsorted(np.cumsum(each), limit, side="right")))

    def plus(self, table: pl.DataFrame, pixels: Sequence[AnyArray | None]) -> "Footprint":
        """Return the sum with further images; those that could not be read do not count."""
        read = [(size, image.nbytes) for size, image in zip(table["bytes"], pixels, strict=True) if image is not None]
        return Footprint(
            images=self.images + len(read),
            file_bytes=self.file_bytes + sum(max(size, 1) for size, _ in read),
            pixel_bytes=self.pixel_bytes + sum(size for _, size in read),
        )


def read_images(
    partition: Partition, *, source: PixelSource, positions: Sequence[int] | None = None, masks: bool = False
) -> Iterator[SourceImages]:
    """Read the images of a partition, or those at the given positions in it, some at a time.

    With `masks` the masks in their files are read, too; an image of which that fails cannot be read.

    Yields
    ------
    SourceImages
        Consecutive images whose pixels take about `source.batch_bytes`; a larger one comes alone. An image that cannot
        be read is among them, so that a partition of at least one image yields at least once.
    """
    index = pl.scan_parquet(partition.index, glob=False).slice(partition.start, partition.images).collect()
    index = index.with_row_index("position")
    if positions is not None:
        index = index.filter(pl.col("position").is_in(list(positions)))
    sizes = index["size"].to_numpy()
    start, read = 0, Footprint()
    while start < len(index):
        count = read.fitting(sizes[start:], limit=source.batch_bytes)
        images = _read(index.slice(start, count), source=source, excluded=partition.excluded, masks=masks)
        start, read = start + count, read.plus(images.table, images.pixels)
        yield images
        del images  # before more are read


def _read(index: pl.DataFrame, *, source: PixelSource, excluded: Sequence[Excluded], masks: bool) -> SourceImages:
    loaded = _load(index, load=partial(source.load, masks=masks), excluded=excluded)
    images = SourceImages(
        table=_image_table(index, loaded=loaded, layout=source.layout),
        pixels=loaded.images,
        faults=list(loaded.faults),
        masks=loaded.masks,
    )
    for transform in source.transforms:
        images = images.transformed(transform)
    return images


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    images: list[AnyArray | None]
    faults: list[Fault]
    digests: list[str | None]
    masks: list[BoolArray | None] | None


def _load(
    index: pl.DataFrame, *, load: Callable[[pl.DataFrame], LoadedImages], excluded: Sequence[Excluded]
) -> LoadedImages:
    """Load images, except for those that are not to be touched."""
    known = {image.position: image for image in excluded}
    positions = index["position"].to_list()
    untouched = [known[position] for position in positions if position in known]
    if not untouched:
        return load(index)
    rows = [row for row, position in enumerate(positions) if position not in known]
    loaded = load(index[rows])
    images: list[AnyArray | None] = [None] * len(positions)
    digests: list[str | None] = [None] * len(positions)
    masks: list[BoolArray | None] = [None] * len(positions)
    own_masks = [None] * len(rows) if loaded.masks is None else loaded.masks
    for row, image, digest, mask in zip(rows, loaded.images, loaded.digests, own_masks, strict=True):
        images[row], digests[row], masks[row] = image, digest, mask
    names = dict(zip(positions, index["image"], strict=True))
    faults = [
        Fault(image=names[image.position], stage=image.stage, error=image.error, message=image.message)
        for image in untouched
    ]
    return _Loaded(
        images=images,
        faults=[*loaded.faults, *faults],
        digests=digests,
        masks=None if loaded.masks is None else masks,
    )


def _image_table(index: pl.DataFrame, *, loaded: LoadedImages, layout: Layout) -> pl.DataFrame:
    shapes = [(None, None) if image is None else image.shape[1:] for image in loaded.images]
    dtypes = [None if image is None else image.dtype.name for image in loaded.images]
    statuses = ["quarantined" if image is None else "read" for image in loaded.images]
    table = index.rename({"image": "meta__image"}).with_columns(
        pl.Series("status", statuses, dtype=pl.String),
        pl.lit(0).alias("cells"),
        pl.Series("height", [shape[0] for shape in shapes], dtype=pl.Int32),
        pl.Series("width", [shape[1] for shape in shapes], dtype=pl.Int32),
        pl.Series("dtype", dtypes, dtype=pl.String),
        pl.col("size").alias("bytes"),
        pl.col("mtime_ns").alias("modified_ns"),
        pl.Series("digest", loaded.digests, dtype=pl.String),
        pl.col("object_number").alias("meta__object_number"),
        *(pl.lit(None).alias(f"meta__{group}") for group in layout.metadata if f"meta__{group}" not in index.columns),
    )
    columns = layout.images() | {"position": pl.Int32()}
    return table.select(pl.col(name).cast(dtype) for name, dtype in columns.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class StampBatch:
    """Stamps of one dtype, and which of the task's images they are."""

    rows: IntArray
    batch: Batch

    def take(self, rows: Sequence[int]) -> "StampBatch":
        """Return some of the stamps; the batch itself where those are all."""
        if len(rows) == len(self.rows):
            return self
        return StampBatch(rows=self.rows[list(rows)], batch=self.batch.take(rows))


def stamp_batches(
    images: Sequence[AnyArray | None], *, channels: Sequence[str], masks: Sequence[BoolArray | None] | None = None
) -> Iterator[StampBatch]:
    """Gather images into batches of equal dtype, in the order in which the dtypes appear; None is left out.

    `masks` are those that the files hold, one for each image that is not None.

    A batch of mixed dtypes would be promoted, and what is measured of an image would depend on its neighbours.
    """
    rows: dict[np.dtype[Any], list[int]] = {}
    for row, image in enumerate(images):
        if image is not None:
            rows.setdefault(image.dtype, []).append(row)
    for own in rows.values():
        stamps = [image for row in own if (image := images[row]) is not None]
        file_masks = None if masks is None else [mask for row in own if (mask := masks[row]) is not None]
        batch = Batch.of(stamps, channels=channels, file_masks=file_masks)
        yield StampBatch(rows=np.array(own), batch=batch)

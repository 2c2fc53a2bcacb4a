"""The images of a run, listed and cut into partitions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from tasks.core.channels import Channels
from tasks.core.decision import group_values
from tasks.core.digest import digest
from tasks.core.errors import Fault
from tasks.core.file_metadata import NUMBERS, TEXTS, in_order
from tasks.core.file_names import FAULTS
from tasks.core.packages import offered_by
from tasks.core.partition_files import fault_table
from tasks.core.work import Frozen, Partition, result_folder
from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import LeftOut, build_index
from tasks.ingest.metadata_table import join_metadata
from tasks.ingest.partition import average_size, partition, sample
from tasks.ingest.readers import readers
from tasks.ingest.references import ImageReference, identity, to_frame

INDEX = "index.parquet"

VERSION = 4
"""Raise it when the same files give other images."""


class ImageList(Frozen):
    """The images of a run.

    Parameters
    ----------
    folder
        Holds index.parquet and faults.parquet.
    images, faults
        Images listed, and images that cannot be put together.
    left_out
        Files that are no images of this run, by reason.
    channels
        What is read of each image.
    groups, measures
        What is known of images as text and as numbers, as columns of metadata.
    instrument
        Whose names the files have, where the configuration has no pattern; empty where none was recognised.
    unjoined
        Images of which the table of metadata has no row.
    numbered
        Whether any image carries an object number.
    depth
        Planes of the deepest z-stack; 1 where there is none.
    height, width, dtype
        Those of a typical image.
    partitions
        Runs of images, in table order.
    """

    folder: str
    images: int
    faults: int
    left_out: LeftOut
    channels: Channels
    groups: tuple[str, ...]
    measures: tuple[str, ...] = ()
    instrument: str = ""
    unjoined: int = 0
    numbered: bool
    depth: int
    height: int
    width: int
    dtype: str
    partitions: tuple[Partition, ...]

    @property
    def bytes_per_image(self) -> int:
        """Bytes of the pixels of a typical image, of a z-stack all planes."""
        return self.depth * self.height * self.width * len(self.channels.names) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    row: int
    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageListing:
    """The images of a run, the table of their references, and the table of those that cannot be put together."""

    images: ImageList
    index: pl.DataFrame
    faults: pl.DataFrame

    def groups(self, group_by: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the group of each image; metadata that it does not have is empty text."""
        nothing = pl.repeat(None, len(self.index), eager=True)
        columns = {f"meta__{name}": nothing for name in group_by}
        columns |= {name: self.index[name] for name in columns if name in self.index.columns}
        return group_values(pl.DataFrame(columns), group_by) if columns else [()] * len(self.index)

    def present_groups(self, group_by: Sequence[str]) -> set[tuple[str, ...]]:
        """Return the groups that the images form."""
        return set(self.groups(group_by)) or {()}

    def sample_rows(self, group_by: Sequence[str], *, count: int, seed: int) -> dict[tuple[str, ...], list[int]]:
        """Choose at most `count` images of each group at random; see `tasks.ingest.partition.sample`."""
        members: dict[tuple[str, ...], list[_Row]] = {}
        for row, (group, image) in enumerate(zip(self.groups(group_by), self.index["image"], strict=True)):
            members.setdefault(group, []).append(_Row(row=row, image=image))
        return {group: [own.row for own in sample(rows, count=count, seed=seed)] for group, rows in members.items()}

    def write(self) -> None:
        """Write both tables where the tasks look for them, unless they are there."""
        folder = Path(self.images.folder)
        if not folder.is_dir():
            with result_folder(folder) as temporary:
                self.index.write_parquet(temporary / INDEX)
                self.faults.write_parquet(temporary / FAULTS)


def list_images(
    inputs: Sequence[str],
    *,
    config: Load,
    partition_size: int | Literal["auto"],
    limit: int | None,
    seed: int,
    work: Path,
) -> ImageListing:
    """List images without reading pixels; nothing is written."""
    index = build_index(inputs, config=config, exclude=work.parent)
    config = index.config
    entries: Sequence[ImageReference | Fault] = (*index.references, *index.faults)
    if limit is not None:
        entries = sample(entries, count=limit, seed=seed)
    references = [entry for entry in entries if isinstance(entry, ImageReference)]
    if config.pixel_size is not None:
        own = [name for name in ("pixel_size_x", "pixel_size_y") if name not in config.groups]
        of_size = dict.fromkeys(own, config.pixel_size)
        references = [replace(one, measures=of_size | one.measures) for one in references]
    groups = dict.fromkeys(config.metadata_groups)
    groups |= dict.fromkeys(in_order((name for each in references for name in each.metadata), known=TEXTS))
    measures = dict.fromkeys(in_order((name for each in references for name in each.measures), known=NUMBERS))
    unjoined = 0
    if config.metadata is not None:
        joined = join_metadata(references, config=config.metadata)
        references, unjoined = joined.references, joined.missing
        groups |= dict.fromkeys(joined.groups)
        measures |= dict.fromkeys(joined.measures)
    faults = [entry for entry in entries if isinstance(entry, Fault)]
    channels, probe = resolve_channels(references, config=config)
    # of a table of metadata counts what it tells of each image, which is part of its identity
    settings = digest(VERSION, config.model_dump(mode="json", exclude={"metadata"}), channels)
    packages = {name: offered_by(type(readers[name]).__module__) for name in {one.reader for one in references}}
    # a reader of another package counts with its version
    identities = [digest(settings, identity(one), *filter(None, [packages[one.reader]])) for one in references]
    # The identities hold relative paths, the index absolute ones: of a data set that was moved it is written anew.
    paths = [reference.paths for reference in references]
    folder = work / "ingest" / digest(identities, paths, [(fault.image, fault.message) for fault in faults])
    size = partition_size
    if size == "auto":
        size = average_size(len(references), bytes_per_image=probe.bytes_per_image)
    partitions = tuple(
        Partition(
            number=number,
            index=str(folder / INDEX),
            start=start,
            stop=stop,
            digest=digest(identities[start:stop]),
        )
        for number, (start, stop) in enumerate(partition(references, size=size))
    )
    images = ImageList(
        folder=str(folder),
        images=len(references),
        faults=len(faults),
        left_out=index.left_out,
        channels=channels,
        groups=tuple(groups),
        measures=tuple(measures),
        instrument=index.instrument,
        unjoined=unjoined,
        numbered=any(reference.object_number is not None for reference in references),
        depth=max(reference.depth for reference in references),
        height=probe.shape[-2],
        width=probe.shape[-1],
        dtype=str(probe.dtype),
        partitions=partitions,
    )
    return ImageListing(images=images, index=to_frame(references), faults=fault_table(faults, groups=tuple(groups)))

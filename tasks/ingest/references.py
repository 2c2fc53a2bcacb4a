"""Where an image lies: everything about it that can be known without reading pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

META = "meta__"
"""Prefix of the columns made of the pattern's groups."""

RESERVED_GROUPS = frozenset(
    {"image", "object", "object_name", "object_number", "parent", "centroid_row", "centroid_col"}
)
"""Names of metadata columns that are no group of the pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """One image: a stamp or a field, in one file, in several, or one of many in a file.

    Parameters
    ----------
    image
        Identity, ``meta__image``: the path relative to the input's parent folder with forward slashes
        (``images/G1/G1_0001.tif``); followed by ``#`` and the scene, and by ``#`` and the index, where the file holds
        several (``folder/test.zarr#3``, ``run/a.lif#Series 2#0``). A field of several files is named like its first
        channel's file, with ``*`` in place of the channel (``images/r03c03f03p01-ch*sk1fk1fl1.tiff``).
    reader
        Name of the reader that loads it.
    paths
        Absolute path of each file or container it lies in. Of a z-stack: channel by channel, each plane by plane.
    relative
        The same, relative to the input's parent folder.
    scene
        Number of the scene in the file, from 0; None where the file has only one.
    index
        Position in the container: of a stamp, or the time point; None where the files hold this image only.
    depth
        Planes of a z-stack; 1 of a flat image.
    metadata
        Text that is known of it: what the pattern's groups matched, and what the file tells or a table of metadata
        (`tasks.core.file_metadata.TEXTS`); what is not known is absent.
    measures
        Numbers that are known of it, such as its pixel size (`tasks.core.file_metadata.NUMBERS`).
    object_number
        The instrument's number of the object, where the container tells it.
    sizes, mtimes_ns
        Size in bytes and modification time in ns since 1970 of each file that the image depends on.
    """

    image: str
    reader: str
    paths: tuple[str, ...]
    relative: tuple[str, ...]
    scene: int | None = None
    index: int | None = None
    depth: int = 1
    metadata: dict[str, str]
    measures: dict[str, float] = field(default_factory=dict)
    object_number: int | None = None
    sizes: tuple[int, ...]
    mtimes_ns: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together; of a container: of the parts that this image depends on."""
        return sum(self.sizes)

    @property
    def mtime_ns(self) -> int:
        """Time of the latest modification, in ns since 1970."""
        return max(self.mtimes_ns)


def time_points(image: ImageReference, *, times: int, scene: tuple[int, str] | None = None) -> Iterator[ImageReference]:
    """Refer to every time point of an image; where there are several, ``#`` and its number end the identity.

    Parameters
    ----------
    image
        What all of them have alike.
    times
        How many there are.
    scene
        Number and name of the scene, which ``#`` puts before the time point; None where the file has only one.
    """
    if scene is not None:
        number, name = scene
        image = replace(image, image=f"{image.image}#{name}", scene=number, metadata={"scene": name} | image.metadata)
    if times == 1:
        yield image
        return
    for time in range(times):
        yield replace(image, image=f"{image.image}#{time}", index=time, measures=image.measures | {"time": float(time)})


def identity(reference: ImageReference) -> tuple[object, ...]:
    """Tell this state of this image from any other, for digests.

    Holds relative paths, sizes, times, scene and index, and what is known of it, since a table of metadata may change;
    but no absolute path, so that a data set may be moved as a whole.
    Sizes and times of the single files enter, not only their sum and latest, so that the exchange of two channel files
    shows.
    """
    return (
        reference.reader,
        list(reference.relative),
        list(reference.sizes),
        list(reference.mtimes_ns),
        reference.scene,
        reference.index,
        reference.depth,
        reference.metadata,
        reference.measures,
    )


def to_frame(references: Sequence[ImageReference]) -> pl.DataFrame:
    """Make a table with a row per image, null where there is none.

    Columns: image, reader, paths, relative, scene, index, depth, object_number, size, mtime_ns; sizes and mtimes_ns,
    the single files' figures behind size (their sum) and mtime_ns (the latest); and ``meta__…`` for all else that is
    known, String or Float64.
    """
    groups = list(dict.fromkeys(group for reference in references for group in reference.metadata))
    measures = list(dict.fromkeys(name for reference in references for name in reference.measures))
    text, number, texts, numbers = pl.String(), pl.Int64(), pl.List(pl.String()), pl.List(pl.Int64())
    columns = [
        pl.Series("image", [reference.image for reference in references], dtype=text),
        pl.Series("reader", [reference.reader for reference in references], dtype=text),
        pl.Series("paths", [list(reference.paths) for reference in references], dtype=texts),
        pl.Series("relative", [list(reference.relative) for reference in references], dtype=texts),
        pl.Series("scene", [reference.scene for reference in references], dtype=number),
        pl.Series("index", [reference.index for reference in references], dtype=number),
        pl.Series("depth", [reference.depth for reference in references], dtype=number),
        pl.Series("object_number", [reference.object_number for reference in references], dtype=number),
        pl.Series("size", [reference.size for reference in references], dtype=number),
        pl.Series("mtime_ns", [reference.mtime_ns for reference in references], dtype=number),
        pl.Series("sizes", [list(reference.sizes) for reference in references], dtype=numbers),
        pl.Series("mtimes_ns", [list(reference.mtimes_ns) for reference in references], dtype=numbers),
    ]
    columns += [
        pl.Series(META + group, [reference.metadata.get(group) for reference in references], dtype=text)
        for group in groups
    ]
    columns += [
        pl.Series(META + name, [reference.measures.get(name) for reference in references], dtype=pl.Float64())
        for name in measures
    ]
    return pl.DataFrame(columns)


def from_frame(frame: pl.DataFrame) -> tuple[ImageReference, ...]:
    """Read what `to_frame` wrote; every column ``meta__…`` is known of the image, any other column is ignored."""
    names = [name.removeprefix(META) for name in frame.columns if name.startswith(META)]
    names = [name for name in names if "__" not in name and name not in RESERVED_GROUPS]
    measures = [name for name in names if frame.schema[META + name].is_float()]
    groups = [name for name in names if name not in measures]
    return tuple(
        ImageReference(
            image=row["image"],
            reader=row["reader"],
            paths=tuple(row["paths"]),
            relative=tuple(row["relative"]),
            scene=row["scene"],
            index=row["index"],
            depth=row["depth"],
            metadata={group: row[META + group] for group in groups if row[META + group] is not None},
            measures={name: row[META + name] for name in measures if row[META + name] is not None},
            object_number=row["object_number"],
            sizes=tuple(row["sizes"]),
            mtimes_ns=tuple(row["mtimes_ns"]),
        )
        for row in frame.iter_rows(named=True)
    )

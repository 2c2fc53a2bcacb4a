"""What the report's pictures are handed over in: small values in Parquet files, made per partition, read by the page.

A folder of material holds any of ``pictures.parquet``, ``fields.parquet``, ``illumination.parquet`` and
``display.json``; the page is given several folders and reads them as one.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import polars as pl

from tasks.core.storage import read_table
from tasks.core.work import Frozen

PICTURES, FIELDS, ILLUMINATION = "pictures.parquet", "fields.parquet", "illumination.parquet"
DISPLAY = "display.json"
SO_FAR = "so_far.json"
"""In ``work/``: the summary of run.json (images, cells, statuses, stages …) as it stood when the report was made."""
FIGURES = "report_figures.json"
"""In ``work/``: name, description and Vega-Lite specification of the page's figures that are of no single feature."""


class CellPicture(Frozen):
    """One cell: its channels side by side, the outline of its masks or objects drawn in.

    Parameters
    ----------
    image, object
        ``meta__image`` and ``meta__object``.
    status
        ``kept``, or why it was rejected: ``no_object``, ``border``, ``channel_filter``, ``quality:<rule>``.
    rule
        The quality rule that removed it; None for others.
    rank
        Place in the order of the seeded hash among the shown cells of its status, from 0: the first n are a random
        sample of those cells.
    width, height
        Pixels of the picture.
    webp
        The encoded picture.
    alt
        What it shows, in words.
    """

    image: str
    object: int
    status: str
    rule: str | None
    rank: int
    width: int
    height: int
    webp: bytes
    alt: str


class FieldPicture(Frozen):
    """One field: a colour composite of its channels with the outlines of all cells.

    Parameters
    ----------
    image
        ``meta__image``.
    group
        Path metadata in words, such as ``plate 1, well A01``; empty where there is none.
    width, height
        Pixels of the picture.
    reduction
        Pixels of the field for one of the picture, along each side; 1 is full size.
    kept, rejected
        Cells of the field; rejected ones are outlined too, dashed and in a colour of their own.
    webp, alt
        The encoded picture, and what it shows.
    """

    image: str
    group: str
    width: int
    height: int
    reduction: int
    kept: int
    rejected: int
    webp: bytes
    alt: str


class IlluminationPicture(Frozen):
    """The shading of one group of fields in one channel, bright where fields are bright.

    Parameters
    ----------
    group
        Such as ``plate 1``; empty where all fields share it.
    channel
        Its name.
    width, height
        Pixels of the picture.
    lowest, highest
        Of the shading, in units of what is divided out: black and white of the picture.
    webp, alt
        The encoded picture, and what it shows.
    """

    group: str
    channel: str
    width: int
    height: int
    lowest: float
    highest: float
    webp: bytes
    alt: str


class ChannelRange(Frozen):
    """Which pixel values a channel's black and white stand for, in all pictures of the report.

    Parameters
    ----------
    name
        Of the channel.
    low, high
        Pixel values shown as black and as white.
    colour
        Its colour in composites of fields, ``#rrggbb``; empty where it is not part of them.
    """

    name: str
    low: float
    high: float
    colour: str = ""


class Display(Frozen):
    """How the pictures are to be read.

    Parameters
    ----------
    channels
        Those in the strips of cells, from left to right.
    composite
        Those in the composites of fields.
    hidden
        Channels for which there is no room in the strips.
    rule
        How black and white were chosen, in a sentence.
    outlines
        What the lines' colours stand for: a mask's or object's name, and in fields ``left out``, to ``#rrggbb``.
    reduction
        Pixels of an image for one in the pictures of cells, along each side; 1 is full size.
    """

    channels: tuple[ChannelRange, ...]
    composite: tuple[ChannelRange, ...] = ()
    hidden: tuple[str, ...] = ()
    rule: str
    outlines: dict[str, str]
    reduction: int = 1


PICTURE_SCHEMA: dict[str, pl.DataType] = {
    "image": pl.String(),
    "object": pl.Int32(),
    "status": pl.String(),
    "rule": pl.String(),
    "rank": pl.Int32(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "webp": pl.Binary(),
    "alt": pl.String(),
}
FIELD_SCHEMA: dict[str, pl.DataType] = {
    "image": pl.String(),
    "group": pl.String(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "reduction": pl.Int32(),
    "kept": pl.Int32(),
    "rejected": pl.Int32(),
    "webp": pl.Binary(),
    "alt": pl.String(),
}
ILLUMINATION_SCHEMA: dict[str, pl.DataType] = {
    "group": pl.String(),
    "channel": pl.String(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "lowest": pl.Float64(),
    "highest": pl.Float64(),
    "webp": pl.Binary(),
    "alt": pl.String(),
}

RowT = TypeVar("RowT", CellPicture, FieldPicture, IlluminationPicture)


def write_pictures(
    folder: Path,
    *,
    cells: Iterable[CellPicture] = (),
    fields: Iterable[FieldPicture] = (),
    illumination: Iterable[IlluminationPicture] = (),
) -> None:
    """Write pictures into a folder; of what there is none, no file."""
    _write(folder / PICTURES, cells, schema=PICTURE_SCHEMA)
    _write(folder / FIELDS, fields, schema=FIELD_SCHEMA)
    _write(folder / ILLUMINATION, illumination, schema=ILLUMINATION_SCHEMA)


def read_cell_pictures(folders: Sequence[Path]) -> list[CellPicture]:
    """Read the pictures of cells, by status and rank, whatever the order of folders."""
    pictures = _read([folder / PICTURES for folder in folders], CellPicture)
    return sorted(pictures, key=lambda picture: (picture.status, picture.rank))


def read_field_pictures(folders: Sequence[Path]) -> list[FieldPicture]:
    """Read the pictures of fields, by group and image."""
    pictures = _read([folder / FIELDS for folder in folders], FieldPicture)
    return sorted(pictures, key=lambda picture: (picture.group, picture.image))


def read_illumination_pictures(folders: Sequence[Path]) -> list[IlluminationPicture]:
    """Read the pictures of shadings, in the order in which they were written."""
    return _read([folder / ILLUMINATION for folder in folders], IlluminationPicture)


def write_display(folder: Path, display: Display) -> None:
    """Write how the pictures are to be read."""
    (folder / DISPLAY).write_text(display.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_display(folders: Sequence[Path]) -> Display | None:
    """Read how the pictures are to be read, which is the same for all of them; None where there are none."""
    path = next((folder / DISPLAY for folder in folders if (folder / DISPLAY).is_file()), None)
    return None if path is None else Display.model_validate_json(path.read_text(encoding="utf-8"))


def _write(path: Path, rows: Iterable[RowT], *, schema: dict[str, pl.DataType]) -> None:
    table = pl.DataFrame([row.model_dump() for row in rows], schema=schema)
    if len(table):
        table.write_parquet(path, compression="uncompressed")  # pictures are compressed already


def _read(paths: Sequence[Path], kind: type[RowT]) -> list[RowT]:
    return [kind(**row) for path in paths if path.is_file() for row in read_table(path).iter_rows(named=True)]

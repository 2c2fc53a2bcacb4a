"""The report: what to show, how, the pictures of each partition, and the page."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from prefect import task

from tasks.core.file_names import CELLS
from tasks.core.layout import Layout
from tasks.core.pixel_source import PixelSource
from tasks.core.storage import read_table
from tasks.core.types import AnyArray
from tasks.core.work import Frozen, Partition, StageResult, Stopwatch, result_folder
from tasks.report.cells import draw_cells
from tasks.report.config import Report
from tasks.report.display import View, decide_display, reduction_of
from tasks.report.fields import draw_field, draw_shading
from tasks.report.images import read_shown
from tasks.report.material import (
    CellPicture,
    FieldPicture,
    IlluminationPicture,
    read_display,
    write_display,
    write_pictures,
)
from tasks.report.sample import Sample, ShownCell, ShownField, draw_sample


class Shading(Frozen):
    """What the fields of one group are divided by: a file of a result, (C, H, W)."""

    group: str
    result: StageResult
    file: str


class ImagesOf(Frozen):
    """Some images of a partition."""

    partition: Partition
    names: tuple[str, ...]


@task(name="report sample")
def choose_shown(*, output: str, layout: Layout, kept: int, seed: int) -> Sample:
    """Choose cells and fields over the whole published table."""
    return draw_sample(Path(output), layout=layout, kept=kept, seed=seed)


@task(name="report display", version="1")
def choose_display(
    *,
    images: Sequence[ImagesOf],
    source: PixelSource,
    view: View,
    side: int,
    shadings: Sequence[Shading],
    folder: str,
    run_id: str,
) -> StageResult:
    """Decide black and white of each channel over some images, and draw the shadings.

    Parameters
    ----------
    side
        Length of a typical cell.
    """
    watch = Stopwatch()
    layout = source.layout

    def pixels() -> Iterator[AnyArray]:
        for some in images:
            for image in read_shown(some.partition, source=source, names=some.names):
                yield image.pixels

    display = decide_display(
        pixels(), view=view, channels=layout.channels, stamps=layout.stamps, reduction=reduction_of(side)
    )
    pictures = [picture for shading in shadings for picture in _draw_shading(shading, layout=layout)]
    with result_folder(Path(folder)) as temporary:
        write_display(temporary, display)
        write_pictures(temporary, illumination=pictures)
    return watch.result(folder, run_id=run_id, counts={"shadings": len(pictures)})


def _draw_shading(shading: Shading, *, layout: Layout) -> Iterator[IlluminationPicture]:
    planes = np.load(shading.result.file(shading.file), mmap_mode="r", allow_pickle=False)
    return draw_shading(planes, group=shading.group, channels=layout.channels)


@task(name="report pictures", version="1")
def draw_partition(
    *,
    partition: Partition,
    cells: StageResult,
    shown: Sequence[ShownCell],
    fields: Sequence[ShownField],
    display: StageResult,
    source: PixelSource,
    most_bytes: int,
    folder: str,
    run_id: str,
) -> StageResult:
    """Draw the cells and fields of one partition that the report shows.

    Images that can no longer be read, or that have changed, are left out, and looked for again by the next run.
    """
    watch = Stopwatch()
    layout, own_display = source.layout, read_display([Path(display.folder)])
    if own_display is None:
        raise ValueError(f"{display.folder} does not tell how pictures are to be read")
    names = {cell.image for cell in shown} | {field.image for field in fields}
    table = read_table(cells.file(CELLS)).filter(pl.col("meta__image").is_in(pl.Series(sorted(names)).implode()))
    rows = table.partition_by("meta__image", as_dict=True)
    own_cells: dict[str, list[ShownCell]] = {}
    for cell in shown:
        own_cells.setdefault(cell.image, []).append(cell)
    pictures: list[CellPicture] = []
    field_pictures: list[FieldPicture] = []
    drawn = 0
    for image in read_shown(partition, source=source, names=names, cells=cells):
        drawn += 1
        pictures += draw_cells(
            image,
            shown=own_cells.get(image.name, ()),
            table=rows.get((image.name,), table.clear()),
            folder=Path(cells.folder),
            layout=layout,
            display=own_display,
            most_bytes=most_bytes,
        )
        field_pictures += [
            draw_field(image, shown=field, folder=Path(cells.folder), layout=layout, display=own_display)
            for field in fields
            if field.image == image.name
        ]
    with result_folder(Path(folder), provisional=drawn < len(names)) as temporary:
        write_pictures(temporary, cells=pictures, fields=field_pictures)
    return watch.result(folder, run_id=run_id, counts={"pictures": len(pictures), "fields": len(field_pictures)})


@task(name="report page")
def render_page(*, output: str, material: Sequence[StageResult], config: Report) -> str:
    """Write the page into the output folder, and return its path."""
    from tasks.report.page.render import render_report  # its libraries are none of those who draw pictures

    return str(render_report(output=Path(output), material=[Path(result.folder) for result in material], config=config))

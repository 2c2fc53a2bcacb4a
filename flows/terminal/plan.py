"""What a run would do, shown without doing it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.engine.preparation import Preparation
from flows.engine.stage import Stage
from flows.stages.cells import find_cells
from flows.stages.diameter import PreparedDiameters, decide_diameters
from tasks.core.pixel_source import BATCH_BYTES
from tasks.features.names import rename
from tasks.features.table import table_columns
from tasks.ingest.label_files import LabelFiles
from tasks.ingest.label_hints import label_hints
from tasks.ingest.listing import ImageList
from tasks.ingest.references import from_frame
from tasks.segment.model.decision import LearnedObject
from tasks.segment.model.diameter import FIELDS

WORKER_BYTES = 350 * 10**6
"""Of a worker's memory, that programs and compiled kernels take."""

PIXELS_OF_STAMPS, PIXELS_OF_FIELDS = 5, 16
"""How often a worker holds the pixels that it reads at a time, with all that is made of them; measured on stamps of 12
channels, and on fields of 2048 × 2048 pixels and 5 channels with two objects."""

NETWORK_BYTES = 300 * 10**6
"""Of a worker's memory, that a network takes for a tile of `tasks.segment.model.maps`, and keeps. Measured in fresh
processes: 221 MB for a tile alone, and for a field of 2048 × 2048 pixels 250 MB more than watershed takes."""


def print_plan(console: Console, preparation: Preparation, *, stages: Sequence[Stage[Any]], verbose: bool) -> None:
    """Print images, partitions, tasks, and columns by family; with `verbose` every column."""
    config, images, layout = preparation.spec.config, preparation.listing.images, preparation.layout
    columns = table_columns(config=config.features, layout=layout)
    planned = [row for stage in stages if (row := stage.row(config)) is not None]
    per_partition = [name for row in planned for name in row.per_partition]
    single_tasks = sum(row.single_tasks for row in planned)
    more = "".join(f", {row.more}" for row in planned if row.more)
    partitions = len(images.partitions)
    size = max((partition.images for partition in images.partitions), default=0)
    tasks = partitions * len(per_partition) + single_tasks
    rows = {"recognised": f"files named by {images.instrument}"} if images.instrument else {}
    rows |= {
        "images": f"{images.images:,} of about {images.height} × {images.width} px, {images.dtype}",
        "channels": ", ".join(layout.channels),
        "metadata": ", ".join(layout.metadata) or "none; load.pattern has no named groups",
        "masks" if layout.stamps else "objects": ", ".join(layout.objects),
        "partitions": f"{partitions:,} of up to {size:,} images",
        "tasks": f"{tasks:,}: {', '.join(per_partition)} per partition, {single_tasks} for the run{more}",
    }
    if models := _models(preparation):
        rows["models"] = models
    rows["work/"] = _files(preparation, tasks=len(per_partition))
    rows["disk"] = _disk(preparation, columns=len(columns))
    pixels = max(BATCH_BYTES, images.bytes_per_image) * (PIXELS_OF_STAMPS if layout.stamps else PIXELS_OF_FIELDS)
    networks = NETWORK_BYTES * len(_networks(preparation))
    rows["memory"] = f"about {(WORKER_BYTES + pixels + networks) / 1e9:.1f} GB a worker"
    label_files = preparation.stages.get(find_cells.name)
    if isinstance(label_files, LabelFiles):
        rows["label files"] = ", ".join(
            f"{name}: {label_files.missing.get(name, 0) or 'none'} missing" for name in label_files.files
        )
    rows |= _lacking(images)
    grid = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        grid.add_row(name, Text(value))
    console.print(grid, highlight=False)
    families = Counter(
        (column.family, f"{column.child} of {column.region}" if column.child else column.region) for column in columns
    )
    table = Table("family", "of", "columns", box=None, padding=(0, 2))
    for (family, region), count in families.items():
        table.add_row(family, Text(region), f"{count:,}")
    table.add_row("all", "", f"{len(columns):,}")
    console.print()
    console.print(table, highlight=False)
    if verbose:
        console.print()
        for name, column in zip(rename(columns, names=config.features.names), columns, strict=True):
            console.print(
                f"{name}  [{column.unit}]  {column.definition}", highlight=False, markup=False, soft_wrap=True
            )
    for hint in label_hints(from_frame(preparation.listing.index), channels=images.channels):
        console.print(Text.assemble("\n", ("look: ", "bold yellow"), hint), soft_wrap=True)
    console.print("\nNothing was run.", highlight=False)


def _lacking(images: ImageList) -> dict[str, str]:
    """Say what was left out, and what images lack."""
    rows = {}
    if left_out := images.left_out.by_reason:
        rows["left out"] = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
    if images.unjoined:
        rows["no metadata"] = f"{images.unjoined:,} images have no row in the table of load.metadata"
    if images.faults:
        rows["quarantined"] = f"{images.faults:,} images that cannot be put together"
    return rows


def _learned(preparation: Preparation) -> Sequence[LearnedObject]:
    """Return what is known of the objects that learned models find."""
    prepared = preparation.stages.get(decide_diameters.name)
    return prepared.learned if isinstance(prepared, PreparedDiameters) else ()


def _networks(preparation: Preparation) -> set[str]:
    """Name the model files that a worker opens, by their content: objects of one and the same share it."""
    return {own.network.content for own in _learned(preparation)}


def _models(preparation: Preparation) -> str:
    """Say which objects learned models find, and how large these are taken to be."""
    words = []
    for own in _learned(preparation):
        form, sizes = own.network.form, sorted({diameter for _, diameter in own.diameters})
        sample = f"from up to {FIELDS} fields" + (f" of each {', '.join(own.group_by)}" if own.group_by else "")
        diameter = " … ".join(f"{size:g}" for size in dict.fromkeys((*sizes[:1], *sizes[-1:]))) + " px"
        words.append(f"{own.object} by {form.name} ({form.licence}), diameter {diameter if sizes else sample}")
    return "; ".join(words)


def _files(preparation: Preparation, *, tasks: int) -> str:
    """Say how many files ``work/`` will hold: a result and its descriptor per task, the first ones another table."""
    images, layout = preparation.listing.images, preparation.layout
    each = 2 * tasks + 1
    labels = "" if layout.stamps else f", and up to {2 * len(layout.objects) * images.images:,} label images"
    return f"about {each * len(images.partitions):,} files, {each} a partition{labels}"


def _disk(preparation: Preparation, *, columns: int) -> str:
    """Say how large the table will be; cells of fields are not known yet."""
    row = columns * (4 if preparation.spec.config.features.dtype == "float32" else 8)
    if not preparation.layout.stamps:
        return f"about {1000 * row / 1e6:,.1f} MB per 1,000 cells, twice while work/ is there"
    return f"up to {preparation.listing.images.images * row / 1e6:,.1f} MB of features, twice while work/ is there"

"""What a run would do, shown without doing it."""

from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.config import Config
from tasks.core.layout import Layout
from tasks.features.all_families import feature_columns
from tasks.features.names import rename
from tasks.features.regions import region_list
from tasks.illumination.config import Estimated
from tasks.ingest.listing import Ingested
from tasks.normalize import Normalize


def stage_names(config: Config) -> list[str]:
    """Stages whose tasks are one per partition."""
    illumination = ["illumination"] if isinstance(config.illumination, Estimated) else []
    quality = ["quality metrics"] if config.quality is not None else []
    normalize = ["normalize"] if isinstance(config.normalize, Normalize) else []
    return [*illumination, "mask" if config.mask is not None else "segment", *quality, *normalize, "features"]


def print_plan(console: Console, *, config: Config, listed: Ingested, layout: Layout, verbose: bool) -> None:
    """Print images, partitions, tasks, and columns by family; with `verbose` every column."""
    columns = feature_columns(config=config.features, channels=layout.channels, regions=region_list(layout))
    stages = stage_names(config)
    partitions = len(listed.partitions)
    single = 2  # ingest and export
    once = f"{single} for the run" + ("" if config.quality is None else ", a few for each quality rule")
    once += "" if config.illumination is None else ", one for each correction image"
    size = max((one.images for one in listed.partitions), default=0)
    rows = {
        "images": f"{listed.images:,} of about {listed.height} × {listed.width} px, {listed.dtype}",
        "channels": ", ".join(layout.channels),
        "metadata": ", ".join(layout.groups) or "none; load.pattern has no named groups",
        "masks" if layout.stamps else "objects": ", ".join(layout.regions),
        "partitions": f"{partitions:,} of up to {size:,} images",
        "tasks": f"{partitions * len(stages) + single:,}: {', '.join(stages)} per partition, {once}",
    }
    if listed.ignored:
        rows["left out"] = f"{listed.ignored:,} files that are no images or do not match load.pattern"
    if listed.faults:
        rows["quarantined"] = f"{listed.faults:,} images that lack a file"
    grid = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        grid.add_row(name, Text(value))
    console.print(grid, highlight=False)
    families = Counter((column.family, column.region) for column in columns)
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
    console.print("\nNothing was run.", highlight=False)

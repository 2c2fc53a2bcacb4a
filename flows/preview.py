"""What masking or segmentation finds in a few images: a picture with outlines, to choose settings by eye."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from skimage.segmentation import find_boundaries

from flows.config import Config
from tasks.core.layout import Layout
from tasks.core.storage import atomic
from tasks.core.types import AnyArray, Batch, BoolArray
from tasks.ingest.channels import Channels
from tasks.ingest.index import build_index
from tasks.ingest.load import load_images
from tasks.ingest.partition import sample
from tasks.mask.stage import mask_batch
from tasks.segment.stage import segment_image

COLOURS = ("#ffd400", "#00e5ff", "#ff5ad0", "#7cff4f")
MOST_CHANNELS = 8
STAMP_INCHES, FIELD_INCHES = 1.5, 5.0


def write_preview(
    path: Path,
    *,
    console: Console,
    inputs: Sequence[str],
    count: int,
    config: Config,
    layout: Layout,
    channels: Channels,
) -> None:
    """Draw `count` images chosen by run.seed, a row each and a column per channel, and print what was found in them."""
    references = sample(build_index(inputs, config=config.load).references, count=count, seed=config.run.seed)
    loaded = load_images(references, channels=channels)
    numbers = Table("image", "height", "width", "found", box=None, padding=(0, 2))
    drawn: list[tuple[str, AnyArray, list[list[BoolArray]]]] = []
    for fault in loaded.faults:
        numbers.add_row(fault.image, "", "", f"quarantined: {fault.message}")
    for reference, image in zip(references, loaded.images, strict=True):
        if image is not None:
            outlines, found = _find(image, config=config, layout=layout)
            drawn.append((f"{reference.image}\n{found}", image, outlines))
            numbers.add_row(reference.image, str(image.shape[1]), str(image.shape[2]), found)
    console.print(numbers, highlight=False)
    if drawn:
        with atomic(path) as temporary:
            _draw(drawn, layout=layout).savefig(temporary, dpi=110)
        legend = ", ".join(f"{name} {colour}" for name, colour in zip(layout.regions, COLOURS, strict=False))
        console.print(f"\noutlines: {legend}\npicture:  {path}", highlight=False, soft_wrap=True)


def _find(image: AnyArray, *, config: Config, layout: Layout) -> tuple[list[list[BoolArray]], str]:
    """Return outlines per channel and region, and what was found in words."""
    if config.mask is not None:
        masked = mask_batch(Batch.of([image], channels=layout.channels), config=config.mask)
        planes = [one.masks.unstack()[0] for one in masked]
        outlines = [[find_boundaries(plane[c], mode="outer") for plane in planes] for c in range(len(image))]
        return outlines, ", ".join(f"{one.name}: {_status(one.status[0])}" for one in masked)
    if config.segment is None:
        raise ValueError("a configuration has a mask or a segment section")
    segmented = segment_image(image, channels=layout.channels, config=config.segment)
    own = [find_boundaries(labels, mode="inner") for labels in segmented.labels.values()]
    counts = [f"{np.unique(labels[labels > 0]).size} {name}" for name, labels in segmented.labels.items()]
    border = np.unique(segmented.border[segmented.border > 0]).size
    return [own] * len(image), ", ".join(counts) + (f", {border} left out at the border" if border else "")


def _status(status: str) -> str:
    return status if status == "kept" else f"rejected ({status})"


def _draw(drawn: Sequence[tuple[str, AnyArray, list[list[BoolArray]]]], *, layout: Layout) -> Figure:
    columns = min(len(layout.channels), MOST_CHANNELS)
    inches = STAMP_INCHES if layout.stamps else FIELD_INCHES
    figure = Figure(figsize=(inches * columns, (inches + 0.4) * len(drawn)), layout="constrained")
    axes = figure.subplots(len(drawn), columns, squeeze=False)
    for row, (title, image, outlines) in zip(axes, drawn, strict=True):
        row[0].set_title(title, fontsize=6, loc="left")
        for axis, plane, found, channel in zip(row, image, outlines, layout.channels, strict=False):
            low, high = np.quantile(plane, [0.005, 0.995])
            axis.imshow(plane, cmap="gray", vmin=low, vmax=max(high, low + 1e-9), interpolation="nearest")
            for outline, colour in zip(found, COLOURS, strict=False):
                shade = np.zeros((*outline.shape, 4))
                shade[outline] = mpl.colors.to_rgba(colour)
                axis.imshow(shade, interpolation="nearest")
            axis.set_xlabel(channel, fontsize=6)
            axis.set_xticks([])
            axis.set_yticks([])
    return figure

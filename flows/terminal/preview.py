"""What masking or segmentation finds in a few images: a picture with outlines, to choose settings by eye."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from rich.text import Text
from scipy.ndimage import binary_dilation
from skimage.segmentation import find_boundaries

from flows.config import Config
from flows.engine.preparation import Preparation
from flows.engine.shown import shown_channels
from flows.terminal.preview_diameter import settle_learned
from tasks.core.errors import InputError
from tasks.core.layout import Layout
from tasks.core.pixel_source import LoadedImages
from tasks.core.storage import atomic
from tasks.core.types import AnyArray, Batch, BoolArray
from tasks.ingest.label_files import LabelFiles, find_label_files
from tasks.ingest.load import load_images
from tasks.ingest.partition import sample
from tasks.ingest.references import ImageReference, from_frame
from tasks.mask.stage import mask_batch
from tasks.project.methods import Projection
from tasks.segment.config import Segment
from tasks.segment.devices import choose_devices, gpu_obstacles
from tasks.segment.model.decision import ObjectDiameters, settled
from tasks.segment.stage import segment_image

COLOURS = ("#ffd400", "#00e5ff", "#ff5ad0", "#7cff4f", "#ff8c1a", "#4f7cff", "#ff4040", "#c0a0ff")
MOST_CHANNELS = 8
STAMP_INCHES, FIELD_INCHES, TITLE_INCHES = 1.5, 5.0, 0.4
DOTS_PER_INCH = 110
SOFTWARE = "scip-flows"


def write_preview(path: Path, preparation: Preparation, *, console: Console, count: int) -> None:
    """Draw `count` images chosen by run.seed, a row each and a column per channel, and print what was found in them."""
    config, layout = preparation.spec.config, preparation.layout
    if path.exists() and SOFTWARE.encode() not in path.read_bytes()[:1000]:
        raise InputError(f"--preview: {path} was not written by this program and would be overwritten; move it away")
    index = preparation.listing.index
    references = sample(from_frame(index), count=count, seed=config.run.seed)
    load = partial(
        load_images,
        channels=preparation.listing.images.channels,
        projection=None if config.project is None else Projection(config=config.project),
        limits=config.load.limits,
    )
    from_files = config.mask is not None and config.mask.from_files
    loaded = load(references, masks=from_files)
    file_masks = loaded.masks or [None] * len(references)
    places = {image: row for row, image in enumerate(index["image"])}
    rows = [places[reference.image] for reference in references]
    segments = _segments(preparation, rows=rows, load=load, console=console)
    numbers = Table("image", "height", "width", "found", box=None, padding=(0, 2))
    drawn: list[tuple[str, AnyArray, list[list[BoolArray]]]] = []
    for fault in loaded.faults:
        numbers.add_row(Text(fault.image), "", "", Text(f"quarantined: {fault.message}"))
    given = _label_files(references, config=config, layout=layout)
    rows_of = zip(references, segments, loaded.images, file_masks, strict=True)
    for position, (reference, own, image, mask) in enumerate(rows_of):
        if image is None:
            continue
        try:
            labels = None if given is None else given(position)
            outlines, description = _find(
                image, segment=own, config=config, layout=layout, given=labels, file_mask=mask
            )
        except Exception as error:  # noqa: BLE001 - in a run, too, one image does not stop the others
            description = f"quarantined: {error}"
        else:
            drawn.append((f"{reference.image}\n{description}", image, outlines))
        numbers.add_row(Text(reference.image), str(image.shape[1]), str(image.shape[2]), Text(description))
    console.print(numbers, highlight=False)
    if config.illumination is not None:
        console.print("\nIllumination is corrected in a run; here the fields are as they were taken.", highlight=False)
    if drawn:
        with atomic(path) as temporary:
            _draw(drawn, channels=_channels_to_draw(config, layout=layout), layout=layout).savefig(
                temporary, dpi=DOTS_PER_INCH, metadata={"Software": SOFTWARE}
            )
        names = layout.regions if config.segment is None else config.segment.names
        legend = ", ".join(f"{name} {colour}" for name, colour in zip(names, COLOURS, strict=False))
        text = f"\noutlines: {legend}\npicture:  {path}"
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def _label_files(references: Sequence[ImageReference], *, config: Config, layout: Layout) -> LabelFiles | None:
    """Name the label images that methods take from files."""
    if config.segment is None or not (templates := config.segment.label_files):
        return None
    return find_label_files(references, templates=templates, groups=layout.groups, limits=config.load.limits)


def _find(
    image: AnyArray,
    *,
    segment: Segment | None,
    config: Config,
    layout: Layout,
    given: Mapping[str, AnyArray] | None,
    file_mask: BoolArray | None,
) -> tuple[list[list[BoolArray]], str]:
    """Return outlines per channel and region, and what was found in words."""
    if config.mask is not None:
        file_masks = None if file_mask is None else [file_mask]
        batch = Batch.of([image], channels=layout.channels, file_masks=file_masks)
        masked = mask_batch(batch, config=config.mask)
        masks = [region.masks.unstack()[0] for region in masked]
        outlines = [[find_boundaries(mask[c], mode="outer") for mask in masks] for c in range(len(image))]
        return outlines, ", ".join(f"{region.name}: {_status(region.status[0])}" for region in masked)
    if segment is None:
        raise ValueError("a configuration has a mask or a segment section")
    segmented = segment_image(image, channels=layout.channels, config=_on_this_machine(segment), given=given)
    own = [find_boundaries(labels, mode="inner") for labels in segmented.labels.values()]
    counts = [f"{np.unique(labels[labels > 0]).size} {name}" for name, labels in segmented.labels.items()]
    left_out = segmented.border[layout.regions[0]]
    border = np.unique(left_out[left_out > 0]).size
    return [own] * len(image), ", ".join(counts) + (f", {border} left out at the border" if border else "")


def _segments(
    preparation: Preparation, *, rows: Sequence[int], load: Callable[..., LoadedImages], console: Console
) -> list[Segment | None]:
    """Return what segmentation is given for each of some images; tell of diameters that were estimated for it."""
    segment = preparation.spec.config.segment
    if segment is None:
        return [None] * len(rows)
    _load_methods(segment)
    learned, estimated = settle_learned(
        preparation, segment, rows=rows, load=lambda reference: load([reference]).images[0]
    )
    for decided in estimated:
        for line in _estimates(decided):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    index = preparation.listing.index
    return [settled(segment, learned=learned, image=index[row : row + 1]) for row in rows]


def _on_this_machine(segment: Segment) -> Segment:
    """Return the configuration for a preview: a GPU of the cluster is none of this machine."""
    return segment.model_copy(update={"device": "auto"})


def _load_methods(segment: Segment) -> None:
    """Load what methods need, as a worker does before its first image: what is wrong with it is no image's fault."""
    here = _on_this_machine(segment)
    devices = choose_devices(here, obstacles=gpu_obstacles(here))
    for entry in here.objects:
        entry.load(device=devices[entry.name])


def _estimates(decided: ObjectDiameters) -> Iterator[str]:
    """Tell the diameter of each group, and what it rests on."""
    for own in decided.groups:
        fields = f"{own.fields} field" if own.fields == 1 else f"{own.fields} fields"
        group = "".join(f" of {name} {value}" for name, value in own.group.items())
        how = (
            f"estimated by the model {decided.model} from {own.objects:,} objects in {fields}"
            if own.objects
            else f"taken for want of objects: the model {decided.model} sees none of a size that it knows in "
            f"{fields}; if there are some, give diameter in pixels"
        )
        yield f"{decided.object}{group}: diameter {own.diameter:g} px, {how}"


def _status(status: str) -> str:
    return status if status == "kept" else f"rejected ({status})"


def _channels_to_draw(config: Config, *, layout: Layout) -> list[int]:
    """Choose the channels to draw, in their order: those in which cells are looked for, then as many as fit."""
    chosen = shown_channels(config, layout=layout)[:MOST_CHANNELS]
    return sorted(layout.channels.index(name) for name in chosen)


def _draw(
    drawn: Sequence[tuple[str, AnyArray, list[list[BoolArray]]]], *, channels: Sequence[int], layout: Layout
) -> Figure:
    inches = STAMP_INCHES if layout.stamps else FIELD_INCHES
    size = (inches * len(channels), (inches + TITLE_INCHES) * len(drawn))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(drawn), len(channels), squeeze=False)
    for row, (title, image, outlines) in zip(axes, drawn, strict=True):
        row[0].set_title(title, fontsize=6, loc="left")
        for axis, channel in zip(row, channels, strict=True):
            plane, own_outlines = image[channel], outlines[channel]
            low, high = np.quantile(plane, [0.005, 0.995])
            axis.imshow(plane, cmap="gray", vmin=low, vmax=max(high, low + 1e-9), interpolation="nearest")
            # in the end the first object's, since those of derived ones run along it
            for outline, colour in list(zip(own_outlines, COLOURS, strict=False))[::-1]:
                shade = np.zeros((*outline.shape, 4))
                shade[_thick(outline, pixels=inches * DOTS_PER_INCH)] = mpl.colors.to_rgba(colour)
                axis.imshow(shade, interpolation="nearest")
            axis.set_xlabel(layout.channels[channel], fontsize=6)
            axis.set_xticks([])
            axis.set_yticks([])
    return figure


def _thick(outline: BoolArray, *, pixels: float) -> BoolArray:
    """Widen an outline so that it is a pixel wide at least when the image is drawn `pixels` wide."""
    width = math.ceil(max(outline.shape) / pixels)
    return outline if width == 1 else binary_dilation(outline, structure=np.ones((width, width), dtype=np.bool_))

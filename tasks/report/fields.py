"""Pictures of fields: channels in colours, with the outlines of all cells, and of the shading that fields share."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tasks.core.layout import Layout
from tasks.core.partition_files import read_objects
from tasks.core.types import AnyArray, BoolArray, LabelArray
from tasks.report.display import REJECTED
from tasks.report.images import ShownImage
from tasks.report.material import Display, FieldPicture, IlluminationPicture
from tasks.report.outlines import dashed, label_outlines
from tasks.report.pictures import Outline, composite, encoded, painted, shading
from tasks.report.sample import ShownField

FIELD_SIDE = 1000
"""Pixels of a field's longer side in the picture, at most."""

FIELD_BYTES = 250_000

SHADING_SIDE = 160
"""Pixels of a shading's longer side in the picture, at most."""


def draw_field(image: ShownImage, *, shown: ShownField, folder: Path, layout: Layout, display: Display) -> FieldPicture:
    """Draw one field; what was rejected in it is outlined by dashes.

    Parameters
    ----------
    folder
        Result of segmentation, where label images are.
    """
    names = [name for name in display.outlines if name in layout.regions]
    labels = read_objects(folder, position=image.position, names=names)
    cells = np.unique(labels[layout.regions[0]])
    n_cells = int(np.count_nonzero(cells))
    reduction = math.ceil(max(image.pixels.shape[1:]) / FIELD_SIDE)
    channels = [layout.channels.index(channel.name) for channel in display.composite]
    picture = painted(
        composite(image.pixels[channels], ranges=display.composite, reduction=reduction),
        _outlines(labels, kept=shown.kept, display=display, reduction=reduction),
    )
    group = group_in_words([(name, image.metadata[f"meta__{name}"]) for name in layout.groups])
    return FieldPicture(
        image=image.name,
        group=group,
        width=picture.shape[1],
        height=picture.shape[0],
        reduction=reduction,
        kept=len(shown.kept),
        rejected=n_cells - len(shown.kept),
        webp=encoded(picture, most_bytes=FIELD_BYTES),
        alt=(
            f"{image.name}: {len(shown.kept):,} cells kept, {n_cells - len(shown.kept):,} rejected; "
            f"{', '.join(channel.name for channel in display.composite)} in colours"
        ),
    )


def draw_shading(planes: AnyArray, *, group: str, channels: Sequence[str]) -> Iterator[IlluminationPicture]:
    """Draw what fields are divided by, (C, H, W), a picture per channel."""
    reduction = math.ceil(max(planes.shape[1:]) / SHADING_SIDE)
    for plane, channel in zip(planes, channels, strict=True):
        picture = shading(plane, reduction=reduction)
        lowest, highest = float(np.nanmin(plane)), float(np.nanmax(plane))
        which = f"{channel}, {group}" if group else channel
        yield IlluminationPicture(
            group=group,
            channel=channel,
            width=picture.shape[1],
            height=picture.shape[0],
            lowest=lowest,
            highest=highest,
            webp=encoded(picture),
            alt=f"shading of {which}, from {lowest:.3g} (black) to {highest:.3g} (white)",
        )


def group_in_words(values: Sequence[tuple[str, str | None]]) -> str:
    """Name a group by the values of its metadata, as in ``plate 1, well A01``; what is missing is left out."""
    return ", ".join(f"{name} {value}" for name, value in values if value is not None)


def _outlines(labels: dict[str, LabelArray], *, kept: Sequence[int], display: Display, reduction: int) -> list[Outline]:
    """Outline kept cells in the colours of their objects, and rejected ones, the topmost first."""
    middle = reduction // 2
    own, others = [], []
    for name, image in labels.items():
        small = image[middle::reduction, middle::reduction]
        is_kept = _among(small, kept)
        own.append(Outline(label_outlines(np.where(is_kept, small, 0)), display.outlines[name]))
        others.append(Outline(dashed(label_outlines(np.where(is_kept, 0, small))), display.outlines[REJECTED]))
    return own + others


def _among(labels: LabelArray, numbers: Sequence[int]) -> BoolArray:
    """Where labels are among some numbers."""
    table = np.zeros(max(int(labels.max(initial=0)), *numbers, 0) + 1, dtype=np.bool_)
    table[list(numbers)] = True
    among: BoolArray = table[labels]
    return among

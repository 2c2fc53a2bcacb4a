"""Pictures of cells, fields and shadings: pixels and outlines in, a small encoded picture out."""

import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from tasks.core.types import AnyArray, BoolArray, FloatArray
from tasks.report.material import ChannelRange
from tasks.report.outlines import mask_outline

Picture = npt.NDArray[np.uint8]
"""(H, W, 3), red, green and blue."""

QUALITIES = (80, 65, 50, 35, 20, 5)
"""Of lossy WebP, tried from the best on until a picture is small enough."""

GAP = 1
"""Pixels between the channels of a strip."""

GAP_SHADE = 128


class Outline(NamedTuple):
    """Pixels that are painted over, (H, W) bool, and their colour as ``#rrggbb``."""

    pixels: BoolArray
    colour: str


def strip(
    pixels: AnyArray,
    *,
    ranges: Sequence[ChannelRange],
    masks: Mapping[str, BoolArray],
    colours: Mapping[str, str],
    reduction: int = 1,
) -> Picture:
    """Draw the channels of one cell side by side, with the outlines of its masks.

    Parameters
    ----------
    pixels
        (C, H, W), the channels to show.
    ranges
        C of them: which values are black and white.
    masks
        By name, (1, H, W) where all channels share it, else (C, H, W); the first is drawn on top.
    colours
        Of the masks' outlines.
    reduction
        Pixels of the image for one of the picture, along each side.
    """
    image = reduced(pixels, reduction=reduction)
    own = {name: reduced(mask, reduction=reduction) >= 0.5 for name, mask in masks.items()}
    tiles = []
    for channel, (plane, shown) in enumerate(zip(image, ranges, strict=True)):
        outlines = [
            Outline(mask_outline(mask[channel if len(mask) > 1 else 0]), colours[name]) for name, mask in own.items()
        ]
        shade = gray(plane, low=shown.low, high=shown.high)
        tiles.append(painted(np.repeat(shade[..., None], 3, axis=2), outlines))
    gap = np.full((image.shape[1], GAP, 3), GAP_SHADE, dtype=np.uint8)
    return np.concatenate([part for tile in tiles for part in (gap, tile)][1:], axis=1)


def composite(pixels: AnyArray, *, ranges: Sequence[ChannelRange], reduction: int = 1) -> Picture:
    """Add up channels (C, H, W), each in its colour."""
    image = reduced(pixels, reduction=reduction)
    total = np.zeros((*image.shape[1:], 3))
    for plane, shown in zip(image, ranges, strict=True):
        total += gray(plane, low=shown.low, high=shown.high)[..., None] * (np.array(rgb(shown.colour)) / 255)
    return np.clip(total, 0, 255).astype(np.uint8)


def shading(plane: AnyArray, *, reduction: int = 1) -> Picture:
    """Draw one plane (H, W) from its lowest value, black, to its highest, white."""
    small = reduced(plane[None], reduction=reduction)[0]
    shade = gray(small, low=float(np.nanmin(plane)), high=float(np.nanmax(plane)))
    return np.repeat(shade[..., None], 3, axis=2)


def painted(picture: Picture, outlines: Sequence[Outline]) -> Picture:
    """Return the picture with outlines; the first is on top."""
    result = picture.copy()
    for outline in reversed(outlines):
        result[outline.pixels] = rgb(outline.colour)
    return result


def gray(plane: AnyArray, *, low: float, high: float) -> npt.NDArray[np.uint8]:
    """Map pixel values to shades, `low` and less to 0, `high` and more to 255; what is no number is 0."""
    scaled = (plane.astype(np.float64) - low) / max(high - low, np.finfo(np.float64).tiny)
    shades: npt.NDArray[np.uint8] = np.rint(np.nan_to_num(np.clip(scaled, 0, 1)) * 255).astype(np.uint8)
    return shades


def reduced(planes: AnyArray, *, reduction: int) -> FloatArray:
    """Average blocks of `reduction` × `reduction` pixels of planes (C, H, W); those at the end may be smaller."""
    if reduction == 1:
        return planes.astype(np.float64)
    height, width = planes.shape[1:]
    rows, cols = np.arange(0, height, reduction), np.arange(0, width, reduction)
    sums = np.add.reduceat(np.add.reduceat(planes.astype(np.float64), rows, axis=1), cols, axis=2)
    heights, widths = np.diff([*rows, height]), np.diff([*cols, width])
    means: FloatArray = sums / (heights[:, None] * widths[None, :])
    return means


def rgb(colour: str) -> tuple[int, int, int]:
    """Read ``#rrggbb``."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return red, green, blue


def encoded(picture: Picture, *, most_bytes: int | None = None) -> bytes:
    """Encode as WebP, as well as `most_bytes` allow.

    A picture that does not fit at the lowest quality is encoded so all the same: sizes are a matter of the sum.
    """
    webp = b""
    for quality in QUALITIES:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "WEBP", quality=quality, method=2)
        webp = file.getvalue()
        if most_bytes is None or len(webp) <= most_bytes:
            break
    return webp

"""Stamps on which the published program is run: drawn cells, and masks made by hand, each for one situation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

SEED = 20221012
CHANNELS = 12

Pixels = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Drawing:
    """What one generated stamp shows."""

    trait: str
    height: int
    width: int
    gain: float = 1.0
    blur: float = 0.0
    centres: tuple[tuple[float, float], ...] = ((0.5, 0.5),)
    """Of each piece, as fractions of height and width."""
    radius: float = 0.3
    """Of each piece, as a fraction of the smaller side."""
    flat: tuple[int, ...] = ()
    """Channels of one constant value."""


DRAWINGS = (
    Drawing("plain", 40, 40), Drawing("plain", 36, 48, radius=0.28), Drawing("plain", 52, 38, radius=0.3),
    Drawing("plain", 47, 45, radius=0.22), Drawing("dim", 38, 42, gain=0.08), Drawing("dim", 44, 36, gain=0.03),
    Drawing("dim", 41, 33, gain=0.15, radius=0.2), Drawing("blurred", 48, 44, blur=2.0),
    Drawing("blurred", 39, 51, blur=3.5, radius=0.25), Drawing("dim and blurred", 42, 42, blur=3.0, gain=0.1),
    Drawing("pieces", 54, 46, centres=((0.3, 0.3), (0.7, 0.65)), radius=0.17),
    Drawing("pieces", 46, 56, centres=((0.3, 0.25), (0.35, 0.7), (0.75, 0.45)), radius=0.14),
    Drawing("pieces", 50, 50, centres=((0.35, 0.35), (0.58, 0.6)), radius=0.2),
    Drawing("pieces, dim", 43, 53, centres=((0.5, 0.25), (0.5, 0.75)), radius=0.18, gain=0.2),
    Drawing("border", 40, 44, centres=((0.5, 0.15),)), Drawing("border", 45, 37, centres=((0.92, 0.5),), radius=0.25),
    Drawing("border, slightly", 46, 42, centres=((0.5, 0.22),), radius=0.18),
    Drawing("border and centre", 54, 56, centres=((0.0, 0.3), (0.68, 0.66)), radius=0.16),
    Drawing("border and centre", 50, 54, centres=((0.4, 0.38), (0.9, 0.93)), radius=0.17),
    Drawing("corner", 42, 46, centres=((0.1, 0.1),), radius=0.3), Drawing("flat main channel", 35, 39, flat=(0,)),
    Drawing("flat channels", 41, 43, flat=(1, 4, 9)),
    Drawing("flat, pieces", 44, 52, centres=((0.4, 0.3), (0.6, 0.75)), radius=0.16, flat=(2, 8)),
    Drawing("saturated", 38, 38, gain=8.0),
    Drawing("saturated", 43, 35, gain=4.0, radius=0.24, centres=((0.55, 0.45),)), Drawing("large", 34, 34, radius=0.47),
    Drawing("large", 32, 37, radius=0.36), Drawing("tiny cell", 33, 35, radius=0.12),
    Drawing("small stamp", 14, 11, radius=0.35),
)  # fmt: skip


def cell_height(drawing: Drawing, rng: np.random.Generator, *, scale: float = 1.0) -> Floats:
    """Height map of the drawn pieces: about 1 in a piece's middle, 0 on its rim, negative outside; (H, W)."""
    rows, columns = np.mgrid[: drawing.height, : drawing.width].astype(np.float64)
    radius = scale * drawing.radius * min(drawing.height, drawing.width)
    pieces = []
    for centre_row, centre_column in drawing.centres:
        y = rows - centre_row * drawing.height
        x = columns - centre_column * drawing.width
        angle = np.arctan2(y, x)
        lobes, phase, depth = int(rng.integers(2, 6)), rng.uniform(0, 2 * np.pi), rng.uniform(0.03, 0.14)
        reach = radius * (1 + depth * np.sin(lobes * angle + phase))
        pieces.append(1 - np.hypot(y, x * rng.uniform(0.8, 1.2)) / reach)
    return np.max(pieces, axis=0)


def draw_channel(channel: int, drawing: Drawing, rng: np.random.Generator) -> Floats:
    """Noiseless pixels of one channel: two bright fields, stains of several extents, granules, empty channels."""
    grain = ndimage.gaussian_filter(rng.normal(size=(drawing.height, drawing.width)), 1.2)
    grain /= grain.std()
    body = 1 / (1 + np.exp(-12 * cell_height(drawing, rng)))
    core = 1 / (1 + np.exp(-10 * cell_height(drawing, rng, scale=0.6)))
    if channel in (0, 8):
        rim = np.exp(-((cell_height(drawing, rng) / 0.2) ** 2))
        light = 500 + max(drawing.gain, 0.4) * (-260 * rim + body * (60 + 35 * grain))
    elif channel in (1, 4):
        light = 60 + drawing.gain * 450 * core * (1 + 0.15 * grain)
    elif channel in (2, 5, 9):
        light = 45 + drawing.gain * (120 + 40 * channel) * body * (1 + 0.25 * grain)
    elif channel in (3, 6):
        light = 30 + drawing.gain * 300 * body * np.maximum(grain - 0.8, 0)
    elif channel == 7:
        light = 80 + drawing.gain * 25 * body
    else:
        light = np.full(body.shape, 20.0 + channel)
    return ndimage.gaussian_filter(light, drawing.blur) if drawing.blur else light


def draw_stamp(drawing: Drawing, rng: np.random.Generator) -> Pixels:
    """One generated stamp, (12, H, W) uint16 of 12 significant bits."""
    stamp = np.empty((CHANNELS, drawing.height, drawing.width), dtype=np.uint16)
    for channel in range(CHANNELS):
        light = draw_channel(channel, drawing, rng)
        noise = rng.normal(scale=2 + 0.03 * np.sqrt(np.maximum(light, 0)), size=light.shape)
        stamp[channel] = np.clip(np.rint(light + noise), 0, 4095)
        if channel in drawing.flat:
            stamp[channel] = 37 + channel
    return stamp


@dataclass(frozen=True, kw_only=True)
class Case:
    """Pixels and masks of one stamp of three channels, made for one particular situation."""

    name: str
    pixels: Pixels
    """(3, H, W) uint16 or float64."""
    masks: Mask
    """(3, H, W)."""
    combine: tuple[int, ...] = (0, 1, 2)
    field: bool = False
    """Measured as an object of a segmented field is: both backgrounds 0."""


def handmade_masks() -> dict[str, Mask]:
    """Masks by the name of their case, (3, H, W) each."""
    h, w = 23, 29
    rows, columns = np.indices((h, w))

    def disc(row: int, column: int, radius: float) -> Mask:
        return np.asarray((rows - row) ** 2 + (columns - column) ** 2 <= radius**2)

    def box(top: int, bottom: int, left: int, right: int) -> Mask:
        return (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)

    def points(*where: tuple[int, int]) -> Mask:
        return np.any([(rows == row) & (columns == column) for row, column in where], axis=0)

    nothing, everything = np.zeros((h, w), dtype=bool), np.ones((h, w), dtype=bool)
    round_one = disc(11, 14, 8)
    diagonal = points(*((i, i) for i in range(3, 15)))
    checks = (rows + columns) % 2 == 0
    ring = round_one & ~disc(11, 14, 5)
    gap = box(4, 15, 5, 18) & ~box(7, 12, 8, 15) & ~box(4, 7, 10, 11)  # open to the outside
    # closed for the diagonal, open for the four neighbours
    thin_gap = box(4, 11, 4, 11) & ~box(5, 10, 5, 10) & ~points((4, 4))
    line, dot = np.ones((1, 17), dtype=bool), np.eye(3, dtype=bool)
    masks = {
        "empty_own": [round_one, nothing, disc(9, 12, 4)],
        "empty_all": [nothing, nothing, nothing],
        "one_pixel": [points((11, 14)), points((0, 0)), nothing],
        "one_pixel_everywhere": [points((11, 14))] * 3,
        "lines": [box(6, 7, 3, 20), box(2, 19, 9, 10), diagonal],
        "two_pixels": [points((5, 5), (6, 6)), points((5, 6), (6, 5)), points((5, 5), (5, 6))],
        "far_pixels": [
            points((5, 5), (7, 7)), points((5, 5), (9, 1), (20, 20)), points((5, 9), (9, 13), (5, 13)),
        ],
        "blocks": [box(5, 7, 5, 7), box(5, 8, 5, 8), box(5, 10, 5, 10)],
        "holes": [round_one & ~points((11, 14)), round_one & ~points((9, 12), (10, 13)), ring],
        "gaps": [gap, thin_gap, gap | thin_gap],
        "components": [
            disc(5, 5, 3) | disc(15, 8, 4) | disc(11, 22, 5), disc(11, 10, 6) | points((2, 25)),
            diagonal | box(18, 21, 2, 25),
        ],
        "checks": [checks, checks & round_one, nothing],
        "full": [everything, everything, everything],
        "full_one": [round_one, everything, nothing],
        "full_together": [checks, ~checks, round_one],
        "full_but_one": [everything & ~points((0, 0)), everything & ~points((11, 14)), nothing],
        "border": [box(0, 12, 0, w), box(0, 5, 20, w), disc(12, 0, 9)],
        "edges": [disc(11, 14, 5.5), disc(11, 14, 6), disc(11, 14, 10)],
        "three_by_three": [np.ones((3, 3), dtype=bool), dot & dot[::-1], dot],
        "one_row": [(np.arange(17) > 2) & (np.arange(17) < 14) & line, line, (np.arange(17) == 0) & line],
    }  # fmt: skip
    return {name: np.stack(channels) for name, channels in masks.items()}


def handmade_cases() -> Iterator[Case]:
    """Every case, each as uint16 and as float64."""
    rng = np.random.default_rng(SEED + 1)
    masks = handmade_masks()
    plain = masks["components"] | masks["edges"]
    shape = plain.shape
    middle = np.hypot(*(np.indices(shape[1:]).T - (11, 14)).T) <= 4
    ramp = np.broadcast_to(np.arange(shape[1] * shape[2]).reshape(shape[1:]), shape)

    # The same pixels under each mask of one shape: the masks differ, and the file stays small.
    tables = {}
    for name, mask in masks.items():
        if mask.shape not in tables:
            smooth = ndimage.gaussian_filter(rng.normal(size=mask.shape), (0, 1.5, 1.5))
            tables[mask.shape] = (rng.integers(90, 900, size=mask.shape).astype(np.uint16), 40 * smooth + 7.25)
        for pixels in tables[mask.shape]:
            yield Case(name=name, masks=mask, pixels=pixels)

    inside = np.where(plain, 300, rng.integers(0, 500, size=shape))
    core = np.where(masks["edges"], 123, 77) + np.where(middle, rng.integers(0, 90, size=shape), 0)
    levels = rng.integers(0, 16, size=shape)
    single = np.full(shape, 250)
    single[:, 11, 14] = 251
    special = {
        "constant": np.full(shape, 611),
        "constant_in_mask": inside,
        "constant_edge": core,
        "two_values": np.where(rng.random(shape) < 0.4, 100, 900),
        "one_deviates": single,
        "ramp": ramp,
        "on_level_edges": 100 + 3 * levels,  # a range of 45: edges at whole numbers, values upon them
        "between_level_edges": 100 + rng.integers(0, 21, size=shape),  # a range of 20: every third edge is whole
        "extremes": rng.choice([0, 1, 65534, 65535], size=shape),
        "zeros": np.zeros(shape, dtype=np.int64),
    }
    for name, table in special.items():
        yield Case(name=name, masks=plain, pixels=table.astype(np.uint16))
        yield Case(name=name, masks=plain, pixels=table / 7 - 11.5)
    offset = 1000 + 1e-3 * rng.normal(size=shape)
    yield Case(name="small_on_large", masks=plain, pixels=offset)
    yield Case(name="negative", masks=plain, pixels=-rng.gamma(1.5, 200, size=shape))

    counts = rng.integers(0, 4096, size=shape).astype(np.uint16)
    for pixels in (counts, counts / 4095):
        yield Case(name="combine_first", masks=plain, pixels=pixels, combine=(0,))
        yield Case(name="field", masks=plain, pixels=pixels, field=True)

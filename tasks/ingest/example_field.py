"""Drawing fields of cultured cells as a fluorescence microscope would record them: a DNA stain, and actin.

A drawing, not a simulation of optics, but with what makes real fields hard: nuclei of uneven outline, size and
brightness, some of which touch; cells that share their membranes; mitoses, debris, light that is out of focus, uneven
illumination, a camera that adds an offset and noise, and cells that the frame cuts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tasks.core.types import AnyArray, BoolArray, FloatArray
from tasks.ingest.drawing import cloud, outline, soft

CHANNELS = ("DNA", "actin")
SIDE = 512
"""Height and width of a field, in px."""

MARGIN = 48
"""Width of what is drawn around a field and cut off, so that cells at its border are cut, too."""

Phase = Literal["G1", "G2", "M"]
State = Literal["normal", "blurred", "empty"]

DNA = {"G1": 1.0, "G2": 2.0, "M": 2.0}
"""Amount of DNA by phase of the cell cycle: it is doubled before a cell divides."""

RADIUS = {"G1": 10.5, "G2": 12.8, "M": 7.5}
"""Mean radius of a nucleus, in px; that of a mitosis is the radius of a disc of equal area."""

OFFSET = 100
"""Counts that the camera adds to every pixel."""

FULL_SCALE = 65535
STAIN = 1.0e6
"""Counts of a G1 nucleus's whole stain."""

HAZE = 40.0, 25.0
"""Counts of light that comes from the medium, by channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCell:
    """Where a cell lies, in px from the upper left corner of the drawing with its margin, and of what kind it is."""

    row: float
    column: float
    phase: Phase
    nucleus_radius: float
    cell_radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnNucleus:
    """A nucleus as it was drawn: its centre in px of the field, its area in px, and its phase."""

    row: float
    column: float
    area: int
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A drawn field: (2, H, W) uint16 in the order of `CHANNELS`, and the nuclei whose centres lie in it."""

    pixels: AnyArray
    nuclei: tuple[DrawnNucleus, ...]


def draw_field(*, cells: float, phases: Sequence[float], state: State, rng: np.random.Generator) -> Field:
    """Draw one field.

    Parameters
    ----------
    cells
        Expected number of cells in it.
    phases
        Share of G1, G2 and M among them.
    state
        ``normal``; ``blurred``: out of focus; ``empty``: medium and debris, no cell.
    rng
        Source of all variation.
    """
    from scipy import ndimage

    side = SIDE + 2 * MARGIN
    expected = cells * (side / SIDE) ** 2
    placed = [] if state == "empty" else _place(int(rng.poisson(expected)), phases=phases, rng=rng)
    light = np.zeros((len(CHANNELS), side, side))
    nuclei = [_add_nucleus(light[0], cell, rng=rng) for cell in placed]
    light[1] = _actin(placed, side=side, rng=rng)
    _add_debris(light, count=int(rng.poisson(6 * (side / SIDE) ** 2)), rng=rng)

    sharp = rng.uniform(4.5, 5.5) if state == "blurred" else 1.1
    blurred = ndimage.gaussian_filter(light, (0, sharp, sharp)) * 0.85
    blurred += (
        ndimage.gaussian_filter(light, (0, 14, 14), truncate=2.5) * 0.15
    )  # light from above and below the plane of focus
    frame = (slice(MARGIN, MARGIN + SIDE), slice(MARGIN, MARGIN + SIDE))
    shown = [
        DrawnNucleus(
            row=cell.row - MARGIN, column=cell.column - MARGIN, area=int(np.count_nonzero(inside)), phase=cell.phase
        )
        for cell, inside in zip(placed, nuclei, strict=True)
        if MARGIN <= cell.row < MARGIN + SIDE and MARGIN <= cell.column < MARGIN + SIDE
    ]
    return Field(pixels=_record(blurred[:, *frame], rng=rng), nuclei=tuple(shown))


def illumination() -> FloatArray:
    """(2, SIDE, SIDE): share of the lamp's light that reaches each pixel, brightest off the centre."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    return np.stack(
        [1 - 0.75 * ((rows - row) ** 2 + (columns - column) ** 2) for row, column in ((0.42, 0.55), (0.55, 0.44))]
    )


def _place(count: int, *, phases: Sequence[float], rng: np.random.Generator) -> list[PlacedCell]:
    """Place cells at random, nuclei apart from each other but for some pairs that touch; a full field takes fewer."""
    side = SIDE + 2 * MARGIN
    names: tuple[Phase, ...] = ("G1", "G2", "M")
    placed: list[PlacedCell] = []
    for _ in range(count):
        phase = names[int(rng.choice(len(names), p=phases))]
        nucleus = RADIUS[phase] * rng.lognormal(0, 0.06)
        cell = (19 if phase == "M" else 1.9 * RADIUS[phase] + 8) * rng.lognormal(0, 0.1)
        touching = bool(placed) and phase != "M" and rng.random() < 0.15
        for _ in range(60):
            row, column = rng.uniform(0, side, 2)
            if touching:
                neighbor, angle = placed[int(rng.integers(len(placed)))], rng.uniform(0, 2 * np.pi)
                distance = 1.02 * (nucleus + neighbor.nucleus_radius)
                row, column = neighbor.row + distance * np.sin(angle), neighbor.column + distance * np.cos(angle)
            gap = 1.0 if touching else 1.5
            free = all(
                np.hypot(row - other.row, column - other.column) >= gap * (nucleus + other.nucleus_radius)
                for other in placed
            )
            if free and all(
                -2 * nucleus < middle < side + 2 * nucleus for middle in (row, column)
            ):  # else out of sight
                placed.append(PlacedCell(row=row, column=column, phase=phase, nucleus_radius=nucleus, cell_radius=cell))
                break
    return placed


def _window(cell: PlacedCell, *, reach: float, side: int) -> tuple[tuple[slice, slice], FloatArray, FloatArray]:
    """Rows and columns around a cell that lie in the drawing, and how far each pixel is below and right of it."""
    window = tuple(
        slice(max(int(middle - reach), 0), min(int(middle + reach) + 2, side)) for middle in (cell.row, cell.column)
    )
    rows, columns = np.mgrid[window].astype(np.float64)
    return (window[0], window[1]), rows - cell.row, columns - cell.column


def _add_nucleus(light: FloatArray, cell: PlacedCell, *, rng: np.random.Generator) -> BoolArray:
    """Add a nucleus's stain to the light; return the pixels inside its outline, of a window."""
    mitosis = cell.phase == "M"
    turn = rng.uniform(0, 2 * np.pi)
    stretch = np.sqrt(2.6) if mitosis else np.sqrt(rng.uniform(1.0, 1.4))  # a metaphase plate is seen from its side
    window, down, right = _window(cell, reach=2.2 * cell.nucleus_radius, side=len(light))
    along = (down * np.sin(turn) + right * np.cos(turn)) / stretch
    across = (down * np.cos(turn) - right * np.sin(turn)) * stretch
    distance = outline(along, across, radius=cell.nucleus_radius, unevenness=0.03, rng=rng)
    body = soft(distance, width=0.5)
    grains = np.clip(1 + 0.22 * cloud(body.shape, size=1.6, rng=rng) + 0.1 * cloud(body.shape, size=4, rng=rng), 0.2, 2)
    nucleoli = np.zeros_like(body)
    for _ in range(0 if mitosis else int(rng.integers(1, 4))):
        place = rng.normal(0, 0.35 * cell.nucleus_radius, 2)
        spot = rng.uniform(0.12, 0.22) * cell.nucleus_radius - np.hypot(along - place[0], across - place[1])
        nucleoli = np.maximum(nucleoli, soft(spot, width=0.8))
    stain = body * grains * (1 - 0.6 * nucleoli)
    light[window] += stain * STAIN * DNA[cell.phase] * rng.normal(1, 0.06) / max(float(stain.sum()), 1)
    return distance > 0


def _actin(placed: Sequence[PlacedCell], *, side: int, rng: np.random.Generator) -> FloatArray:
    """Light of the cells' actin: bodies that are thick over the nucleus, fibres, and rims where they end or meet."""
    nearest = np.full((side, side), np.inf)
    second = np.full((side, side), np.inf)
    brightness = np.zeros((side, side))
    for cell in placed:
        window, down, right = _window(cell, reach=1.5 * cell.cell_radius, side=side)
        depth = outline(down, right, radius=cell.cell_radius, unevenness=0.02 if cell.phase == "M" else 0.09, rng=rng)
        away = np.clip(cell.cell_radius - depth, 0, None) / cell.cell_radius  # 0 in the middle, 1 at the rim
        own = rng.lognormal(0, 0.2) * (2.2 if cell.phase == "M" else 1.0) * np.ones_like(away)
        closer = away < nearest[window]
        second[window] = np.where(closer, nearest[window], np.minimum(second[window], away))
        brightness[window] = np.where(closer, own, brightness[window])
        nearest[window] = np.where(closer, away, nearest[window])
    rim = (np.minimum(second, 1.0) - np.minimum(nearest, 1.0)) * 28  # in px, about
    inside = nearest < 1
    body = np.sqrt(np.clip(1.05 - np.minimum(nearest, 1.0) ** 2, 0, None))
    membrane = np.exp(-((rim - 1.0) ** 2) / (2 * 1.2**2))
    fibres = np.clip(cloud((side, side), size=1.2, rng=rng) * 0.6 + cloud((side, side), size=5, rng=rng) * 0.5, -0.9, 2)
    light: FloatArray = inside * brightness * (900 * body * (1 + 0.35 * fibres) + 1500 * membrane)
    return light


def _add_debris(light: FloatArray, *, count: int, rng: np.random.Generator) -> None:
    """Add small bright bodies to the light, such as what is left of dead cells."""
    side = light.shape[1]
    rows, columns = np.mgrid[-8:9, -8:9]
    for _ in range(count):
        row, column = rng.integers(8, side - 8, 2)
        distance = outline(rows, columns, radius=rng.uniform(2.5, 4.5), unevenness=0.15, rng=rng)
        body = soft(distance, width=0.6)
        where = (slice(row - 8, row + 9), slice(column - 8, column + 9))
        light[0, *where] += body * rng.uniform(2500, 7000)
        light[1, *where] += body * rng.uniform(0, 1500)


def _record(light: FloatArray, *, rng: np.random.Generator) -> AnyArray:
    """Light the field unevenly and record it as a camera does: offset, shot noise, read noise, 16 bits."""
    haze = np.array(HAZE)[:, np.newaxis, np.newaxis]
    expected = (light + haze) * illumination()
    counts = OFFSET + rng.normal(expected, np.sqrt(0.5 * expected + 3.0**2))  # two electrons make one count
    recorded: AnyArray = np.clip(np.rint(counts), 0, FULL_SCALE).astype(np.uint16)
    return recorded

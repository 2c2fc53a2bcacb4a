"""Drawing white blood cells as an imaging flow cytometer would record them.

A drawing, not a simulation of optics, but with what makes real stamps hard: a halo and texture in brightfield,
granules in side scatter, stains that sit on the membrane, in the nucleus or in organelles, cells of uneven outline,
shot noise on a background that differs between channels, and cells that are dim, out of focus, cut off by the frame, or
not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.core.types import AnyArray, FloatArray
from tasks.ingest.drawing import cloud, outline, soft

CHANNELS = ("BF", "SSC", "DNA", "CD45", "CD3", "CD14", "CD66b", "CD16", "CD11b", "HLADR", "Mito", "Lyso")
"""Brightfield, side scatter, and ten stains."""

CELL_TYPES = ("lymphocyte", "monocyte", "granulocyte")

FULL_SCALE = 4095
"""Largest value of a 12-bit camera."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How cells of one type differ from others: size in px, unevenness of the outline, granules, amount of stains."""

    radius: float
    unevenness: float
    granules: int
    texture: float
    stains: Mapping[str, float]


KINDS = {
    "lymphocyte": Kind(
        radius=10.5,
        unevenness=0.03,
        granules=8,
        texture=45,
        stains={"CD45": 900, "CD3": 800, "CD14": 15, "CD66b": 12, "CD16": 30, "CD11b": 25, "HLADR": 60}
        | {"Mito": 260, "Lyso": 120},
    ),
    "monocyte": Kind(
        radius=15.0,
        unevenness=0.05,
        granules=40,
        texture=70,
        stains={"CD45": 650, "CD3": 12, "CD14": 850, "CD66b": 30, "CD16": 80, "CD11b": 600, "HLADR": 700}
        | {"Mito": 420, "Lyso": 450},
    ),
    "granulocyte": Kind(
        radius=13.0,
        unevenness=0.045,
        granules=160,
        texture=120,
        stains={"CD45": 350, "CD3": 10, "CD14": 60, "CD66b": 750, "CD16": 800, "CD11b": 550, "HLADR": 20}
        | {"Mito": 120, "Lyso": 650},
    ),
}

BACKGROUND = dict(zip(CHANNELS, (870, 42, 35, 52, 40, 48, 38, 44, 50, 46, 60, 55), strict=True))
"""Mean counts where there is no cell."""

DNA_COUNTS = 210_000.0
"""Counts of a nucleus's whole stain; every cell here has the same amount of DNA."""

MEMBRANE = ("CD45", "CD3", "CD14", "CD66b", "CD16", "CD11b", "HLADR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A drawn stamp: (12, H, W) uint16, what stands in it, and the true outline's figures in px."""

    pixels: AnyArray
    radius: float
    row: float
    column: float
    cell_area: int
    nucleus_area: int


def draw_cell(*, cell_type: str, state: str, rng: np.random.Generator) -> Cell:
    """Draw one stamp.

    Parameters
    ----------
    cell_type
        One of `CELL_TYPES`.
    state
        ``normal``; ``dim``: all light but brightfield's is 0.3 of normal; ``blurred``: out of focus; ``border``: cut
        off by the frame; ``empty``: no cell.
    rng
        Source of all variation.
    """
    from scipy import ndimage

    kind = KINDS[cell_type]
    radius = kind.radius * rng.normal(1, 0.06)
    height, width = (int(np.clip(round(2 * radius + rng.uniform(22, 32)), 48, 64)) for _ in range(2))
    row, column = height / 2 + rng.normal(0, 1.2), width / 2 + rng.normal(0, 1.2)
    if state == "border":
        side = rng.integers(4)
        row = (row, row, 0.35 * radius, height - 0.35 * radius)[side]
        column = (0.35 * radius, width - 0.35 * radius, column, column)[side]

    # a cell that the frame cuts off is drawn as a whole, so that the visible part has its share of light
    margin = 24 if state == "border" else 0
    cell = _draw_uncut(
        cell_type,
        height + 2 * margin,
        width + 2 * margin,
        row=row + margin,
        column=column + margin,
        radius=radius,
        rng=rng,
    )
    frame = (slice(margin, margin + height), slice(margin, margin + width))
    light, inside, nucleus = cell[0][:, *frame], cell[1][frame], cell[2][frame]
    if state == "empty":
        light = np.zeros_like(light)
    if state == "dim":
        light[1:] *= 0.3
    if state == "blurred":
        sigma = rng.uniform(2.2, 3.4)
        light = ndimage.gaussian_filter(light, (0, sigma, sigma), mode="nearest")
    empty = state == "empty"
    return Cell(
        pixels=_camera(light, rng=rng),
        radius=0.0 if empty else radius,
        row=row,
        column=column,
        cell_area=0 if empty else int(np.count_nonzero(inside > 0)),
        nucleus_area=0 if empty else int(np.count_nonzero(nucleus > 0.5)),
    )


def _draw_uncut(
    cell_type: str, height: int, width: int, *, row: float, column: float, radius: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Light (12, H, W), distance to the rim (H, W), nucleus (H, W) of a cell in focus that lies within the frame."""
    kind = KINDS[cell_type]
    rows, columns = np.mgrid[:height, :width]
    inside = outline(rows - row, columns - column, radius=radius, unevenness=kind.unevenness, rng=rng)
    body = soft(inside, width=0.7)
    nucleus = body * _nucleus(cell_type, height, width, row=row, column=column, radius=radius, rng=rng)
    return _light(kind, inside=inside, body=body, nucleus=nucleus, rng=rng), inside, nucleus


def _nucleus(
    cell_type: str, height: int, width: int, *, row: float, column: float, radius: float, rng: np.random.Generator
) -> FloatArray:
    """(H, W) 0..1: round in lymphocytes, indented in monocytes, of three to four lobes in granulocytes."""
    rows, columns = np.mgrid[:height, :width]
    turn = rng.uniform(0, 2 * np.pi)

    def disc(along: float, across: float, size: float) -> FloatArray:
        """Draw a disc, its place given in radii of the cell along and across the nucleus's axis."""
        down = row + radius * (along * np.sin(turn) + across * np.cos(turn))
        right = column + radius * (along * np.cos(turn) - across * np.sin(turn))
        return soft(radius * size - np.hypot(rows - down, columns - right), width=0.8)

    if cell_type == "lymphocyte":
        return disc(rng.normal(0.06, 0.03), 0, rng.normal(0.78, 0.03))
    if cell_type == "monocyte":
        return disc(-0.12, 0, rng.normal(0.66, 0.03)) * (1 - disc(rng.normal(0.55, 0.05), 0, rng.normal(0.45, 0.04)))
    lobes = int(rng.integers(3, 5))
    bow = np.linspace(-1, 1, lobes)
    shape = np.zeros((height, width))
    for position in bow:
        shape = np.maximum(shape, disc(0.35 - 0.45 * position**2, 0.48 * position, rng.normal(0.27, 0.02)))
    for position in (bow[1:] + bow[:-1]) / 2:  # the threads between lobes
        shape = np.maximum(shape, disc(0.35 - 0.45 * position**2, 0.48 * position, 0.13))
    return shape


def _light(
    kind: Kind, *, inside: FloatArray, body: FloatArray, nucleus: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """(12, H, W) counts that the cell adds to the background, negative where it casts shadow in brightfield."""
    shape = body.shape
    cytoplasm = body * (1 - 0.85 * nucleus)
    rim = np.exp(-((inside - 0.8) ** 2) / (2 * 1.1**2))
    # in projection a stained membrane is a bright rim and a faint disc, uneven where proteins cluster
    membrane = (0.75 * rim + 0.3 * body) * np.clip(1 + 0.35 * cloud(shape, size=1.6, rng=rng), 0.2, None)

    halo = 210 * np.exp(-((inside + 2.6) ** 2) / (2 * 1.3**2)) - 60 * np.exp(-((inside + 6) ** 2) / (2 * 1.6**2))
    shadow = -330 * np.exp(-((inside - 0.6) ** 2) / (2 * 1.5**2)) + 70 * body - 60 * nucleus
    grain = kind.texture * body * cloud(shape, size=1.0, rng=rng)

    scatter = _granules(cytoplasm, count=kind.granules, size=0.85, rng=rng)
    chromatin = nucleus * np.clip(1 + 0.28 * cloud(shape, size=1.4, rng=rng), 0.1, None)
    threads = np.clip(cloud(shape, size=1.1, rng=rng) - 0.3, 0, None) * cytoplasm

    light = {
        "BF": halo + shadow + grain,
        "SSC": 420 * scatter + (20 + 0.5 * kind.granules) * body,
        "DNA": chromatin * DNA_COUNTS * rng.normal(1, 0.05) / chromatin.sum(),
        "Mito": kind.stains["Mito"] * 2.2 * rng.lognormal(0, 0.25) * threads,
        "Lyso": kind.stains["Lyso"] * rng.lognormal(0, 0.3) * _granules(cytoplasm, count=12, size=1.1, rng=rng),
    } | {name: kind.stains[name] * rng.lognormal(0, 0.25) * membrane for name in MEMBRANE}
    return np.stack([light[name] for name in CHANNELS])


def _camera(light: FloatArray, *, rng: np.random.Generator) -> AnyArray:
    """Record light as a camera does: background, shot noise and read noise, cut off at 12 bits."""
    background = np.array([BACKGROUND[name] for name in CHANNELS])[:, np.newaxis, np.newaxis]
    expected = np.clip(background + light, 0, None)
    # one count of the camera is about four electrons in fluorescence; brightfield has light in plenty
    variance = expected * np.where(background > 500, 0.12, 0.25)
    counts = rng.normal(expected, np.sqrt(variance + 2.5**2))
    return np.clip(np.rint(counts), 0, FULL_SCALE).astype(np.uint16)


def _granules(where: FloatArray, *, count: int, size: float, rng: np.random.Generator) -> FloatArray:
    """Bright spots at random places, denser where `where` is larger."""
    from scipy import ndimage

    chance = where.ravel() / max(float(where.sum()), 1e-12)
    amount = rng.poisson(count)
    positions = np.searchsorted(np.cumsum(chance), rng.uniform(0, float(chance.sum()), amount)).clip(0, where.size - 1)
    spots = np.bincount(positions, weights=rng.lognormal(0, 0.6, amount), minlength=where.size).reshape(where.shape)
    spread: FloatArray = ndimage.gaussian_filter(spots, size, mode="constant")
    return spread * 2 * np.pi * size**2

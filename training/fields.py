"""Fields of nuclei with manual label images, what the network shall say of them, and random crops of both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import torch
from scipy import ndimage
from skimage.segmentation import expand_labels
from torch import Tensor
from torch.nn import functional

DIAMETER = 20.0
"""Median diameter of nuclei in pixels of the network."""

PERCENTILES = (1.0, 99.8)
"""Of a whole field: these gray levels become 0 and 1."""

CLIP = (-0.5, 4.0)
CROP = 128
"""Height and width of a training crop in pixels of the network."""

REACH = 20
"""How far from nuclei, in pixels of the image, gaps between them are looked at."""

FAR = 1e3
PIXELS, INSIDE, DISTANCE, SEAM, GAP, LABEL = range(6)
"""Planes of `Field.pyramid`."""

Array = npt.NDArray[Any]


def is_validation(name: str) -> bool:
    """Tell whether a field is kept apart: never trained on, nor used to choose anything."""
    return int(name, 16) % 6 == 0


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field at full and at coarser resolution.

    Parameters
    ----------
    name
        The file's stem.
    pyramid
        (6, H / 2ᵏ, W / 2ᵏ) float32 for k = 0, 1, …: scaled pixels; inside a nucleus; distance to its rim over the
        greatest such distance in it; distance to the nearest seam, in pixels of the image; the gap between the two
        nuclei at that seam; label.
    diameter
        Median diameter of its nuclei, in pixels.
    centers
        (K, 2) row and column of the nuclei.
    """

    name: str
    pyramid: tuple[Tensor, ...]
    diameter: float
    centers: Array


def scaled(pixels: Array) -> Array:
    """(H, W) float32: percentiles of the whole field made 0 and 1, clipped."""
    low, high = np.percentile(pixels, PERCENTILES)
    values = (pixels.astype(np.float64) - low) / max(high - low, 1e-9)
    clipped: Array = np.clip(values, *CLIP).astype(np.float32)
    return clipped


def read_field(folder: Path, name: str) -> Field:
    """Read a field and its labels from ``images`` and ``labels`` of a folder."""
    labels = tifffile.imread(folder / "labels" / f"{name}.tif").astype(np.int32)
    planes = np.stack(
        [scaled(tifffile.imread(folder / "images" / f"{name}.tif")), labels > 0, _distance(labels), *_seams(labels)]
    )
    levels = [torch.from_numpy(planes.astype(np.float32))[None]]
    while min(levels[-1].shape[2:]) >= CROP:
        levels.append(functional.avg_pool2d(levels[-1], 2))
    number = torch.from_numpy(labels.astype(np.float32))[None, None]
    with_labels = [torch.cat([level, functional.interpolate(number, size=level.shape[2:])], 1)[0] for level in levels]
    numbers, areas = np.unique(labels[labels > 0], return_counts=True)
    return Field(
        name=name,
        pyramid=tuple(with_labels),
        diameter=float(np.median(np.sqrt(4 * areas / np.pi))) if len(areas) else DIAMETER,
        centers=np.array(ndimage.center_of_mass(labels > 0, labels, numbers)).reshape(-1, 2),
    )


def _distance(labels: Array) -> Array:
    """(H, W): distance to the rim of the pixel's nucleus over the greatest in it; the frame of the field is no rim."""
    out = np.zeros(labels.shape)
    height, width = labels.shape
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        rows, cols = box
        wide = (slice(max(rows.start - 1, 0), min(rows.stop + 1, height)),
                slice(max(cols.start - 1, 0), min(cols.stop + 1, width)))  # fmt: skip
        own = labels[wide] == number
        distance = ndimage.distance_transform_edt(own) if not own.all() else np.ones(own.shape)
        out[wide][own] = distance[own] / distance.max()
    return out


def _seams(labels: Array) -> tuple[Array, Array]:
    """(H, W) each: distance to the nearest line between two nuclei, and how wide the gap is there."""
    near = expand_labels(labels, REACH)
    seam = np.zeros(labels.shape, dtype=bool)
    for axis in (0, 1):
        first, second = (np.take(near, range(k, near.shape[axis] - 1 + k), axis) for k in (0, 1))
        differ = (first != second) & (first > 0) & (second > 0)
        for k in (0, 1):
            padding = [(0, 0), (0, 0)]
            padding[axis] = (k, 1 - k)
            seam |= np.pad(differ, padding)
    if not seam.any():
        return np.full(labels.shape, FAR), np.full(labels.shape, FAR)
    gap = 2 * ndimage.distance_transform_edt(labels == 0)
    distance, (rows, cols) = ndimage.distance_transform_edt(~seam, return_indices=True)
    return distance, gap[rows, cols]


def crop(field: Field, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw a crop: turned, mirrored, stretched, and of another look.

    Returns
    -------
    pixels
        (1, CROP, CROP) float32.
    target
        (3, CROP, CROP) float32: inside, distance, boundary.
    weight
        (1, CROP, CROP) float32: greater near seams.
    """
    planes, scale = _warp(field, rng)
    inside, distance = planes[INSIDE], planes[DISTANCE]
    seam, gap = planes[SEAM] * scale, planes[GAP] * scale
    boundary = (2.5 - seam).clamp(0, 1) * (gap <= 4)
    weight = 1 + 3.0 * ((seam <= 4) & (gap <= 6))
    pixels = _look(planes[PIXELS], planes[LABEL], rng)
    target = torch.stack([inside, distance, boundary])
    if rng.random() < 0.03:  # a field without nuclei, whose noise the percentiles stretch
        noise = ndimage.gaussian_filter(rng.normal(size=(CROP, CROP)), float(rng.uniform(0, 3)))
        pixels, target = torch.from_numpy(scaled(noise)), torch.zeros_like(target)
    return pixels[None], target, weight[None]


def _warp(field: Field, rng: np.random.Generator) -> tuple[Tensor, float]:
    """(6, CROP, CROP) planes of a random window, and the number of its pixels per pixel of the image."""
    scale = DIAMETER / field.diameter * float(np.exp(np.clip(rng.normal(0, 0.3), -0.7, 0.7)))
    level = min(int(max(np.floor(np.log2(1 / scale)), 0)), len(field.pyramid) - 1)
    planes = field.pyramid[level]
    height, width = planes.shape[1:]
    step = 1 / (scale * 2**level)
    angle = float(rng.choice([0, 0.5, 1, 1.5])) * np.pi if rng.random() < 0.5 else float(rng.uniform(0, 2 * np.pi))
    stretch = float(np.exp(rng.normal(0, 0.1)))
    mirror = float(rng.choice([-1.0, 1.0]))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = step * turn @ np.diag([stretch * mirror, 1 / stretch])
    if len(field.centers) and rng.random() < 0.8:
        center = field.centers[rng.integers(len(field.centers))] / 2**level + rng.normal(0, CROP / 5 * step, 2)
    else:
        center = rng.uniform(0, 1, 2) * (height, width)
    # a crop reaches past the frame, where the field is mirrored, no farther than it must
    half = CROP / 2 * step
    for axis, size in enumerate((height, width)):
        center[axis] = size / 2 if size < 2 * half else np.clip(center[axis], half, size - half)
    ticks = np.arange(CROP) - (CROP - 1) / 2
    rows, cols = np.meshgrid(ticks, ticks, indexing="ij")
    where = np.einsum("ij,jhw->ihw", matrix, np.stack([rows, cols])) + center[:, None, None]
    grid = np.stack([2 * where[1] / width - 1, 2 * where[0] / height - 1], axis=-1)
    at = torch.from_numpy(grid.astype(np.float32))[None]
    smooth = functional.grid_sample(planes[None, :LABEL], at, padding_mode="reflection", align_corners=False)
    label = functional.grid_sample(planes[None, LABEL:], at, mode="nearest", padding_mode="reflection",
                                   align_corners=False)  # fmt: skip
    return torch.cat([smooth, label], 1)[0], scale


def _look(pixels: Tensor, label: Tensor, rng: np.random.Generator) -> Tensor:
    """Change contrast, brightness of single nuclei, background, blur and noise."""
    if rng.random() < 0.3:
        factor = np.exp(rng.normal(0, 0.4, size=int(label.max()) + 1)).astype(np.float32)
        factor[0] = 1
        pixels = pixels * torch.from_numpy(factor)[label.long()]
    if rng.random() < 0.5:
        pixels = torch.where(pixels > 0, pixels.clamp(min=1e-6) ** float(np.exp(rng.uniform(-0.6, 0.6))), pixels)
    pixels = pixels * float(np.exp(rng.uniform(-0.4, 0.4))) + float(rng.uniform(-0.08, 0.08))
    if rng.random() < 0.3:
        coarse = torch.from_numpy(rng.uniform(0, rng.uniform(0, 0.4), size=(1, 1, 3, 3)).astype(np.float32))
        pixels = pixels + functional.interpolate(coarse, size=pixels.shape, mode="bicubic")[0, 0]
    if rng.random() < 0.35:
        pixels = _blur(pixels, float(rng.uniform(0.4, 2.0)))
    if rng.random() < 0.6:
        sigma = float(np.exp(rng.uniform(np.log(0.004), np.log(0.12))))
        noise = torch.from_numpy(rng.normal(size=pixels.shape).astype(np.float32)) * sigma
        if rng.random() < 0.3:
            noise = _blur(noise, float(rng.uniform(0.5, 1.5)))
        pixels = pixels + (noise if rng.random() < 0.5 else noise * pixels.clamp(min=0.02).sqrt())
    return pixels.clamp(*CLIP)


def _blur(plane: Tensor, sigma: float) -> Tensor:
    reach = int(np.ceil(3 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    taps = taps / taps.sum()
    padded = functional.pad(plane[None, None], (reach,) * 4, mode="reflect")
    return functional.conv2d(functional.conv2d(padded, taps[None, None, :, None]), taps[None, None, None])[0, 0]

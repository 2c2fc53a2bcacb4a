"""The operations on a GPU: kernels of `tasks.segment.cuda`, and cupy for what is done to each pixel by itself.

`tasks.segment.operations.Operations` says what each of them does. They follow the compiled ones of the CPU step by
step, in float32 and in whole numbers, so that both give the same labels.
"""

import math
from functools import cache
from typing import Any

import numpy as np

from tasks.core.types import BoolArray, FloatArray, IntArray
from tasks.segment.cpu import BLOCKS, GAUSSIAN_MAD, WIDE, half_kernel
from tasks.segment.cuda.flood import flood_stack, follow
from tasks.segment.cuda.launch import STRETCH, DeviceArray, Kernels, each, gpu_kernels, relax
from tasks.segment.operations import Histogram


class GpuOperations:
    """The operations over arrays of cupy.

    Parameters
    ----------
    kernels
        What runs kernels: those of the GPU or, over arrays of numpy, their text compiled for the processor.
    """

    def __init__(self, kernels: Kernels) -> None:
        self.xp = kernels.xp
        self._kernels = kernels

    def _each(self, name: str, *arguments: DeviceArray, count: int) -> None:
        if count > 0:
            each(self._kernels, name, arguments, count=count)

    def to_host(self, array: DeviceArray, /) -> Any:  # noqa: ANN401 - an array of any dtype
        """Return a numpy array."""
        return array if isinstance(array, np.ndarray) else array.get()

    def scale(self, plane: DeviceArray, /) -> tuple[DeviceArray, DeviceArray | None] | None:
        """Scale to 0..1."""
        xp = self.xp
        # halved, so that the range of the largest floats does not overflow; exact, as is every power of two
        halves = plane.astype(np.float64) / 2
        finite = xp.isfinite(halves)
        complete = bool(finite.all())
        if not complete and not finite.any():
            return None
        low, high = float(xp.where(finite, halves, np.inf).min()), float(xp.where(finite, halves, -np.inf).max())
        if low == high:
            return None
        scaled = (xp.where(finite, halves, low) - low) / (high - low)
        return scaled.astype(np.float32), None if complete else finite

    def gaussian(self, image: DeviceArray, /, *, sigma: float) -> DeviceArray:
        """Gaussian filter; a wide one of the means of blocks, as on the CPU."""
        if sigma < WIDE:
            weights = half_kernel(sigma)
            return self._blur(image, weights, weights)
        xp = self.xp
        rows, columns = (np.int32(side) for side in image.shape)
        down, across = (math.ceil(side / (sigma // BLOCKS)) for side in image.shape)
        half, blocks = xp.empty((down, columns), np.float32), xp.empty((down, across), np.float32)
        self._each("shrink", image, rows, np.int32(down), columns, np.int32(0), half, count=half.size)
        self._each("shrink", half, columns, np.int32(down), np.int32(across), np.int32(1), blocks, count=blocks.size)
        spreads = (sigma / (side / count) for side, count in zip(image.shape, blocks.shape, strict=True))
        smooth = self._blur(blocks, *(half_kernel(math.sqrt(max(spread**2 - 0.25, 0.0))) for spread in spreads))
        out = xp.empty(image.shape, np.float32)
        self._each("stretch", smooth, np.int32(down), np.int32(across), rows, columns, out, count=out.size)
        return out

    def _blur(self, image: DeviceArray, down: DeviceArray, across: DeviceArray) -> DeviceArray:
        """Filter along columns, then along rows."""
        rows, columns = (np.int32(side) for side in image.shape)
        for direction, weights in enumerate((down, across)):
            out = self.xp.empty(image.shape, np.float32)
            radius = np.int32(len(weights) - 1)
            on_device = self.xp.asarray(weights)
            self._each("blur", image, rows, columns, on_device, radius, np.int32(direction), out, count=out.size)
            image = out
        return image

    def histogram(self, image: DeviceArray, /, *, bins: int) -> Histogram:
        """Count values in bins."""
        low, high = np.float32(float(image.min())), np.float32(float(image.max()))
        counts = self.xp.zeros(bins, np.uint32)
        if low < high:
            density = np.float32(bins / (np.float64(high) - np.float64(low)))
            self._each("bins_add", image, np.int64(image.size), low, density, np.int32(bins), counts, count=image.size)
        return Histogram(counts=self.to_host(counts).astype(np.int64), low=float(low), high=float(high))

    def median(self, image: DeviceArray, /, *, mask: DeviceArray) -> float:
        """Median in a mask."""
        ordered = self.xp.sort(image[mask])
        middle = self.to_host(ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]).astype(np.float64)
        return float(middle[0] + middle[-1]) / 2

    def noise(self, image: DeviceArray, /, *, mask: DeviceArray) -> float:
        """Noise of single pixels in a mask."""
        return GAUSSIAN_MAD * self.median(self._windows("second_differences", image), mask=mask)

    def sobel(self, image: DeviceArray, /) -> DeviceArray:
        """Magnitude of the gradient."""
        return self._windows("sobel", image)

    def _windows(self, name: str, image: DeviceArray) -> DeviceArray:
        out = self.xp.empty(image.shape, np.float32)
        self._each(name, image, *(np.int32(side) for side in image.shape), out, count=out.size)
        return out

    def _firsts(self, values: DeviceArray, *, diagonal: bool = False) -> DeviceArray:
        """Find the first pixel of each connected piece of equal values, (H, W) int32; −1 where they are 0."""
        rows, columns = (np.int32(side) for side in values.shape)
        firsts = self.xp.empty(values.shape, np.int32)
        size = np.int64(values.size)
        self._each("pieces_begin", values, size, firsts, count=values.size)
        joined = (rows, columns, np.int32(1), np.int32(diagonal), firsts)
        self._each("pieces_join", values, *joined, count=values.size)
        self._each("pieces_end", size, firsts, count=values.size)
        return firsts

    def _numbered(self, firsts: DeviceArray) -> DeviceArray:
        """Count pieces 1..K in raster order."""
        flat = firsts.ravel()
        numbers = self.xp.cumsum(flat == self.xp.arange(flat.size, dtype=np.int32), dtype=np.int32)
        return self.xp.where(firsts < 0, np.int32(0), numbers[flat].reshape(firsts.shape))

    def label(self, mask: DeviceArray, /) -> DeviceArray:
        """Label connected pieces."""
        return self._numbered(self._firsts(mask.astype(np.int32)))

    def remove_small_holes(self, mask: DeviceArray, /, *, area: int) -> DeviceArray:
        """Fill small holes."""
        holes = self.label(~mask)
        small = self.areas(holes) <= area
        small[0] = False
        return mask | self.xp.asarray(small)[holes]

    def distance(self, mask: DeviceArray, /) -> DeviceArray:
        """Distance to what is not in a mask."""
        rows, columns = (np.int32(side) for side in mask.shape)
        steps, out = self.xp.empty(mask.shape, np.int32), self.xp.empty(mask.shape, np.float32)
        self._each("distance_columns", mask, rows, columns, steps, count=int(columns))
        self._each("distance_rows", steps, rows, columns, out, count=out.size)
        return out

    def peaks(self, height: DeviceArray, /, *, mask: DeviceArray, neck: float) -> DeviceArray:
        """Mark clear peaks: the maxima of the reconstruction of `neck` times the landscape below the landscape."""
        xp = self.xp
        # upside down
        floors = xp.where(mask, -height, np.float32(np.inf))
        levels = floors * np.float32(neck)
        relax(self._kernels, "reconstruction_relax", (floors,), values=levels[np.newaxis])
        firsts = self._firsts(xp.where(mask, levels.view(np.int32), np.int32(0)))
        framed = xp.pad(levels, 1, constant_values=np.inf)
        around = (framed[:-2, 1:-1], framed[2:, 1:-1], framed[1:-1, :-2], framed[1:-1, 2:])
        passed = xp.zeros(mask.shape, np.bool_)
        for neighbor in around:
            passed |= neighbor < levels
        lower = xp.zeros(mask.size, np.bool_)
        lower[firsts[passed & mask]] = True
        clear = xp.where(mask & ~lower[firsts.ravel()].reshape(mask.shape), firsts, np.int32(-1))
        best = xp.zeros(mask.size, np.uint64)
        self._each("peaks_find", height, clear, np.int64(mask.size), best, count=mask.size)
        pixels = xp.sort(np.uint64(0xFFFFFFFF) - (best[best > 0] & np.uint64(0xFFFFFFFF))).astype(np.int64)
        marks = xp.zeros(mask.size, np.int32)
        marks[pixels] = xp.arange(1, len(pixels) + 1, dtype=np.int32)
        return marks.reshape(mask.shape)

    def flood(self, height: DeviceArray, /, *, markers: DeviceArray, mask: DeviceArray) -> DeviceArray:
        """Flood a mask from markers."""
        stacks = (self.xp.ascontiguousarray(image)[np.newaxis] for image in (height, markers, mask))
        heights, all_markers, masks = stacks
        return flood_stack(heights, markers=all_markers, mask=masks, kernels=self._kernels)[0]

    def arrival(self, cost: DeviceArray, /, *, seeds: DeviceArray, mask: DeviceArray) -> DeviceArray:
        """Least cost of a path from any seed."""
        out = self.xp.where((seeds > 0) & mask, np.float32(0), np.float32(np.inf))
        relax(self._kernels, "arrival_relax", (cost, mask), values=out[np.newaxis])
        return out

    def trace(
        self, arrival: DeviceArray, /, *, cost: DeviceArray, seeds: DeviceArray, mask: DeviceArray
    ) -> DeviceArray:
        """Give each pixel the label of its seed."""
        rows, columns = (np.int32(side) for side in mask.shape)
        pointers = self.xp.empty(mask.shape, np.int32)
        self._each("arrival_point", arrival, cost, seeds, mask, rows, columns, pointers, count=pointers.size)
        return follow(pointers, labels=seeds, kernels=self._kernels)

    def areas(self, labels: DeviceArray, /) -> IntArray:
        """Pixels of each object."""
        counts = self.xp.zeros(self._count(labels) + 1, np.uint64)
        self._each("areas_add", labels, np.int64(labels.size), counts, count=-(-labels.size // STRETCH))
        return np.asarray(self.to_host(counts).astype(np.int64))

    def quantiles(self, labels: DeviceArray, /, *, image: DeviceArray, q: float) -> FloatArray:
        """Quantile of each object's pixels, from all of them, sorted by object and value."""
        xp = self.xp
        areas = self.areas(labels)
        areas[0] = 0
        inside = labels > 0
        bits = image[inside].view(np.uint32)
        negative = bits >> np.uint32(31) != 0
        keys = xp.where(negative, ~bits, bits | np.uint32(0x80000000)).astype(np.uint64)
        keys = xp.sort(keys | labels[inside].astype(np.uint64) << np.uint64(32)).astype(np.uint32)
        place = q * (areas - 1)
        rank = np.floor(place)
        starts = np.cumsum(areas) - areas
        out = np.full(len(areas), np.nan)
        present = areas > 0
        if not present.any():
            return out
        first = (starts + rank)[present].astype(np.int64)
        second = np.minimum(first + 1, (starts + areas - 1)[present])
        both = self.to_host(keys[xp.asarray(np.stack([first, second]))])
        ordered = np.where(both >> np.uint32(31) != 0, both & np.uint32(0x7FFFFFFF), ~both).view(np.float32)
        low, high = ordered.astype(np.float64)
        out[present] = low + (high - low) * (place - rank)[present]
        return out

    def keep_above(self, labels: DeviceArray, /, *, image: DeviceArray, least: FloatArray) -> DeviceArray:
        """Keep pixels above a level of their object."""
        return self.xp.where(image > self.xp.asarray(least.astype(np.float32))[labels], labels, np.int32(0))

    def largest_pieces(self, labels: DeviceArray, /) -> DeviceArray:
        """Keep the largest piece of each object."""
        firsts = self._firsts(labels)
        pieces = self._numbered(firsts)
        areas = self.areas(pieces)
        flat = firsts.ravel()
        roots = flat == self.xp.arange(flat.size, dtype=np.int32)
        owner = np.concatenate([np.zeros(1, np.int32), self.to_host(labels.ravel()[roots])])
        # ascending in area, descending in number: the last one written is the largest, and the first among equals
        order = np.lexsort((-np.arange(len(areas)), areas))
        best = np.zeros(int(owner.max()) + 1, dtype=np.int64)
        best[owner[order]] = order
        largest = np.zeros(len(areas), dtype=np.bool_)
        largest[best] = True
        return self.xp.where(self.xp.asarray(largest)[pieces], labels, np.int32(0))

    def fill_holes(self, labels: DeviceArray, /) -> DeviceArray:
        """Fill holes that one object encloses."""
        xp = self.xp
        holes = self._numbered(self._firsts((labels == 0).astype(np.int32), diagonal=True))
        count = self._count(holes)
        lowest, highest = xp.full(count + 1, np.iinfo(np.int32).max, np.int32), xp.zeros(count + 1, np.int32)
        here, there = (slice(1, None), slice(None)), (slice(None, -1), slice(None))
        for one, other in ((here, there), (there, here), (here[::-1], there[::-1]), (there[::-1], here[::-1])):
            rim = (holes[one] > 0) & (labels[other] > 0)
            xp.minimum.at(lowest, holes[one][rim], labels[other][rim])
            xp.maximum.at(highest, holes[one][rim], labels[other][rim])
        filled = self.to_host(lowest == highest)
        filled[self.at_frame(holes)] = False
        filled[0] = False
        return xp.where(xp.asarray(filled)[holes], highest[holes], labels)

    def raster_order(self, labels: DeviceArray, /, *, keep: BoolArray | None = None) -> DeviceArray:
        """Count objects by their first pixel."""
        xp = self.xp
        flat = labels.ravel()
        count = self._count(labels)
        first = xp.full(count + 1, flat.size, np.int32)
        begins = flat > 0
        begins[1:] &= flat[1:] != flat[:-1]
        pixels = xp.flatnonzero(begins)
        xp.minimum.at(first, flat[pixels], pixels.astype(np.int32))
        firsts = self.to_host(first)
        kept = np.flatnonzero((firsts < flat.size) & (True if keep is None else keep))
        numbers = np.zeros(count + 1, dtype=np.int64)
        numbers[kept[np.argsort(firsts[kept])]] = np.arange(1, len(kept) + 1)
        return self.relabel(labels, numbers=numbers)

    def relabel(self, labels: DeviceArray, /, *, numbers: IntArray) -> DeviceArray:
        """Look each label up."""
        return self.xp.asarray(numbers.astype(np.int32))[labels]

    def at_frame(self, labels: DeviceArray, /) -> IntArray:
        """Labels at the frame."""
        sides = self.xp.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        return np.asarray(self.to_host(sides).astype(np.int64))

    def _count(self, labels: DeviceArray) -> int:
        return int(labels.max()) if labels.size else 0


@cache
def gpu_operations() -> GpuOperations:
    """Return the operations on the GPU of this process."""
    return GpuOperations(gpu_kernels())

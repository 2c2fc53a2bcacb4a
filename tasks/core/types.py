"""Arrays of cells: ragged batches of pixels, and the regions in which they are measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

AnyArray = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
LabelArray = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """N arrays of shape (C, Hᵢ, Wᵢ), end to end in one flat buffer, without padding.

    Padding would change every filter at the rim; a flat buffer lets compiled kernels loop over the cells.

    Parameters
    ----------
    flat
        One-dimensional buffer, each cell's (C, Hᵢ, Wᵢ) in C order.
    shapes
        (N, 2) int64, height and width of each cell.
    n_channels
        Number of channels C of every cell.
    """

    flat: AnyArray
    shapes: IntArray
    n_channels: int

    def __post_init__(self) -> None:
        expected = int(self.shapes.prod(axis=1).sum()) * self.n_channels
        if self.flat.ndim != 1 or self.flat.size != expected:
            raise ValueError(f"a flat buffer of {self.flat.shape} cannot hold {expected} values")

    @classmethod
    def of(cls, arrays: Sequence[AnyArray]) -> "Ragged":
        """Join arrays of shape (C, Hᵢ, Wᵢ), at least one, of equal dtype and number of channels."""
        if wrong := [array.shape for array in arrays if array.ndim != 3]:
            raise ValueError(f"got an array of shape {wrong[0]}, expected (planes, height, width)")
        lengths = {array.shape[0] for array in arrays}
        dtypes = {array.dtype for array in arrays}
        if len(lengths) != 1 or len(dtypes) != 1:
            raise ValueError(f"arrays of one batch need one number of planes and one dtype, got {lengths} and {dtypes}")
        shapes = np.array([array.shape[1:] for array in arrays], dtype=np.int64)
        flat = np.empty(sum(array.size for array in arrays), dtype=arrays[0].dtype)
        start = 0
        for array in arrays:
            # straight from wherever it lies: windows of an image are copied once
            flat[start : start + array.size].reshape(array.shape)[...] = array
            start += array.size
        return cls(flat=flat, shapes=shapes, n_channels=lengths.pop())

    @property
    def offsets(self) -> IntArray:
        """(N + 1,) int64: cell i lies in ``flat[offsets[i]:offsets[i + 1]]``."""
        sizes = self.shapes.prod(axis=1) * self.n_channels
        return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes, dtype=np.int64)])

    def unstack(self) -> list[AnyArray]:
        """Return views of shape (C, Hᵢ, Wᵢ), one per cell."""
        return [
            self.flat[start:stop].reshape(self.n_channels, *shape)
            for start, stop, shape in zip(self.offsets[:-1], self.offsets[1:], self.shapes, strict=True)
        ]

    def take(self, rows: Sequence[int]) -> "Ragged":
        """Return some of the cells, at least one."""
        arrays = self.unstack()
        return Ragged.of([arrays[row] for row in rows])

    def __len__(self) -> int:
        return len(self.shapes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Pixels of N cells.

    Parameters
    ----------
    pixels
        C planes per cell, of any integer or float dtype.
    channels
        C names.
    file_masks
        Bool, of the same shapes: the masks that the files hold. None where no method asks for them.
    """

    pixels: Ragged
    channels: tuple[str, ...]
    file_masks: Ragged | None = None

    def __post_init__(self) -> None:
        if self.pixels.n_channels != len(self.channels):
            raise ValueError(
                f"{self.pixels.n_channels} planes of pixels but {len(self.channels)} channels: {self.channels}"
            )

    @classmethod
    def of(
        cls, images: Sequence[AnyArray], *, channels: Sequence[str], file_masks: Sequence[BoolArray] | None = None
    ) -> "Batch":
        """Join images of shape (C, Hᵢ, Wᵢ) and equal dtype."""
        masks = None if file_masks is None else Ragged.of(file_masks)
        return cls(pixels=Ragged.of(images), channels=tuple(channels), file_masks=masks)

    def take(self, rows: Sequence[int]) -> "Batch":
        """Return some of the cells, at least one."""
        masks = None if self.file_masks is None else self.file_masks.take(rows)
        return Batch(pixels=self.pixels.take(rows), channels=self.channels, file_masks=masks)

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The field of which the cells of a region are parts.

    Parameters
    ----------
    labels
        (H, W) int32 labels of the object in the whole field: of every cell that was found, whether it is measured, was
        rejected or was left out at the border.
    numbers
        (N,) int32, the labels of the N cells.
    """

    labels: LabelArray
    numbers: LabelArray

    def take(self, rows: Sequence[int]) -> "Field":
        """Return the field of some of the cells."""
        return Field(labels=self.labels, numbers=self.numbers[list(rows)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where to measure in each cell of a batch: a set of pixels per channel, or one that all channels share.

    Parameters
    ----------
    name
        First part of the column names: a mask (``li``), a combined mask (``li.combined``) or an object (``nucleus``).
    shared
        Whether one mask serves all channels (a combined mask, a segmented object) or each channel has its own.
    masks
        Bool; one plane per cell if shared, else C planes.
    background
        (N, C) float64, what ``bgcorr`` statistics subtract; NaN where there is no background.
    field
        The field that the cells were cut out of; None on stamps.
    """

    name: str
    shared: bool
    masks: Ragged
    background: FloatArray
    field: Field | None = None

    def __post_init__(self) -> None:
        n_channels = 1 if self.shared else self.background.shape[1]
        if self.masks.n_channels != n_channels or len(self.masks) != len(self.background):
            raise ValueError(
                f"region {self.name!r}: {len(self.masks)} masks of {self.masks.n_channels} planes do not fit "
                f"{self.background.shape} backgrounds"
            )
        if self.field is not None and len(self.field.numbers) != len(self.masks):
            raise ValueError(
                f"region {self.name!r}: {len(self.masks)} masks, but the field names {len(self.field.numbers)} cells"
            )

    def take(self, rows: Sequence[int]) -> "Region":
        """Return the region of some of the cells, at least one."""
        return Region(
            name=self.name,
            shared=self.shared,
            masks=self.masks.take(rows),
            background=self.background[list(rows)],
            field=None if self.field is None else self.field.take(rows),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """Objects of one kind in a field, of which a cell may have several.

    Parameters
    ----------
    name
        Such as ``spots``.
    labels
        (H, W) int32, 1..M.
    parents
        (M,) int32, the cell that each belongs to; 0 where it has none.
    """

    name: str
    labels: LabelArray
    parents: LabelArray


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskResult:
    """What one mask method found in the N stamps of a batch.

    Parameters
    ----------
    name
        Name of the mask, unique in the run.
    masks
        Bool, C planes per stamp, after the border rule.
    combined
        Bool, one plane per stamp: the union over the channels to combine.
    n_components
        (N, C) int32, connected components per channel.
    box
        (N, 4) int32, (min row, min col, max row, max col), half open, over all channels; zeros where all are empty.
    status
        (N,) str: ``kept``, or why the stamp was rejected: ``no_object``, ``border``, ``channel_filter``.
    background
        (N, C) float64, mean of the pixels outside a channel's own mask; 0 where the mask fills the stamp.
    combined_background
        (N, C) float64, mean of the pixels outside the combined mask; NaN where that fills the stamp.
    """

    name: str
    masks: Ragged
    combined: Ragged
    n_components: LabelArray
    box: LabelArray
    status: npt.NDArray[np.str_]
    background: FloatArray
    combined_background: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """Objects found in one field.

    Parameters
    ----------
    labels
        Object name to (H, W) int32 label image, in configured order. Label k of every object that is not among
        `parents` is the same cell; labels of the first object are 1..K in raster order of each object's first pixel.
        Children have numbers of their own, 1..M in raster order.
    border
        The same of what was left out: of cells that touch the frame, all of their objects, numbered from K + 1 on in
        raster order of the first object's first pixel; of children, those of such cells and those without a parent,
        from M + 1 on. No pixel is set in both images of an object.
    parents
        Name of each kind of children, of which a cell may have several, to int32 labels of the cells that children
        1, 2, … belong to, those left out too; 0 where a child lies in none.
    """

    labels: dict[str, LabelArray]
    border: dict[str, LabelArray]
    parents: dict[str, LabelArray] = field(default_factory=dict)

    @property
    def all_labels(self) -> dict[str, LabelArray]:
        """Object name to (H, W) int32 labels of all cells, kept or left out."""
        return {name: labels + self.border[name] for name, labels in self.labels.items()}

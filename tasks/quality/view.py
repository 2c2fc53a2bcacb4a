"""What quality metrics look at: the pixels and the region of one cell in one channel."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tasks.core.shape import Ellipse, border_contact, ellipse, second_moments
from tasks.core.types import AnyArray, BoolArray, IntArray, LabelArray


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldView:
    """A whole field in one channel, as the views of its objects share it.

    Parameters
    ----------
    pixels
        (H, W), of any type.
    labels
        (H, W) labels of the kind of object.
    """

    pixels: AnyArray
    labels: LabelArray

    @cached_property
    def highest(self) -> float:
        """Largest pixel."""
        return float(self.pixels.max())

    @cached_property
    def contacts(self) -> dict[int, float]:
        """Share of the frame's border pixels that each object has."""
        return border_contact(self.labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """What a metric looks at; what several metrics of one view have in common is worked out once.

    Parameters
    ----------
    pixels
        (H, W), of any type: the whole frame, or of an object of a field a window of any size that holds the object and
        its neighbouring pixels. No metric depends on how large the window is.
    mask
        (H, W) bool: the region; None: the whole frame.
    background
        Mean of the pixels outside, NaN where there is none.
    field, number
        The field of which `pixels` is a window, and the object's label; None where it is the whole frame.
    """

    pixels: AnyArray
    mask: BoolArray | None
    background: float = float("nan")
    field: FieldView | None = None
    number: int = 0

    @cached_property
    def inside(self) -> AnyArray:
        """Pixels of the region, one-dimensional."""
        return self.pixels.ravel() if self.mask is None else self.pixels[self.mask]

    @cached_property
    def region(self) -> BoolArray:
        """(H, W) bool."""
        return np.ones(self.pixels.shape, dtype=np.bool_) if self.mask is None else self.mask

    @cached_property
    def counts(self) -> tuple[IntArray, IntArray]:
        """Pixels of the region in each row and in each column."""
        return np.add.reduce(self.region, axis=1, dtype=np.int64), np.add.reduce(self.region, axis=0, dtype=np.int64)

    @cached_property
    def box(self) -> tuple[slice, slice] | None:
        """Rows and columns of the smallest box around the region; None where it is empty."""
        if self.mask is None:
            height, width = self.pixels.shape
            return (slice(0, height), slice(0, width)) if self.pixels.size else None
        rows, columns = (np.flatnonzero(count) for count in self.counts)
        if not rows.size:
            return None
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    @cached_property
    def ellipse(self) -> Ellipse | None:
        """The ellipse of equal second moments, all pixels being one object; None where the region is empty."""
        return None if self.box is None else ellipse(second_moments(self.region[self.box]))

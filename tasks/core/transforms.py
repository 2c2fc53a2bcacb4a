"""What may be done to pixels between their file and the stage that needs them.

Stages never import each other: each offers transforms of these forms, and whoever reads pixels applies them in order.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from tasks.core.types import AnyArray, FloatArray

Metadata = Mapping[str, Any]
"""An image's columns, ``meta__image`` and ``meta__<group>`` among them."""


class PixelWindow(NamedTuple):
    """A part of an image in pixels, half open."""

    row_start: int
    row_stop: int
    col_start: int
    col_stop: int


class PixelTransform(Protocol):
    """Changes the pixels of an image, such as a correction or a normalization.

    It travels with tasks, small and frozen; what its digest is made of are its fields, or its `identity`.
    """

    @property
    def stage(self) -> str:
        """Stage that is named where it fails."""

    def open(self) -> Callable[[AnyArray, Metadata], AnyArray]:
        """Return a function of an image (C, H, W) and its metadata; its `PixelError` sets the image aside."""


class ScaleTransform(PixelTransform, Protocol):
    """A transform that treats all pixels of a channel alike, so that levels measured before it can follow."""

    def open_levels(self) -> Callable[[FloatArray, Metadata], FloatArray]:
        """Return a function of levels (C,), such as backgrounds, and the image's metadata."""


class StackProjection(Protocol):
    """Makes one image of a z-stack."""

    def __call__(self, planes: Iterable[AnyArray], /) -> AnyArray:
        """Return (C, H, W) of planes (C, H, W), which arrive one at a time so that the stack is never in memory."""

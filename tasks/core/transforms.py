"""What may be done to pixels between their file and the stage that needs them.

Stages never import each other: each offers functions of these forms, and whoever reads pixels applies them in order.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from tasks.core.types import AnyArray


class PixelWindow(NamedTuple):
    """A part of an image in pixels, half open."""

    row_start: int
    row_stop: int
    col_start: int
    col_stop: int


class PixelTransform(Protocol):
    """Changes the pixels of an image, such as a correction or a normalization."""

    def __call__(self, image: AnyArray, meta: Mapping[str, Any], /) -> AnyArray:
        """Return the changed image, of the same shape (C, H, W).

        `meta` are the image's columns, ``meta__image`` and ``meta__<group>`` among them.

        Raises
        ------
        PixelError
            The image cannot be used; it is quarantined.
        """


class StackProjection(Protocol):
    """Makes one image of a z-stack."""

    def __call__(self, planes: Iterable[AnyArray], /) -> AnyArray:
        """Return (C, H, W) of planes (C, H, W), which arrive one at a time so that the stack is never in memory."""

"""How kernels are compiled and launched on a GPU, and the rounds of those that relax."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

SOURCES = ("relax.cu", "pieces.cu", "filters.cu")
OPTIONS = ("--std=c++17", "--fmad=false")
"""Products and sums are rounded one by one, as on other devices."""

TILE = 32
"""Side of the tiles that blocks relax, as in relax.cu."""
THREADS = 256
"""Threads per block of kernels that look at each pixel by itself."""

STRETCH = 32
"""Pixels that a thread of areas_add counts, as in pieces.cu."""

DeviceArray = Any
"""An array in the memory of the device: cupy, or numpy where kernels run on the processor."""


class Kernels(Protocol):
    """What runs kernels by name."""

    xp: Any
    """The array module whose arrays kernels take: cupy, or numpy where they run on the processor."""

    def launch(
        self, name: str, arguments: Sequence[DeviceArray], *, grid: tuple[int, int], block: tuple[int, int]
    ) -> None:
        """Run a kernel over a grid of blocks; numbers among its arguments are numpy scalars of the exact types."""


def source() -> str:
    """Text of all kernels."""
    return "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in SOURCES)


class GpuKernels:
    """The kernels on the current GPU, compiled by NVRTC when the first of them is launched; cupy keeps them on disk."""

    def __init__(self) -> None:
        import cupy

        self.xp: Any = cupy
        self._module = cupy.RawModule(code=source(), options=OPTIONS)

    def launch(
        self, name: str, arguments: Sequence[DeviceArray], *, grid: tuple[int, int], block: tuple[int, int]
    ) -> None:
        """Run a kernel on the current stream."""
        self._module.get_function(name)(grid, block, tuple(arguments))


@cache
def gpu_kernels() -> GpuKernels:
    """Return the kernels of this process."""
    return GpuKernels()


def each(kernels: Kernels, name: str, arguments: Sequence[DeviceArray], *, count: int) -> None:
    """Launch a kernel with one thread for each of `count` things."""
    kernels.launch(name, arguments, grid=(-(-count // THREADS), 1), block=(THREADS, 1))


def relax(kernels: Kernels, name: str, arguments: Sequence[DeviceArray], *, values: DeviceArray) -> None:
    """Launch a kernel of relax.cu until no tile is awake.

    Parameters
    ----------
    arguments
        What comes before the size of the images.
    values
        (N, H, W): relaxed in place.
    """
    xp = kernels.xp
    images, rows, columns = values.shape
    tiles = -(-rows // TILE) * -(-columns // TILE)
    awake, following = xp.ones((images, tiles), np.int32), xp.zeros((images, tiles), np.int32)
    changed = xp.ones(1, np.int32)
    while int(changed[0]):
        changed.fill(0)
        shape = (np.int32(rows), np.int32(columns))
        kernels.launch(
            name,
            (*arguments, *shape, values, awake, following, changed),
            grid=(tiles, images),
            block=(TILE, TILE),
        )
        awake, following = following, awake

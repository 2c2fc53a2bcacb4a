"""Family ``texture``: co-occurrence of grey levels and the gradient, as the two profiles define them."""

from collections.abc import Callable

import numpy as np

from tasks.core.types import FloatArray
from tasks.features.blocks import Block
from tasks.features.cells import ChannelCell
from tasks.features.definitions.texture import DIRECTIONS, DISTANCES, SCIP, STANDARD, STEPS
from tasks.features.register import register_per_channel


def _kernel(offsets: list[list[tuple[int, int]]], *, published: bool) -> Callable[[Block, FloatArray], None]:
    """Make the kernel for pairs of pixels at some offsets, per distance and direction."""
    steps = np.array(offsets, dtype=np.int64)
    reach = int(steps.max())

    def kernel(block: Block, out: FloatArray) -> None:
        from tasks.features.kernels.texture import measure_texture

        measure_texture(
            block.counts,
            block.reals,
            block.masks,
            block.shapes,
            block.n_masks,
            block.channels,
            steps,
            reach,
            published,
            out,
        )

    return kernel


def _plain_standard(cell: ChannelCell) -> FloatArray:
    from tasks.features.plain.texture import texture

    return texture(cell.pixels, mask=cell.mask)


def _plain_scip(cell: ChannelCell) -> FloatArray:
    from tasks.features.plain.texture import published_texture

    return published_texture(cell.pixels, mask=cell.mask)


register_per_channel(
    name="texture",
    description="Texture inside a region: co-occurrence of gray levels, and the gradient.",
    definitions=STANDARD,
    kernel=_kernel(
        [[(distance * down, distance * right) for down, right in DIRECTIONS] for distance in DISTANCES], published=False
    ),
    plain=_plain_standard,
)
register_per_channel(
    name="texture",
    description="Texture inside a region: co-occurrence of gray levels, and the gradient.",
    profile="scip",
    definitions=SCIP,
    # 225° and 315° give the same symmetric counts as 45° and 135°, so two directions stand for four
    kernel=_kernel([[(step, step), (step, -step)] for step in STEPS.values()], published=True),
    plain=_plain_scip,
)

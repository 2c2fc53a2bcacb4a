"""Families that count something by its grey level and its size: zones, runs, dependent pixels."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from tasks.core.types import Batch, FloatArray, IntArray, Region
from tasks.features.cooccurrence import LEVELS
from tasks.features.family import Term, register
from tasks.features.kernels.level_images import level_stacks
from tasks.features.kernels.zones import measure_matrix
from tasks.features.standard.levels import describe, measure_levels


class MeasureLevels(Protocol):
    """Measure a matrix of levels against sizes in plain code."""

    def __call__(self, levels: IntArray, *, number: int) -> FloatArray:
        """Return (K,) float64 of levels (H, W) int64, 1 to `number` in the region, which has a pixel, and 0 outside."""


def register_matrix(family: str, *, terms: Sequence[Term], kind: int, plain: MeasureLevels) -> None:
    """Register an optional family of profile ``standard``; values are (N, K·C) float64, NaN as `measure_each` has it.

    Parameters
    ----------
    family
        Its name.
    terms
        The K features, the first ones of `tasks.features.emphases`.
    kind
        ``RUNS``, ``SIZES``, ``DISTANCES`` or ``DEPENDENCES`` of `tasks.features.kernels.zones`.
    plain
        The same of one level image.
    """

    def measure_plain(batch: Batch, region: Region) -> FloatArray:
        return measure_levels(batch, region, number=len(terms), one=lambda levels: plain(levels, number=LEVELS))

    @register(name=family, profile="standard", columns=describe(family, terms), optional=True, plain=measure_plain)
    def measure(batch: Batch, region: Region) -> FloatArray:
        found = np.empty((len(batch), len(batch.channels) * len(terms)))
        for stack in level_stacks(batch, region):
            measure_matrix(stack.levels, stack.shapes, stack.boxes, stack.areas, kind, len(terms), found[stack.cells])
        return found

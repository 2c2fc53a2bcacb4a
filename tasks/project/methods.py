"""Projections of z-stacks: plane by plane, so that memory holds a few planes however deep the stack is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tasks.core.types import AnyArray
from tasks.project.config import Project


def project(planes: Iterable[AnyArray], *, config: Project) -> AnyArray:
    """Make one image of the planes (C, H, W) of a z-stack, all of one shape and dtype.

    - ``max``: the largest value of each pixel, in the planes' dtype.
    - ``sum``: uint32 or int32 of integers of up to 16 bits, exact up to 65,536 planes; int64 of those of 32 bits; else
      as ``mean``.
    - ``mean``: float32; float64 of float64 and of integers of more than 16 bits. Integers of up to 32 bits are added up
      exactly, others in float64, in the order of the planes.
    - ``best_focus``: of each channel the plane with the largest variance of its Laplacian (4 neighbors, reflected
      border); of equally sharp ones the first. The planes' dtype.

    Raises
    ------
    ValueError
        There is no plane.

    Examples
    --------
    >>> stack = [np.array([[[1, 9], [5, 0]]]), np.array([[[3, 2], [5, 0]]])]
    >>> project(stack, config=Project(method="max"))[0].tolist()
    [[3, 9], [5, 0]]
    >>> project(stack, config=Project(method="mean"))[0].tolist()
    [[2.0, 5.5], [5.0, 0.0]]
    """
    rest = iter(planes)
    first = next(rest, None)
    if first is None:
        raise ValueError("a projection needs at least one plane")
    return _METHODS[config.method](first, rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """`project` with its configuration, as it travels with tasks."""

    config: Project

    def __call__(self, planes: Iterable[AnyArray], /) -> AnyArray:
        """Make one image of the planes of a z-stack."""
        return project(planes, config=self.config)


def _max(first: AnyArray, rest: Iterator[AnyArray]) -> AnyArray:
    largest = first.copy()
    for plane in rest:
        np.maximum(largest, plane, out=largest)
    return largest


def _mean(first: AnyArray, rest: Iterator[AnyArray]) -> AnyArray:
    total, count = _total(first, rest)
    return (total / count).astype(np.result_type(first.dtype, np.float32))


def _sum(first: AnyArray, rest: Iterator[AnyArray]) -> AnyArray:
    total, _ = _total(first, rest)
    if first.dtype.kind == "f" or first.dtype.itemsize == 8:
        return total.astype(np.result_type(first.dtype, np.float32))
    narrow = np.uint32 if first.dtype.kind == "u" else np.int32
    return total.astype(narrow) if first.dtype.itemsize <= 2 else total


def _total(first: AnyArray, rest: Iterator[AnyArray]) -> tuple[AnyArray, int]:
    """Sum of the planes, int64 or float64, and their number."""
    exact = first.dtype.kind in "iu" and first.dtype.itemsize < 8
    total, count = first.astype(np.int64 if exact else np.float64), 1
    for plane in rest:
        total += plane
        count += 1
    return total, count


def _best_focus(first: AnyArray, rest: Iterator[AnyArray]) -> AnyArray:
    best = first.copy()
    sharpness = [_sharpness(plane) for plane in first]
    for image in rest:
        for channel, plane in enumerate(image):
            own = _sharpness(plane)
            if own > sharpness[channel]:
                best[channel], sharpness[channel] = plane, own
    return best


def _sharpness(plane: AnyArray) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000, doi:10.1109/ICPR.2000.903548)."""
    from scipy.ndimage import laplace

    return float(laplace(plane.astype(np.float64), mode="reflect").var())


_METHODS: dict[str, Callable[[AnyArray, Iterator[AnyArray]], AnyArray]] = {
    "max": _max,
    "mean": _mean,
    "sum": _sum,
    "best_focus": _best_focus,
}

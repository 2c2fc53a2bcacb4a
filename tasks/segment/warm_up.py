"""Compile the kernels of segmentation before they are needed, or load what an earlier process has compiled."""

from collections.abc import Callable

import numpy as np


def jobs() -> dict[str, Callable[[], object]]:
    """List what makes segmentation ready."""
    return {"segment-flood": _flood}


def _flood() -> None:
    from tasks.segment.kernels.flood import flood

    markers = np.array([[1, 0]], np.int32)
    flood(np.zeros(markers.shape, np.float32), markers=markers, mask=np.ones(markers.shape, np.bool_))

"""Compile the kernels of the illumination correction before they are needed, or load what was compiled before."""

from collections.abc import Callable

import numpy as np

from tasks.illumination.config import IlluminationMethod, Jones2006
from tasks.illumination.methods import jones2006


def jobs(config: IlluminationMethod | None) -> dict[str, Callable[[], object]]:
    """List what makes a method ready; only `jones2006` has a kernel."""
    if not isinstance(config, Jones2006):
        return {}
    return {"illumination-median": lambda: jones2006(np.eye(4), Jones2006(median_size=3))}

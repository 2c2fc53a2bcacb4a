"""Compile the kernels of the illumination correction before they are needed, or load what was compiled before."""

from collections.abc import Callable
from functools import partial

import numpy as np

from tasks.illumination.config import IlluminationMethod, illuminations


def jobs(config: IlluminationMethod | None) -> dict[str, Callable[[], object]]:
    """List what makes a method ready; those that are not compiled need nothing."""
    part = None if config is None else illuminations.part(config)
    if part is None or part.plain is None:
        return {}
    return {"illumination": partial(part.function, np.eye(4), config)}

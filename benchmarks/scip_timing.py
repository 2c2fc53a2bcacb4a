"""Time the feature families of the published program SCIP 0.1.12; `benchmarks/features.py` starts it.

Run with the Python of `scip_environment.sh` and one argument, a file of stamps that `benchmarks/features.py` writes:
``shapes`` (N, 2), height and width of each; end to end in one row, ``pixels`` (C, H, W), ``masks`` (C, H, W) bool and
``combined`` (H, W) bool of each; ``background`` and ``combined_background`` (N, C). For every line on standard input,
``<family> <stamps>``, it measures that family on the first stamps and answers with the processor's seconds.
"""

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scip.features.intensity import intensity_features
from scip.features.raw_intensity import raw_intensity_features
from scip.features.shape import shape_features
from scip.features.texture import texture_features

Event = dict[str, Any]
Array = npt.NDArray[Any]

FAMILIES: dict[str, Callable[[Event], object]] = {
    "shape": lambda event: shape_features(mask=event["mask"], combined_mask=event["combined_mask"]),
    "intensity": lambda event: intensity_features(**event),
    "texture": texture_features,
    "raw": lambda event: raw_intensity_features(pixels=event["pixels"]),
}


def split(flat: Array, shapes: Array, *, planes: int) -> list[Array]:
    """Return an array (planes, H, W) for each stamp."""
    ends = np.cumsum(shapes.prod(axis=1) * planes)[:-1]
    return [part.reshape(planes, *shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]


def main() -> int:
    """Answer until standard input ends; the exit status."""
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as file:
        stamps = {key: file[key] for key in file.files}
    shapes, channels = stamps["shapes"], stamps["background"].shape[1]
    events = [
        {
            "pixels": pixels, "mask": mask, "combined_mask": combined[0], "background": background.tolist(),
            "combined_background": combined_background.tolist(),
        }
        for pixels, mask, combined, background, combined_background in zip(
            split(stamps["pixels"], shapes, planes=channels),
            split(stamps["masks"], shapes, planes=channels),
            split(stamps["combined"], shapes, planes=1),
            stamps["background"],
            stamps["combined_background"],
            strict=True,
        )
    ]  # fmt: skip
    for measure in FAMILIES.values():
        measure(events[0])
    print("ready", flush=True)
    for line in sys.stdin:
        family, number = line.split()
        start = time.process_time()
        for event in events[: int(number)]:
            FAMILIES[family](event)
        print(time.process_time() - start, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

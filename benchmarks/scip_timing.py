"""Time the feature families of the published program SCIP 0.1.12; `benchmarks/features.py` starts it.

Run with the Python of `scip_environment.sh` and one argument, a file of stamps that `benchmarks/features.py` writes:
``pixels`` (N, C, H, W), ``masks`` (N, C, H, W) bool, ``combined`` (N, H, W) bool, ``background`` and
``combined_background`` (N, C). For every line on standard input, ``<family> <stamps>``, it measures that family on the
first stamps and answers with the processor's seconds.
"""

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scip.features.intensity import intensity_features
from scip.features.raw_intensity import raw_intensity_features
from scip.features.shape import shape_features
from scip.features.texture import texture_features

Event = dict[str, Any]

FAMILIES: dict[str, Callable[[Event], object]] = {
    "shape": lambda event: shape_features(mask=event["mask"], combined_mask=event["combined_mask"]),
    "intensity": lambda event: intensity_features(**event),
    "texture": texture_features,
    "raw": lambda event: raw_intensity_features(pixels=event["pixels"]),
}


def main() -> int:
    """Answer until standard input ends; the exit status."""
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as file:
        stamps = {key: file[key] for key in file.files}
    events = [
        {
            "pixels": stamps["pixels"][cell],
            "mask": stamps["masks"][cell],
            "combined_mask": stamps["combined"][cell],
            "background": stamps["background"][cell].tolist(),
            "combined_background": stamps["combined_background"][cell].tolist(),
        }
        for cell in range(len(stamps["pixels"]))
    ]
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

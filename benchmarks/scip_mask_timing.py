"""Time the masks of the published program SCIP 0.1.12; `benchmarks/masks.py` starts it.

Run with the Python of `scip_environment.sh` and one argument, a file with ``pixels`` (N, C, H, W). For every line on
standard input, ``<step> <stamps>``, it takes that step for the first stamps and answers with the processor's seconds.
The step ``whole`` is what follows a mask: border rule, bounding box, combined mask and backgrounds.
"""

import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import scip.masking

Event = dict[str, Any]


def masker(module: str, **settings: object) -> Callable[[Event], Event]:
    """Return what finds the masks of one stamp."""
    function = import_module(f"scip.masking.{module}").get_mask
    return lambda event: function(dict(event), **settings)


def whole(event: Event) -> Event:
    """Do what follows a mask."""
    kept = scip.masking.remove_regions_touching_border(dict(event), 0)
    if "mask" in kept:
        kept = scip.masking.apply(scip.masking.get_bounding_box(kept), None)
    return dict(kept)


def main() -> int:
    """Answer until standard input ends; the exit status."""
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as file:
        stamps = list(file["pixels"])
    channels = len(stamps[0])
    steps = {
        "li": masker("li", smooth=[0.5] * channels), "otsu": masker("otsu"),
        "watershed": masker("watershed", noisy_channels=[]), "spot": masker("spot", spotsize=5),
        "circle": masker("circle"), "whole": whole,
    }  # fmt: skip
    filters = {
        kind: [{"method": kind, "channel_indices": list(range(channels)), "settings": settings}]
        for kind, settings in (
            ("normaltest", None),
            ("std", {"threshold": 20.0}),
            ("value_range", {"threshold": 100.0}),
        )
    }
    unfiltered = scip.masking.compute_filters([{"pixels": stamp} for stamp in stamps], [], -1)
    masked = [steps["li"](event) for event in unfiltered]
    for step in steps.values():
        step(masked[0])
    print("ready", flush=True)
    for line in sys.stdin:
        name, number = line.split()
        events = (masked if name == "whole" else unfiltered)[: int(number)]
        start = time.process_time()
        if name in filters:
            scip.masking.compute_filters([dict(event) for event in events], filters[name], -1)
        else:
            for event in events:
                steps[name](event)
        print(time.process_time() - start, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Time the families of cp_measure 0.3; `benchmarks/peers.py` starts it.

Run with the Python of `peer_environments.sh` and one argument, a file of images that `benchmarks/peers.py` writes:
``pixels`` (N, C, H, W) float64 from 0 to 1, ``masks`` (N, C, H, W) and ``combined`` (N, H, W), the objects' labels, of
each channel and of all. For every line on standard input, ``<family> <images>``, it measures that family on the first
images, channel by channel, or the family ``colocalization`` pair by pair of channels, and answers with the processor's
seconds and the number of features.
"""

import sys
import time
import warnings
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from cp_measure.bulk import get_core_measurements, get_correlation_measurements, get_multimask_measurements
from cp_measure.core.measurecolocalization import get_correlation_overlap

Array = npt.NDArray[Any]


def neighbors(labels: Array, _: Array) -> dict[str, Any]:
    """Measure the objects' neighbours: those that touch them."""
    measured: dict[str, Any] = get_multimask_measurements()["neighbors"](labels, labels, distance_method="Adjacent")
    return measured


CORE: dict[str, Callable[..., dict[str, Any]]] = {**get_core_measurements(), "neighbors": neighbors}
PAIRS: dict[str, Callable[..., dict[str, Any]]] = {**get_correlation_measurements(), "overlap": get_correlation_overlap}
CORNER = 200
"""Pixels to a side of what is measured before the clock runs."""


def colocalize(pixels: Array, mask: Array) -> int:
    """Measure all pairs of channels; the number of features per pair."""
    number = 0
    for first, second in combinations(pixels, 2):
        number = 0
        for name, function in PAIRS.items():
            # it has to be told how many values a pixel may have: those of 16 bits
            options = {"scale_max": 65535} if name == "costes" else {}
            number += len(function(first, second, mask, **options))
    return number


def main() -> None:
    """Answer until standard input ends."""
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as file:
        pixels, masks, combined = (file[key] for key in ("pixels", "masks", "combined"))
    # once before the clock runs, in a corner: a field is large
    for function in get_core_measurements().values():
        function(*(np.ascontiguousarray(array[0, 0, :CORNER, :CORNER]) for array in (masks, pixels)))
    colocalize(pixels[0, :2, :CORNER, :CORNER], combined[0, :CORNER, :CORNER])
    print("ready", flush=True)
    for line in sys.stdin:
        family, images = line.split()
        number = 0
        start = time.process_time()
        for image in range(int(images)):
            if family == "colocalization":
                number = colocalize(pixels[image], combined[image])
                continue
            for plane, mask in zip(pixels[image], masks[image], strict=True):
                number = len(CORE[family](mask, plane))
        print(time.process_time() - start, number, flush=True)


if __name__ == "__main__":
    main()

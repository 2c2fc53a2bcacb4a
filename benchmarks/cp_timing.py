"""Time the families of cp_measure 0.3; `benchmarks/peers.py` starts it.

Run with the Python of `peer_environments.sh` and one argument, a file of stamps that `benchmarks/peers.py` writes:
``pixels`` (N, C, H, W) float64 from 0 to 1, ``masks`` (N, C, H, W) bool and ``combined`` (N, H, W) bool. For every line
on standard input, ``<family> <stamps>``, it measures that family on the first stamps, channel by channel, or the family
``colocalization`` pair by pair of channels, and answers with the processor's seconds and the number of features.
"""

import sys
import time
import warnings
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from cp_measure.bulk import get_core_measurements, get_correlation_measurements
from cp_measure.core.measurecolocalization import get_correlation_overlap

Array = npt.NDArray[Any]

CORE: dict[str, Callable[..., dict[str, Any]]] = get_core_measurements()
PAIRS: dict[str, Callable[..., dict[str, Any]]] = {
    **get_correlation_measurements(),
    "overlap": get_correlation_overlap,
}


def colocalize(pixels: Array, mask: Array) -> int:
    """Measure all pairs of channels; the number of features per pair."""
    number = 0
    for one, other in combinations(pixels, 2):
        number = 0
        for name, function in PAIRS.items():
            # it has to be told how many values a pixel may have: those of 16 bits
            options = {"scale_max": 65535} if name == "costes" else {}
            number += len(function(one, other, mask, **options))
    return number


def main() -> int:
    """Answer until standard input ends; the exit status."""
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as file:
        stamps = {key: file[key] for key in file.files}
    pixels, masks = stamps["pixels"], stamps["masks"].astype(np.int32)
    combined = stamps["combined"].astype(np.int32)
    for function in CORE.values():
        function(masks[0, 0], pixels[0, 0])
    colocalize(pixels[0, :2], combined[0])
    print("ready", flush=True)
    for line in sys.stdin:
        family, cells = line.split()
        number = 0
        start = time.process_time()
        for cell in range(int(cells)):
            if family == "colocalization":
                number = colocalize(pixels[cell], combined[cell])
                continue
            for plane, mask in zip(pixels[cell], masks[cell], strict=True):
                number = len(CORE[family](mask, plane))
        print(time.process_time() - start, number, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

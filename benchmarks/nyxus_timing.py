"""Time the feature groups of nyxus 0.11; `benchmarks/peers.py` starts it.

Run with the Python of `peer_environments.sh` and one argument, a file of images that `benchmarks/peers.py` writes:
``counts`` (N, C, H, W) uint16 and ``masks`` (N, C, H, W), the objects' labels. For every line on standard input,
``<group> <images>``, it measures that group (``intensity``, ``morphology`` or ``glcm``) on all channels of the first
images in one call, on one thread, and answers with the processor's seconds and the number of features.
"""

import sys
import time

import numpy as np
from nyxus import Nyxus

GROUPS = {"intensity": "*ALL_INTENSITY*", "morphology": "*ALL_MORPHOLOGY*", "glcm": "*ALL_GLCM*"}
IDENTITY = 4
"""Columns of its tables that are no features."""
CORNER = 200
"""Pixels to a side of what is measured before the clock runs."""


def main() -> None:
    """Answer until standard input ends."""
    with np.load(sys.argv[1]) as file:
        shape = -1, *file["counts"].shape[2:]
        channels = file["counts"].shape[1]
        counts, masks = file["counts"].reshape(shape).astype(np.uint32), file["masks"].reshape(shape).astype(np.uint32)
    programs = {name: Nyxus([group], n_feature_calc_threads=1) for name, group in GROUPS.items()}
    # it remembers the names of its first call, and wants as many at the next
    titles = [str(plane) for plane in range(len(counts))]
    for program in programs.values():
        corner = (np.ascontiguousarray(array[:2, :CORNER, :CORNER]) for array in (counts, masks))
        program.featurize(*corner, intensity_names=titles[:2], label_names=titles[:2])
    print("ready", flush=True)
    for line in sys.stdin:
        name, images = line.split()
        n_images = int(images) * channels
        start = time.process_time()
        names = titles[:n_images]
        table = programs[name].featurize(counts[:n_images], masks[:n_images], intensity_names=names, label_names=names)
        print(time.process_time() - start, table.shape[1] - IDENTITY, flush=True)


if __name__ == "__main__":
    main()

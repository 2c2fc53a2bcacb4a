"""Our watershed beside scikit-image's: time, and how many objects are the same.

    python benchmarks/watershed.py

Fields are smoothed and parted by Otsu's threshold, markers are peaks of the distance to the background. That distance
is flooded, which has plateaus; the same smoothed; the brightness. Two objects are the same where they overlap by more
than 0.9 of their union. Time is that of the processor, on one core, the two in turn, the least of three rounds.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tifffile
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from benchmarks.instance_scores import overlaps_of
from benchmarks.programs import ROOT, machine, stay_on_one_core
from tasks.core.types import AnyArray, LabelArray
from tasks.segment.kernels.flood import flood

DATA = Path(os.environ.get("SCIP_TEST_DATA", ROOT.parent / "shared" / "data"))
FIELDS = {"seg_dsb2018_train": "*", "hcs_nf1": "*.tif"}
EVERY = {"seg_dsb2018_train": 6, "hcs_nf1": 1}
ROUNDS = 3


def landscapes(plane: AnyArray) -> tuple[dict[str, AnyArray], LabelArray, AnyArray]:
    """Return what is flooded, by name, the markers, and the mask."""
    smooth = ndimage.gaussian_filter(plane.astype(np.float32), 1)
    mask = smooth > threshold_otsu(smooth)
    distance = ndimage.distance_transform_edt(mask).astype(np.float32)
    peaks = peak_local_max(distance, min_distance=7, labels=mask.astype(np.int32))
    markers = np.zeros(plane.shape, dtype=np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return (
        {"distance": -distance, "smoothed": -ndimage.gaussian_filter(distance, 1), "brightness": -smooth},
        markers,
        mask,
    )


def timed(work: Callable[[], LabelArray]) -> tuple[LabelArray, float]:
    """Return labels and the seconds that they took."""
    start = time.process_time()
    labels = work()
    return labels, time.process_time() - start


def compare(planes: Sequence[AnyArray], *, name: str) -> str:
    """Row of the table: what is flooded, objects, the share that is the same, milliseconds per megapixel of both."""
    agreeing, objects, pixels = 0, 0, 0
    seconds = np.zeros(2)
    for plane in planes:
        heights, markers, mask = landscapes(plane)
        height, rounds = heights[name], []
        for _ in range(ROUNDS):
            ours, our_time = timed(lambda: flood(height, markers=markers, mask=mask))  # noqa: B023 - called at once
            theirs, their_time = timed(lambda: watershed(height, markers, mask=mask))  # noqa: B023
            rounds.append((our_time, their_time))
        seconds += np.min(rounds, axis=0)
        overlaps = overlaps_of(np.asarray(theirs), ours)
        agreeing += int(overlaps.hits(90).sum())
        objects += len(overlaps.true_areas)
        pixels += plane.size
    our_rate, their_rate = 1e9 * seconds / pixels
    return f"{name}: {objects} objects, {agreeing / objects:.1%} the same, {our_rate:.1f} and {their_rate:.1f} ms/MP"


def main() -> None:
    """Print a row for each kind of landscape of each data set."""
    stay_on_one_core()
    print(machine("numba", "scikit-image"))
    for data_set, pattern in FIELDS.items():
        paths = sorted((DATA / data_set / "images").glob(pattern))[:: EVERY[data_set]]
        planes = [plane for plane in map(tifffile.imread, paths) if plane.ndim == 2]
        for name in ("distance", "smoothed", "brightness"):
            print(data_set, compare(planes, name=name), flush=True)


if __name__ == "__main__":
    main()

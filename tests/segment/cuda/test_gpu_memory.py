"""What a field takes of a GPU's memory, and what is imported for a GPU."""

import subprocess
import sys
import tracemalloc

import numpy as np

from tasks.segment.cuda.batches import BYTES
from tasks.segment.gpu import GpuOperations
from tasks.segment.methods.seeded_watershed import SeededWatershed, grow
from tasks.segment.methods.watershed import Watershed, find_blobs
from tests.segment.cuda.host_kernels import HostKernels

IMPORTS = """
import sys
import tasks.segment.cuda.batches, tasks.segment.cuda.flood, tasks.segment.gpu
print(sorted({"polars", "pydantic", "prefect", "dask", "numba", "scipy", "skimage", "pandas"} & set(sys.modules)))
"""


def test_a_field_takes_no_more_memory_than_is_reckoned_with(kernels: HostKernels) -> None:
    operations = GpuOperations(kernels)
    rows, columns = np.mgrid[:256, :256]
    plane = ((rows % 32 - 16) ** 2 + (columns % 32 - 16) ** 2 < 140).astype(np.uint16) * 900
    plane += (rows + columns).astype(np.uint16)
    tracemalloc.start()
    try:
        nuclei = find_blobs(plane, config=Watershed(name="nucleus", channel="a"), operations=operations)
        cells = SeededWatershed(name="cell", channel="b", seeds="nucleus")
        grow(plane, seeds=nuclei, config=cells, operations=operations)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert nuclei.max() > 40
    fixed = 8 * (1 << 16)  # a histogram
    assert BYTES / 3 < (most - fixed) / plane.size < BYTES / 1.5


def test_a_machine_for_gpus_needs_numpy_and_cupy_only() -> None:
    command = [sys.executable, "-c", IMPORTS]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"

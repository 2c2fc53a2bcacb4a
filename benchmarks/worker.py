"""Tell how long a fresh process takes to its first result, and how its memory grows with the batches it measures.

    python benchmarks/worker.py [--profile standard] [--batches N]

The kernels have been compiled before: run it twice on a new machine. A batch is 100 stamps of 60×60 pixels of 12
channels, each batch of other pixels and other sizes. The figures are the process's, as the system counts them.
"""

import time

START = time.perf_counter(), time.process_time()

import argparse  # noqa: E402 - the clock runs while modules are imported

import numpy as np  # noqa: E402
import psutil  # noqa: E402

from tasks.core.types import Batch, Ragged, Region  # noqa: E402
from tasks.features import Features, measure, warm_up  # noqa: E402

CELLS, CHANNELS = 100, 12


def draw(number: int) -> tuple[Batch, list[Region]]:
    """Draw a batch of discs."""
    rng = np.random.default_rng(number)
    images, masks = [], []
    for _ in range(CELLS):
        height, width = rng.integers(50, 70, size=2)
        rows, columns = np.mgrid[:height, :width]
        distance = np.hypot(rows - height / 2, columns - width / 2)
        images.append(rng.integers(100, 4000, size=(CHANNELS, height, width)).astype(np.uint16))
        masks.append(distance < rng.uniform(12, 18, size=(CHANNELS, 1, 1)))
    background = rng.uniform(50, 100, size=(CELLS, CHANNELS))
    own = Region(name="own", shared=False, masks=Ragged.of(masks), background=background)
    return Batch.of(images, channels=[f"c{channel}" for channel in range(CHANNELS)]), [own]


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description="Time to the first result, and memory over many batches.")
    parser.add_argument("--profile", choices=["standard", "scip"], default="standard")
    parser.add_argument("--batches", type=int, default=60)
    options = parser.parse_args()
    config = Features.model_validate({"profile": options.profile, "families": ["shape", "intensity", "texture"]})
    imported = time.perf_counter(), time.process_time()
    warm_up(options.profile, families=config.families)
    batch, regions = draw(0)
    measure(batch, regions, config=config)
    done = time.perf_counter(), time.process_time()
    for title, at in (("imported", imported), ("first result", done)):
        print(f"{title}: {at[0] - START[0]:.1f} s, of these {at[1] - START[1]:.1f} s of the processor")
    process = psutil.Process()
    for number in range(1, options.batches + 1):
        if number in {2, 10, options.batches // 2, options.batches}:
            print(f"memory after {number} batches: {process.memory_info().rss / 2**20:.0f} MiB")
        batch, regions = draw(number)
        measure(batch, regions, config=config)


if __name__ == "__main__":
    main()

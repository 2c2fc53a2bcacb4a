"""Time the loader of the published program SCIP 0.1.12; `benchmarks/reading.py` starts it.

Run with the Python of `scip_environment.sh` and one argument, a ragged zarr store. For every line on standard input,
``read <stamps>``, it loads the pixels of the first stamps, as its pipeline does for a partition, and answers with the
processor's seconds.
"""

import sys
import time
import warnings

from scip.loading import zarr as loader


def main() -> int:
    """Answer until standard input ends; the exit status."""
    warnings.simplefilter("ignore")
    events = loader.meta_from_directory(sys.argv[1], r".*").compute(scheduler="synchronous")
    print("ready", flush=True)
    for line in sys.stdin:
        number = int(line.split()[1])
        start = time.process_time()
        loader.load_image_partition(events[:number], slice(None))
        print(time.process_time() - start, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Time the reading of a ragged zarr: our reader, which reads each chunk once, and the published program's, in turn.

    python benchmarks/reading.py [--cells N] [--chunk N ...] [--rounds R] [--original DIR]

Both read the same store of generated stamps, 60×60 pixels of 12 channels, on one core; what is counted is the
processor's time, and the least of all rounds. The published program decodes a whole chunk for every stamp, so the ratio
grows with the chunks; left to itself zarr 2 puts a thousand stamps and more into one. It runs in the environment of
`scip_environment.sh`; where that does not exist its columns stay empty.
"""

import json
import tempfile
import time
from pathlib import Path

import numcodecs
import numpy as np

from benchmarks.features import CHANNELS, draw
from benchmarks.programs import ORIGINAL, Program, machine, parsed, stay_on_one_core, told_where_missing
from tasks.core.types import AnyArray
from tasks.ingest.channels import Channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.load import load_images

DRAWN = 25
"""Stamps that are drawn; the store repeats them."""
FEW = 10
"""Stamps that the published program reads."""


def write_store(path: Path, stamps: list[AnyArray], *, chunk: int) -> None:
    """Write stamps as the published system's stores are: a one-dimensional array of objects, blosc, shapes beside."""
    coding, compressor = numcodecs.VLenArray("<u2"), numcodecs.Blosc("lz4", clevel=5)
    path.mkdir()
    for number, first in enumerate(range(0, len(stamps), chunk)):
        part = np.full(chunk, None, dtype=object)
        for slot in range(chunk):
            part[slot] = stamps[first + slot].ravel() if first + slot < len(stamps) else np.zeros(0, dtype="<u2")
        (path / str(number)).write_bytes(compressor.encode(coding.encode(part)))
    array = {"zarr_format": 2, "shape": [len(stamps)], "chunks": [chunk], "dtype": "|O", "fill_value": 0, "order": "C"}
    codecs = {"filters": [coding.get_config()], "compressor": compressor.get_config()}
    attributes = {"shape": [stamp.shape for stamp in stamps], "object_number": list(range(len(stamps)))}
    (path / ".zarray").write_text(json.dumps(array | codecs))
    (path / ".zattrs").write_text(json.dumps(attributes))


def time_store(path: Path, stamps: list[AnyArray], *, rounds: int, environment: Path) -> tuple[float, float]:
    """Least time per stamp in milliseconds, ours and the published program's, NaN where that is not there."""
    channels = Channels(names=tuple(f"c{number}" for number in range(CHANNELS)), sources=None, count=CHANNELS)
    references = build_index([path], config=Load()).references
    turns = []
    with Program(environment, "scip_timing.py", "reading", path) as original:
        for _ in range(rounds):
            start = time.process_time()
            loaded = load_images(references, channels=channels)
            ours = (time.process_time() - start) / len(stamps)
            pairs = zip(loaded.images, stamps, strict=True)
            if not all(image is not None and np.array_equal(image, stamp) for image, stamp in pairs):
                raise RuntimeError("the stamps that were read are not those that were written")
            turns.append((ours, original.ask("read", cells=FEW)[0] / FEW if original.known else np.nan))
    ours, theirs = 1e3 * np.min(turns, axis=0)
    return ours, theirs


def main() -> None:
    """Time both and print the table."""
    options = parsed(
        "Time the reading of a ragged zarr.",
        cells=(500, "stamps in the store"),
        chunk=([125, 250, 500], "stamps in each chunk"),
        rounds=(5, "of which the least counts"),
        original=ORIGINAL,
    )
    stay_on_one_core()
    drawn = draw(cells=DRAWN, dtype=np.uint16).batch.pixels.unstack()
    stamps = [drawn[number % DRAWN] for number in range(options.cells)]
    print(f"{machine('numcodecs')}\n")
    print("| stamps | per chunk | ours, ms a stamp | original, ms a stamp | ratio |")
    print("|---:|---:|---:|---:|---:|")
    for chunk in options.chunk:
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder, "stamps.zarr")
            write_store(store, stamps, chunk=chunk)
            ours, theirs = time_store(store, stamps, rounds=options.rounds, environment=options.original)
        known = [f"{theirs:.2f}", f"{theirs / ours:.0f}"] if np.isfinite(theirs) else ["", ""]
        print("|", " | ".join([str(len(stamps)), str(chunk), f"{ours:.3f}", *known]), "|")
    told_where_missing(options.original)


if __name__ == "__main__":
    main()

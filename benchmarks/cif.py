"""Time the reading of compensated image files (.cif): following the chain of objects, decoding pixels and masks.

    python benchmarks/cif.py [--cells N] [--rounds R]

The file holds generated stamps, 60×60 pixels of 12 channels, and their masks. What is counted is the processor's time
of one core, the least of all rounds; beside it the time in which the same bytes are read and nothing else is done.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.features import CHANNELS, draw
from benchmarks.programs import machine, parsed, stay_on_one_core
from tasks.core.channels import Channels
from tasks.core.types import IntArray
from tasks.ingest.config import Load
from tasks.ingest.example_cif import write_cif
from tasks.ingest.index import build_index
from tasks.ingest.load import load_images
from tasks.ingest.readers import amnis_file
from tasks.ingest.readers.amnis_coding import Bytes, decode_grey, decode_grey_plain, decode_mask

DRAWN = 25
"""Stamps that are drawn; the file repeats them."""


def steps(path: Path, *, names: tuple[str, ...]) -> dict[str, Callable[[], object]]:
    """Return what is timed, by its name; each does all objects of the file."""
    channels = Channels(names=names, sources=None, count=len(names))
    references = build_index([path], config=Load()).references
    container = amnis_file.open_container(str(path))
    content = path.read_bytes()

    def coded(strips: IntArray) -> list[Bytes]:
        parts = (amnis_file.Strip(*strip) for strip in strips.tolist())
        return [np.frombuffer(content, np.uint8, count=own.bytes, offset=own.offset) for own in parts]

    pixels, masks = coded(container.pixels), coded(container.masks)
    shapes = [container.shape(position) for position in range(len(references))]

    def follow() -> None:
        amnis_file.read_container.cache_clear()
        amnis_file.open_container(str(path))

    def read_bytes() -> None:
        with path.open("rb") as file:
            for strip in container.pixels[:, -2:].tolist():
                file.seek(strip[0])
                file.read(strip[1])

    return {
        "follow the chain": follow,
        "read the bytes of the pixels": read_bytes,
        "decode pixels": lambda: [decode_grey(own, shape=shape) for own, shape in zip(pixels, shapes, strict=True)],
        "the same in plain code": lambda: [
            decode_grey_plain(own, shape=shape) for own, shape in zip(pixels, shapes, strict=True)
        ],
        "decode masks": lambda: [decode_mask(own, shape=shape) for own, shape in zip(masks, shapes, strict=True)],
        "load pixels": lambda: load_images(references, channels=channels),
        "load pixels and masks": lambda: load_images(references, channels=channels, masks=True),
    }


def main() -> None:
    """Time all steps in turn and print the table."""
    options = parsed(
        "Time the reading of a compensated image file.",
        cells=(200, "objects in the file"),
        rounds=(7, "of which the least counts"),
    )
    stay_on_one_core()
    drawn = draw(cells=DRAWN, dtype=np.uint16)
    images, masks = drawn.batch.pixels.unstack(), drawn.own.masks.unstack()
    chosen = [number % DRAWN for number in range(options.cells)]
    names = tuple(f"c{number}" for number in range(CHANNELS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stamps.cif")
        write_cif(path, images=[images[n] for n in chosen], masks=[masks[n] for n in chosen], names=names)
        timed = steps(path, names=names)
        rounds = []
        for number in range(options.rounds + 1):
            own = []
            for step in timed.values():
                start = time.process_time()
                step()
                own.append(1e6 * (time.process_time() - start) / options.cells)
            if number:  # the first compiles
                rounds.append(own)
        size = path.stat().st_size / options.cells
    print(f"{machine()}\n\n{options.cells} objects of {images[0].size:,} values, {size:,.0f} bytes each\n")
    print("| step | µs an object |")
    print("|---|---:|")
    for name, least in zip(timed, np.min(rounds, axis=0), strict=True):
        print(f"| {name} | {least:,.1f} |")


if __name__ == "__main__":
    main()

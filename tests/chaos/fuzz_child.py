"""Reads damaged files one after the other and writes a line about each: ``python -m tests.chaos.fuzz_child``.

It has a limited memory and may die; whoever started it goes on behind the file that it died of.
"""

import json
import random
import resource
import shutil
import sys
import warnings
from pathlib import Path

import psutil

from tasks.core.errors import UserError
from tasks.core.types import AnyArray
from tasks.ingest.channels import resolve_channels
from tasks.ingest.index import build_index
from tasks.ingest.load import load_images
from tasks.ingest.readers import readers
from tasks.ingest.readers.base import MaskReader
from tests.chaos.fuzz_damage import damaged
from tests.chaos.fuzz_seeds import Case, Seed, cases

MEMORY = 2**30
"""Bytes that reading may take beyond those of the libraries; the good files have a megabyte at most."""


def damage(case: Case, *, others: list[Case], draw: random.Random) -> Seed:
    """Return a seed of which one file is damaged."""
    path = draw.choice(sorted(case.seed.files))
    other = draw.choice(others).seed
    content = damaged(case.seed.files[path], draw=draw, other=other.files[draw.choice(sorted(other.files))])
    return Seed(name=case.seed.name, files=case.seed.files | {path: content}, pattern=case.seed.pattern)


def read(folder: Path, *, case: Case) -> tuple[str, str]:
    """Read a damaged image as a run does: among good images, whose channels it should have, and alone."""
    try:
        index = build_index([folder], config=case.load)
        faults = [*index.faults]
        if index.references:
            masks = isinstance(readers[case.load.reader], MaskReader)
            loaded = load_images(index.references, channels=case.channels, masks=masks)
            faults += loaded.faults
            own = load_images(index.references, channels=resolve_channels(index.references, config=case.load)[0])
            faults += own.faults
            images: list[AnyArray] = [image for image in (*loaded.images, *own.images) if image is not None]
            sum(int(image.sum(dtype="float64") > 0) for image in images)  # every byte is memory of this process
    except UserError as error:
        return "quarantined", str(error)
    if faults:
        return "quarantined" if all(fault.message for fault in faults) else "crashed", faults[0].message
    return "read", ""


def main(reader: str, seed: int, start: int, stop: int, folder: Path) -> None:
    """Read the damaged files `start` to `stop`; each follows from its number, the seed and the reader alone."""
    warnings.simplefilter("ignore")
    own = cases(reader, folder=folder / "seeds")
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(start, stop):
        draw = random.Random(f"{seed}/{reader}/{number}")  # noqa: S311 - damage, not a secret
        case = own[number % len(own)]
        bad = damage(case, others=own, draw=draw)
        print(json.dumps({"number": number, "seed": bad.name}), flush=True)  # noqa: T201 - its caller reads it
        bad.write(image := folder / "image")
        try:
            outcome, why = read(image, case=case)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it would have ended a task
            outcome, why = "crashed", f"{type(error).__name__}: {error}"
        shutil.rmtree(image)
        print(json.dumps({"number": number, "outcome": outcome, "why": why}), flush=True)  # noqa: T201


if __name__ == "__main__":
    name, drawn, first, end, place = sys.argv[1:]
    main(name, int(drawn), int(first), int(end), Path(place))

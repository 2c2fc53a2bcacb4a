"""The example data set: 12-channel stamps of three types of white blood cells, drawn from a seed."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.core.storage import write_json
from tasks.ingest.example_cells import CELL_TYPES, CHANNELS, Cell, draw_cell

VERSION = 1
"""Raise it when equal seeds give other pixels."""

PATTERN = r"(?P<cell_type>[^/]+)/cell_(?P<cell>\d+)\.tif$"
"""Tells type and number of a cell from its path."""

IMAGES = "example"
TRUTH = "example_truth.csv"
RECORD = "example.json"

PROPORTIONS = (0.5, 0.2, 0.3)
"""Of the cell types."""

STATES = {"dim": 0.08, "blurred": 0.08, "border": 0.03, "empty": 0.02}
"""Part of the stamps that is not normal; from 25 stamps on there is at least one of each."""

__all__ = ["CELL_TYPES", "CHANNELS", "PATTERN", "STATES", "plan_cells", "write_example"]


def write_example(folder: str | Path, *, count: int = 300, seed: int = 0) -> Path:
    """Write the example data set; equal arguments give equal bytes.

    ``example/<cell type>/cell_<number>.tif`` holds the stamps, one TIFF per cell with 12 frames in the order of
    `CHANNELS`, uint16 of 12 bits, about 48 to 64 px wide. Beside it stand ``example_truth.csv``, which tells of every
    stamp its type, its state (normal, dim, blurred, border, empty), centre, radius and areas in px, and
    ``example.json``, by which a complete set is known and not written again. Where an earlier call with other arguments
    wrote here, its surplus files are removed; files of others are left alone.

    Parameters
    ----------
    folder
        Where to write; made if need be.
    count
        Number of stamps.
    seed
        Where all variation comes from.

    Returns
    -------
    Path
        The folder ``example``, to be given as input.
    """
    if count < 1:
        raise ValueError(f"an example needs at least one stamp, got {count}")
    folder = Path(folder)
    images, record_path = folder / IMAGES, folder / RECORD
    cells = plan_cells(count=count, seed=seed)
    names = [f"{cell_type}/cell_{number:0{len(str(max(count - 1, 1000)))}d}.tif" for number, (cell_type, _) in cells]
    record = {"version": VERSION, "seed": seed, "count": count}
    before = json.loads(record_path.read_text(encoding="utf-8")) if record_path.is_file() else {}
    if before == {**record, "complete": True, "files": names} and all((images / name).is_file() for name in names):
        return images

    surplus = sorted(set(before.get("files", [])) - set(names))
    # until the record says that all is complete, a stopped call is made good by the next
    write_json(record_path, {**record, "complete": False, "files": sorted({*names, *surplus})})
    for name in surplus:
        (images / name).unlink(missing_ok=True)
    rows = []
    for name, (number, (cell_type, state)) in zip(names, cells, strict=True):
        cell = draw_cell(cell_type=cell_type, state=state, rng=np.random.default_rng([VERSION, seed, number]))
        _write(images / name, _tiff(cell))
        rows.append(_truth(f"{IMAGES}/{name}", cell_type=cell_type, state=state, cell=cell))
    _write(folder / TRUTH, _csv(rows))
    write_json(record_path, {**record, "complete": True, "files": names})
    return images


def plan_cells(*, count: int, seed: int) -> list[tuple[int, tuple[str, str]]]:
    """Draw the type and the state of each stamp: (number, (type, state))."""
    rng = np.random.default_rng([VERSION, seed])
    types = rng.choice(len(CELL_TYPES), size=count, p=PROPORTIONS)
    states = np.full(count, "normal", dtype="<U8")
    free = rng.permutation(count)
    for state, part in STATES.items():
        amount = max(round(part * count), int(count >= 25))
        states[free[:amount]] = state
        free = free[amount:]
    return [(number, (CELL_TYPES[types[number]], str(states[number]))) for number in range(count)]


def _tiff(cell: Cell) -> bytes:
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, cell.pixels, photometric="minisblack", compression="deflate", metadata=None, software=False
    )
    return buffer.getvalue()


def _truth(image: str, *, cell_type: str, state: str, cell: Cell) -> dict[str, object]:
    return {
        "image": image,
        "cell_type": cell_type,
        "state": state,
        "row": round(cell.row, 3),
        "column": round(cell.column, 3),
        "radius": round(cell.radius, 3),
        "cell_area": cell.cell_area,
        "nucleus_area": cell.nucleus_area,
    }


def _csv(rows: Sequence[dict[str, object]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    """Write a file unless it holds this content already, so that its modification time tells of a change."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

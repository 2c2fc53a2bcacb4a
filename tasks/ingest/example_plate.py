"""The plate of the tutorial: fields of cells in the wells of two treatments, drawn from a seed."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.core.errors import InputError
from tasks.core.types import AnyArray
from tasks.ingest.example_field import CHANNELS, Field, State, draw_field

VERSION = 1
"""Raise it when equal seeds give other pixels."""

SITES = 4
"""Fields of a well."""

WELLS = "wells.csv"
TRUTH = "truth.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """Wells of a treatment, the number of cells to expect in a field, and their shares of G1, G2 and M."""

    wells: tuple[str, ...]
    cells: float
    phases: tuple[float, float, float]


TREATMENTS = {
    "control": Treatment(wells=("B02", "B03", "B04"), cells=46, phases=(0.62, 0.30, 0.08)),
    "drug": Treatment(wells=("C02", "C03", "C04"), cells=38, phases=(0.25, 0.735, 0.015)),
}
"""The drug is made up: it keeps cells that have doubled their DNA from dividing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedField:
    """A field of the plate; of a damaged one the file of the last channel is cut off."""

    name: str
    treatment: Treatment
    state: State = "normal"
    damaged: bool = False

    def file(self, channel: str) -> str:
        """Name of the file of a channel."""
        return f"{self.name}_{channel}.tif"


def write_plate(folder: Path, *, seed: int = 0) -> list[PlannedField]:
    """Write the plate into a new or empty folder.

    A field is a TIFF per channel, ``B03_s1_DNA.tif``, 512 × 512 px of 16 bits. One field is out of focus, one is empty,
    and of one a file is cut off. ``wells.csv`` tells the treatment of each well; ``truth.csv`` where each nucleus was
    drawn, its area and its phase.

    Raises
    ------
    InputError
        The folder holds something, or is a file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there and not empty; give a folder that is new")
    folder.mkdir(parents=True, exist_ok=True)
    fields = plan_fields(seed=seed)
    truth: list[dict[str, object]] = []
    for number, planned in enumerate(fields):
        drawn = draw_field(
            cells=planned.treatment.cells,
            phases=planned.treatment.phases,
            state=planned.state,
            rng=np.random.default_rng([VERSION, seed, number]),
        )
        for channel, pixels in zip(CHANNELS, drawn.pixels, strict=True):
            content = _tiff(pixels)
            cut_off = planned.damaged and channel == CHANNELS[-1]
            (folder / planned.file(channel)).write_bytes(content[: len(content) // 3] if cut_off else content)
        truth.extend(_truth(planned.name, drawn))
    wells = [{"well": well, "treatment": name} for name, own in TREATMENTS.items() for well in own.wells]
    _write_csv(folder / WELLS, wells)
    _write_csv(folder / TRUTH, truth)
    return fields


def plan_fields(*, seed: int) -> list[PlannedField]:
    """Name the fields in order, and choose those that are out of focus, empty and damaged."""
    names = [
        (f"{well}_s{site}", treatment)
        for treatment in TREATMENTS.values()
        for well in treatment.wells
        for site in range(1, SITES + 1)
    ]
    blurred, empty, damaged = np.random.default_rng([VERSION, seed]).permutation(len(names))[:3]
    states: dict[int, State] = {int(blurred): "blurred", int(empty): "empty"}
    return [
        PlannedField(name=name, treatment=treatment, state=states.get(number, "normal"), damaged=number == damaged)
        for number, (name, treatment) in enumerate(names)
    ]


def _truth(field: str, drawn: Field) -> Iterator[dict[str, object]]:
    for nucleus in drawn.nuclei:
        yield {
            "field": field,
            "row": round(nucleus.row, 2),
            "column": round(nucleus.column, 2),
            "area": nucleus.area,
            "phase": nucleus.phase,
        }


def _tiff(pixels: AnyArray) -> bytes:
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, photometric="minisblack", compression="deflate", metadata=None, software=False)
    return buffer.getvalue()


def _write_csv(path: Path, rows: Sequence[dict[str, object]] | Sequence[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

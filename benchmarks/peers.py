"""Time the families that other programs have too, ours and theirs in turn: on stamps, and on a field of objects.

    python benchmarks/peers.py [--on stamps field] [--cells N] [--objects N] [--few N] [--rounds R]
                               [--cp DIR] [--nyxus DIR] [--original DIR]

All measure the same generated pixels on one core; what is counted is the processor's time of the calls that measure. In
every round each takes its turn, and the least time of all rounds counts. The others run in the environments of
`peer_environments.sh` and `scip_environment.sh`, with their own settings: the granularity of cp_measure is that of a
quarter of the resolution, ours of the full one.

Stamps are those of `benchmarks/features.py`, 60×60 pixels of 12 channels, each channel in its own mask of 700 to 1,000
px; SCIP is timed on them by that script. The field is that of `benchmarks/fields.py`, 2048×2048 pixels of 12 channels.
We cut its objects out, which is a row of its own and part of the sum, and measure all channels. cp_measure and nyxus
get the field's labels and its first two channels, a call for each, or for their pair; figures are per object and
channel. What depends on the labels alone counts per object, and in the sum once for 12 channels, with all programs.
SCIP measures one object after the other in its box, so it gets the boxes of a few; there the plain code is timed too.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import features, fields
from benchmarks.features import CHANNELS, Stamps
from benchmarks.programs import ORIGINAL, ROOT, Program, machine, parsed, stay_on_one_core, told_where_missing
from tasks.core.crop import CLIPPED, WITH_MARGIN, crop_cells
from tasks.core.types import AnyArray, Batch, LabelArray, Ragged, Region
from tasks.features import warm_up
from tasks.features.family import RegionInfo, families_of

Families = Mapping[str, tuple[str, ...]]

PAIRED = "colocalization"
"""Measured per pair of channels in the combined mask, and not part of the sum."""
CP_MEASURE: Families = {
    "granularity": ("granularity",), "radial_distribution": ("radial_distribution",), "shape": ("sizeshape", "feret"),
    "zernike": ("zernike",), "radial_zernike": ("radial_zernikes",), "haralick": ("texture",),
    "intensity": ("intensity",), PAIRED: ("colocalization",),
}  # fmt: skip
FIELD_ONLY: Families = {"neighbors": ("neighbors",)}
NYXUS: Families = {"intensity": ("intensity",), "shape": ("morphology",), "haralick": ("glcm",)}
"""Our family, and what the other program calls it."""

PLANES = 2
"""Channels of the field that the other programs measure."""

Measured = tuple[float, int]
"""Microseconds per cell and channel, per cell and pair of channels, or per cell, and the number of features."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The same cells as we and the other programs get them, with the regions of families per channel and per pair."""

    batch: Batch
    own: Region
    combined: Region
    file: dict[str, AnyArray]
    """What the other programs read."""
    images: int
    cells: int
    n_channels: int
    """How many images they measure, with how many cells and channels each."""
    cut: float = 0.0
    """Microseconds per cell and channel that it takes us to cut the cells out."""

    def unit(self, name: str) -> str:
        """Whether a family is measured per pair, per cell or per channel."""
        if name == PAIRED:
            return "pair"
        columns = families_of("standard")[name].columns(region=_info(self.own), channels=self.batch.channels)
        return "channel" if any(column.channels for column in columns) else "cell"


def _info(region: Region) -> RegionInfo:
    return RegionInfo(name=region.name, shared=region.shared)


def on_stamps(*, cells: int, few: int) -> Scene:
    """Draw stamps, of which the others measure a few."""
    stamps = features.draw(cells=cells, dtype=np.uint16)
    some = stamps.take(few)
    counts = np.stack(some.batch.pixels.unstack())
    masks = np.stack(some.own.masks.unstack()).astype(np.int32)
    combined = np.stack(some.combined.masks.unstack())[:, 0].astype(np.int32)
    return Scene(
        batch=stamps.batch, own=stamps.own, combined=stamps.combined, images=few, cells=1, n_channels=CHANNELS,
        file={"counts": counts, "pixels": counts / 4095, "masks": masks, "combined": combined},
    )  # fmt: skip


def on_field(image: AnyArray, labels: LabelArray, *, rounds: int) -> Scene:
    """Cut the objects out of a field, of which the others measure two channels."""
    numbers = range(1, int(labels.max()) + 1)
    turns = []
    for _ in range(rounds):
        start = time.process_time()
        batch, (cell,) = crop_cells(
            image, labels={"cell": labels}, numbers=numbers, channels=fields.NAMES, crop=WITH_MARGIN
        )
        turns.append(time.process_time() - start)
    counts = image[np.newaxis, :PLANES]
    masks = np.broadcast_to(labels, counts.shape)
    file = {"counts": counts, "pixels": counts / 4095, "masks": masks, "combined": labels[np.newaxis]}
    cut = 1e6 * min(turns) / (len(numbers) * CHANNELS)
    return Scene(
        batch=batch, own=cell, combined=cell, file=file, images=1, cells=len(numbers), n_channels=PLANES, cut=cut
    )


def boxes_of(image: AnyArray, labels: LabelArray) -> Stamps:
    """Cut the objects out as the published program does, each channel in the object's mask."""
    numbers = range(1, int(labels.max()) + 1)
    batch, (cell,) = crop_cells(image, labels={"cell": labels}, numbers=numbers, channels=fields.NAMES, crop=CLIPPED)
    repeated = Ragged.of([np.repeat(mask, CHANNELS, axis=0) for mask in cell.masks.unstack()])
    return Stamps(
        batch=batch,
        own=Region(name="cell", shared=False, masks=repeated, background=cell.background),
        combined=Region(name="cell.combined", shared=True, masks=cell.masks, background=cell.background),
    )


def measure_ours(name: str, scene: Scene) -> Measured:
    """Measure one of our families."""
    family = families_of("standard")[name]
    region = scene.combined if name == PAIRED else scene.own
    units = _units(scene.unit(name), channels=CHANNELS)
    start = time.process_time()
    family.measure(scene.batch, region)
    seconds = time.process_time() - start
    number = len(family.columns(region=_info(region), channels=scene.batch.channels))
    return 1e6 * seconds / (len(scene.batch) * units), number // units


def measure_theirs(names: tuple[str, ...], peer: Program, scene: Scene, *, unit: str) -> Measured:
    """Measure the families of another program that are one of ours."""
    answers = [peer.ask(name, cells=scene.images) for name in names]
    # what needs no pixels they measure for each channel all the same
    units = _units("channel" if unit == "cell" else unit, channels=scene.n_channels)
    total = sum(seconds for seconds, _ in answers)
    return 1e6 * total / (scene.images * scene.cells * units), sum(int(number) for _, number in answers)


def _units(unit: str, *, channels: int) -> int:
    return {"channel": channels, "pair": channels * (channels - 1) // 2, "cell": 1}[unit]


def rows(scene: Scene, peer: Program, families: Families, *, rounds: int) -> Iterator[str]:
    """Time all families in turn and make a row for each, and one for the sum of those per channel."""
    ours: dict[str, Measured] = {}
    theirs: dict[str, Measured] = {}
    for _ in range(rounds):
        for name, others in families.items():
            ours[name] = min(ours.get(name, (np.inf, 0)), measure_ours(name, scene))
            new = measure_theirs(others, peer, scene, unit=scene.unit(name))
            theirs[name] = min(theirs.get(name, (np.inf, 0)), new)
    yield "| family | µs | features | theirs | µs | features | ratio |"
    yield "|---|---:|---:|---|---:|---:|---:|"
    if scene.cut:
        yield f"| cut out | {scene.cut:.1f} | | | | | |"
    fast, number, slow, other = scene.cut, 0.0, 0.0, 0.0
    for name, others in families.items():
        unit = scene.unit(name)
        label = name if unit == "channel" else f"{name}, per {unit}"
        yield _row(label, *ours[name], ", ".join(others), *theirs[name])
        if unit != "pair":
            share = _units(unit, channels=CHANNELS) / CHANNELS
            fast, number = fast + share * ours[name][0], number + share * ours[name][1]
            slow, other = slow + share * theirs[name][0], other + share * theirs[name][1]
    yield _row("sum, without pairs", fast, number, "", slow, other)


def _row(label: str, fast: float, number: float, called: str, slow: float, other: float) -> str:
    return f"| {label} | {fast:.1f} | {number:.0f} | {called} | {slow:,.0f} | {other:.0f} | {slow / fast:.1f} |"


def compare(scene: Scene, *, options: argparse.Namespace, more: Families) -> None:
    """Print a table for each of the other programs; `more` are families for cp_measure."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npz"
        np.savez(file, allow_pickle=False, **scene.file)
        for title, environment, script, families in (
            ("cp_measure", options.cp, "cp_timing.py", {**CP_MEASURE, **more}),
            ("nyxus", options.nyxus, "nyxus_timing.py", NYXUS),
        ):
            print(f"\n{title}\n", flush=True)
            told_where_missing(environment, maker="peer_environments.sh")
            with Program(environment, script, file) as peer:
                for row in rows(scene, peer, families, rounds=options.rounds) if peer.known else ():
                    print(row, flush=True)


def compare_boxes(boxes: Stamps, *, options: argparse.Namespace) -> None:
    """Print the table of profile ``scip`` and the published program."""
    print("\nSCIP, and our profile scip, in the objects' boxes\n", flush=True)
    told_where_missing(options.original)
    with (
        tempfile.TemporaryDirectory() as folder,
        features.original_of(options.original, boxes.take(options.few), folder=Path(folder)) as original,
    ):
        if original.known:
            times = features.time_all(["scip"], boxes, rounds=options.rounds, few=options.few, original=original)
            features.report("scip", times, boxes)


def main() -> None:
    """Time all and print the tables."""
    options = parsed(
        "Time the families that other programs have too.",
        on=(["stamps", "field"], "what is measured", "stamps", "field"),
        cells=(60, "stamps that our families measure"),
        objects=(500, "objects of the field"),
        few=(2, "stamps that the others measure, and boxes that SCIP does"),
        rounds=(3, "of which the least counts"),
        cp=(ROOT / ".envs" / "cp", "environment of cp_measure"),
        nyxus=(ROOT / ".envs" / "nyxus", "environment of nyxus"),
        original=ORIGINAL,
    )
    stay_on_one_core()
    warm_up("standard", families=CP_MEASURE)
    print(f"{machine('numpy', 'numba', 'scikit-image')}; µs per cell and channel")
    if "stamps" in options.on:
        scene = on_stamps(cells=options.cells, few=options.few)
        size = float(scene.own.masks.flat.sum()) / (len(scene.batch) * CHANNELS)
        print(f"\nuint16, {options.cells} stamps of 12 channels; mask {size:.0f} px")
        compare(scene, options=options, more={})
    if "field" in options.on:
        warm_up("scip", families=features.FAMILIES["scip"])
        image, labels = fields.draw(objects=options.objects, dtype=np.uint16)
        size = float((labels > 0).sum()) / options.objects
        print(f"\nuint16, field of 12×2048×2048 pixels, {options.objects} objects of {size:.0f} px")
        compare(on_field(image, labels, rounds=options.rounds), options=options, more=FIELD_ONLY)
        compare_boxes(boxes_of(image, labels), options=options)


if __name__ == "__main__":
    main()

"""Segment the fields of one partition."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import polars as pl
from distributed import get_worker
from prefect import task

from tasks.core.cells import field_cells, field_children
from tasks.core.decision import group_values
from tasks.core.digest import digest
from tasks.core.errors import Fault, NoGpuError
from tasks.core.faults import isolate_faults
from tasks.core.file_names import STATISTICS_FOLDER
from tasks.core.gpus import cupy_obstacle, gpu_name
from tasks.core.label_files import LabelSource
from tasks.core.layout import Layout
from tasks.core.partition_files import BORDER, write_cell_tables, write_labels
from tasks.core.pixel_source import PixelSource, SourceImages, read_images
from tasks.core.registry import Device
from tasks.core.storage import atomic, read_table
from tasks.core.types import AnyArray, Segmentation
from tasks.core.work import Partition, StageResult, Stopwatch, is_provisional, result_folder
from tasks.segment.config import Segment
from tasks.segment.devices import check_gpus, gpu_obstacles, load_method
from tasks.segment.model.decision import (
    DIAMETERS,
    LearnedObject,
    ObjectDiameters,
    PublishedDiameters,
    check_unchanged,
    settled,
)
from tasks.segment.model.diameter import FieldDiameter, field_diameter
from tasks.segment.model.form import NetworkFile
from tasks.segment.model.network import Network, open_network
from tasks.segment.registry import segmenters
from tasks.segment.stage import segment_image

MEASURED = "diameters.parquet"
MEASURED_COLUMNS: dict[str, pl.DataType] = {"diameter": pl.Float64(), "objects": pl.Int64()}
"""A row per field: what was measured in it, beside what is known of the image."""
GPU_LOST = 70
"""Exit status of a process whose GPU fails while it is used."""

Found = tuple[list[tuple[range, Segmentation]], list[tuple[int, Exception]]]
"""What `isolate_faults` returns of one field."""


@task(name="look for a GPU")
def look_for_gpu(*, config: Segment) -> dict[str, str]:
    """Say what keeps this worker from finding objects on a GPU, by object; empty where nothing does."""
    return gpu_obstacles(config)


@task(name="segment", version="4")
def segment_partition(
    *,
    partition: Partition,
    source: PixelSource,
    config: Segment,
    devices: Mapping[str, Device],
    given: LabelSource | None = None,
    learned: Sequence[LearnedObject] = (),
    folder: str,
    run_id: str,
) -> StageResult:
    """Read the fields of a partition, find their objects on the given devices, and write tables and label images.

    Parameters
    ----------
    given
        Reads the label images that methods take from files.
    learned
        What was decided of objects that models find.
    """
    watch = Stopwatch()
    check_unchanged(learned)
    _load(config, devices=devices)
    find = partial(_segment, config=config, devices=devices, given=given, learned=learned, layout=source.layout)
    tables, faults = [], []
    cells, children = [pl.DataFrame(schema=source.layout.cells())], [pl.DataFrame(schema=source.layout.child_table())]
    with result_folder(Path(folder)) as temporary:
        for images in read_images(partition, source=source):
            tables.append(images.table)
            segmented = find(images, folder=temporary)
            cells += [own for own, _ in segmented]
            children += [own for _, own in segmented]
            faults += images.faults
            if images.faults:
                _end_without_gpu(config, devices=devices)
        table = pl.concat(tables)
        found_within = pl.concat(children) if source.layout.children else None
        counts = write_cell_tables(
            temporary, images=table, faults=faults, cells=pl.concat(cells), children=found_within
        )
    gpu = gpu_name() if "gpu" in devices.values() else ""
    return watch.result(folder, run_id=run_id, counts=counts, content=digest(table["digest"].to_list()), gpu=gpu)


def _load(config: Segment, *, devices: Mapping[str, Device]) -> None:
    """Load the methods where the run decided; refuse to go on elsewhere, and tell which worker this is."""
    try:
        check_gpus(config, devices=devices)
        for entry in config.objects:
            load_method(entry, device=devices[entry.name])
    except NoGpuError as error:
        try:
            worker = get_worker().address
        except ValueError:  # the task is done outside of a cluster
            worker = ""
        raise NoGpuError(str(error), worker) from None


def _end_without_gpu(config: Segment, *, devices: Mapping[str, Device]) -> None:
    """End this process if its GPU answers no more, so that what fails after an error of CUDA is no image's fault.

    Tasks whose worker dies are sent again, and where that goes on their images are looked into one by one.
    """
    try:
        check_gpus(config, devices=devices)
    except NoGpuError as error:
        sys.stderr.write(f"{error}; it did when this task began: the process ends\n")
        sys.stderr.flush()
        os._exit(GPU_LOST)


def _segment(
    images: SourceImages,
    *,
    config: Segment,
    devices: Mapping[str, Device],
    given: LabelSource | None,
    learned: Sequence[LearnedObject],
    layout: Layout,
    folder: Path,
) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """Segment the fields read at a time and write their labels; those that fail are set aside among their faults.

    Returns
    -------
    Table of cells and table of their children of each field.
    """
    tables: list[tuple[pl.DataFrame, pl.DataFrame]] = []
    rows = zip(images.table.iter_slices(1), images.pixels, strict=True)
    fields = [(image, pixels) for image, pixels in rows if pixels is not None]

    def find(field: tuple[pl.DataFrame, AnyArray]) -> Found:
        image, pixels = field
        here = settled(config, learned=learned, image=image)

        def segment(_: range) -> Segmentation:
            labels = None if given is None else given(image["position"].item())
            return segment_image(pixels, channels=layout.channels, config=here, devices=devices, given=labels)

        return isolate_faults(1, segment)

    for (image, _), (segmentations, failed) in zip(fields, _each(find, fields, config, devices), strict=True):
        position = image["position"].item()
        images.faults.extend(Fault.of(error, image=image["meta__image"].item(), stage="segment") for _, error in failed)
        for _, segmented in segmentations:
            tables.append(
                (
                    field_cells(image, segmented=segmented, layout=layout),
                    field_children(image, segmented=segmented, layout=layout),
                )
            )
            write_labels(folder, {(position, name): own for name, own in segmented.labels.items()})
            write_labels(folder, {(position, name + BORDER): own for name, own in segmented.border.items()})
    return tables


def _each(
    find: Callable[[tuple[pl.DataFrame, AnyArray]], Found],
    fields: Sequence[tuple[pl.DataFrame, AnyArray]],
    config: Segment,
    devices: Mapping[str, Device],
) -> Iterator[Found]:
    """Find the objects of one field after the other, or on a GPU of several at a time."""
    parts = {entry.name: segmenters.part(entry) for entry in config.objects}
    if not fields or not any(devices[name] == "gpu" and part.gpu is cupy_obstacle for name, part in parts.items()):
        return map(find, fields)
    from tasks.segment.cuda.batches import in_gpu_batches

    return in_gpu_batches(find, fields, pixels=max(pixels[0].size for _, pixels in fields))


@task(name="diameter", version="1")
def measure_diameters(
    *,
    partition: Partition,
    source: PixelSource,
    positions: Sequence[int],
    channel: str,
    network: NetworkFile,
    folder: str,
    run_id: str,
) -> StageResult:
    """Estimate the diameter of the objects in some fields of a partition.

    Fields that cannot be read are left out here; segmentation sets them aside.
    """
    watch = Stopwatch()
    opened, plane = open_network(network), source.layout.channels.index(channel)
    tables = [pl.DataFrame(schema=source.layout.images() | MEASURED_COLUMNS)]
    provisional = False
    for images in read_images(partition, source=source, positions=positions):
        known = [row for row, pixels in enumerate(images.pixels) if pixels is not None]

        def estimate(rows: range, own: SourceImages = images, known: Sequence[int] = known) -> list[pl.DataFrame]:
            return [_measure(own, row=known[row], plane=plane, network=opened) for row in rows]

        tables += [table for _, own in isolate_faults(len(known), estimate)[0] for table in own]
        provisional |= not all(fault.settled for fault in images.faults)
    measured = pl.concat([table.select(tables[0].columns) for table in tables])
    with result_folder(Path(folder), provisional=provisional) as temporary:
        measured.write_parquet(temporary / MEASURED)
    return watch.result(folder, run_id=run_id, counts={"images": len(measured)}, content=digest(measured.write_json()))


def _measure(images: SourceImages, *, row: int, plane: int, network: Network) -> pl.DataFrame:
    pixels = images.pixels[row]
    field = None if pixels is None else field_diameter(pixels[plane], network=network)
    return images.table[row : row + 1].with_columns(
        pl.lit(field and field.diameter, dtype=pl.Float64()).alias("diameter"),
        pl.lit(field.objects if field else 0, dtype=pl.Int64()).alias("objects"),
    )


@task(name="diameter decision", version="1")
def fit_diameters(
    *,
    measured: Sequence[StageResult],
    undecided: LearnedObject,
    groups: Sequence[tuple[str, ...]],
    folder: str,
    run_id: str,
) -> StageResult:
    """Decide the diameter of each group of fields."""
    watch = Stopwatch()
    fields: dict[tuple[str, ...], list[FieldDiameter | None]] = {group: [] for group in groups}
    for part in measured:
        table = read_table(part.file(MEASURED))
        for group, diameter, objects in zip(
            group_values(table, undecided.group_by), table["diameter"], table["objects"], strict=True
        ):
            fields[group].append(None if diameter is None else FieldDiameter(diameter=diameter, objects=objects))
    decided = ObjectDiameters.of(undecided, fields=fields)
    with result_folder(Path(folder), provisional=is_provisional(*measured)) as temporary:
        (temporary / DIAMETERS).write_text(decided.model_dump_json(), encoding="utf-8")
    return watch.result(folder, run_id=run_id)


@task(name="diameter statistics")
def publish_diameters(*, output: str, published: PublishedDiameters) -> None:
    """Write the diameters into the output folder."""
    with atomic(Path(output) / STATISTICS_FOLDER / DIAMETERS) as temporary:
        temporary.write_text(published.model_dump_json(indent=2) + "\n", encoding="utf-8")

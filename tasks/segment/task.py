"""Segment the fields of one partition."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import polars as pl
from distributed import get_worker
from prefect import task

from tasks.core.cells import field_cells, field_children
from tasks.core.digest import digest
from tasks.core.errors import Fault, NoGpuError
from tasks.core.faults import isolate_faults
from tasks.core.gpus import cupy_obstacle, gpu_name
from tasks.core.label_files import LabelSource
from tasks.core.layout import Layout
from tasks.core.partition_files import BORDER, write_cell_tables, write_labels
from tasks.core.pixel_source import PixelSource, SourceImages, read_images
from tasks.core.registry import Device
from tasks.core.types import AnyArray, Segmentation
from tasks.core.work import Partition, StageResult, Stopwatch, result_folder
from tasks.segment.config import Segment
from tasks.segment.devices import check_gpus, gpu_obstacles
from tasks.segment.registry import segmenters
from tasks.segment.stage import segment_image

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
    folder: str,
    run_id: str,
) -> StageResult:
    """Read the fields of a partition, find their objects on the given devices, and write tables and label images.

    Parameters
    ----------
    given
        Reads the label images that methods take from files.
    """
    watch = Stopwatch()
    _check(config, devices=devices)
    for entry in config.objects:
        entry.load(device=devices[entry.name])
    find = partial(_segment, config=config, devices=devices, given=given, layout=source.layout)
    tables, faults = [], []
    cells, children = [pl.DataFrame(schema=source.layout.cells())], [pl.DataFrame(schema=source.layout.child_table())]
    with result_folder(Path(folder)) as temporary:
        for images in read_images(partition, source=source):
            tables.append(images.table)
            segmented = find(images, folder=temporary)
            cells += [own for own, _ in segmented]
            children += [own for _, own in segmented]
            faults += images.faults
        table = pl.concat(tables)
        found_within = pl.concat(children) if source.layout.children else None
        counts = write_cell_tables(
            temporary, images=table, faults=faults, cells=pl.concat(cells), children=found_within
        )
    gpu = gpu_name() if "gpu" in devices.values() else ""
    return watch.result(folder, run_id=run_id, counts=counts, content=digest(table["digest"].to_list()), gpu=gpu)


def _check(config: Segment, *, devices: Mapping[str, Device]) -> None:
    """Refuse to go on elsewhere than the run decided, and tell which worker this is."""
    try:
        check_gpus(config, devices=devices)
    except NoGpuError as error:
        try:
            worker = get_worker().address
        except ValueError:  # the task is done outside of a cluster
            worker = ""
        raise NoGpuError(str(error), worker) from None


def _segment(
    images: SourceImages,
    *,
    config: Segment,
    devices: Mapping[str, Device],
    given: LabelSource | None,
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

        def segment(_: range) -> Segmentation:
            labels = None if given is None else given(image["position"].item())
            return segment_image(pixels, channels=layout.channels, config=config, devices=devices, given=labels)

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

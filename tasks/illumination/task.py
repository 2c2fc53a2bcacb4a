"""Add up the fields of one partition, add up such sums, and make correction images of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from prefect import task

from tasks.core.digest import digest
from tasks.core.errors import InputError, PixelError
from tasks.core.file_names import STATISTICS_FOLDER
from tasks.core.pixel_source import PixelSource, read_images
from tasks.core.work import Partition, StageResult, Stopwatch, is_provisional, result_folder
from tasks.illumination.config import Estimated
from tasks.illumination.correction import correction_image, light_offset
from tasks.illumination.files import FieldGroup, read_index, read_sum, sums_of, write_sums
from tasks.illumination.pictures import read_tiff, write_correction
from tasks.illumination.published import CorrectionFile, PublishedCorrections, publish_corrections
from tasks.illumination.sums import FieldSum, added


@task(name="illumination", version="2")
def sum_partition(
    *,
    partition: Partition,
    source: PixelSource,
    group_by: Sequence[str],
    downscale: int,
    folder: str,
    run_id: str,
) -> StageResult:
    """Read the fields of a partition and add them up, group by group.

    Fields that cannot be read are left out here; masking or segmentation sets them aside.
    """
    watch = Stopwatch()
    light: dict[FieldGroup, FieldSum] = {}
    digests: list[str | None] = []
    provisional = False
    for images in read_images(partition, source=source):
        for metadata, pixels in zip(images.table.iter_rows(named=True), images.pixels, strict=True):
            if pixels is None:
                continue
            try:
                own = FieldSum.of(pixels, downscale=downscale)
            except PixelError:
                continue
            group = FieldGroup.of(metadata, group_by=group_by, shape=own.shape)
            light[group] = added([light[group], own]) if group in light else own
        digests += images.table["digest"].to_list()
        provisional |= not all(fault.settled for fault in images.faults)
    with result_folder(Path(folder), provisional=provisional) as temporary:
        write_sums(temporary, light.items())
    counts = {"images": sum(own.images for own in light.values())}
    return watch.result(folder, run_id=run_id, counts=counts, content=digest(digests))


@task(name="illumination merge", version="2")
def merge_sums(*, parts: Sequence[StageResult], folder: str, run_id: str) -> StageResult:
    """Add up the sums of several results, one group after the other."""
    watch = Stopwatch()

    def sums() -> Iterator[tuple[FieldGroup, FieldSum]]:
        for group, own in sums_of([Path(part.folder) for part in parts]).items():
            yield group, added(own)

    with result_folder(Path(folder), provisional=is_provisional(*parts)) as temporary:
        write_sums(temporary, sums())
    return watch.result(folder, run_id=run_id)


@task(name="illumination image", version="2")
def make_correction(
    *,
    total: StageResult,
    group: FieldGroup,
    channels: Sequence[str],
    config: Estimated,
    folder: str,
    run_id: str,
) -> StageResult:
    """Make the correction image of one group of fields."""
    watch = Stopwatch()
    (stored,) = [entry for entry in read_index(Path(total.folder)).sums if entry.group == group]
    light = read_sum(Path(total.folder), stored)
    correction = correction_image(light, config=config, channels=channels, title=str(group))
    offset = light_offset(light, config=config)
    with result_folder(Path(folder), provisional=is_provisional(total)) as temporary:
        write_correction(temporary, correction, offset=offset, channels=channels, title=str(group))
    return watch.result(folder, run_id=run_id, counts={"images": stored.images})


@task(name="illumination copy", version="2")
def copy_correction(
    *,
    file: CorrectionFile,
    group: FieldGroup,
    channels: Sequence[str],
    folder: str,
    run_id: str,
) -> StageResult:
    """Take over a correction image of another run."""
    watch = Stopwatch()
    correction = read_tiff(Path(file.path))
    expected = (len(channels), group.height, group.width)
    if correction.shape != expected:
        raise InputError(
            f"illumination.use: {file.path} has the shape {correction.shape}, expected {expected} as its list says; "
            "it was changed"
        )
    with result_folder(Path(folder)) as temporary:
        write_correction(temporary, correction, offset=file.offset, channels=channels, title=str(group))
    return watch.result(folder, run_id=run_id)


@task(name="illumination statistics")
def publish(*, output: str, published: PublishedCorrections, images: Sequence[StageResult]) -> None:
    """Copy the correction images into the output folder, and list them there."""
    publish_corrections(
        Path(output) / STATISTICS_FOLDER, published=published, folders=[Path(image.folder) for image in images]
    )

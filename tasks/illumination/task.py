"""Add up the fields of one partition, add up such sums, and make correction images of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from prefect import task

from tasks.core.digest import digest
from tasks.core.errors import InputError, PixelError
from tasks.core.work import Made, Partition, Stopwatch, is_provisional, result_folder
from tasks.illumination.config import Estimated
from tasks.illumination.correction import correction_image, light_offset
from tasks.illumination.files import Corrections, Lit, read_index, read_sum, sums_of, write_sums
from tasks.illumination.pictures import read_tiff, write_correction
from tasks.illumination.published import LISTED, PublishedCorrections, publish_corrections, read_published
from tasks.illumination.sums import LightSum, added
from tasks.pixels import Reading, read_images

VERSION = 2
"""Raise it when the same configuration gives other correction images."""


@task(name="illumination")
def sum_partition(*, folder: str, partition: Partition, reading: Reading, config: Estimated, run: str) -> Made:
    """Read the fields of a partition and add them up, group by group.

    Fields that cannot be read are left out here; masking or segmentation sets them aside.
    """
    watch = Stopwatch()
    images = read_images(partition, reading=reading)
    light: dict[Lit, list[LightSum]] = {}
    where = Corrections(folder="", key="", group_by=config.group_by)
    for meta, pixels in zip(images.table.iter_rows(named=True), images.pixels, strict=True):
        if pixels is None:
            continue
        try:
            one = LightSum.of(pixels, downscale=config.downscale)
        except PixelError:
            continue
        lit = where.lit(meta, shape=one.shape)
        light[lit] = [added([*light.get(lit, []), one])]
    provisional = not all(fault.settled for fault in images.faults)
    with result_folder(Path(folder), provisional=provisional) as temporary:
        write_sums(temporary, ((lit, one) for lit, (one,) in light.items()))
    content = digest(images.table["digest"].to_list())
    counts = {"images": sum(one.images for (one,) in light.values())}
    return Made(counts=counts, digest=content, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


@task(name="illumination merge")
def merge_sums(*, folder: str, parts: Sequence[str], run: str) -> Made:
    """Add up the sums of several folders, one group after the other."""
    watch = Stopwatch()

    def sums() -> Iterator[tuple[Lit, LightSum]]:
        for lit, found in sums_of([Path(part) for part in parts]).items():
            yield lit, added(found)

    with result_folder(Path(folder), provisional=is_provisional(*parts)) as temporary:
        write_sums(temporary, sums())
    return Made(counts={}, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


@task(name="illumination image")
def make_correction(
    *, folder: str, summed: str, lit: Lit, channels: Sequence[str], config: Estimated, run: str
) -> Made:
    """Make the correction image of one group of fields."""
    watch = Stopwatch()
    (stored,) = [one for one in read_index(Path(summed)).sums if one.lit == lit]
    light = read_sum(Path(summed), stored)
    correction = correction_image(light, config=config, channels=channels, title=str(lit))
    offset = light_offset(light, config=config)
    with result_folder(Path(folder), provisional=is_provisional(summed)) as temporary:
        write_correction(temporary, correction, offset=offset, channels=channels, title=str(lit))
    return Made(counts={"images": stored.images}, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


@task(name="illumination copy")
def copy_correction(*, folder: str, source: str, lit: Lit, channels: Sequence[str], images: int, run: str) -> Made:
    """Take over a correction image of another run."""
    watch = Stopwatch()
    correction = read_tiff(Path(source))
    if correction.shape != (len(channels), lit.height, lit.width):
        raise InputError(
            f"illumination.use: {source} has the shape {correction.shape}, expected "
            f"{(len(channels), lit.height, lit.width)} as its list says; it was changed"
        )
    offset = read_published(Path(source).parents[1] / LISTED, complete=False).lits()[lit].offset
    with result_folder(Path(folder)) as temporary:
        write_correction(temporary, correction, offset=offset, channels=channels, title=str(lit))
    return Made(counts={"images": images}, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


@task(name="illumination statistics")
def publish(*, output: str, published: PublishedCorrections, folders: Sequence[str]) -> None:
    """Copy the correction images into the output folder, and list them there."""
    publish_corrections(Path(output) / "statistics", published=published, folders=[Path(one) for one in folders])

"""The illumination correction: a correction image per group of fields, from all of them or from another run."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.stage import Job, PlanRow, Stage
from tasks.core.file_names import STATISTICS_FOLDER
from tasks.core.layout import Layout
from tasks.core.published import Published
from tasks.core.storage import holds_key
from tasks.illumination.config import Estimated, Use
from tasks.illumination.files import CorrectionStore, FieldGroup, read_index
from tasks.illumination.published import (
    CORRECTIONS,
    FOLDER,
    KnownCorrections,
    PublishedCorrections,
    discard_published,
    find_known_corrections,
    is_published_image,
)
from tasks.illumination.warm_up import jobs
from tasks.ingest.listing import ImageListing

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution

STAGE = "illumination"
PUBLISHED = Published(path=f"{STATISTICS_FOLDER}/{CORRECTIONS}", is_ours=holds_key("corrections"))
IMAGES = Published(path=f"{STATISTICS_FOLDER}/{FOLDER}/*", is_ours=is_published_image)


def _row(config: Config) -> PlanRow | None:
    if config.illumination is None:
        return None
    per_partition = (STAGE,) if isinstance(config.illumination, Estimated) else ()
    return PlanRow(per_partition=per_partition, more="one for each correction image")


def _kernels(config: Config) -> Mapping[str, Job]:
    return jobs(config.illumination)


def _prepare(config: Config, listing: ImageListing, layout: Layout) -> KnownCorrections | None:
    """Find another run's correction images, of the groups that this one has."""
    if not isinstance(config.illumination, Use):
        return None
    shape = (listing.images.height, listing.images.width)
    return find_known_corrections(
        config.illumination, channels=layout.channels, shape=shape, present_groups=listing.present_groups
    )


def _run(execution: "Execution", data: "Dataset", reused: KnownCorrections | None) -> "Dataset":
    """Make, or take over, the correction images of all groups.

    No task holds more than one group's sums, whatever the number of fields.
    """
    config = execution.config.illumination
    if isinstance(config, Estimated):
        store, fields = _estimate(execution, data, config=config)
    elif reused is not None:
        store, fields = _take_over(execution, data, reused=reused)
    else:
        return data.to_publish(partial(discard_published, execution.output / STATISTICS_FOLDER))
    published = PublishedCorrections.of(
        fields,
        config=config.model_dump(mode="json") if config else {},
        channels=data.source.layout.channels,
        group_by=store.group_by,
    )
    corrected = data.having(source=data.source.transformed_by(store))
    return corrected.to_publish(partial(_publish, execution, published=published, store=store))


def _publish(execution: "Execution", *, published: PublishedCorrections, store: CorrectionStore) -> None:
    from tasks.illumination.task import publish

    execution.run_single(
        STAGE,
        publish,
        resources=execution.resources["files"],
        arguments={
            "output": str(execution.output),
            "published": published,
            "images": [image for _, image in store.images],
        },
        show_progress=False,
    )


def _estimate(
    execution: "Execution", data: "Dataset", *, config: Estimated
) -> tuple[CorrectionStore, dict[FieldGroup, int]]:
    """Add up the fields, and make a correction image of each sum; count the fields of each."""
    from tasks.illumination.task import make_correction, merge_sums, sum_partition

    resources = execution.resources["illumination"]
    sums = execution.map(
        STAGE,
        sum_partition,
        mapped=[{"partition": partition} for partition in data.partitions],
        unmapped={"source": data.source, "group_by": config.group_by, "downscale": config.downscale},
        resources=resources,
    )
    (total,) = execution.wait([execution.tree_reduce(STAGE, merge_sums, results=sums, resources=resources)])
    fields = {stored.group: stored.images for stored in read_index(Path(total.folder)).sums}
    images = execution.map(
        STAGE,
        make_correction,
        mapped=[{"group": group} for group in fields],
        unmapped={"total": total, "channels": data.source.layout.channels, "config": config},
        resources=resources,
        show_progress=False,
    )
    made = tuple(zip(fields, execution.wait(images), strict=True))
    return CorrectionStore(group_by=config.group_by, images=made), fields


def _take_over(
    execution: "Execution", data: "Dataset", *, reused: KnownCorrections
) -> tuple[CorrectionStore, dict[FieldGroup, int]]:
    """Copy what another run has made, of the groups that this one has; tell of how many fields each was made."""
    from tasks.illumination.task import copy_correction

    known = reused.published.by_group()
    copies = execution.map(
        STAGE,
        copy_correction,
        mapped=[{"group": group, "file": file} for group, file in reused.files.items()],
        unmapped={"channels": data.source.layout.channels},
        resources=execution.resources["illumination"],
    )
    made = tuple(zip(reused.files, execution.wait(copies), strict=True))
    store = CorrectionStore(group_by=reused.published.group_by, images=made)
    return store, {group: known[group].images for group in reused.files}


correct_illumination = Stage(
    name=STAGE,
    row=_row,
    prepare=_prepare,
    run=_run,
    kernels=_kernels,
    published=lambda _: (PUBLISHED, IMAGES),
)

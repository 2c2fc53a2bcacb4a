"""The illumination correction: a correction image per group of fields, from all of them or from another run."""

import hashlib
from pathlib import Path

from flows.config import Config
from flows.groups import listed_images
from flows.reuse import find_corrections
from flows.stages import Resources, Stages
from flows.tree import joined
from tasks.core.digest import digest
from tasks.illumination.config import Estimated, Use
from tasks.illumination.files import Corrections, Lit, read_index
from tasks.illumination.published import PublishedCorrections, discard_published
from tasks.illumination.task import VERSION, copy_correction, make_correction, merge_sums, publish, sum_partition
from tasks.ingest.listing import Ingested
from tasks.pixels import Reading

STAGE = "illumination"


def correct_over_all(
    stages: Stages, listed: Ingested, *, config: Config, reading: Reading, output: str
) -> Corrections | None:
    """Make, or take over, the correction images of all groups of fields, and put them into the output folder.

    No task holds more than one group's sums, whatever the number of fields.

    Raises
    ------
    InputError
        Another run's correction images do not fit this one's fields.
    """
    needs = config.run.resources
    match config.illumination:
        case Estimated() as method:
            corrections, made = _estimated(stages, listed, config=method, reading=reading, needs=needs.illumination)
        case Use() as method:
            corrections, made = _taken_over(stages, listed, config=method, needs=needs.illumination)
        case _:
            discard_published(Path(output) / "statistics")
            return None
    published = PublishedCorrections.of(
        made,
        config=config.illumination.model_dump(mode="json"),
        channels=listed.channels.names,
        group_by=corrections.group_by,
    )
    folders = [str(corrections.path(lit).parent) for lit in made]
    stages.silent().once(STAGE, publish, resources=needs.files, output=output, published=published, folders=folders)
    return corrections


def _estimated(
    stages: Stages, listed: Ingested, *, config: Estimated, reading: Reading, needs: Resources
) -> tuple[Corrections, dict[Lit, int]]:
    """Add up the fields, and make a correction image of each sum."""
    summed = stages.map(
        STAGE,
        sum_partition,
        keys=[
            digest(VERSION, one.digest, reading.state, config.group_by, config.downscale) for one in listed.partitions
        ],
        each=[{"partition": one} for one in listed.partitions],
        resources=needs,
        reading=reading,
        config=config,
    )
    quiet = stages.silent()
    root = joined(quiet, STAGE, merge_sums, results=summed, version=VERSION, resources=needs)
    corrections = Corrections(
        folder=str(stages.folder(STAGE)), key=digest(VERSION, root.state, config), group_by=config.group_by
    )
    made = {one.lit: one.images for one in read_index(Path(root.folder)).sums}
    quiet.map(
        STAGE,
        make_correction,
        keys=[corrections.key_of(lit) for lit in made],
        each=[{"lit": lit} for lit in made],
        resources=needs,
        summed=root.folder,
        channels=listed.channels.names,
        config=config,
    )
    return corrections, made


def _taken_over(
    stages: Stages, listed: Ingested, *, config: Use, needs: Resources
) -> tuple[Corrections, dict[Lit, int]]:
    """Copy what another run has made, of the groups that this one has."""
    found = find_corrections(config, listed=listed, images=listed_images(listed))
    images = {lit: one.images for lit, one in found.published.lits().items()}
    content = [hashlib.blake2b(file.read_bytes()).hexdigest() for file in found.files.values()]
    channels = listed.channels.names
    corrections = Corrections(
        folder=str(stages.folder(STAGE)),
        key=digest(VERSION, found.published, content),
        group_by=found.published.group_by,
    )
    stages.map(
        STAGE,
        copy_correction,
        keys=[corrections.key_of(lit) for lit in found.files],
        each=[{"lit": lit, "source": str(file), "images": images[lit]} for lit, file in found.files.items()],
        resources=needs,
        channels=channels,
    )
    return corrections, {lit: images[lit] for lit in found.files}

"""The normalisation: a scaling per group and channel, from the pixels of all kept cells or from another run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.config import Config
from flows.groups import listed_images, present_groups
from flows.reuse import find_scaling
from flows.stages import Stages
from flows.tree import joined
from tasks.core.decision import Decision
from tasks.core.digest import digest
from tasks.ingest.listing import Ingested
from tasks.normalize import Normalize, Use
from tasks.normalize.task import (
    SCALING,
    VERSION,
    count_partition,
    decide_scaling,
    merge_counts,
    publish,
    take_scaling,
)
from tasks.pixels import Reading, Scaled

STAGE = "normalize"


def scale_over_all(
    stages: Stages,
    listed: Ingested,
    *,
    states: Sequence[object],
    cells: Sequence[Mapping[str, object]],
    decision: Decision,
    config: Config,
    reading: Reading,
    output: str,
) -> Scaled | None:
    """Find, or take over, the scaling of pixels, and put it into the output folder.

    Parameters
    ----------
    states, cells
        What was found in each partition, and whether quality metrics were measured: its state, and where it lies.

    Raises
    ------
    ConfigError
        Another run's scaling does not fit this one's images.
    """
    quiet, needs = stages.silent(), config.run.resources
    match config.normalize:
        case Normalize() as method:
            counted = stages.map(
                STAGE,
                count_partition,
                keys=[digest(VERSION, one, decision.thresholds, method.group_by, method.region) for one in states],
                each=cells,
                resources=needs.normalize,
                decision=decision,
                reading=reading,
                config=method,
            )
            root = joined(
                quiet,
                STAGE,
                merge_counts,
                results=counted,
                version=VERSION,
                resources=needs.normalize,
                group_by=method.group_by,
            )
            (result,) = quiet.map(
                STAGE,
                decide_scaling,
                keys=[digest(VERSION, root.state, method, listed.channels.names)],
                each=[{"counted": root.folder}],
                resources=needs.normalize,
                config=method,
                channels=listed.channels.names,
                groups=sorted(present_groups(listed_images(listed), group_by=method.group_by)),
                default_region=reading.layout.regions[0],
            )
        case Use() as method:
            scaling = find_scaling(method, listed=listed, images=listed_images(listed))
            (result,) = stages.map(
                STAGE,
                take_scaling,
                keys=[digest(VERSION, scaling)],
                each=[{"scaling": scaling}],
                resources=needs.normalize,
            )
        case _:
            (Path(output) / "statistics" / SCALING).unlink(missing_ok=True)
            return None
    quiet.once(STAGE, publish, resources=needs.files, output=output, folder=result.folder)
    return Scaled(file=str(Path(result.folder) / SCALING), digest=result.made.digest)

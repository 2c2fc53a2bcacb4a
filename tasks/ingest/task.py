"""List the images of a run, once for all of its tasks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from prefect import task

from tasks.core.work import result_folder
from tasks.ingest.config import Load
from tasks.ingest.listing import Ingested, list_images


@task(name="ingest")
def ingest(
    *,
    inputs: Sequence[str],
    config: Load,
    partition_size: int | Literal["auto"],
    limit: int | None,
    seed: int,
    work: str,
) -> Ingested:
    """List the images of a run, once for all of its tasks."""
    ingested, index, faults = list_images(
        inputs, config=config, partition_size=partition_size, limit=limit, seed=seed, work=Path(work)
    )
    folder = Path(ingested.folder)
    if not folder.is_dir():
        with result_folder(folder) as temporary:
            index.write_parquet(temporary / "index.parquet")
            faults.write_parquet(temporary / "faults.parquet")
    return ingested

"""What is known before anything is started: images, columns, what other runs decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.config import Config
from flows.engine.dataset import Dataset
from infra.clusters.model import Cluster
from tasks.core.layout import Layout
from tasks.core.pixel_source import PixelSource
from tasks.ingest.listing import ImageListing
from tasks.ingest.load import PartitionLoader


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """What a user asks for: the parameters of the flow."""

    config: Config
    inputs: tuple[str, ...]
    output: Path
    cluster: str = "local"
    workers: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """A run that was found possible.

    Parameters
    ----------
    inputs
        As given, or the example images; absolute. A pattern keeps its wildcards.
    cluster
        Where it will run.
    listing
        Its images.
    layout
        Columns of its tables.
    stages
        What each stage prepared, by its name.
    """

    spec: RunSpec
    inputs: tuple[str, ...]
    cluster: Cluster
    listing: ImageListing
    layout: Layout
    stages: Mapping[str, object]

    @property
    def dataset(self) -> Dataset:
        """What flows into the pipeline."""
        images = self.listing.images
        return Dataset(
            partitions=images.partitions,
            source=PixelSource(
                load=PartitionLoader(channels=images.channels, limits=self.spec.config.load.limits), layout=self.layout
            ),
        )

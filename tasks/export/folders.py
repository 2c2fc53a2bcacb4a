"""Where the stages left what they made of one partition."""

from pathlib import Path

import polars as pl

from tasks.core.file_names import FAULTS
from tasks.core.storage import read_table
from tasks.core.work import Frozen


class PartitionFolders(Frozen):
    """Where the stages left what they made of one partition."""

    number: int
    found: str
    metrics: str | None = None
    features: str = ""

    def faults(self) -> pl.DataFrame:
        """Images of this partition that were set aside, at whatever stage."""
        stages = [folder for folder in (self.found, self.metrics, self.features) if folder]
        faults = pl.concat([read_table(Path(stage) / FAULTS) for stage in stages])
        return faults.unique("meta__image", keep="first", maintain_order=True)

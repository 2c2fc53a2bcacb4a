"""Configuration of the export."""

from typing import Literal

from pydantic import Field

from tasks.core.section import Section


class Export(Section):
    """What is written beside the feature table."""

    formats: tuple[Literal["parquet"], ...] = Field(
        default=("parquet",), description="Formats of the feature table; parquet is always written."
    )
    labels: bool = Field(
        default=True, description="Whether the label images of segmented fields are published as TIFF."
    )

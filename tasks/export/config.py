"""Configuration of the export."""

from typing import Annotated

from pydantic import Field, field_validator

from tasks.core.section import Section
from tasks.export.formats.parquet import Parquet
from tasks.export.registry import ExportMethod, exporters


class Export(Section):
    """What is written beside the feature table.

    Examples
    --------
    >>> [one.method for one in Export(formats=["csv"]).formats]
    ['parquet', 'csv']
    """

    formats: tuple[Annotated[ExportMethod, exporters], ...] = Field(
        default=(Parquet(),), description="Forms of the feature table; parquet is always written."
    )
    labels: bool = Field(
        default=True, description="Whether the label images of segmented fields are published as TIFF."
    )

    def check(self) -> None:
        """See whether the packages are there that formats need, before a run starts; none is imported.

        Raises
        ------
        ConfigError
            One is missing or too old; the message says what to install.
        """
        for format_ in self.formats:
            format_.check()

    @field_validator("formats")
    @classmethod
    def _each_once_and_parquet_first(cls, formats: tuple[ExportMethod, ...]) -> tuple[ExportMethod, ...]:
        kinds = [type(format_) for format_ in formats]
        if twice := [kind for kind in kinds if kinds.count(kind) > 1]:
            raise ValueError(f"got {twice[0].model_fields['method'].default!r} twice; expected each format once")
        others = [format_ for format_ in formats if not isinstance(format_, Parquet)]
        return (
            (*(format_ for format_ in formats if isinstance(format_, Parquet)), *others)
            if Parquet in kinds
            else (Parquet(), *others)
        )

"""The section `report`: what the page shows."""

from pydantic import Field

from tasks.core.section import Section


class Report(Section):
    """A page to look at the result, report.html."""

    cells: int = Field(
        default=2000,
        description="Kept cells shown with a picture each, at most: a seeded sample of the whole data set.",
        ge=1,
        le=5000,
    )


def none_if_off(value: object) -> object:
    """Take ``off``, which YAML reads as false, for no report."""
    return None if value is False or value == "off" else value

"""The section `report`: what the page shows."""

from pydantic import Field

from tasks.core.section import Section


class Report(Section):
    """A page to look at, report.html; `report: off` leaves it out."""

    cells: int = Field(
        default=2000,
        description="Kept cells shown on the map with a picture each, at most: a seeded sample of the whole data set.",
        ge=1,
        le=20_000,
    )

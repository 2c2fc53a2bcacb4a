"""What was found in the images, and the light that was divided out."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.core.decision import KEPT
from tasks.report.page.gather import Gathered
from tasks.report.page.pictures import Montage, Shown, cell_title
from tasks.report.page.words import count, number

FIRST = 12
"""Cells of the sample that are shown where images are stamps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinesSection:
    """Fields, or else cells, with outlines; what lines, colours, black and white stand for."""

    fields: Sequence[Shown]
    cells: Montage
    outlines: Sequence[tuple[str, str]]
    composite: Sequence[tuple[str, str, str]]
    channels: Sequence[tuple[str, str]]
    hidden: Sequence[str]
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IlluminationSection:
    """Shadings, group by group."""

    pictures: Sequence[Shown]


def outlines_section(gathered: Gathered) -> OutlinesSection:
    """Show what was found where."""
    display = gathered.display
    fields = [
        Shown.of(
            field,
            title=field.image,
            note=", ".join(
                filter(
                    None,
                    [
                        field.group,
                        f"{count(field.kept)} cells kept, {count(field.rejected)} left out",
                        f"shown at 1 : {field.reduction}" if field.reduction > 1 else "",
                    ],
                )
            ),
        )
        for field in gathered.fields
    ]
    cells = [Shown.of(cell, title=cell_title(cell)) for cell in gathered.pictures_of(KEPT)[:FIRST]]
    return OutlinesSection(
        fields=fields,
        cells=Montage.of(cells),
        outlines=tuple(display.outlines.items()) if display else (),
        composite=tuple((one.name, one.colour, _range(one.low, one.high)) for one in display.composite)
        if display
        else (),
        channels=tuple((one.name, _range(one.low, one.high)) for one in display.channels) if display else (),
        hidden=display.hidden if display else (),
        rule=display.rule if display else "",
    )


def _range(low: float, high: float) -> str:
    return f"{number(low)} – {number(high)}"


def illumination_section(gathered: Gathered) -> IlluminationSection:
    """Show what was divided out."""
    return IlluminationSection(
        pictures=[
            Shown.of(
                picture,
                title=f"{picture.channel}, {picture.group}" if picture.group else picture.channel,
                note=f"from {number(picture.lowest)} (black) to {number(picture.highest)} (white)",
            )
            for picture in gathered.illumination
        ]
    )

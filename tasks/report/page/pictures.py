"""Pictures as they stand in a page."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.report.material import CellPicture, FieldPicture, IlluminationPicture

MOST_COLUMN = 640
"""Pixels in width that a picture of a cell takes, however many channels it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture on the page.

    Parameters
    ----------
    source
        Its address, which holds all of it.
    width, height
        Its pixels.
    alt
        What it shows, for who cannot see it.
    title, note
        Beneath it.
    """

    source: str
    width: int
    height: int
    alt: str
    title: str
    note: str = ""

    @classmethod
    def of(cls, picture: CellPicture | FieldPicture | IlluminationPicture, *, title: str, note: str = "") -> "Shown":
        """Show a picture."""
        return cls(
            source=data_address(picture.webp),
            width=picture.width,
            height=picture.height,
            alt=picture.alt,
            title=title,
            note=note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Montage:
    """Pictures side by side: those in sight, and those that are unfolded."""

    first: Sequence[Shown] = ()
    more: Sequence[Shown] = ()

    @classmethod
    def of(cls, shown: Sequence[Shown]) -> "Montage":
        """Put so many in sight that they fill a row or two."""
        widest = max((picture.width / max(picture.height, 1) for picture in shown), default=1.0)
        count = 12 if widest < 4 else 6
        return cls(first=shown[:count], more=shown[count:])

    @property
    def column(self) -> int:
        """Pixels of a column."""
        return min(max((picture.width for picture in (*self.first, *self.more)), default=0), MOST_COLUMN)


def data_address(webp: bytes) -> str:
    """Make an address that holds the picture itself."""
    return "data:image/webp;base64," + b64encode(webp).decode("ascii")


def cell_title(picture: CellPicture) -> str:
    """Name a cell by its file and its number there; the description of its picture has the whole identity."""
    return f"{picture.image.rpartition('/')[2]} · {picture.object}"

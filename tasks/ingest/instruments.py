"""How instruments name the files of a plate: recognised where the configuration has no pattern."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.ingest.config import Load
from tasks.ingest.readers.base import TIFF_SUFFIXES, Source

GUID = r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """The names that one kind of instruments gives its files.

    Parameters
    ----------
    name
        Software that writes them.
    patterns
        Regular expressions as load.pattern has them, which together match all of its images. The first one that matches
        any is used.
    beside
        Names of files that it writes beside its images, such as thumbnails.
    """

    name: str
    patterns: tuple[str, ...]
    beside: str = r"(?!)"


HARMONY = (
    r"(?:(?P<plate>[^/]+)/(?:Images/)?)?r(?P<row>\d{2})c(?P<column>\d{2})f(?P<site>\d{2,})p(?P<z>\d{2,})-"
    r"ch(?P<channel>\d+)sk(?P<time>\d+)fk\d+fl\d+\.tiff?$"
)
METAXPRESS = (
    r"(?P<plate>[^/]+)_(?P<well>[A-Z]{1,2}\d{2})(?:_s(?P<site>\d+))?"
    rf"_w(?P<channel>\d)(?:{GUID})?\.(?i:tiff?)$"
)
CELLVOYAGER = (
    r"(?P<plate>[^/]+)_(?P<well>[A-Z]{1,2}\d{2})_T(?P<time>\d{4})F(?P<site>\d{3})L\d{2}A\d{2}"
    r"Z(?P<z>\d{2,3})C(?P<channel>\d{2})\.(?i:tiff?)$"
)
IN_CELL = (
    r"(?:(?P<plate>[^/]+)/)?(?P<row>[A-P]) - (?P<column>\d+)\(fld (?P<site>\d+) wv (?P<channel>[^)]*?)"
    r"(?: time (?P<time>\d+)[^)]*)?(?: z (?P<z>\d+))?\)\.(?i:tiff?)$"
)
ARRAYSCAN = r"(?P<plate>[^/]+)_(?P<well>[A-P]\d{2})f(?P<site>\d{2,3})d(?P<channel>\d)\.(?i:tiff?)$"

INSTRUMENTS = (
    Instrument(name="Harmony (Operetta, Opera Phenix)", patterns=(HARMONY,)),
    Instrument(
        name="MetaXpress (ImageXpress)",
        patterns=(
            rf"TimePoint_(?P<time>\d+)/{METAXPRESS}",
            rf"TimePoint_(?P<time>\d+)/ZStep_(?P<z>\d+)/{METAXPRESS}",
            rf"(?:^|(?<!ZStep_\d)(?<!ZStep_\d\d)/){METAXPRESS}",
            rf"ZStep_(?P<z>\d+)/{METAXPRESS}",
        ),
        beside=rf"_w\d_thumb(?:{GUID})?\.(?i:tiff?)$",
    ),
    Instrument(name="CellVoyager (Yokogawa CV7000, CV8000)", patterns=(CELLVOYAGER,)),
    Instrument(name="IN Cell Analyzer", patterns=(IN_CELL,)),
    Instrument(name="HCS Studio (Cellomics ArrayScan)", patterns=(ARRAYSCAN,)),
)
"""Where names do not tell the plate or the time point, folders do: files of several would be of one field else.

Of MetaXpress, projections lie beside the folders of their planes, and are taken where there are any."""


def recognise(sources: Sequence[Source]) -> tuple[str, str] | None:
    """Tell which instrument's names all TIFF files have, but those that it writes beside its images, and the pattern.

    None where they have none's, or are of several. A single file may be called anything.

    Examples
    --------
    >>> names = [f"p/r01c02f01p01-ch{channel}sk1fk1fl1.tiff" for channel in (1, 2)]
    >>> recognise([Source(path=name, relative=name, size=1, mtime_ns=1) for name in names])[0]
    'Harmony (Operetta, Opera Phenix)'
    """
    names = [source.relative for source in sources if not source.store and source.suffix in TIFF_SUFFIXES]
    if len(names) < 2:
        return None
    for instrument in INSTRUMENTS:
        images = [name for name in names if not re.search(instrument.beside, name)]
        patterns = [re.compile(pattern) for pattern in instrument.patterns]
        if images and all(any(pattern.search(name) for pattern in patterns) for name in images):
            used = next(pattern for pattern in patterns if any(pattern.search(name) for name in images))
            return instrument.name, used.pattern
    return None


def with_instrument(config: Load, *, sources: Sequence[Source]) -> tuple[Load, str]:
    """Return the configuration with the pattern of the instrument whose names the files have, and the instrument.

    The configuration itself, and no name, where it has a pattern or names a reader, or where the names are no
    instrument's.
    """
    if config.reader != "auto" or config.pattern is not None:
        return config, ""
    recognised = recognise(sources)
    if recognised is None:
        return config, ""
    name, pattern = recognised
    return config.model_copy(update={"pattern": pattern, "reader": "tiff_per_channel"}), name

"""Names of the files that stages exchange and publish, and names for files that are called after images."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

IMAGES = "images.parquet"
CELLS = "cells.parquet"
CHILDREN = "children.parquet"
FAULTS = "faults.parquet"
METRICS = "metrics.parquet"
FEATURES = "features.parquet"
"""What a stage leaves of one partition in ``work/``; images and cells are published under the same names."""

CONVICTIONS = "convictions.json"
"""In ``work/``: images that end the processes that work on them."""

TIMELINE = "timeline.parquet"
"""In ``work/``: which worker did what and when in the last run."""

QUARANTINE = "quarantine.parquet"
RUN = "run.json"
STATISTICS_FOLDER = "statistics"
FEATURES_FOLDER = "features"
LABELS_FOLDER = "labels"
EXPORTS_FOLDER = "exports"
"""What is published."""

PART = "part-{:05d}.parquet"
"""A file of the published feature table, by its number."""

LONGEST = 150
"""Bytes of a name; file systems take 255, of which a label's object and the name of an unfinished file need some."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_KEPT = frozenset(" !#$&()+,-.;=@[]^_{}~")


def file_names(names: Sequence[str]) -> list[str]:
    r"""Name files after images, one to one, readable, and valid on any file system.

    What some file system refuses is written as ``%`` and two digits for each byte of UTF-8, as in a URL: ``%`` itself,
    ``< > : " | ? * \`` and quotes, control characters, accents that are characters of their own, a dot or blank at
    the end and a dot at the start, names that Windows keeps for devices. Names longer than `LONGEST` bytes end in a
    digest. Where names differ by capital and small letters alone, their capitals are written so too.

    Parameters
    ----------
    names
        Paths with forward slashes, all different; an empty part becomes ``%2F``.

    Returns
    -------
    As many paths, which differ also where capital and small letters count as alike, and composed and decomposed ones.

    Examples
    --------
    >>> file_names(["t/10:30.tif", "t/10+30.tif", "50%.tif", "Zürich.", "con.tif"])
    ['t/10%3A30.tif', 't/10+30.tif', '50%25.tif', 'Zürich%2E', '%63on.tif']
    >>> file_names(["a.tif", "A.tif", "B.tif"])
    ['a.tif', '%41.tif', 'B.tif']
    """
    encoded = ["/".join(_portable(part) for part in name.split("/")) for name in names]
    alike = Counter(map(_fold, encoded))
    return [
        name if alike[_fold(name)] == 1 else "/".join(_portable(part, cased=False) for part in given.split("/"))
        for given, name in zip(names, encoded, strict=True)
    ]


def _fold(name: str) -> str:
    """Spell a name so that those which some file system takes for one are equal."""
    return unicodedata.normalize("NFC", name.upper().casefold())


def _portable(part: str, *, cased: bool = True) -> str:
    """Encode one part of a path; without `cased` also each letter that is not small."""
    if not part:
        return "%2F"  # an absolute path begins so, and would leave the folder
    composed = unicodedata.normalize("NFC", part) == part
    device = _DEVICES.match(part) is not None
    last = len(part) - 1

    def keeps(place: int, character: str) -> bool:
        if not cased and _fold(character) != character:
            return False
        if (place == 0 and (device or character == ".")) or (place == last and character in ". "):
            return False
        return character in _KEPT or (character.isalnum() and (composed or character.isascii()))

    encoded = "".join(
        character if keeps(place, character) else "".join(f"%{byte:02X}" for byte in character.encode())
        for place, character in enumerate(part)
    )
    if len(encoded.encode()) <= LONGEST:
        return encoded
    short = encoded.encode()[: LONGEST - 34].decode(errors="ignore")
    return f"{short}%~{blake2b(part.encode(), digest_size=16).hexdigest()}"

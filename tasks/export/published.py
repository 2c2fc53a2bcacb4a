"""What the export writes, and by what it is known as ours: nothing of other programs is overwritten or removed."""

import re
from pathlib import Path

from tasks.core.dictionary import is_ours as is_our_table
from tasks.core.exchange import restore_folder, restore_stores
from tasks.core.file_names import (
    CELLS,
    EXPORTS_FOLDER,
    FEATURES_FOLDER,
    IMAGES,
    LABELS_FOLDER,
    PART,
    QUARANTINE,
    RUN,
    STATISTICS_FOLDER,
)
from tasks.core.partition_files import LABEL_SOFTWARE
from tasks.core.published import Published
from tasks.core.storage import discard_leftovers, holds_key


def _is_our_label(path: Path) -> bool:
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            return bool(file.pages.first.tags.valueof("Software") == LABEL_SOFTWARE)
    except (OSError, ValueError, IndexError):  # an IndexError: no page in it
        return False


SINGLE = (
    *(Published(path=name, is_ours=is_our_table) for name in (IMAGES, CELLS, QUARANTINE)),
    Published(path=RUN, is_ours=holds_key("configuration")),
)
LABELS = Published(path=f"{LABELS_FOLDER}/**/*.tif", is_ours=_is_our_label)
PARTS = Published(
    path=f"{FEATURES_FOLDER}/part-*.parquet",
    is_ours=is_our_table,
    name=re.compile(r"part-\d{5,}\.parquet"),
    always=f"{FEATURES_FOLDER}/{PART.format(0)}",
)

WRITTEN = (
    *(f"{folder}.*" for folder in ("", f"{FEATURES_FOLDER}/", f"{EXPORTS_FOLDER}/", "work/")),
    *(f"{folder}/**/.*" for folder in (LABELS_FOLDER, STATISTICS_FOLDER)),
)
"""Where temporary files may lie that a killed run left."""


def mend_published(output: Path) -> None:
    """Remove what a killed run left half-written, and finish exchanging table and stores; files of others stay."""
    restore_folder(output / FEATURES_FOLDER, owns=PARTS.owns)
    restore_stores(output / EXPORTS_FOLDER)
    discard_half_written(output)


def discard_half_written(output: Path) -> None:
    """Remove what workers that were killed left half-written; files of others stay."""
    discard_leftovers(path for pattern in WRITTEN for path in output.glob(pattern))

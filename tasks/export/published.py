"""What the export writes, and by what it is known as ours: nothing of other programs is overwritten or removed."""

import re
from pathlib import Path

from tasks.core.dictionary import is_ours as is_our_table
from tasks.core.file_names import CELLS, FEATURES_FOLDER, IMAGES, LABELS_FOLDER, PART, QUARANTINE, RUN
from tasks.core.partition_files import LABEL_SOFTWARE
from tasks.core.published import Published
from tasks.core.storage import holds_key


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

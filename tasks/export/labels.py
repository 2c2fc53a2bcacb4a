"""Label images of segmented fields, under the names of their images."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tasks.core.file_names import IMAGES, LABELS_FOLDER, file_names
from tasks.core.layout import Layout
from tasks.core.partition_files import label_path
from tasks.core.storage import atomic, read_table
from tasks.export.published import LABELS
from tasks.export.results import PartitionResults


def publish_labels(output: Path, *, partitions: Sequence[PartitionResults], layout: Layout) -> list[Path]:
    """Write labels/<image>.<object>.tif of segmented fields, and remove those of an earlier run; return their paths.

    Raises
    ------
    RunError
        Another program's file has the name of one; nothing is written then.
    """
    images: list[tuple[str, Path, int]] = []
    for partition in partitions if not layout.stamps else ():
        rows = read_table(partition.cells.file(IMAGES), columns=["position", "meta__image"]).rows()
        images += [(image, Path(partition.cells.folder), position) for position, image in rows]
    sources: dict[Path, Path] = {}
    objects = dict(zip(layout.objects, file_names(layout.objects), strict=True))
    for name, (_, cells_dir, position) in zip(file_names([image for image, _, _ in images]), images, strict=True):
        for region, spelled in objects.items():
            source = label_path(cells_dir, position=position, name=region)
            if source.exists():
                sources[output / LABELS_FOLDER / f"{name}.{spelled}.tif"] = source
    LABELS.claim(sources)
    for target, source in sources.items():
        with atomic(target) as temporary:  # a copy, no link: writing into it must not change what a rerun relies on
            shutil.copyfile(source, temporary)
    LABELS.discard_stale(output, but=sources)
    return list(sources)

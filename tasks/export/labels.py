"""Label images of segmented fields, under the names of their images."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from tasks.core.file_names import IMAGES, LABELS_FOLDER, file_names
from tasks.core.layout import Layout
from tasks.core.partition_files import label_path
from tasks.core.storage import atomic, read_table
from tasks.export.published import LABELS
from tasks.export.results import PartitionResults


def label_files(partitions: Sequence[PartitionResults], *, layout: Layout) -> Iterator[tuple[str, dict[str, Path]]]:
    """Yield the segmented fields: the image's name and the label files of its objects by theirs, as files are named."""
    images: list[tuple[str, Path, int]] = []
    for partition in partitions if not layout.stamps else ():
        rows = read_table(partition.cells.file(IMAGES), columns=["position", "meta__image"]).rows()
        images += [(image, Path(partition.cells.folder), position) for position, image in rows]
    objects = dict(zip(layout.objects, file_names(layout.objects), strict=True))
    for name, (_, folder, position) in zip(file_names([image for image, _, _ in images]), images, strict=True):
        sources = {spelled: label_path(folder, position=position, name=own) for own, spelled in objects.items()}
        if found := {spelled: source for spelled, source in sources.items() if source.exists()}:
            yield name, found


def publish_labels(output: Path, *, partitions: Sequence[PartitionResults], layout: Layout) -> list[Path]:
    """Write labels/<image>.<object>.tif of segmented fields, and remove those of an earlier run; return their paths.

    Raises
    ------
    RunError
        Another program's file has the name of one; nothing is written then.
    """
    sources = {
        output / LABELS_FOLDER / f"{image}.{name}.tif": source
        for image, objects in label_files(partitions, layout=layout)
        for name, source in objects.items()
    }
    LABELS.claim(sources)
    for target, source in sources.items():
        with atomic(target) as temporary:  # a copy, no link: writing into it must not change what a rerun relies on
            shutil.copyfile(source, temporary)
    LABELS.discard_stale(output, but=sources)
    return list(sources)

"""What people call the tasks of a run. Their keys are digests; names tell which images they work on."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from tasks.core.work import Partition

Span = tuple[int, int]
"""Images from a row of the index to another one, half open."""


def span_of(arguments: Mapping[str, object], needs: Iterable[Span | None]) -> Span | None:
    """Return the images that a task works on: its partition's, or those of the results that it takes together.

    Parameters
    ----------
    needs
        The images of these results.
    """
    partition = arguments.get("partition")
    if isinstance(partition, Partition):
        return partition.start, partition.stop
    known = [span for span in needs if span is not None]
    return (min(start for start, _ in known), max(stop for _, stop in known)) if known else None


def label_tasks(name: str, spans: Sequence[Span | None]) -> list[str]:
    """Name each task of a stage by its images, counted from 1; those of equal images by their number, too.

    Examples
    --------
    >>> label_tasks("mask", [(0, 32), (32, 33)])
    ['mask images 1-32', 'mask image 33']
    >>> label_tasks("normalize scaling", [None]), label_tasks("illumination image", [(0, 9), (0, 9)])
    (['normalize scaling'], ['illumination image images 1-9 (1 of 2)', 'illumination image images 1-9 (2 of 2)'])
    """
    names = [name if span is None else f"{name} {images(span)}" for span in spans]
    return _numbered(names)


def images(span: Span) -> str:
    """Write which images they are, counted from 1; the font of Prefect's graph of a run has no dash."""
    first, last = span[0] + 1, span[1]
    return f"image {first}" if first == last else f"images {first}-{last}"


def _numbered(names: Collection[str]) -> list[str]:
    total, numbers, numbered = Counter(names), Counter[str](), []
    for name in names:
        numbers[name] += 1
        numbered.append(name if total[name] == 1 else f"{name} ({numbers[name]} of {total[name]})")
    return numbered

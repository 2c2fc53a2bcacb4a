"""Find all objects of one field."""

from collections.abc import Sequence

import numpy as np

from tasks.core.types import AnyArray, BoolArray, LabelArray, Segmentation
from tasks.segment.config import Segment, check_channels
from tasks.segment.operations import Labels, operations_for
from tasks.segment.registry import segmenters


def segment_image(image: AnyArray, *, channels: Sequence[str], config: Segment) -> Segmentation:
    """Find the objects of a field, in configured order.

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype.
    channels
        C names.
    config
        Objects and methods; see `tasks.segment.config.Segment`.

    Returns
    -------
    Segmentation
        Label k of every object is the same cell; those of the first object are 1..K in raster order of first pixels.
        With ``border: drop``, cells of which any object touches the frame are left out of all objects and are in
        `border`, numbered from K + 1; ``primary`` looks at the first object only. They are left out last, so that
        neighbours do not flood into their territory. A derived object may have no pixel for a cell. An image without
        contrast has none.

    Raises
    ------
    ConfigError
        The configuration names a channel that is not among `channels`.
    ValueError
        The image is not (C, H, W) for C channels, or a method returned labels that do not fit the field.

    Examples
    --------
    >>> rows, columns = np.mgrid[:64, :64]
    >>> nucleus = (rows - 30) ** 2 + (columns - 30) ** 2 < 64
    >>> cell = (rows - 30) ** 2 + (columns - 34) ** 2 < 400
    >>> config = Segment.model_validate({"objects": {
    ...     "nucleus": {"method": "watershed", "channel": "DNA"},
    ...     "cell": {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus"}}})
    >>> segmented = segment_image(np.stack([900 * nucleus, 900 * cell]), channels=["DNA", "RNA"], config=config)
    >>> {name: int(labels.max()) for name, labels in segmented.labels.items()}
    {'nucleus': 1, 'cell': 1}
    """
    if image.ndim != 3 or len(image) != len(channels):
        raise ValueError(
            f"got an image of shape {image.shape}, expected (C, H, W) with C = {len(channels)}: {channels}"
        )
    check_channels(config, channels)
    operations = operations_for(image)
    label_images: dict[str, Labels] = {}
    for entry in config.objects:
        labels = segmenters.function(entry)(image, labels=label_images, config=entry, channels=channels)
        if labels.shape != image.shape[1:]:
            raise ValueError(f"object {entry.name!r}: got labels of shape {labels.shape}, expected {image.shape[1:]}")
        if not label_images:
            labels = operations.raster_order(labels.astype(np.int32, copy=False))
            count = int(labels.max(initial=0))
        elif int(labels.max(initial=0)) > count or int(labels.min(initial=0)) < 0:
            raise ValueError(f"object {entry.name!r}: got labels that its first object {config.names[0]!r} lacks")
        label_images[entry.name] = labels.astype(np.int32, copy=False)

    cut = np.zeros(count + 1, dtype=np.bool_)
    for name in {"drop": config.names, "primary": config.names[:1], "keep": ()}[config.border]:
        cut[operations.at_frame(label_images[name])] = True
    cut[0] = False
    # the kept ones first; both orders are raster orders, because leaving out some labels keeps the order of the others
    number = np.zeros(count + 1, dtype=np.int64)
    number[1:][np.argsort(cut[1:], kind="stable")] = np.arange(1, count + 1)

    def renumbered(labels: Labels, which: BoolArray) -> LabelArray:
        if not which.any():
            return np.zeros(labels.shape, dtype=np.int32)
        return np.asarray(operations.to_host(operations.relabel(labels, numbers=np.where(which, number, 0))))

    return Segmentation(
        labels={name: renumbered(labels, ~cut) for name, labels in label_images.items()},
        border={name: renumbered(labels, cut) for name, labels in label_images.items()},
    )

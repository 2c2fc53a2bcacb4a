"""Find all objects of one field."""

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.core.types import AnyArray, LabelArray, Segmentation
from tasks.segment.config import Segment, check_channels
from tasks.segment.label_check import check_labels
from tasks.segment.label_images import at_frame, raster_order
from tasks.segment.registry import segmenters


def segment_image(
    image: AnyArray, *, channels: Sequence[str], config: Segment, given: Mapping[str, AnyArray] | None = None
) -> Segmentation:
    """Find the objects of a field, in configured order.

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype.
    channels
        C names.
    config
        Objects and methods; see `tasks.segment.config.Segment`.
    given
        Object to the label image (H, W) that its method takes from a file; the method gets it under that name.

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
    ValueError, TypeError
        The image is not (C, H, W) for C channels, or a method returned what is no label image of the field.

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
    label_images: dict[str, LabelArray] = {}
    for entry in config.objects:
        own = {entry.name: given[entry.name]} if given and entry.name in given else {}
        labels = segmenters.function(entry)(image, labels={**label_images, **own}, config=entry, channels=channels)
        labels = check_labels(labels, shape=image.shape[1:], source=entry.described)
        if not label_images:
            labels = raster_order(labels)
            count = int(labels.max(initial=0))
        elif int(labels.max(initial=0)) > count:
            raise ValueError(f"{entry.described}: got labels that the first object {config.names[0]!r} lacks")
        label_images[entry.name] = labels.astype(np.int32, copy=False)

    cut = np.zeros(count + 1, dtype=np.bool_)
    for name in {"drop": config.names, "primary": config.names[:1], "keep": ()}[config.border]:
        cut[at_frame(label_images[name])] = True
    cut[0] = False
    # the kept ones first; both orders are raster orders, because leaving out some labels keeps the order of the others
    number = np.zeros(count + 1, dtype=np.int32)
    number[1:][np.argsort(cut[1:], kind="stable")] = np.arange(1, count + 1)
    inside, outside = np.where(cut, 0, number).astype(np.int32), np.where(cut, number, 0).astype(np.int32)
    return Segmentation(
        labels={name: inside[labels] for name, labels in label_images.items()},
        border={name: outside[labels] for name, labels in label_images.items()},
    )

"""Find all objects of one field."""

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.core.registry import Device
from tasks.core.types import AnyArray, BoolArray, LabelArray, Segmentation
from tasks.segment.config import Segment, check_channels
from tasks.segment.devices import choose_devices, gpu_obstacles
from tasks.segment.operations import Labels
from tasks.segment.placing import on_device, operations_for
from tasks.segment.registry import segmenters


def segment_image(
    image: AnyArray, *, channels: Sequence[str], config: Segment, devices: Mapping[str, Device] | None = None
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
    devices
        Where each object is found; by default what `config.device` makes of what this process can use.

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
        The configuration names a channel that is not among `channels`, or a GPU where none answers.
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
    devices = choose_devices(config, obstacles=gpu_obstacles(config)) if devices is None else devices
    label_images: dict[str, Labels] = {}
    for entry in config.objects:
        device = devices[entry.name]
        references = {name: label_images[name] for name in entry.references.values()}
        if device == "cpu":
            references = {name: on_device(labels, device=device) for name, labels in references.items()}
        segmenter = segmenters.function(entry, device=device)
        labels = segmenter(image, labels=references, config=entry, channels=channels)
        if labels.shape != image.shape[1:]:
            raise ValueError(f"object {entry.name!r}: got labels of shape {labels.shape}, expected {image.shape[1:]}")
        if not label_images:
            labels = operations_for(labels).raster_order(labels.astype(np.int32, copy=False))
            count = int(labels.max()) if labels.size else 0
        elif labels.size and (int(labels.max()) > count or int(labels.min()) < 0):
            raise ValueError(f"object {entry.name!r}: got labels that its first object {config.names[0]!r} lacks")
        label_images[entry.name] = labels.astype(np.int32, copy=False)

    cut = np.zeros(count + 1, dtype=np.bool_)
    for name in {"drop": config.names, "primary": config.names[:1], "keep": ()}[config.border]:
        cut[operations_for(label_images[name]).at_frame(label_images[name])] = True
    cut[0] = False
    # the kept ones first; both orders are raster orders, because leaving out some labels keeps the order of the others
    number = np.zeros(count + 1, dtype=np.int64)
    number[1:][np.argsort(cut[1:], kind="stable")] = np.arange(1, count + 1)

    def renumbered(labels: Labels, which: BoolArray) -> LabelArray:
        if not which.any():
            return np.zeros(labels.shape, dtype=np.int32)
        operations = operations_for(labels)
        result: LabelArray = operations.to_host(operations.relabel(labels, numbers=np.where(which, number, 0)))
        return result

    return Segmentation(
        labels={name: renumbered(labels, ~cut) for name, labels in label_images.items()},
        border={name: renumbered(labels, cut) for name, labels in label_images.items()},
    )

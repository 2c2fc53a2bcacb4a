"""Find all objects of one field."""

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.core.registry import Device
from tasks.core.types import AnyArray, BoolArray, LabelArray, Segmentation
from tasks.segment.children import relate
from tasks.segment.config import Segment, check_channels
from tasks.segment.devices import choose_devices, gpu_obstacles
from tasks.segment.label_check import check_labels
from tasks.segment.operations import Labels
from tasks.segment.placing import on_device, operations_for
from tasks.segment.registry import segmenters


def segment_image(
    image: AnyArray,
    *,
    channels: Sequence[str],
    config: Segment,
    devices: Mapping[str, Device] | None = None,
    given: Mapping[str, AnyArray] | None = None,
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

        Objects found ``within`` others, the children, are 1..M in raster order: `tasks.segment.children.relate` tells
        whose they are. They keep all of their pixels, go with their cell where that is left out, and are left out
        themselves where they have none; one that touches the frame costs no cell.

    Raises
    ------
    ConfigError
        The configuration names a channel that is not among `channels`, or a GPU where none answers.
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
    devices = choose_devices(config, obstacles=gpu_obstacles(config)) if devices is None else devices
    label_images: dict[str, Labels] = {}
    children: dict[str, Labels] = {}
    parents: dict[str, LabelArray] = {}
    for entry in config.objects:
        device = devices[entry.name]
        earlier = {name: label_images[name] for name in entry.references.values()}
        if device == "cpu":
            earlier = {name: on_device(labels, device=device) for name, labels in earlier.items()}
        if given and entry.name in given:
            earlier[entry.name] = given[entry.name]
        labels = segmenters.function(entry, device=device)(image, labels=earlier, config=entry, channels=channels)
        if device == "cpu" or isinstance(labels, np.ndarray):  # what is still on a GPU comes from a method of ours
            labels = check_labels(labels, shape=image.shape[1:], source=entry.described)
        if entry.within is not None:
            children[entry.name] = operations_for(labels).raster_order(labels)
            within = on_device(label_images[entry.within], device="cpu")
            parents[entry.name] = relate(on_device(children[entry.name], device="cpu"), within=within)
            continue
        if not label_images:
            labels = operations_for(labels).raster_order(labels)
            count = int(labels.max()) if labels.size else 0
        elif labels.size and int(labels.max()) > count:
            raise ValueError(f"{entry.described}: got labels that the first object {config.names[0]!r} lacks")
        label_images[entry.name] = labels.astype(np.int32, copy=False)

    return _leave_out(label_images, count=count, children=children, parents=parents, config=config)


def _leave_out(
    label_images: Mapping[str, Labels],
    *,
    count: int,
    children: Mapping[str, Labels],
    parents: Mapping[str, LabelArray],
    config: Segment,
) -> Segmentation:
    """Set apart the cells that the frame cuts, with their children, and the children of none; number what is kept."""
    cut = np.zeros(count + 1, dtype=np.bool_)
    for name in {"drop": tuple(label_images), "primary": config.names[:1], "keep": ()}[config.border]:
        cut[operations_for(label_images[name]).at_frame(label_images[name])] = True
    cut[0] = True  # what lies in no cell is left out, as are the children of a cell that is
    number = _kept_first(cut)
    apart = {name: _apart(labels, number=number, left_out=cut) for name, labels in label_images.items()}
    ordered: dict[str, LabelArray] = {}
    for name, labels in children.items():
        lost = np.append(True, cut[parents[name]])
        apart[name] = _apart(labels, number=_kept_first(lost), left_out=lost)
        ordered[name] = number[parents[name]][np.argsort(lost[1:], kind="stable")]
    return Segmentation(
        labels={name: apart[name][0] for name in config.names},
        border={name: apart[name][1] for name in config.names},
        parents=ordered,
    )


def _kept_first(left_out: BoolArray) -> LabelArray:
    """(K + 1,) int32: number 1..K of each label, those that are left out after the others; 0 of the first entry.

    Both orders are raster orders, because leaving out some labels keeps the order of the others.
    """
    number = np.zeros(len(left_out), dtype=np.int32)
    number[1:][np.argsort(left_out[1:], kind="stable")] = np.arange(1, len(left_out))
    return number


def _apart(labels: Labels, *, number: LabelArray, left_out: BoolArray) -> tuple[LabelArray, LabelArray]:
    """Renumber a label image, as two of the host: of what is kept, and of what is left out."""
    operations = operations_for(labels)
    both = []
    for which in (~left_out, left_out):
        if which[1:].any():
            numbers = np.where(which, number, 0).astype(np.int64)
            both.append(np.asarray(operations.to_host(operations.relabel(labels, numbers=numbers))))
        else:
            both.append(np.zeros(labels.shape, dtype=np.int32))
    return both[0], both[1]

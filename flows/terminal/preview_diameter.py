"""For a preview: the diameters that a run would decide, estimated here from the same sample of fields."""

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from flows.engine.preparation import Preparation
from tasks.core.types import AnyArray
from tasks.ingest.references import ImageReference, from_frame
from tasks.segment.config import Segment
from tasks.segment.methods.model import Model
from tasks.segment.model.decision import LearnedObject, ObjectDiameters, find_learned
from tasks.segment.model.diameter import FIELDS, FieldDiameter, field_diameter
from tasks.segment.model.network import open_network

Load = Callable[[ImageReference], AnyArray | None]
"""Reads an image, (C, H, W); None where it cannot be used."""


def settle_learned(
    preparation: Preparation, segment: Segment, *, rows: Collection[int], load: Load
) -> tuple[tuple[LearnedObject, ...], tuple[ObjectDiameters, ...]]:
    """Find or estimate the diameters of objects that models find, of the groups of some images.

    Parameters
    ----------
    rows
        Of these images in the table of all; the sample is drawn from all images of their groups.

    Returns
    -------
    learned, estimated
        What a run would give to its tasks; and what was estimated for it here.
    """
    listing, layout = preparation.listing, preparation.layout
    entries = {entry.name: entry for entry in segment.objects if isinstance(entry, Model)}
    learned, _ = find_learned(segment, groups=layout.metadata, present_groups=listing.present_groups)
    settled, estimated = [], []
    for own in learned:
        entry = entries[own.object]
        if entry.diameter == "auto":
            groups = listing.groups(own.group_by)
            present = {groups[row] for row in rows}
            drawn = listing.sample_rows(own.group_by, count=FIELDS, seed=preparation.spec.config.run.seed)
            sample = {group: drawn[group] for group in present}
            plane = layout.channels.index(entry.channel)
            estimated.append(_estimate(own, sample=sample, preparation=preparation, plane=plane, load=load))
            own = own.with_diameters(estimated[-1])  # noqa: PLW2901
        settled.append(own)
    return tuple(settled), tuple(estimated)


def _estimate(
    learned: LearnedObject,
    *,
    sample: dict[tuple[str, ...], list[int]],
    preparation: Preparation,
    plane: int,
    load: Load,
) -> ObjectDiameters:
    network = open_network(learned.network)

    def estimate(row: int) -> tuple[FieldDiameter | None] | None:
        (reference,) = from_frame(preparation.listing.index[row : row + 1])
        image = load(reference)
        return None if image is None else (field_diameter(image[plane], network=network),)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        measured = {group: list(threads.map(estimate, rows)) for group, rows in sample.items()}
    fields: dict[tuple[str, ...], Sequence[FieldDiameter | None]] = {
        group: [field[0] for field in own if field is not None] for group, own in measured.items()
    }
    return ObjectDiameters.of(learned, fields=fields)

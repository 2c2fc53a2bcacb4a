"""How large the objects are that learned models look for: a diameter per group of fields, from a sample of them."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.stage import PlanRow, Stage
from tasks.core.file_names import STATISTICS_FOLDER
from tasks.core.layout import Layout
from tasks.core.published import Published
from tasks.core.storage import holds_key
from tasks.ingest.listing import ImageListing
from tasks.segment.methods.model import Model
from tasks.segment.model.decision import (
    DIAMETERS,
    LearnedObject,
    ObjectDiameters,
    PublishedDiameters,
    find_learned,
)
from tasks.segment.model.diameter import FIELDS

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution
    from flows.engine.graph import Handle

STAGE = "diameter"
PUBLISHED = Published(path=f"{STATISTICS_FOLDER}/{DIAMETERS}", is_ours=holds_key("diameters"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedDiameters:
    """What is known of the objects that models find, and what of it another run has decided."""

    learned: tuple[LearnedObject, ...] = ()
    reused: tuple[ObjectDiameters, ...] = ()


def estimated(config: Config) -> tuple[Model, ...]:
    """Return the objects whose diameter is to be estimated."""
    objects = () if config.segment is None else config.segment.objects
    return tuple(entry for entry in objects if isinstance(entry, Model) and entry.diameter == "auto")


def _row(config: Config) -> PlanRow | None:
    objects = estimated(config)
    if not objects:
        return None
    each = ", ".join(
        f"{entry.name} (up to {FIELDS} fields of {'each ' + ', '.join(entry.group_by) if entry.group_by else 'all'})"
        for entry in objects
    )
    return PlanRow(single_tasks=1 + len(objects), more=f"some to estimate the diameter of {each}")


def _prepare(config: Config, listing: ImageListing, layout: Layout) -> PreparedDiameters:
    """Look at the models, and find another run's diameters of the groups that this one has."""
    if config.segment is None:
        return PreparedDiameters()
    learned, reused = find_learned(config.segment, groups=layout.metadata, present_groups=listing.present_groups)
    return PreparedDiameters(learned=learned, reused=reused.diameters)


def _run(execution: "Execution", data: "Dataset", prepared: PreparedDiameters) -> "Dataset":
    """Decide the diameters that are neither given nor taken over; waits for them."""
    from flows.engine.decision_summary import summarize_diameters

    learned, reused = prepared.learned, prepared.reused
    open_objects = {entry.name: entry for entry in estimated(execution.config)}
    handles = {
        own.object: _estimate(execution, data, entry=open_objects[own.object], learned=own)
        for own in learned
        if own.object in open_objects
    }
    results = dict(zip(handles, execution.wait(tuple(handles.values())), strict=True)) if handles else {}
    decided = {own.object: own for own in reused}
    for name, result in results.items():
        text = result.file(DIAMETERS).read_text(encoding="utf-8")
        decided[name] = ObjectDiameters.model_validate_json(text)
    data = data.having(
        learned=tuple(own.with_diameters(decided[own.object]) if own.object in decided else own for own in learned)
    )
    if not decided:
        return data.to_publish(partial(_discard, execution))
    ordered = tuple(decided[own.object] for own in learned if own.object in decided)
    published = PublishedDiameters(diameters=ordered)
    for summary in summarize_diameters(published):
        execution.watcher.decided(summary)
    return data.to_publish(partial(_publish, execution, published=published))


def _estimate(execution: "Execution", data: "Dataset", *, entry: Model, learned: LearnedObject) -> "Handle":
    """Have the sampled fields of each group measured where they are, and the diameters decided."""
    from tasks.segment.task import fit_diameters, measure_diameters

    listing, resources = execution.preparation.listing, execution.resources["features"]
    sample = listing.sample_rows(entry.group_by, count=FIELDS, seed=execution.config.run.seed)
    rows = sorted(row for own in sample.values() for row in own)
    mapped = [
        {"partition": part, "positions": [row - part.start for row in rows if part.start <= row < part.stop]}
        for part in data.partitions
    ]
    measured = execution.map(
        STAGE,
        measure_diameters,
        mapped=[own for own in mapped if own["positions"]],
        unmapped={"source": data.source, "channel": entry.channel, "network": learned.network},
        resources=resources,
    )
    (decision,) = execution.map(
        STAGE,
        fit_diameters,
        mapped=[{"measured": measured}],
        unmapped={"undecided": learned, "groups": sorted(sample)},
        resources=resources,
        show_progress=False,
    )
    return decision


def _publish(execution: "Execution", *, published: PublishedDiameters) -> None:
    from tasks.segment.task import publish_diameters

    execution.run_single(
        STAGE,
        publish_diameters,
        resources=execution.resources["files"],
        arguments={"output": str(execution.output), "published": published},
        show_progress=False,
    )


def _discard(execution: "Execution") -> None:
    (execution.output / STATISTICS_FOLDER / DIAMETERS).unlink(missing_ok=True)


decide_diameters = Stage(
    name=STAGE,
    row=_row,
    prepare=_prepare,
    run=_run,
    published=lambda _: (PUBLISHED,),
)

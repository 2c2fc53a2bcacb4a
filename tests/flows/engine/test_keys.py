"""A task's key changes with whatever the task is given, and with nothing else."""

import dataclasses
import inspect
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prefect import Task
from pydantic import BaseModel

from flows.engine.keys import task_key
from tasks.core.channels import Channels
from tasks.core.decision import GroupThreshold, QualityDecision, RuleDecision
from tasks.core.digest import digest
from tasks.core.layout import Layout
from tasks.core.pixel_source import PixelSource
from tasks.core.work import Partition, StageResult
from tasks.features.config import Features
from tasks.illumination.config import Polynomial
from tasks.illumination.files import CorrectionStore, FieldGroup
from tasks.illumination.published import CorrectionFile
from tasks.ingest.label_files import LabelFile, LabelFiles
from tasks.ingest.load import PartitionLoader
from tasks.mask.config import Mask
from tasks.normalize.config import Quantile
from tasks.normalize.scaling import ChannelScaling, GroupScaling, Scaling
from tasks.normalize.transform import NormalizationRef
from tasks.project.config import Project
from tasks.project.methods import Projection
from tasks.quality.config import Measurement
from tasks.quality.survey import ValuesQuery
from tasks.report.display import View
from tasks.report.sample import ShownCell, ShownField
from tasks.report.task import ImagesOf, Shading
from tasks.segment.config import Segment
from tasks.segment.model.decision import LearnedObject
from tasks.segment.model.form import Form, NetworkFile

PROJECT = Path(__file__).resolve().parents[3]
WHERE = {"folder", "run_id"}
"""Where a task writes, and for which run."""

RESULT = StageResult(key="a" * 40, folder="/scratch/a", counts={}, content="c", seconds=1, peak_bytes=1, run_id="r")
PARTITION = Partition(number=0, index="/scratch/index.parquet", start=0, stop=9, digest="d")
GROUP = FieldGroup(group=("P1",), height=10, width=12)
LAYOUT = Layout(channels=("BF",), regions=("li",), stamps=True, groups=("plate",), numbered=False)
CHANNELS = Channels(names=("BF",), sources=None, count=1)
SOURCE = PixelSource(
    load=PartitionLoader(channels=CHANNELS, projection=Projection(config=Project(method="max"))),
    layout=LAYOUT,
    transforms=(CorrectionStore(group_by=("plate",), images=((GROUP, RESULT),)),),
    scale=NormalizationRef(file="/scratch/n/normalization.json", identity="n"),
)
THRESHOLD = GroupThreshold(group={"plate": "P1"}, threshold=1.0, upper=2.0, before=5, after=4)
RULE = RuleDecision(rule="dim", column="sum", keep="between", group_by=("plate",), groups=(THRESHOLD,))
DECISION = QualityDecision(rules=(RULE,), quality={"rules": []})
SEGMENT = Segment.model_validate({"objects": {"nucleus": {"method": "watershed", "channel": "BF", "diameter": 9}}})
SCALING = Scaling(
    method="minmax", transform="linear", region="li", group_by=("plate",), channels=("BF",),
    groups=(GroupScaling(group={"plate": "P1"}, channels=(ChannelScaling(channel="BF", center=0, scale=1, count=9),)),),
)  # fmt: skip

FORM = Form(
    name="m", licence="CC0", diameter=16, lower_percentile=1, upper_percentile=99, clip_low=-1, clip_high=3,
    receptive_field=9, foreground_threshold=0.5, peak_drop=0.1, boundary_weight=1,
)  # fmt: skip
NETWORK = NetworkFile(path="/other/m.onnx", content="c", form=FORM)
LEARNED = LearnedObject(object="nucleus", network=NETWORK, group_by=("plate",), diameters=((("P1",), 9.0),))

GIVEN = LabelFiles(files={"nucleus": (LabelFile(path="/other/l.tif", named="l.tif", size=9, mtime_ns=1),)})

ARGUMENTS: dict[str, object] = {
    "partition": PARTITION,
    "source": SOURCE,
    "cells": RESULT, "metrics": RESULT, "counted": RESULT, "total": RESULT,
    "parts": [RESULT], "measured": [RESULT],
    "decision": DECISION,
    "measurements": (Measurement(metric="sum", channel="BF"),),
    "survey": ValuesQuery(decision=DECISION, column="sum", group_by=("plate",), by_image=False),
    "region": "li", "group_by": ("plate",), "groups": [("P1",)], "channels": ("BF",),
    "downscale": 4,
    "group": GROUP,
    "file": CorrectionFile(path="/other/0.tif", content="c", offset=0.0),
    "scaling": SCALING,
    "given": GIVEN, "positions": [0, 3],
    "channel": "BF", "network": NETWORK, "learned": [LEARNED], "undecided": LEARNED,
    "devices": {"nucleus": "cpu"},
    "images": [ImagesOf(partition=PARTITION, names=("a.tif",))], "view": View(channels=("BF",), outlined=("li",)),
    "side": 40, "shadings": [Shading(group="plate P1", result=RESULT, file="c.npy")], "display": RESULT,
    "shown": (ShownCell(image="a.tif", object=1, status="kept", rank=0),),
    "fields": (ShownField(image="a.tif", kept=(1,)),), "most_bytes": 4000,
}  # fmt: skip
"""What tasks are given, by the name of the argument."""

CONFIGS = {
    "mask": Mask.model_validate({"methods": ["li"], "main_channel": "BF"}),
    "segment": SEGMENT,
    "features": Features(),
    "illumination image": Polynomial(),
    "normalize scaling": Quantile(),
}
"""The argument `config`, by the name of the task."""

OTHER_PARTS = {"sum": "mean"}
"""Names of parts whose code counts, and so has to exist, and others of their kind."""

FREE: dict[type, set[str]] = {
    PixelSource: {"batch_bytes"},
    Partition: {"number", "index", "start", "stop"},
    StageResult: {"folder", "counts", "started", "seconds", "worker", "host", "peak_bytes", "hardware", "run_id"},
    CorrectionFile: {"path"},
    LabelFile: {"path"},
    LabelFiles: {"limits"},
    NetworkFile: {"path", "form"},
    NormalizationRef: {"file"},
    PartitionLoader: {"channels", "limits"},
    QualityDecision: {"quality"},
    Segment: {"device"},
    GroupThreshold: {"before", "after"},
}
"""Fields that no result depends on: where things are, in what order they come, what was counted. The channels and
limits of size are part of every partition's digest; where objects are found, the argument `devices` tells."""


def stage_tasks() -> list[Task[..., Any]]:
    """Find every task whose result is kept: those that are told where to write it."""
    modules = [import_module(f"tasks.{path.parent.name}.task") for path in sorted(PROJECT.glob("tasks/*/task.py"))]
    tasks = {id(item): item for module in modules for item in vars(module).values() if isinstance(item, Task)}
    return [task for task in tasks.values() if set(inspect.signature(task.fn).parameters) >= WHERE]


def fields(value: object) -> dict[str, Any]:
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {}


def copies(value: Any) -> list[tuple[str, Any, bool]]:  # noqa: ANN401
    """Return copies of a value, each with one thing changed: what, the copy, and whether results depend on it."""
    if isinstance(value, (list, tuple)) and value:
        inner = [
            (f"0.{name}", type(value)([inner_copy, *value[1:]]), counts)
            for name, inner_copy, counts in copies(value[0])
        ]
        return [("length", type(value)([*value, value[0]]), True), *inner]
    if isinstance(value, dict) and value:
        name, old = next(iter(value.items()))
        return [(f"{name}.{below}", {**value, name: new}, counts) for below, new, counts in copies(old)]
    changes: list[tuple[str, Any, bool]] = []
    for name, old in fields(value).items():
        free = name in FREE.get(type(value), set())
        changed = copies(old) or [("", OTHER_PARTS.get(str(old), f"not {old}"), True)]
        for below, new, counts in changed:
            copy = (
                value.model_copy(update={name: new})
                if isinstance(value, BaseModel)
                else dataclasses.replace(value, **{name: new})
            )
            changes.append((f"{name}.{below}".rstrip("."), copy, counts and not free))
    return changes


@pytest.mark.parametrize("task", stage_tasks(), ids=lambda task: str(task.name))
def test_the_key_holds_every_argument_and_every_field_of_it(task: Task[..., Any]) -> None:
    names = set(inspect.signature(task.fn).parameters) - WHERE
    arguments = {name: CONFIGS[task.name] if name == "config" else ARGUMENTS[name] for name in names}
    key = task_key(task, arguments)
    assert key == task_key(task, dict(reversed(arguments.items())))
    assert key != task_key(SimpleNamespace(name=task.name, version="another"), arguments)
    assert key != task_key(SimpleNamespace(name="another", version=task.version), arguments)
    for name, value in arguments.items():
        changed = copies(value) or [("", f"not {value}", True)]
        assert len(changed) > 0
        for what, copy, counts in changed:
            differs = task_key(task, {**arguments, name: copy}) != key
            assert differs == counts, f"{name}.{what}: the key {'holds' if differs else 'lacks'} it"


def test_tasks_have_versions_and_no_task_takes_a_whole_configuration() -> None:
    tasks = stage_tasks()
    assert len(tasks) >= 13
    assert [task.name for task in tasks if not str(task.version).isdigit()] == []
    sections = {task.name for task in tasks if "config" in inspect.signature(task.fn).parameters}
    assert sections == set(CONFIGS)


def test_what_has_no_identity_has_no_digest() -> None:
    with pytest.raises(TypeError, match="PosixPath has no digest"):
        digest(Path("/somewhere"))

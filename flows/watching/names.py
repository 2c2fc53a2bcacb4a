"""How a run is called in Prefect, and by which tags it is found there."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import PurePath
from urllib.parse import urlsplit

from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from flows.config import Config
from flows.engine.flow_run import quick_client

GENERATED = re.compile(r"[A-Za-z]+-[A-Za-z]+")
"""Names that Prefect makes up, such as ``amber-cow``, and its user interface, such as ``Amber-Cow``."""

LONGEST = 60
"""Characters of a path within a name."""


def flow_run_name() -> str:
    """Name the flow run that begins: by what it reads, where it writes, and when.

    A name that somebody gave stays.
    """
    context = FlowRunContext.get()
    run = None if context is None else context.flow_run
    if context is None or run is None:
        raise RuntimeError("a flow run is named within its context; give it to a flow as flow_run_name")
    if not GENERATED.fullmatch(run.name):
        return run.name
    parameters = context.parameters or {}
    return run_name(
        inputs=parameters.get("inputs") or (),
        output=parameters.get("output") or "",
        limit=parameters.get("limit"),
        at=run.expected_start_time or run.created or datetime.now().astimezone(),
    )


def run_name(*, inputs: Sequence[str], output: str, limit: int | None, at: datetime) -> str:
    """Say what a run reads, where it writes, and when it was to begin, in this machine's time.

    Examples
    --------
    >>> at = datetime(2026, 11, 28, 22, 5).astimezone()
    >>> run_name(inputs=["/data/plates/7", "/data/plates/8"], output="results/day 3", limit=None, at=at)
    'plates/7 and 1 more → results/day 3, 2026-11-28 22:05'
    >>> run_name(inputs=[], output="./output", limit=20, at=at)
    '20 of the example → output, 2026-11-28 22:05'
    """
    more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
    read = f"{_short(inputs[0])}{more}" if inputs else "the example"
    chosen = "" if limit is None else f"{limit} of "
    return f"{chosen}{read} → {_short(output)}, {at.astimezone():%Y-%m-%d %H:%M}"


def run_tags(config: Config, *, cluster: str) -> list[str]:
    """Say by tags where a run computes, how it finds cells, and by which groups of images it decides.

    Such as ``cluster:local``, ``mask:li``, ``segment:model``, ``group:plate``.
    """
    return list(dict.fromkeys([f"cluster:{_cluster_name(cluster)}", *_methods(config), *_groups(config)]))


def tag_flow_run(run: FlowRun, tags: Sequence[str]) -> None:
    """Add tags to a flow run, whose own stay; nothing happens where the API does not answer."""
    with suppress(Exception), quick_client() as client:
        client.update_flow_run(run.id, tags=list(dict.fromkeys([*run.tags, *tags])))


def _short(path: str) -> str:
    """Take the last two parts of a path: a folder alone is often called ``data`` or ``output``."""
    parts = [part for part in PurePath(path).parts if part not in ("/", "..", "~")]
    name = "/".join(parts[-2:]) or path
    return name if len(name) <= LONGEST else f"…{name[-LONGEST + 1 :]}"


def _cluster_name(cluster: str) -> str:
    return urlsplit(cluster).netloc or PurePath(cluster).stem


def _methods(config: Config) -> Iterator[str]:
    entries = () if config.segment is None else config.segment.objects
    yield from (f"segment:{entry.model_dump()['method']}" for entry in entries)
    yield from (f"mask:{method.model_dump()['method']}" for method in (config.mask.methods if config.mask else ()))


def _groups(config: Config) -> Iterator[str]:
    """Yield the groups of images of which each has a decision of its own."""
    for section in (config.illumination, config.normalize, *(config.quality.rules if config.quality else ())):
        yield from (f"group:{group}" for group in getattr(section, "group_by", ()))

"""Artifacts of a flow run in Prefect: what they hold, and how they get there without anybody waiting."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.objects import FlowRun

from flows.engine.flow_run import ANSWER_SECONDS, quick_client

SECONDS = 5.0
"""Between two updates at least."""

FRACTION = 0.01
"""Of the time so far, between two updates at least: Prefect keeps an event of each, with all that it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Something that the user interface shows of a flow run.

    Parameters
    ----------
    key
        Its name, equal from run to run: lower-case letters, digits and dashes.
    type
        How it is shown.
    data
        Per cent, JSON of rows, Markdown, or a picture's address.
    description
        Markdown that is shown beside it.
    """

    key: str
    type: Literal["progress", "table", "markdown", "image"]
    data: float | str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture of a report.

    Parameters
    ----------
    name
        As in ``key`` of `Artifact`.
    png
        Its file's content.
    description
        What it shows.
    """

    name: str
    png: bytes
    description: str


def progress(key: str, *, percent: float, description: str) -> Artifact:
    """Show how far something is."""
    return Artifact(key=key, type="progress", data=percent, description=description)


def table(key: str, *, rows: Sequence[dict[str, object]], description: str) -> Artifact:
    """Show rows; numbers stay numbers."""
    return Artifact(key=key, type="table", data=json.dumps(rows), description=description)


def markdown(key: str, *, text: str, description: str) -> Artifact:
    """Show text."""
    return Artifact(key=key, type="markdown", data=text, description=description)


def image(key: str, *, png: bytes, description: str) -> Artifact:
    """Show a picture, which is kept in the artifact itself."""
    address = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return Artifact(key=key, type="image", data=address, description=description)


def publish(flow_run: FlowRun, artifacts: Sequence[Artifact]) -> None:
    """Put artifacts into a flow run, once; nothing happens where the API does not answer."""
    with suppress(Exception), quick_client() as client:
        for each in artifacts:
            client.create_artifact(_created(each, flow_run=flow_run))


def publish_figures(flow_run: FlowRun, figures: Sequence[Figure], *, prefix: str) -> None:
    """Put the figures of a report into a flow run, as images whose keys begin with `prefix`."""
    publish(
        flow_run,
        [image(f"{prefix}-{figure.name}", png=figure.png, description=figure.description) for figure in figures],
    )


@dataclass(slots=True)
class _Published:
    """What the API has of the artifacts that change."""

    flow_run: FlowRun
    known: dict[str, tuple[UUID, Artifact]] = field(default_factory=dict)

    def update(self, artifacts: Sequence[Artifact]) -> None:
        """Send what is new or has changed; what the API does not take is sent the next time."""
        changed = [each for each in artifacts if each.key not in self.known or self.known[each.key][1] != each]
        if not changed:
            return
        with suppress(Exception), quick_client() as client:
            for each in changed:
                if each.key in self.known:
                    number = self.known[each.key][0]
                    client.update_artifact(number, ArtifactUpdate(data=each.data, description=each.description))
                else:
                    number = client.create_artifact(_created(each, flow_run=self.flow_run)).id
                self.known[each.key] = number, each


@contextmanager
def kept_up_to_date(flow_run: FlowRun, look: Callable[[], Sequence[Artifact]]) -> Iterator[None]:
    """Within the block a thread publishes artifacts as they change, and once more at its end.

    Parameters
    ----------
    look
        Returns how the artifacts are by now; called from that thread.
    """
    ended, published, start = threading.Event(), _Published(flow_run), time.monotonic()

    def send() -> None:
        while not ended.wait(max(SECONDS, FRACTION * (time.monotonic() - start))):
            published.update(look())
        published.update(look())

    thread = threading.Thread(target=copy_context().run, args=(send,), name="artifacts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(2 * ANSWER_SECONDS)  # an API that does not answer keeps nobody


def _created(artifact: Artifact, *, flow_run: FlowRun) -> ArtifactCreate:
    return ArtifactCreate(
        key=artifact.key,
        type=artifact.type,
        data=artifact.data,
        description=artifact.description,
        flow_run_id=flow_run.id,
    )

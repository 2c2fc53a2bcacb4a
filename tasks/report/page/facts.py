"""What is known of a run when its report is made: run.json, and the summary that stands beside it until the end."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.core.decision import KEPT
from tasks.core.file_names import RUN
from tasks.core.storage import read_json
from tasks.report.material import SO_FAR

QUARANTINED = "quarantined"
RULE = "quality:"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """A run, as it recorded itself.

    Parameters
    ----------
    record
        Content of run.json.
    summary
        Counts of the run; empty where it has not come that far.
    """

    record: Mapping[str, Any]
    summary: Mapping[str, Any]

    @classmethod
    def read(cls, output: Path) -> "RunFacts":
        """Read the facts of an output folder; the summary of a run that goes on lies in ``work/``."""
        record = read_json(output / RUN)
        so_far = output / "work" / SO_FAR
        ended = record.get("status") == "done" and record.get("summary")
        summary = record["summary"] if ended else read_json(so_far) if so_far.is_file() else {}
        return cls(record=record, summary=summary)

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The configuration as run.json has it."""
        configuration: Mapping[str, Any] = self.record.get("configuration", {})
        return configuration

    @property
    def statuses(self) -> dict[str, int]:
        """Cells by what became of them: kept first, then by number."""
        counts: Mapping[str, int] = self.summary.get("statuses", {})
        return dict(sorted(counts.items(), key=lambda item: (item[0] != KEPT, -item[1], item[0])))

    @property
    def groups(self) -> tuple[str, ...]:
        """Named groups of load.pattern that images are told apart by."""
        pattern = (self.configuration.get("load") or {}).get("pattern")
        if not pattern:
            return ()
        return tuple(name for name in re.compile(pattern).groupindex if name != "channel")

    @property
    def first_object(self) -> str | None:
        """The object of fields that makes the rows; None of stamps."""
        objects = (self.configuration.get("segment") or {}).get("objects") or []
        return objects[0]["name"] if objects else None


def in_words(status: str) -> str:
    """Say what became of a cell.

    Examples
    --------
    >>> in_words("border"), in_words("quality:dim")
    ('cut by the edge of its image', 'removed by rule dim')
    """
    if status.startswith(RULE):
        return f"removed by rule {status.removeprefix(RULE)}"
    known = {
        "no_object": "no object in it",
        "border": "cut by the edge of its image",
        "channel_filter": "removed by the channel filter",
        QUARANTINED: "in an image that was set aside",
    }
    return known.get(status, status)

"""An engine without a cluster."""

from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from flows.config import TimeLimit
from flows.engine.convictions import Convictions
from flows.engine.dispatch import Dispatcher
from flows.engine.pace import Pace
from tests.flows.engine.in_process import InProcess

INDEX = pl.DataFrame({"image": ["a", "b", "c", "d"], "size": [1, 1, 1, 1], "mtime_ns": [0, 0, 0, 0]})


@pytest.fixture
def sent() -> InProcess:
    return InProcess()


@pytest.fixture
def dispatcher(sent: InProcess, tmp_path: Path) -> Dispatcher:
    convictions = Convictions(tmp_path, index=INDEX, memory_bytes=sent.memory_bytes, time_limit=TimeLimit())
    pace = Pace([1, 1, 1, 1], bytes_per_image=1, limit=TimeLimit())
    return Dispatcher(
        cast("Any", sent),
        work=tmp_path,
        convictions=convictions,
        pace=pace,
        tell=print,
    )

"""Tasks in workers know their flow run and the settings that it was started with, although these travel once."""

from collections.abc import Iterator
from typing import Any

import pytest
from prefect import flow, task
from prefect.context import FlowRunContext, TaskRunContext
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_LOGGING_LEVEL,
    PREFECT_TASKS_REFRESH_CACHE,
    temporary_settings,
)

from infra.api_server import api_server
from infra.clusters.model import Local
from infra.running import running

pytestmark = pytest.mark.slow


@pytest.fixture
def own_api() -> Iterator[str]:
    with api_server() as server:
        url = server.wait()
        settings = {PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: server.secret, PREFECT_LOGGING_LEVEL: "CRITICAL"}
        with temporary_settings(updates=settings):
            yield server.api


def test_a_task_knows_the_flows_settings_its_run_and_what_it_depends_on(own_api: str) -> None:
    @task
    def doubled(number: int) -> int:
        return 2 * number

    @task
    def seen(number: int) -> tuple[int, str | None, bool, str, list[str]]:
        run, flow_run = TaskRunContext.get(), FlowRunContext.get()
        assert run is not None
        assert flow_run is not None
        assert flow_run.flow_run is not None
        inputs: list[str] = [task_input.input_type for task_input in run.task_run.task_inputs["number"]]
        return number, PREFECT_API_URL.value(), PREFECT_TASKS_REFRESH_CACHE.value(), str(flow_run.flow_run.id), inputs

    @flow
    def asks() -> tuple[tuple[int, str | None, bool, str, list[str]], str]:
        context = FlowRunContext.get()
        assert context is not None
        assert context.flow_run is not None
        before: Any = doubled.submit(number=3)
        return seen.submit(number=before).result(), str(context.flow_run.id)

    with (
        running(Local(), workers=1, segment="auto", run_id="", prepare=list) as workers,
        temporary_settings(updates={PREFECT_TASKS_REFRESH_CACHE: True}),
    ):
        answer, run = asks.with_options(task_runner=workers.runner)()  # type: ignore[arg-type] # as in flows/preprocess.py
    assert answer == (6, own_api, True, run, ["task_run"])

"""The run form as a biologist meets it: filled in, refused, mended, started, and the run watched to its end."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import polars as pl
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Watched
from tests.browser.pointing import point_at_a_cell
from tests.chaos.services import environment, prefect_server

pytestmark = pytest.mark.browser

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 300.0
"""What a loaded machine may take to start a server, to show a page or to do a run."""

STEP_SECONDS = 60.0
"""What it may take to react in a page that is there."""

Answer = TypeVar("Answer")

SERVE = "from flows.preprocess import preprocess; preprocess.serve(name='form')"


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server with its UI and a process that runs what is started there; yield the server's address."""
    folder = tmp_path_factory.mktemp("prefect")
    with prefect_server(folder, ui=True) as api, (folder / "serve.log").open("wb") as log:
        variables = environment(folder, mark=str(folder)) | {"PREFECT_API_URL": api, "PYTHONPATH": str(PROJECT)}
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], cwd=PROJECT, env=variables, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield api.removesuffix("/api")
        finally:
            os.killpg(process.pid, 15)
            process.wait()


@pytest.fixture(scope="module")
def deployment(prefect: str) -> str:
    """Wait for the flow to be deployed, and return the deployment's id."""
    return str(until(lambda: read(f"{prefect}/api/deployments/name/preprocess/form"))["id"])


def read(address: str) -> dict[str, Any] | None:
    """Return what the server has there; None where it has nothing."""
    response = httpx.get(address, timeout=60)
    return dict(response.json()) if response.is_success else None


def until(ask: Callable[[], Answer | None], *, seconds: float = SECONDS) -> Answer:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline
        time.sleep(1)
    return answer


def field(within: Page | Locator, title: str) -> Locator:
    """Return a field of the form by its title: label, description, and what is filled in."""
    label = within.locator("label", has_text=re.compile(rf"^{re.escape(title)}( \(Optional\))?$")).first
    return label.locator("xpath=../../..")


def fill(within: Page | Locator, title: str, text: str) -> None:
    field(within, title).locator("textarea, input").first.fill(text)


def tab(within: Page | Locator, title: str, choice: str) -> Locator:
    """Choose one of the tabs of a field, and return the field."""
    chosen = field(within, title)
    chosen.get_by_role("tab", name=choice, exact=True).first.click()
    return chosen


def add_item(within: Page | Locator, title: str) -> Locator:
    """Add an entry to a list, and return the field of the list."""
    chosen = field(within, title)
    chosen.get_by_role("button", name="Add item").last.click()
    return chosen


def whole_page(watched: Watched, name: str) -> None:
    """Keep a picture of all of the page, which scrolls inside its window."""
    size = watched.page.viewport_size or {"width": 1100, "height": 900}
    height = watched.page.evaluate("Math.max(...[...document.querySelectorAll('*')].map(e => e.scrollHeight))")
    watched.page.set_viewport_size({"width": size["width"], "height": min(height + 50, 8000)})
    watched.picture(name)
    watched.page.set_viewport_size(size)


def test_a_run_is_filled_in_refused_mended_started_and_watched(
    prefect: str, deployment: str, open_page: Callable[..., Watched], data_root: Path, tmp_path: Path
) -> None:
    watched = open_page(viewport={"width": 1100, "height": 900})
    page = watched.page
    page.set_default_timeout(SECONDS * 1000)
    page.goto(f"{prefect}/v2/deployments/deployment/{deployment}/run", wait_until="domcontentloaded")
    expect(field(page, "Configuration")).to_be_visible(timeout=SECONDS * 1000)
    page.set_default_timeout(STEP_SECONDS * 1000)
    expect.set_options(timeout=STEP_SECONDS * 1000)
    whole_page(watched, "form-empty")

    add_item(page, "Images").locator("textarea").fill(str(data_root / "ifc_jurkat_cellcycle"))
    fill(page, "Results", str(tmp_path / "out"))
    fill(page, "Limit", "50")

    load = tab(page, "Load images", "Change")
    load.get_by_label("Select Reader").click()
    page.get_by_role("option", name="multiframe_tiff").click()
    fill(load, "Pattern", r"(?P<phase>\w+)/\w+_(?P<cell>\d+)\.tif")
    for number, name in enumerate(("BF", "PI")):
        channels = add_item(load, "Channels")
        fill(channels.locator("fieldset").first, "Name", name) if number == 0 else channels.locator(
            "label", has_text=re.compile("^Name$")
        ).last.locator("xpath=../../..").locator("textarea").fill(name)
        channels.locator("input[type=number]").last.fill(str(number))

    mask = tab(page, "Mask stamps", "On")
    add_item(mask, "Methods").get_by_role("tab", name="Li", exact=True).click()

    page.get_by_role("button", name="Submit").click()  # without the main channel
    expect(field(mask, "Main channel")).to_contain_text("'main_channel' is a required property")
    whole_page(watched, "form-refused")
    assert read_runs(prefect) == []

    fill(mask, "Main channel", "PI")
    page.get_by_role("button", name="Submit").click()  # in Prefect 3.9 this takes the complaint away, and no more
    expect(field(mask, "Main channel")).not_to_contain_text("required")
    whole_page(watched, "form-filled")
    for _ in range(4):  # which may also have been too early: the form takes in what was typed a moment later
        with suppress(AssertionError):
            until(lambda: read_runs(prefect), seconds=20)
            break
        page.get_by_role("button", name="Submit").click()
    (run,) = read_runs(prefect)
    assert run["parameters"]["config"]["mask"]["methods"][0]["method"] == "li"

    page.goto(f"{prefect}/v2/runs/flow-run/{run['id']}", wait_until="domcontentloaded")
    expect(page.get_by_text("Running").first).to_be_visible()
    watched.picture("form-running")
    until(lambda: read_runs(prefect)[0]["state_type"] in {"COMPLETED", "FAILED", "CRASHED"})
    name = read_runs(prefect)[0]["name"]
    assert re.fullmatch(r"50 of data/ifc_jurkat_cellcycle → \w+/out, \d{4}-\d\d-\d\d \d\d:\d\d", name), name
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    watched.picture("form-completed")
    page.get_by_role("tab", name="Parameters").click()
    expect(page.get_by_text("main_channel").first).to_be_visible()
    page.get_by_role("tab", name="Artifacts").click()
    expect(page.get_by_text("preprocess-partitions").first).to_be_visible()
    whole_page(watched, "form-artifacts")
    page.get_by_text("preprocess-summary").first.click()
    said = page.get_by_text(re.compile(r"Report: /.*report\.html")).first  # Prefect's pages make no links to files
    expect(said).to_be_visible()
    whole_page(watched, "form-summary")
    assert len(pl.read_parquet(tmp_path / "out" / "images.parquet")) == 50

    report = tmp_path / "out" / "report.html"
    assert str(report) in said.inner_text()
    page.goto(report.as_uri())
    image = point_at_a_cell(page, number=7)
    assert image in page.locator("#map-words").inner_text()
    assert page.evaluate("document.getElementById('map-picture').naturalWidth") > 40  # two channels of a stamp
    watched.picture("form-report-cell")


def read_runs(prefect: str) -> list[dict[str, Any]]:
    response = httpx.post(f"{prefect}/api/flow_runs/filter", json={}, timeout=60)
    return list(response.raise_for_status().json())

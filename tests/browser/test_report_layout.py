"""The report in a browser: all has its place, cells show their pictures, nothing is asked of a network."""

from collections.abc import Callable

import pytest

from tasks.report.config import Report
from tasks.report.page import render_report
from tests.browser.conftest import Watched
from tests.browser.layout import check_layout
from tests.browser.pointing import point_at_a_cell
from tests.report.example_run import write_example

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    output = tmp_path_factory.mktemp("report") / "output"
    return render_report(output=output, material=write_example(output), config=Report(cells=100)).as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1600])
def test_everything_has_its_place(open_page: Callable[..., Watched], report: str, width: int, scheme: str) -> None:
    watched = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    check_layout(watched, report, width=width, name=f"report-{width}-{scheme}")
    brightness = watched.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert (brightness < 60) == (scheme == "dark")


def test_pointing_at_a_cell_shows_its_picture_and_arrows_go_on(open_page: Callable[..., Watched], report: str) -> None:
    watched = open_page(viewport={"width": 1200, "height": 900})
    page = watched.page
    page.goto(report)
    image = point_at_a_cell(page, number=7)
    assert page.evaluate("document.getElementById('map-picture').naturalWidth") == 49
    assert image in page.locator("#map-words").inner_text()
    watched.picture("report-cell")
    page.locator("#map").focus()
    for key in ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    visited = set()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        visited.add(page.evaluate("report.map.chosen()"))
    assert len(visited) > 1
    for value in page.locator("#map-colour option").evaluate_all("own => own.map((one) => one.value)"):
        page.select_option("#map-colour", value)
    page.wait_for_timeout(300)
    assert page.locator("#map-legend").inner_text().strip()
    assert watched.errors == []
    assert watched.requests == []


def test_dark_and_light_follow_the_screen(open_page: Callable[..., Watched], report: str) -> None:
    watched = open_page(viewport={"width": 1200, "height": 900}, color_scheme="light")
    page = watched.page
    page.goto(report)
    page.evaluate("report.drawAll()")
    page.wait_for_selector("[data-figure=statuses] svg text")
    fill = "document.querySelector('[data-figure=statuses] svg text').getAttribute('fill')"
    before = page.evaluate(fill)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{fill} !== '{before}'")
    assert watched.errors == []

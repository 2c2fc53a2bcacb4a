"""The report in a browser: all has its place, cells show their pictures, nothing is asked of a network."""

from collections.abc import Callable

import pytest

from tasks.report.config import Report
from tasks.report.page import render_report
from tests.browser.conftest import Watched
from tests.report.example_run import write_example

pytestmark = pytest.mark.browser

OVERLAPS = """() => {
  const seen = [];
  const visible = (box) => box.width > 1 && box.height > 1;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const boxes = [];
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    const apart = "script, style, noscript, option, .skip, nav";
    if (!walker.currentNode.textContent.trim() || parent.closest(apart)) continue;
    if (!parent.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const text = walker.currentNode.textContent.trim().slice(0, 60);
    for (const box of range.getClientRects()) if (visible(box)) boxes.push({ box, parent, text });
  }
  boxes.forEach((one, place) => {
    const owner = one.parent.closest("figure, td, th, dd, dt, li, p, section, svg") || document.body;
    const around = owner.getBoundingClientRect();
    const scrolls = one.parent.closest(".scroll, pre, #map-values");
    if (scrolls) return;
    if (one.box.left < around.left - 2 || one.box.right > around.right + 2) seen.push(`leaves: ${one.text}`);
    for (const other of boxes.slice(place + 1)) {
      if (other.parent === one.parent || other.parent.closest(".scroll, pre, #map-values")) continue;
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      if (wide > 2 && high > 3) seen.push(`overlap: ${one.text} | ${other.text}`);
    }
  });
  return seen;
}"""
"""Texts, line by line, that lie upon each other or stick out of what holds them."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    output = tmp_path_factory.mktemp("report") / "output"
    return render_report(output=output, material=write_example(output), config=Report(cells=100)).as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1600])
def test_everything_has_its_place(open_page: Callable[..., Watched], report: str, width: int, scheme: str) -> None:
    watched = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = watched.page
    page.goto(report)
    page.evaluate("async () => { await report.drawAll(); await report.map.draw(); }")
    page.wait_for_timeout(200)
    watched.picture(f"report-{width}-{scheme}", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERLAPS) == []
    brightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert (brightness < 60) == (scheme == "dark")
    assert page.locator(".chart:not([data-drawn])").count() == 0
    page.evaluate("document.querySelectorAll('details').forEach((own) => { own.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERLAPS) == []
    assert watched.errors == []
    assert watched.requests == []


def test_pointing_at_a_cell_shows_its_picture_and_arrows_go_on(open_page: Callable[..., Watched], report: str) -> None:
    watched = open_page(viewport={"width": 1200, "height": 900})
    page = watched.page
    page.goto(report)
    page.locator("#map").scroll_into_view_if_needed()
    page.wait_for_selector("#map[data-drawn]")
    assert page.locator("#map-picture").is_hidden()
    x, y = page.evaluate("report.map.pixel(7)")
    box = page.locator("#map canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.wait_for_function("report.map.chosen() >= 0")
    chosen = page.evaluate("report.map.chosen()")
    names = page.evaluate("JSON.parse(document.getElementById('map-data').textContent).image")
    assert page.locator("#map-picture").is_visible()
    assert page.evaluate("document.getElementById('map-picture').naturalWidth") == 49
    assert names[chosen] in page.locator("#map-words").inner_text()
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

"""Pointing at a cell in the map of a report."""

from playwright.sync_api import Page


def point_at_a_cell(page: Page, *, number: int) -> str:
    """Move the mouse to where a cell of an opened report is drawn; return the image of the cell that is shown then."""
    page.locator("#map").scroll_into_view_if_needed()
    page.wait_for_selector("#map[data-drawn]")
    assert page.locator("#map-picture").is_hidden()
    x, y = page.evaluate(f"report.map.pixel({number})")
    box = page.locator("#map canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.wait_for_function("report.map.chosen() >= 0")
    assert page.locator("#map-picture").is_visible()
    names = page.evaluate("JSON.parse(document.getElementById('map-data').textContent).image")
    return str(names[page.evaluate("report.map.chosen()")])

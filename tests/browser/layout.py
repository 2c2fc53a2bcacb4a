"""Whether everything on a report's page has its place."""

from tests.browser.conftest import Watched

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


def check_layout(watched: Watched, report: str, *, width: int, name: str) -> None:
    """Open a report, keep a picture of all of it, and look at its texts with all details closed and opened."""
    page = watched.page
    page.goto(report)
    page.evaluate("async () => { await report.drawAll(); await report.map.draw(); }")
    page.wait_for_timeout(200)
    watched.picture(name, full_page=True)
    assert page.locator(".chart:not([data-drawn])").count() == 0
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        overlaps = page.evaluate(OVERLAPS)
        assert not overlaps, overlaps
        page.evaluate("document.querySelectorAll('details').forEach((own) => { own.open = true; })")
    assert not watched.errors, watched.errors
    assert not watched.requests, watched.requests

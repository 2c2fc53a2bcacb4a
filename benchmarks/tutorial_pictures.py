"""Makes the pictures of docs/tutorial.md and README.md anew, from a folder in which the tutorial was gone through.

python -m benchmarks.tutorial_pictures tutorial/

Needs Chromium and playwright, as the tests of the browser do.
"""

import os
import shutil
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).resolve().parents[1] / "docs"
WIDTH, HEIGHT = 1000, 760
"""Of the browser's window, in px; what is higher than a window is cut off."""

PARTS = {
    "summary": "#summary",
    "quality": "#quality article:has(h3:text-is('Rule debris'))",
    "outlines": "#outlines",
}
"""Of the report: the name of the picture, and what it shows."""

LARGEST = 195_000
"""Bytes of a picture."""

EXAMPLES = ("B02_s2", "C02_s2", "C04_s1")
"""Fields of the first picture: without and with the drug, and the one that is out of focus."""


def save(picture: Image.Image, name: str) -> None:
    """Write a picture as WebP, at the best quality that keeps it small."""
    path = DOCS / f"tutorial_{name}.webp"
    for quality in (90, 80, 65, 50, 35):
        picture.convert("RGB").save(path, quality=quality, method=6)
        if path.stat().st_size < LARGEST:
            print(f"{path.name}: {picture.width} × {picture.height} px, {path.stat().st_size:,} bytes")
            return
    raise ValueError(f"{path} is {path.stat().st_size:,} bytes at the lowest quality; make it smaller")


def draw_fields(plate: Path) -> Image.Image:
    """Draw a part of some fields side by side: actin red, DNA light blue, all on one scale."""
    side, gap = 320, 8
    strip = np.full((side, len(EXAMPLES) * (side + gap) - gap, 3), 255, dtype=np.uint8)
    for place, field in enumerate(EXAMPLES):
        dna, actin = (tifffile.imread(plate / f"{field}_{name}.tif")[:side, :side] for name in ("DNA", "actin"))
        dna, actin = np.clip((dna - 120.0) / 4500, 0, 1) ** 0.7, np.clip((actin - 120.0) / 2600, 0, 1) ** 0.7
        colours = np.stack([np.maximum(actin, 0.3 * dna), np.maximum(0.35 * actin, 0.75 * dna), dna], axis=-1)
        strip[:, place * (side + gap) : place * (side + gap) + side] = np.rint(255 * np.clip(colours, 0, 1))
    return Image.fromarray(strip)


def part_of(page: Page, selector: str) -> Image.Image:
    """Take a picture of an element, from its top on, as much as is as high as a window."""
    page.evaluate("window.scrollTo(0, 0)")  # boxes are told from the window's corner
    box = page.locator(selector).bounding_box()
    if box is None:
        raise ValueError(f"the report has no {selector}")
    clip = {"x": 0.0, "y": box["y"], "width": float(WIDTH), "height": min(box["height"], HEIGHT)}
    return Image.open(BytesIO(page.screenshot(full_page=True, clip=clip)))  # type: ignore[arg-type] # a FloatRect


def draw_report(report: Path) -> None:
    """Take pictures of the parts of a report, and of its map with a cell that is pointed at."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        raise ValueError("no Chromium; apt-get install --no-install-recommends chromium fonts-dejavu-core")
    flags = ["--disable-gpu", "--disable-background-networking", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=flags, timeout=600_000)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.set_default_timeout(600_000)
        page.goto(report.resolve().as_uri())
        page.evaluate("async () => { await report.drawAll(); await report.map.draw(); }")
        for name, selector in PARTS.items():
            save(part_of(page, selector), name)
        page.locator("#map").focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.getElementById('map-picture').naturalWidth > 0")
        save(part_of(page, "#cells"), "map")
        browser.close()


def main(folder: Path) -> None:
    """Make all of them."""
    save(draw_fields(folder / "plate"), "fields")
    with Image.open(folder / "results" / "preview.png") as preview:
        upper = preview.crop((0, 0, preview.width, preview.height // 3))  # the first of three fields
        save(upper.resize((900, round(900 * upper.height / upper.width))), "preview")
    with Image.open(folder / "dna.png") as dna:
        save(dna, "dna")
    draw_report(folder / "earlier" / "report.html")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

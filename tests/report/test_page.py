"""The page: what stands in it is what the tables say, and no name in the data can break out of its text."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.watching.figures import draw_figures
from tasks.report.config import Report
from tasks.report.page.markup import embedded_json, embedded_script
from tasks.report.page.render import Page, compose, render_report
from tests.report.example_run import CELLS, CHANNELS, ENDING, HOSTILE, LIMIT, write_example

MOST_BYTES = 20_000_000


class Elements(HTMLParser):
    """Elements of a page: names with attributes, and the text of scripts that hold JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.data: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.seen[-1] if self.seen else ("", {})
        if tag == "script" and attributes.get("type") == "application/json":
            self.data.setdefault(str(attributes["id"]), data)  # not the line end behind it


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "output"


@pytest.fixture(scope="module")
def material(output: Path) -> list[Path]:
    return write_example(output)


@pytest.fixture(scope="module")
def page(output: Path, material: list[Path]) -> Page:
    return compose(output=output, material=material, config=Report(cells=50))


@pytest.fixture(scope="module")
def html(output: Path, material: list[Path]) -> str:
    path = render_report(output=output, material=material, config=Report(cells=50))
    assert path == output / "report.html"
    assert path.stat().st_size < MOST_BYTES
    return path.read_text(encoding="utf-8")


def elements(html: str) -> Elements:
    parser = Elements()
    parser.feed(html)
    return parser


def test_names_from_files_stay_text(html: str) -> None:
    parsed = elements(html)
    scripts = [attributes for tag, attributes in parsed.seen if tag == "script"]
    assert [attributes.get("id") for attributes in scripts] == ["specs", "themes", "map-data", None, None]
    assert [attributes for _, attributes in parsed.seen if "onerror" in attributes] == []
    assert all(
        (attributes["src"] or "").startswith("data:")
        for tag, attributes in parsed.seen
        if tag == "img" and "src" in attributes
    )
    assert HOSTILE not in html
    assert HOSTILE in json.loads(parsed.data["map-data"])["image"][0]


def test_the_page_allows_its_own_scripts_and_loads_nothing(html: str) -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    assert "default-src &#39;none&#39;" in policy
    assert "unsafe-inline" not in next(part for part in policy.split("; ") if part.startswith("script-src"))
    links = [attributes.get("href") or "" for tag, attributes in elements(html).seen if tag in {"a", "link"}]
    assert all(link.startswith(("#", "data:")) for link in links)


def test_the_summary_says_what_the_tables_say(page: Page, output: Path) -> None:
    cells = pl.read_parquet(output / "cells.parquet")
    kept = (cells["status"] == "kept").sum()
    numbers = {name: value for name, value, _ in page.summary.numbers}
    assert numbers == {
        "images": str(CELLS + 1),
        "cells found": str(CELLS),
        "cells kept": str(kept),
        "cells left out": str(CELLS - kept),
        "features of each": "8",
    }
    assert page.summary.warnings[0].startswith(ENDING)
    assert any("1 of 8 features have one value in all cells" in warning for warning in page.summary.warnings)


def test_a_rules_histogram_counts_the_cells_that_came_to_it(page: Page, output: Path) -> None:
    cells = pl.read_parquet(output / "cells.parquet").filter(pl.col("status") != "border")
    (rule,) = page.quality.rules
    (figure,) = rule.figures
    shades, bars, lines = figure.spec["layer"]
    counted = figure.spec["datasets"][bars["data"]["name"]] if "datasets" in figure.spec else bars["data"]["values"]
    edges = [row["from"] for row in counted] + [counted[-1]["to"]]
    values = np.clip(cells["image__quality_sum__DNA"].to_numpy(), edges[0], edges[-1])
    assert [row["cells"] for row in counted] == np.histogram(values, edges)[0].tolist()
    assert [row["from"] for row in _rows(figure.spec, lines)] == [LIMIT]
    assert [row["to"] for row in _rows(figure.spec, shades)] == [LIMIT]
    assert rule.removed == int((cells["image__quality_sum__DNA"] <= LIMIT).sum())
    assert rule.sentence.startswith("Keeps images whose sum of DNA over the image is")
    assert "images removed" in figure.text


def _rows(spec: dict, layer: dict) -> list[dict]:  # type: ignore[type-arg]
    data = layer["data"]
    rows: list[dict] = data["values"] if "values" in data else spec["datasets"][data["name"]]  # type: ignore[type-arg]
    return rows


def test_distributions_count_every_kept_cell(page: Page, output: Path) -> None:
    table = pl.read_parquet(output / "features" / "part-00000.parquet")
    for family in page.distributions.families:
        for figure in family.figures:
            rows = _rows(figure.spec, figure.spec)
            assert sum(row["cells"] for row in rows) == int(table[figure.column].is_finite().sum())
    assert {name for name, _, _ in page.distributions.groups} == {HOSTILE, "B", "(none)"}


def test_the_map_holds_the_sample_with_its_values(page: Page, output: Path) -> None:
    assert page.cells is not None
    table = pl.read_parquet(output / "features" / "part-00000.parquet")
    assert len(page.cells.data["image"]) == 50
    assert page.cells.note.startswith(f"50 of {len(table)} cells, chosen by a seeded hash")
    own = table.filter(pl.col("meta__image") == page.cells.data["image"][3])
    colour = next(own for own in page.cells.data["colours"].values() if own["kind"] == "number")
    assert colour["values"][3] == pytest.approx(own[colour["name"]][0], rel=1e-4)


def test_columns_that_say_nothing_are_listed(page: Page) -> None:
    assert page.columns.constant == [f"li__shape_area__{CHANNELS[1]}"]
    assert page.columns.partial == [(f"li__intensity_mean__{CHANNELS[0]}", 5)]
    assert page.columns.empty == []


def test_memory_and_work_of_each_stage(page: Page) -> None:
    assert page.timing.stages == (
        ("mask", "#0072b2", "2", "0", "4.0 s", "7.0 s", "5 MB"),
        ("features", "#e69f00", "2", "1", "9.0 s", "13.0 s", "2.0 GB"),
    )


def test_a_run_without_pictures_and_timeline_has_a_page_too(output: Path, material: list[Path], tmp_path: Path) -> None:
    del material
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("features", "statistics", "cells.parquet", "run.json"):
        (bare / name).symlink_to(output / name)
    page = compose(output=bare, material=[], config=Report())
    assert page.cells is None
    assert page.timing.figures == ()
    assert len(page.distributions.families) == 3


def test_figures_of_the_run_are_pictures_without_a_browser(page: Page, html: str, output: Path) -> None:
    assert html  # written with its figures
    figures = draw_figures(output)
    assert [figure.name for figure in figures] == [figure.name for figure in page.figures if not figure.column]
    assert all(figure.png[:8] == b"\x89PNG\r\n\x1a\n" for figure in figures)


def test_json_and_scripts_cannot_end_their_element() -> None:
    assert json.loads(str(embedded_json({HOSTILE: "\u2028&"}))) == {HOSTILE: "\u2028&"}
    assert "<" not in str(embedded_json([HOSTILE, "<!--"]))
    assert str(embedded_script('a = "</script>"')) == 'a = "<\\/script>"'
    with pytest.raises(ValueError, match="Out of range"):
        embedded_json([float("nan")])

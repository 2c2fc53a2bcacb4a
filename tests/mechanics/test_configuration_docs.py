"""docs/configuration.md is what the models and registries say, and what the pages link to is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.config import Config
from flows.terminal.reference import reference
from tasks.core.registry import Registry
from tasks.export.registry import exporters
from tasks.features.family import families_of
from tasks.illumination.config import illuminations
from tasks.ingest.readers import readers
from tasks.mask.registry import channel_filters, masks
from tasks.normalize.config import scalings
from tasks.quality.registry import metrics, thresholds
from tasks.segment.registry import segmenters

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "configuration.md"
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
REGISTRIES = (illuminations, masks, channel_filters, segmenters, thresholds, scalings, exporters)
LARGEST_PICTURE = 200_000


def rows(text: str) -> Iterator[list[str]]:
    """Cells of the tables' rows."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith(("| key", "| method", "| ---")):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "docs/configuration.md is stale: run `.venv/bin/python -m flows.terminal.reference > docs/configuration.md`"
    )


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.kind)
def test_every_method_and_each_of_its_parameters_is_told(registry: Registry[Any, Any]) -> None:
    documented = list(rows(reference()))
    for name, config in zip(registry.names, registry, strict=True):
        assert any(row[0] == f"`{name}`" for row in documented)
        for key, field in config.model_fields.items():
            if key != "method":
                method, spelled = rf"(`{name}`|all( but `use`)?)", f"`{field.alias or key}`"
                assert any(row[1] == spelled and re.fullmatch(method, row[0]) for row in documented), (name, key)


def test_every_section_reader_metric_and_family_is_told() -> None:
    page = reference()
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == list(Config.model_fields)
    first = {row[0] for row in rows(page)}
    names = {*readers.names, *families_of("standard"), *families_of("scip"), *metrics.names}
    assert {f"`{name}`" for name in names} - first == set()


def test_bounds_defaults_and_widths_are_told() -> None:
    documented = {(row[0], row[1]): row[2:] for row in rows(reference())}
    assert documented["`watershed`", "`neck`"][:2] == ["number > 0, < 1", "`0.93`"]
    assert documented["`li`", "`sigma`"][:2] == ["number ≥ 0, ≤ 100; or one per channel", "`0.5`"]
    assert documented["`mad`", "`n`"][:2] == ["number", "needed"]
    assert documented["`partition_size`", "whole number ≥ 1 or `auto`"][0] == "`auto`"
    assert documented["`colocalization`", "11 per pair of channels"][0] == ""
    assert documented["`shape`", "69 per mask or object"][0] == "59 per mask or object"


def test_no_row_lacks_its_meaning() -> None:
    assert [row for row in rows(reference()) if not row[-1]] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_of_a_page_is_there(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8"))
    for target in targets:
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}, target
        if file.suffix in {".png", ".webp"}:
            assert file.stat().st_size < LARGEST_PICTURE

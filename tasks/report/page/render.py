"""The page itself: one HTML file that needs no network, no other file and no program but a browser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from tasks.core.decision import KEPT
from tasks.core.storage import atomic, write_json
from tasks.report.config import Report
from tasks.report.material import FIGURES
from tasks.report.page import words
from tasks.report.page.choice import choose_features
from tasks.report.page.figures.figure import Figure, on_paper
from tasks.report.page.figures.theme import DARK, LIGHT
from tasks.report.page.gather import Gathered, gather
from tasks.report.page.markup import embedded_json, embedded_script, script_hash
from tasks.report.page.sections.cells import CellsSection, cells_section
from tasks.report.page.sections.distributions import DistributionsSection, distributions_section
from tasks.report.page.sections.faults import ColumnsSection, QuarantineSection, columns_section, quarantine_section
from tasks.report.page.sections.looks import (
    IlluminationSection,
    OutlinesSection,
    illumination_section,
    outlines_section,
)
from tasks.report.page.sections.provenance import ProvenanceSection, provenance_section
from tasks.report.page.sections.quality import QualitySection, quality_section
from tasks.report.page.sections.summary import SummarySection, summary_section
from tasks.report.page.sections.timing import TimingSection, timing_section
from tasks.report.page.vega import vega_bundle
from tasks.report.published import GENERATOR, REPORT

TEMPLATES = "templates"

FIRST_ROWS = 2000
"""Of a table of which no cells were sampled."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """All sections of the report, in their order."""

    title: str
    summary: SummarySection
    provenance: ProvenanceSection
    quality: QualitySection
    outlines: OutlinesSection
    illumination: IlluminationSection
    distributions: DistributionsSection
    cells: CellsSection | None
    quarantine: QuarantineSection
    columns: ColumnsSection
    timing: TimingSection

    @property
    def figures(self) -> list[Figure]:
        """All charts of the page, from top to bottom."""
        figures = [self.summary.figure] if self.summary.figure else []
        figures += [figure for rule in self.quality.rules for figure in rule.figures]
        figures += [figure for family in self.distributions.families for figure in family.figures]
        figures += [self.cells.figure] if self.cells else []
        return [*figures, *self.timing.figures]


def render_report(*, output: Path, material: Sequence[Path], config: Report) -> Path:
    """Write report.html of a run whose tables are published.

    Parameters
    ----------
    output
        The run's output folder.
    material
        Folders of pictures, as `tasks.report.material` writes them; with none, the page has no pictures.
    config
        How many cells the map holds, at most.

    Returns
    -------
    The file; it is written whole or not at all.
    """
    page = compose(output=output, material=material, config=config)
    path = output / REPORT
    with atomic(path) as temporary:
        temporary.write_text(as_html(page), encoding="utf-8")
    write_json(output / "work" / FIGURES, {"figures": _for_other_pages(page)})
    return path


def _for_other_pages(page: Page) -> list[dict[str, object]]:
    """Describe the figures that tell of the run as a whole, such that they can be drawn elsewhere."""
    return [
        {"name": figure.name, "description": f"{figure.title}: {figure.alt}", "spec": on_paper(figure.chart)}
        for figure in page.figures
        if not figure.column
    ]


def compose(*, output: Path, material: Sequence[Path], config: Report) -> Page:
    """Put the sections together, without writing anything."""
    gathered = gather(output=output, material=material, cells=config.cells)
    features = _features(gathered)
    return Page(
        title=gathered.output.name or "report",
        summary=summary_section(gathered),
        provenance=provenance_section(gathered),
        quality=quality_section(gathered),
        outlines=outlines_section(gathered),
        illumination=illumination_section(gathered),
        distributions=distributions_section(gathered, features=features),
        cells=cells_section(gathered, features=features),
        quarantine=quarantine_section(gathered),
        columns=columns_section(gathered),
        timing=timing_section(gathered),
    )


def _features(gathered: Gathered) -> list[str]:
    """Choose features to show, from the sampled cells; without a sample, from the first rows of the table, if any."""
    if not gathered.survey.rows:
        return []
    described = gathered.table.features
    names = described["name"].to_list()
    sample = gathered.survey.shown
    if not len(sample):
        sample = next(iter(gathered.table.batches(names))).head(FIRST_ROWS)
    return choose_features(described, sample.select(names).to_numpy())


def as_html(page: Page) -> str:
    """Write a page as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tasks.report.page", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(words, name) for name in ("count", "number", "share", "seconds", "size")}
    scripts = [str(embedded_script(source)) for source in (vega_bundle(), _source("page.js"))]
    return environment.get_template("page.html.j2").render(
        page=page,
        kept=KEPT,
        generator=GENERATOR,
        policy=_policy(scripts),
        style=_source("page.css"),
        scripts=scripts,
        specs=embedded_json({figure.name: figure.spec for figure in page.figures}),
        themes=embedded_json({"light": LIGHT, "dark": DARK}),
        map_data=embedded_json(page.cells.data) if page.cells else None,
    )


def _policy(scripts: Sequence[str]) -> str:
    """Allow these scripts and nothing from anywhere else; Vega makes functions of the formulas in charts."""
    allowed: Mapping[str, str] = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "script-src": " ".join([*(f"'{script_hash(script)}'" for script in scripts), "'unsafe-eval'"]),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def _source(name: str) -> str:
    return (files("tasks.report.page") / TEMPLATES / name).read_text(encoding="utf-8")

"""The map of cells: where each lies, what colours it, and its picture."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tasks.core.decision import KEPT
from tasks.core.types import FloatArray
from tasks.report.page.figures.cell_map import cell_map, extent
from tasks.report.page.figures.figure import Figure
from tasks.report.page.figures.theme import SEQUENCE
from tasks.report.page.gather import IDENTITY, Gathered
from tasks.report.page.projection import Projection, neighbor_embedding, principal_components, robustly_scaled
from tasks.report.page.words import count, number, unit

MOST_PICTURE_BYTES = 11_000_000
"""Of all pictures of the map, before they are written as text, which takes a third more."""

STRONGEST = 5
"""Features that are named of an axis."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellsSection:
    """The map.

    Parameters
    ----------
    note
        How many cells of how many are shown, and chosen how.
    figure
        The points, one colour for all, which the page's script draws in others.
    data
        What the script needs; numbers, texts and pictures only.
    colours
        What cells can be coloured by: key, name, and the heading it stands under.
    axes
        Of each axis, the features that weigh most on it.
    """

    note: str
    figure: Figure
    data: Mapping[str, Any]
    colours: Sequence[tuple[str, str, str]]
    layouts: Sequence[tuple[str, str]]
    axes: Sequence[tuple[str, Sequence[str]]]


def cells_section(gathered: Gathered, *, features: Sequence[str]) -> CellsSection | None:
    """Lay out the cells that have a picture; None where there are fewer than three.

    Parameters
    ----------
    features
        Those that cells can be coloured by.
    """
    shown = gathered.survey.shown
    if len(shown) < 3:
        return None
    names = gathered.table.features["name"].to_list()
    scaled, used = robustly_scaled(shown.select(names).to_numpy())
    projection = principal_components(scaled, used=used)
    layouts = {"pca": ("principal components", projection.points, _axis_titles(projection))}
    seed = (gathered.facts.configuration.get("run") or {}).get("seed", 0)
    embedded = neighbor_embedding(scaled, seed=seed)
    if embedded is not None:
        layouts["umap"] = ("UMAP", embedded, ("UMAP 1", "UMAP 2"))
    colours = dict(_colours(gathered, features=features))
    rows = gathered.survey.rows
    how = (
        "all of them" if len(shown) == rows else f"{count(len(shown))} of {count(rows)} cells, chosen by a seeded hash"
    )
    words = "Each point is a cell; cells that measure alike lie side by side."
    used_names = [name for name, own in zip(names, used, strict=True) if own]
    return CellsSection(
        note=how if len(shown) < rows else f"all {count(rows)} cells",
        figure=Figure(
            name="map",
            title="",
            text=words,
            alt=f"Map of {len(shown):,} cells by {int(used.sum()):,} features",
            chart=cell_map(projection.points, axes=_axis_titles(projection)),
        ),
        data={
            "layouts": {
                key: {
                    "x": _plain(points[:, 0]),
                    "y": _plain(points[:, 1]),
                    "extents": [extent(points[:, 0]), extent(points[:, 1])],
                    "titles": list(titles),
                }
                for key, (_, points, titles) in layouts.items()
            },
            "colours": colours,
            "sequence": list(SEQUENCE),
            **_identities(gathered),
            "values": [
                {"name": name, "unit": _unit(gathered, name), "values": [number(v) for v in shown[name]]}
                for name in features
            ],
        },
        colours=[(key, own["name"], own["heading"]) for key, own in colours.items()],
        layouts=[(key, name) for key, (name, _, _) in layouts.items()],
        axes=_strongest(projection, names=used_names),
    )


def _axis_titles(projection: Projection) -> tuple[str, str]:
    first, second = (
        f"component {axis + 1} ({share:.0%} of the variation)" for axis, share in enumerate(projection.explained)
    )
    return first, second


def _strongest(projection: Projection, *, names: Sequence[str]) -> list[tuple[str, list[str]]]:
    return [
        (f"component {axis + 1}", [names[place] for place in np.argsort(-np.abs(weights))[:STRONGEST]])
        for axis, weights in enumerate(projection.weights)
    ]


def _colours(gathered: Gathered, *, features: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tell what cells can be coloured by: groups, then features from their 1st to their 99th percentile."""
    shown = gathered.survey.shown
    metrics = _metrics_of(gathered)
    for place, grouping in enumerate(gathered.groupings):
        named = [grouping.named(value or "") for value in metrics[f"meta__{grouping.name}"]]
        yield (
            f"group{place}",
            {
                "name": grouping.name,
                "heading": "groups of images",
                "kind": "group",
                "values": named,
                "colours": grouping.colours,
            },
        )
    for place, name in enumerate(features):
        values = shown[name].cast(pl.Float64).to_numpy()
        known = values[np.isfinite(values)]
        low, high = np.quantile(known, [0.01, 0.99]).tolist() if len(known) else (0.0, 1.0)
        yield (
            f"feature{place}",
            {
                "name": name,
                "heading": "features",
                "kind": "number",
                "values": _plain(values),
                "low": low,
                "high": high,
                "unit": _unit(gathered, name),
                "texts": [number(low), number(high)],
            },
        )


def _metrics_of(gathered: Gathered) -> pl.DataFrame:
    """Return path metadata of the shown cells, in their order."""
    identity = dict(zip(("image", "object"), IDENTITY, strict=True))
    shown = gathered.survey.shown.select(pl.col("image"), pl.col("object").cast(pl.Int32)).rename(identity)
    return shown.join(gathered.metrics, on=list(IDENTITY), how="left", maintain_order="left")


def _identities(gathered: Gathered) -> dict[str, Any]:
    """Return names, path metadata and pictures of the shown cells; pictures as far as there is room."""
    shown = gathered.survey.shown
    pictures = {(picture.image, picture.object): picture for picture in gathered.pictures_of(KEPT)}
    room = MOST_PICTURE_BYTES
    encoded: list[str] = []
    alts: list[str] = []
    for image, cell in shown.select("image", "object").iter_rows():
        picture = pictures[image, cell]
        room -= len(picture.webp)
        encoded.append(b64encode(picture.webp).decode("ascii") if room >= 0 else "")
        alts.append(picture.alt)
    metrics = _metrics_of(gathered)
    groups = [name for name in gathered.facts.groups if f"meta__{name}" in metrics.columns]
    return {
        "image": shown["image"].to_list(),
        "object": shown["object"].to_list(),
        "metadata": [{"name": name, "values": metrics[f"meta__{name}"].fill_null("").to_list()} for name in groups],
        "pictures": encoded,
        "alts": alts,
    }


def _unit(gathered: Gathered, name: str) -> str:
    return unit(str(gathered.table.features.filter(name=name)["unit"][0]))


def _plain(values: FloatArray) -> list[float | None]:
    """Round to what a screen can show; what is not finite has no value."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values.tolist()]

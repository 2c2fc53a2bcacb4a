"""Features in µm in the place of pixels."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from tasks.core.columns import Column
from tasks.core.errors import ConfigError
from tasks.core.types import FloatArray
from tasks.features.config import Features

SIZES = ("meta__pixel_size_x", "meta__pixel_size_y")
"""Columns of the width and height of pixels in µm."""

LENGTH = re.compile(r"px(?:\^(\d+))?")

SQUARE = 1e-3
"""Part of its size by which a pixel may be wider than high, or higher than wide."""


def length_power(unit: str) -> int:
    """Return the power of a length that a unit has.

    Examples
    --------
    >>> [length_power(unit) for unit in ("px", "px^2", "1/px^2", "intensity/px", "rad")]
    [1, 2, -2, -1, 0]
    """
    return sum(
        int(match[1] or 1) * (-1 if unit[: match.start()].endswith("/") else 1) for match in LENGTH.finditer(unit)
    )


def in_configured_units(columns: Sequence[Column], *, config: Features) -> tuple[Column, ...]:
    """Describe columns in the units of the configuration."""
    if config.units == "px":
        return tuple(columns)
    return tuple(replace(column, unit=LENGTH.sub(_micrometres, column.unit)) for column in columns)


def _micrometres(match: re.Match[str]) -> str:
    return match[0].replace("px", "µm")


def converted(values: FloatArray, *, cells: pl.DataFrame, columns: Sequence[Column], config: Features) -> FloatArray:
    """Return values (N, columns) in the units of the configuration, those of pixels by each cell's pixel size.

    Parameters
    ----------
    cells
        A row per cell, with the column ``meta__pixel_size_x`` where units are µm.
    columns
        With their units in pixels or in µm.
    """
    if config.units == "px":
        return values
    sizes = cells[SIZES[0]].to_numpy().astype(np.float64)
    powers = np.array([length_power(column.unit.replace("µm", "px")) for column in columns])
    factors: FloatArray = sizes[:, np.newaxis] ** powers
    return values * factors


def check_pixel_sizes(images: pl.DataFrame, *, config: Features) -> None:
    """Refuse units of µm for images that do not tell how large their pixels are, or whose pixels are not square.

    Parameters
    ----------
    images
        A row per image: ``image``, and the columns of pixel sizes where any image has one.

    Raises
    ------
    ConfigError
        Naming the first such image, and what to do.
    """
    if config.units == "px":
        return
    sizes = images.select(
        "image",
        *(pl.col(name) if name in images.columns else pl.lit(None).alias(name) for name in SIZES),
    ).cast(dict.fromkeys(SIZES, pl.Float64()), strict=False)  # a group of load.pattern is text
    unknown = sizes.filter(~pl.all_horizontal((pl.col(SIZES) > 0).fill_null(value=False)))
    if len(unknown):
        raise ConfigError(
            f"features.units: um needs the size of pixels, which {unknown['image'][0]}"
            f"{f' and {len(unknown) - 1} other images do' if len(unknown) > 1 else ' does'} not tell; give it as "
            "load.pixel_size, in µm"
        )
    width, height = (pl.col(name) for name in SIZES)
    oblong = sizes.filter((width - height).abs() > SQUARE * width)
    if len(oblong):
        name, wide, high = oblong.row(0)
        raise ConfigError(
            f"features.units: um needs square pixels, those of {name} are {wide:g}×{high:g} µm (width × height); use "
            "features.units: px"
        )

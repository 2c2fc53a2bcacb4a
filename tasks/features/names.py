"""The spellings of column names: native, the published system's, and cytominer's."""

from collections import Counter
from collections.abc import Sequence

from tasks.core.columns import CHILDREN, Column
from tasks.core.errors import ConfigError
from tasks.core.regions import COMBINED
from tasks.features.config import Names
from tasks.features.definitions.levels import LEVELS
from tasks.features.family import RAW

COMPARTMENTS = {
    "nucleus": "Nuclei",
    "nuclei": "Nuclei",
    "cell": "Cells",
    "cells": "Cells",
    "cytoplasm": "Cytoplasm",
}
"""Objects whose names are compartments of pycytominer; every other region becomes a part of the cells."""

GROUPS = {
    "shape": "AreaShape",
    **{name: name.upper() for name in ("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")},
    "ibsi_intensity": "IBSIIntensity",
    "zernike": "AreaShape_Zernike",
    "radial_zernike": "RadialDistribution",
    "colocalization": "Correlation",
}
"""Families that CellProfiler calls otherwise than by their capitalised name."""

STATS = {
    ("radial_distribution", "radial_cv"): "RadialCV",
    ("radial_zernike", "magnitude"): "ZernikeMagnitude",
    ("radial_zernike", "phase"): "ZernikePhase",
    ("colocalization", "pearson"): "Correlation",
    ("colocalization", "rwc"): "RWC",
    ("neighbors", "number_touching"): "NumberOfNeighbors_Adjacent",
    ("neighbors", "percent_touching"): "PercentTouching_Adjacent",
    ("neighbors", "first_closest_distance"): "FirstClosestDistance_Adjacent",
    ("neighbors", "second_closest_distance"): "SecondClosestDistance_Adjacent",
    ("neighbors", "angle_between_neighbors"): "AngleBetweenNeighbors_Adjacent",
}
"""Statistics that CellProfiler calls otherwise, by family."""

_SIDES = {
    "bbox_min_row": "bbox_minr",
    "bbox_min_col": "bbox_minc",
    "bbox_max_row": "bbox_maxr",
    "bbox_max_col": "bbox_maxc",
}


def rename(columns: Sequence[Column], *, names: Names) -> tuple[str, ...]:
    """Spell the names of feature columns.

    Parameters
    ----------
    columns
        As `tasks.features.feature_columns` gives them, all of one table.
    names
        - ``native``: ``li__shape_area__BF``, ``li.combined__intensity_bgcorr_mean__BF``.
        - ``scip``: ``feat_li_area_BF``, ``feat_li_combined_bgcorr_mean_BF``, ``feat_raw_mean_BF``; for the objects of a
          field without the mask's name (``feat_mean_BF``) where there is one object, else with the object's.
        - ``cytominer``: ``Nuclei_AreaShape_Area``, ``Cells_Li_Intensity_BgcorrMean_BF``, by which pycytominer knows a
          feature without being configured; of children ``Nuclei_Children_Spots_Count`` and
          ``Nuclei_Mean_Spots_AreaShape_Area``.

    Returns
    -------
    tuple[str, ...]
        As many names as columns, all different.

    Raises
    ------
    ConfigError
        A column has no such name, or two columns would share one.

    Examples
    --------
    >>> column = Column(region="nucleus", family="shape", stat="moments_hu", param="0", definition="…")
    >>> rename([column], names="native"), rename([column], names="cytominer")
    (('nucleus__shape_moments_hu_0',), ('Nuclei_AreaShape_MomentsHu_0',))
    """
    if names == "native":
        renamed = [column.name for column in columns]
    elif names == "scip":
        renamed = _scip(columns)
    else:
        renamed = _cytominer(columns)
    _check_unique([column.name for column in columns], renamed, names=names)
    return tuple(renamed)


def _scip(columns: Sequence[Column]) -> list[str]:
    without = [column.name for column in columns if not column.scip]
    if without:
        raise ConfigError(
            f"features.names: the published system has no name for {without[0]!r} ({len(without)} such columns); "
            "set names to native or cytominer, or profile to scip"
        )
    regions = dict.fromkeys(column.region for column in columns)
    objects = [
        name for name in regions if name != RAW and not name.endswith(COMBINED) and name + COMBINED not in regions
    ]
    # masks bring raw statistics or a combined mask with them, objects of a field neither
    alone = len(objects) == 1 and len(regions) == 1
    prefixes = {name: "feat_" if alone else f"feat_{name.removesuffix(COMBINED)}_" for name in regions}
    return [prefixes[column.region] + column.scip for column in columns]


def _cytominer(columns: Sequence[Column]) -> list[str]:
    return [
        "_".join(
            part
            for part in (
                COMPARTMENTS.get(column.region.lower()) or f"Cells_{_camel(column.region)}",
                *_of_children(column),
                *SPELLED.get(column.family, _grouped)(column),
            )
            if part
        )
        for column in columns
    ]


def _of_children(column: Column) -> tuple[str, ...]:
    """Spell what CellProfiler puts before a mean over children, ``Mean_Spots``."""
    return ("Mean", _camel(column.child)) if column.child and column.family != CHILDREN else ()


def _grouped(column: Column) -> tuple[str, ...]:
    """Spell what follows the compartment: ``Intensity``, ``BgcorrMean``, channel."""
    group = GROUPS.get(column.family) or _camel(column.family)
    stat = STATS.get((column.family, column.stat)) or _camel(column.stat)
    return group, stat, column.param, *column.channels


def _param_last(column: Column) -> tuple[str, ...]:
    """As CellProfiler's ``RadialDistribution_FracAtD_DNA_1of4``."""
    group, stat, param, *channels = _grouped(column)
    return group, stat, *channels, param


def _haralick(column: Column) -> tuple[str, ...]:
    """As CellProfiler's ``Texture_Contrast_DNA_3_00_256``, with mean or range for the direction, and our 16 levels."""
    name = column.stat.removesuffix("_range")
    over = "Mean" if name == column.stat else "Range"
    return "Texture", _camel(name), *column.channels, column.param.removeprefix("d"), over, str(LEVELS)


def _count(column: Column) -> tuple[str, ...]:
    """As CellProfiler's ``Children_Spots_Count``."""
    return "Children", _camel(column.child), "Count"


SPELLED = {
    "haralick": _haralick,
    "radial_distribution": _param_last,
    "radial_zernike": _param_last,
    CHILDREN: _count,
}
"""Families whose names CellProfiler puts together in another order."""


def rename_meta(columns: Sequence[str], *, names: Names) -> tuple[str, ...]:
    """Spell the names of metadata columns.

    Parameters
    ----------
    columns
        Native names, all of one table: ``meta__image``, ``meta__bbox_min_row__li``, ``meta__regions__li__BF``.
    names
        - ``native``: as they are.
        - ``scip``: ``meta_image``, ``meta_li_bbox_minr``, ``meta_li_regions_BF``; for the objects of a field without
          the mask's name where there is one object.
        - ``cytominer``: ``Metadata_Image``, ``Metadata_BboxMinRow_li``, ``Metadata_Regions_li_BF``; the groups of
          load.pattern in the same manner, ``Metadata_Plate``, ``Metadata_Well``.

    Raises
    ------
    ConfigError
        Two columns would share a name.
    """
    parts = [column.split("__")[1:] for column in columns]
    if names == "native":
        renamed = list(columns)
    elif names == "scip":
        masks = any(part[0] == "regions" and len(part) > 1 for part in parts)
        owners = {part[1] for part in parts if len(part) > 1}
        alone = len(owners) == 1 and not masks
        renamed = [
            "_".join(["meta", *([] if alone else part[1:2]), _SIDES.get(part[0], part[0]), *part[2:]]) for part in parts
        ]
    else:
        renamed = ["_".join(["Metadata", _camel(part[0]), *part[1:]]) for part in parts]
    _check_unique(columns, renamed, names=names)
    return tuple(renamed)


def _check_unique(columns: Sequence[str], renamed: Sequence[str], *, names: Names) -> None:
    doubles = [name for name, count in Counter(renamed).items() if count > 1]
    if doubles:
        shared = [column for column, name in zip(columns, renamed, strict=True) if name == doubles[0]]
        raise ConfigError(
            f"features.names: spelled as {names!r}, the columns {', '.join(map(repr, shared))} would all be called "
            f"{doubles[0]!r}; rename a mask, an object, a channel or a group of load.pattern, or set names to native"
        )


def _camel(name: str) -> str:
    """``bgcorr_edge_mean`` to ``BgcorrEdgeMean``, ``li.combined`` to ``LiCombined``."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace(".", "_").replace(" ", "_").split("_"))

"""Which columns the tables of a run have: a function of the configuration, so that empty partitions have them too."""

import polars as pl

from tasks.core.regions import COMBINED
from tasks.core.work import Frozen

BOX = ("min_row", "min_col", "max_row", "max_col")


class ChildObject(Frozen):
    """A kind of objects of which a cell may have several: `name`, such as spots, each `within` another object."""

    name: str
    within: str


class Layout(Frozen):
    """What the columns of a run depend on.

    Parameters
    ----------
    channels
        Channel names.
    regions
        Mask names, or object names; the first is the row's main one.
    stamps
        Whether the regions are masks of stamps (else objects of fields).
    groups
        Names of what is known of images as text: groups of load.pattern, columns of load.metadata, what files tell.
    measures
        Names of what is known of them as numbers.
    numbered
        Whether the files carry object numbers.
    children
        Kinds of objects of fields of which a cell may have several, each within one of the regions.
    """

    channels: tuple[str, ...]
    regions: tuple[str, ...]
    stamps: bool
    groups: tuple[str, ...]
    numbered: bool
    measures: tuple[str, ...] = ()
    children: tuple[ChildObject, ...] = ()

    @property
    def objects(self) -> tuple[str, ...]:
        """Names of all that has label images in a field: the regions, then the children."""
        return (*self.regions, *(child.name for child in self.children))

    @property
    def metadata(self) -> tuple[str, ...]:
        """Names of all that is known of images."""
        return (*self.groups, *self.measures)

    def image_meta(self) -> dict[str, pl.DataType]:
        """Columns that identify an image, and what is known of it."""
        schema: dict[str, pl.DataType] = {"meta__image": pl.String()}
        if self.numbered:
            schema["meta__object_number"] = pl.Int64()
        schema |= {f"meta__{group}": pl.String() for group in self.groups}
        return schema | {f"meta__{name}": pl.Float64() for name in self.measures}

    def cell_meta(self) -> dict[str, pl.DataType]:
        """Columns that identify and locate a cell: the metadata of the feature table."""
        schema: dict[str, pl.DataType] = {"meta__image": pl.String(), "meta__object": pl.Int32()}
        schema |= self.image_meta()
        schema |= {"meta__centroid_row": pl.Float64(), "meta__centroid_col": pl.Float64()}
        for region in self.regions:
            schema |= {f"meta__bbox_{side}__{region}": pl.Int32() for side in BOX}
            if self.stamps:
                schema |= {f"meta__regions__{region}__{channel}": pl.Int32() for channel in self.channels}
            schema |= {f"meta__valid__{region}__{channel}": pl.Boolean() for channel in self.channels}
        return schema

    def cells(self) -> dict[str, pl.DataType]:
        """Columns of the work table of cells (tasks.core.cells)."""
        schema = self.cell_meta() | {"position": pl.Int32(), "status": pl.String()}
        for region in self.regions:
            if self.stamps:
                schema |= {f"status__{region}": pl.String()}
                for name in (region, region + COMBINED):
                    schema |= {f"background__{name}__{channel}": pl.Float64() for channel in self.channels}
                schema |= {f"mask__{region}": pl.Binary(), f"combined__{region}": pl.Binary()}
        return schema

    def child_meta(self) -> dict[str, pl.DataType]:
        """Columns that identify and locate a child; no column where there are none."""
        if not self.children:
            return {}
        schema: dict[str, pl.DataType] = {"meta__image": pl.String(), "meta__object": pl.Int32()}
        schema |= self.image_meta() | {"meta__object_name": pl.String(), "meta__parent": pl.Int32()}
        schema |= {"meta__centroid_row": pl.Float64(), "meta__centroid_col": pl.Float64()}
        return schema | {f"meta__bbox_{side}__{child.name}": pl.Int32() for child in self.children for side in BOX}

    def child_table(self) -> dict[str, pl.DataType]:
        """Columns of the work table of children."""
        return self.child_meta() | {"position": pl.Int32(), "status": pl.String()}

    def images(self) -> dict[str, pl.DataType]:
        """Columns of images.parquet, less the partition number."""
        return self.image_meta() | {
            "status": pl.String(),
            "cells": pl.Int32(),
            "height": pl.Int32(),
            "width": pl.Int32(),
            "dtype": pl.String(),
            "bytes": pl.Int64(),
            "modified_ns": pl.Int64(),
            "digest": pl.String(),
        }


FAULTS: dict[str, pl.DataType] = {
    "meta__image": pl.String(),
    "stage": pl.String(),
    "error": pl.String(),
    "message": pl.String(),
}
"""Columns of quarantine.parquet."""

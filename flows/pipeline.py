"""The pipeline: one value, what is known of the data set, goes through these stages in this order."""

from typing import Any

from flows.engine.stage import Stage
from flows.stages.cells import find_cells
from flows.stages.diameter import decide_diameters
from flows.stages.export import export_tables
from flows.stages.features import measure_features
from flows.stages.illumination import correct_illumination
from flows.stages.list_images import list_images
from flows.stages.normalize import normalize_pixels
from flows.stages.project import project_stacks
from flows.stages.quality import filter_cells
from flows.stages.report import make_report

PIPELINE: tuple[Stage[Any], ...] = (
    list_images,  # which images there are, cut into partitions
    project_stacks,  # z-stacks become images
    correct_illumination,  # the light's shading, which all fields share, is divided out
    decide_diameters,  # how large the objects are that learned models look for, decided over a sample of the fields
    find_cells,  # a mask per stamp, or the objects of a field
    filter_cells,  # the good ones, decided over the whole data set
    normalize_pixels,  # the scale of their pixels, likewise
    measure_features,  # what they look like
    export_tables,  # the tables that people read
    make_report,  # a page to look at them
)
"""A section of the configuration that is left out leaves the data as it is."""

"""Methods that find objects in fields of many cells; importing this package registers them."""

from tasks.segment.methods.seeded_watershed import SeededWatershed, seeded_watershed
from tasks.segment.methods.subtract import Subtract, subtract
from tasks.segment.methods.watershed import Watershed, watershed

__all__ = ["SeededWatershed", "Subtract", "Watershed", "seeded_watershed", "subtract", "watershed"]

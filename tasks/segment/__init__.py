"""Fields of many cells: find the objects and tell them apart.

Pure functions of arrays and a frozen configuration, without files, Prefect or Dask::

    from tasks.segment import Segment, segment_image

    config = Segment.model_validate({"objects": {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 14}}})
    found = segment_image(image, channels=["DNA", "PH3", "cell"], config=config)
"""

from tasks.segment.config import Segment, check_channels
from tasks.segment.methods.seeded_watershed import SeededWatershed, seeded_watershed
from tasks.segment.methods.subtract import Subtract, subtract
from tasks.segment.methods.watershed import Watershed, watershed
from tasks.segment.stage import segment_image

__all__ = [
    "SeededWatershed",
    "Segment",
    "Subtract",
    "Watershed",
    "check_channels",
    "seeded_watershed",
    "segment_image",
    "subtract",
    "watershed",
]

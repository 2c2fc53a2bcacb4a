"""Fields of many cells: find the objects and tell them apart.

Pure functions of arrays and a frozen configuration, without files, Prefect or Dask::

    from tasks.segment import Segment, segment_image

    config = Segment.model_validate({"objects": {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 14}}})
    segmented = segment_image(image, channels=["DNA", "PH3", "cell"], config=config)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
"""Names are imported from where the stub beside this file says, when they are first used."""

"""Features of cells: pixels and regions in, one row of numbers per cell out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
"""Names are imported from where the stub beside this file says, when they are first used."""

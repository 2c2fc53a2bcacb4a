"""Masks of stamps, that is, of images of one cell each."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
"""Names are imported from where the stub beside this file says, when they are first used."""

"""Ways to find a cell in its stamp, one per file; importing this package registers them."""

from tasks.mask.methods import circle, li, otsu, spot, watershed

__all__ = ["circle", "li", "otsu", "spot", "watershed"]

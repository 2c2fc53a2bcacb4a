"""Grey levels: how many, and how definitions tell how they are made."""

LEVELS = 16
"""Number of grey levels."""

SLACK = 1e-9
"""A value so little below the edge of a grey level of profile ``standard`` lies on it.

Rounding of scaled pixels must not move a level, and the values of integer images of up to 24 bits come no closer than
this to an edge without lying on it.
"""

IBSI = "IBSI reference manual, arXiv:1612.07003"

GREY = ("translation", "quarter turn", "intensity shift", "intensity scale")
"""What leaves grey levels, and what is averaged over four directions or does not know of any, unchanged."""

IN_LEVELS = f"in {LEVELS} grey levels between the smallest and the largest pixel of the region"
"""How definitions tell the discretisation."""

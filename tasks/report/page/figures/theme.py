"""How all figures look, on paper white and on a dark screen."""

from typing import Any

BLUE, REMOVED, GRAY = "#0072b2", "#d55e00", "#8c8c8c"
"""Of cells and their like; of what a rule removes; of what matters less. Told apart with any colour vision."""

SEQUENCE = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
"""From low to high: viridis."""

FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"


def theme(*, ink: str, faint: str, paper: str | None = None) -> dict[str, Any]:
    """Make a configuration of Vega-Lite.

    Parameters
    ----------
    ink, faint
        Colours of text, and of lines that only guide the eye.
    paper
        Colour behind all; None lets through what is there.
    """
    return {
        "background": paper,
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": ink,
            "titleColor": ink,
            "domainColor": faint,
            "tickColor": faint,
            "gridColor": faint,
            "gridOpacity": 0.5,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "labelOverlap": "greedy",
        },
        "legend": {"labelColor": ink, "titleColor": ink},
        "text": {"color": ink},
        "rule": {"color": ink},
    }


LIGHT = theme(ink="#33373d", faint="#d8dbe0", paper=None)
DARK = theme(ink="#d5d9e0", faint="#3a4048", paper=None)
PAPER = theme(ink="#33373d", faint="#d8dbe0", paper="#ffffff")

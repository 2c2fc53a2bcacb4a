"""Numbers as people read them, the filters of the templates."""

import re
from collections.abc import Mapping

POWER = re.compile(r"\^(-?\d+)")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MINUTE, HOUR = 60, 3600
KILO = 1024


def count(number: float) -> str:
    """Write a whole number.

    Examples
    --------
    >>> count(250000)
    '250,000'
    """
    return f"{int(number):,}"


def number(value: float | None) -> str:
    """Write a measured value.

    Examples
    --------
    >>> number(205472.27), number(0.00012346), number(float("nan")), number(float("-inf"))
    ('205,500', '0.0001235', 'none', 'none')
    """
    if value is None or value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN
        return "none"
    rounded = float(f"{value:.4g}")
    large = 1000 <= abs(rounded) < 1e7
    return f"{rounded:,.0f}" if large else f"{rounded:.4g}"


def share(part: float, whole: float) -> str:
    r"""Write a part of a whole, which stays on one line.

    Examples
    --------
    >>> share(19, 193), share(1, 100000), share(0, 0)
    ('9.8\xa0%', '<\xa00.1\xa0%', '0\xa0%')
    """
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.1:
        return "<\xa00.1\xa0%"
    return f"{percent:.0f}\xa0%" if percent in {0.0, 100.0} else f"{percent:.1f}\xa0%"


def unit(name: str) -> str:
    """Write a unit of the dictionary as print has it.

    Examples
    --------
    >>> unit("px^2"), unit("intensity^2·px^-1"), unit("1")
    ('px²', 'intensity²·px⁻¹', '')
    """
    return "" if name == "1" else POWER.sub(lambda power: power[1].translate(RAISED), name)


def seconds(value: float) -> str:
    """Write a time span.

    Examples
    --------
    >>> seconds(4.25), seconds(272), seconds(7300)
    ('4.2 s', '4 min 32 s', '2 h 1 min')
    """
    if value < MINUTE:
        return f"{value:.1f} s"
    if value < HOUR:
        return f"{int(value) // MINUTE} min {int(value) % MINUTE} s"
    return f"{int(value) // HOUR} h {int(value) % HOUR // MINUTE} min"


def size(value: float) -> str:
    """Write an amount of memory.

    Examples
    --------
    >>> size(500858880)
    '478 MB'
    """
    for name in ("B", "kB", "MB"):
        if value < KILO:
            return f"{value:.0f} {name}"
        value /= KILO
    return f"{value:.1f} GB"


def group_in_words(group: Mapping[str, str]) -> str:
    """Name a group of images.

    Examples
    --------
    >>> group_in_words({"plate": "1", "well": ""})
    'plate 1, well (none)'
    """
    return ", ".join(f"{name} {value or '(none)'}" for name, value in group.items()) or "all cells"

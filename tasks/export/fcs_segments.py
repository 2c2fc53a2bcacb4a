"""Header and text of an FCS 3.1 file, the exchange format of flow cytometry.

Spidlen et al., Data File Standard for Flow Cytometry, Version FCS 3.1, Cytometry A 77, 2010.
"""

from collections.abc import Mapping

from tasks.core.errors import RunError

TEXT_BEGIN = 256
"""Where the text begins, behind a header of 58 bytes."""

LAST_IN_HEADER = 99_999_999
"""Last byte that a header can name, in eight digits; beyond it the offsets of the data stand in the text only."""

DELIMITER = "\f"
"""Stands between keywords and values, as in the files of many cytometers; no name and no definition holds it."""


def text_segment(keywords: Mapping[str, str]) -> bytes:
    """Write keywords and their values, in their order; one without a value is left out, for which FCS has no spelling.

    Raises
    ------
    RunError
        They are more than the first 100 MB of a file can hold.
    """
    pairs = (f"{name}{DELIMITER}{value.replace(DELIMITER, ' ')}" for name, value in keywords.items() if value)
    text = (DELIMITER + DELIMITER.join(pairs) + DELIMITER).encode()
    if TEXT_BEGIN + len(text) > LAST_IN_HEADER:
        raise RunError(
            f"export.formats: the names and definitions of the columns take {len(text):,} bytes, and FCS files have "
            f"room for {LAST_IN_HEADER - TEXT_BEGIN:,}; leave fcs out, or choose fewer features"
        )
    return text


def header_segment(*, text: int, data: tuple[int, int]) -> bytes:
    """Write what a file begins with.

    Parameters
    ----------
    text
        Bytes of the text.
    data
        First and last byte of the data.
    """
    begin, end = data if data[1] <= LAST_IN_HEADER else (0, 0)
    offsets = (TEXT_BEGIN, TEXT_BEGIN + text - 1, begin, end, 0, 0)
    return b"FCS3.1    " + "".join(f"{offset:>8}" for offset in offsets).encode()


def data_keywords(*, parameters: int, events: int, data: tuple[int, int]) -> dict[str, str]:
    """Say how the data lie: a row of 32-bit floats per event, little-endian; no analysis, no second data set."""
    return {
        "$BEGINANALYSIS": "0", "$ENDANALYSIS": "0", "$BEGINSTEXT": "0", "$ENDSTEXT": "0",
        "$BEGINDATA": str(data[0]), "$ENDDATA": str(data[1]),
        "$BYTEORD": "1,2,3,4", "$DATATYPE": "F", "$MODE": "L", "$NEXTDATA": "0",
        "$PAR": str(parameters), "$TOT": str(events),
    }  # fmt: skip

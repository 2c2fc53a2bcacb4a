"""The report's file, and by what it is known as ours."""

from pathlib import Path

from tasks.core.published import Published

REPORT = "report.html"

GENERATOR = '<meta name="generator" content="scip-flows">'
"""Stands in the head of every page that this program writes, within the first `HEAD` bytes."""

HEAD = 4096


def is_our_page(path: Path) -> bool:
    """Whether a file is a page that this program wrote."""
    try:
        with path.open("rb") as file:
            return GENERATOR.encode() in file.read(HEAD)
    except OSError:
        return False


PUBLISHED = Published(path=REPORT, is_ours=is_our_page)

"""docs/tutorial.md as a newcomer goes through it: every command works as typed and prints what the page says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "tutorial.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?%?")
SETUP = "pip install"
"""What is installed already where tests run."""

ROUNDING = 0.01
"""By which part numbers may differ: processors round differently, and now and then a pixel or a cell with it."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A block of the page that is run, and the block after it that says what it prints; empty where there is none."""

    language: str
    code: str
    printed: str


def steps(page: str) -> Iterator[Step]:
    """Yield the commands and programs of a page in order; a YAML block is one that writes the file it names."""
    blocks = [(match[1], match[2]) for match in FENCED.finditer(page)]
    for (language, code), (after, text) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language != "text" and SETUP not in code:
            yield Step(language=language, code=code, printed=text if after == "text" else "")


def alike(expected: str, got: str) -> bool:
    """Tell whether two lines have the same words, and numbers that differ by rounding; … stands for the rest."""
    start, ellipsis, _ = expected.partition("…")
    mine, other = start.split(), got.split()
    if not ellipsis and len(mine) != len(other):
        return False
    return len(mine) <= len(other) and all(map(same_word, mine, other))


def same_word(expected: str, got: str) -> bool:
    if expected == got:
        return True
    if not (NUMBER.fullmatch(expected) and NUMBER.fullmatch(got)):
        return False
    mine, other = (float(text.replace(",", "").replace("−", "-").rstrip("%")) for text in (expected, got))
    last_digit = 10.0 ** -len(expected.rstrip("%").partition(".")[2])
    return abs(mine - other) <= max(ROUNDING * abs(mine), last_digit)


def missing(printed: str, output: str) -> list[str]:
    """Lines that a page promises, and that an output does not have in this order."""
    lines, lacking = iter(output.splitlines()), []
    for expected in filter(str.strip, printed.splitlines()):
        rest = list(lines)
        found = next((place for place, line in enumerate(rest) if alike(expected, line)), None)
        if found is None:
            lacking.append(expected)
        lines = iter(rest if found is None else rest[found + 1 :])
    return lacking


def carry_out(step: Step, *, folder: Path) -> str:
    """Do what a block says, in a folder; return what it prints."""
    if step.language == "yaml":
        name = re.match(r"# (\S+\.yaml)", step.code)
        assert name is not None, f"the first line names the file: {step.code}"
        (folder / name[1]).write_text(step.code, encoding="utf-8")
        return ""
    command = {"bash": ["bash", "-e", "-c", step.code], "python": [sys.executable, "-c", step.code]}[step.language]
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "COLUMNS"))},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "PREFECT_HOME": str(folder / "prefect"),
    }
    ended = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 0 or "# exit status" in step.code, f"{step.code}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout + ended.stderr


def test_lines_are_compared_by_word_and_by_number() -> None:
    assert alike("cells  found 1,000", "cells found     1,004")
    assert not alike("cells found 1,000", "cells found 1,020")
    assert not alike("cells found 1,000", "cells lost 1,000")
    assert alike("segment  13 …", "segment 13 0 5.3")
    assert not alike("segment 13", "segment 13 0")
    assert missing("b\na\n", "a\nb\n") == ["a"]


def test_numbers_of_the_text_are_those_that_commands_print() -> None:
    """A number of two digits or more in the prose stands in a block, too, or is a size that the text itself sets."""
    in_blocks = {number for _, block in FENCED.findall(PAGE) for number in NUMBER.findall(block)}
    prose = re.sub(r"`[^`]*`|\]\([^)]*\)|!\[[^]]*\]", "", FENCED.sub("", PAGE))
    stated = {number.rstrip(",") for number in NUMBER.findall(prose) if len(number) > 1}
    assert stated - in_blocks <= {"20", "512", "16"}


@pytest.mark.slow
def test_every_block_works_and_prints_what_the_page_says(tmp_path: Path) -> None:
    lacking = {
        step.code: lines for step in steps(PAGE) if (lines := missing(step.printed, carry_out(step, folder=tmp_path)))
    }
    assert lacking == {}
    assert sum(step.language == "bash" for step in steps(PAGE)) >= 6

""".env.example lists every variable that the program reads or sets, each with a comment."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLE = (PROJECT / ".env.example").read_text(encoding="utf-8")
NAME = re.compile(r"""(?<![A-Z_])((?:PREFECT|SCIP)_[A-Z][A-Z_]*[A-Z])(?==|["'])""")
"""A name in quotes, or that a shell sets; names with two underscores are Prefect's own business."""


def listed() -> list[str]:
    return re.findall(r"^# ([A-Z_]+)=", EXAMPLE, flags=re.MULTILINE)


def used() -> set[str]:
    sources = [path for folder in ("flows", "infra", "tasks") for path in (PROJECT / folder).rglob("*.py")]
    sources += [PROJECT / ".ci" / "run", PROJECT / "tests" / "conftest.py"]
    return {name for path in sources for name in NAME.findall(path.read_text(encoding="utf-8"))}


def test_every_variable_is_listed_once() -> None:
    assert len(used()) > 15
    assert used() - set(listed()) == set()
    assert len(set(listed())) == len(listed())


def test_what_is_listed_is_used_or_told_of() -> None:
    told = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "docs").glob("*.md"))
    told += (PROJECT / "benchmarks" / "scip_environment.sh").read_text(encoding="utf-8")
    assert [name for name in listed() if name not in used() and name not in told] == []


def test_each_block_begins_with_a_comment_and_nothing_is_set() -> None:
    blocks = [block.splitlines() for block in EXAMPLE.strip().split("\n\n")]
    assert [line for block in blocks for line in block if not line.startswith("#")] == []
    assert [block for block in blocks if re.match(r"# [A-Z_]+=", block[0])] == []

"""Examples in docstrings give what stands below them."""

import doctest
from importlib import import_module
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_examples_in_docstrings_are_true() -> None:
    paths = (path for package in ("flows", "infra", "tasks") for path in (PROJECT / package).rglob("*.py"))
    modules = sorted(
        ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        for path in paths
        if ">>> " in path.read_text(encoding="utf-8")
    )
    results = {name: doctest.testmod(import_module(name)) for name in modules}
    assert [name for name, result in results.items() if result.failed] == []
    assert sum(result.attempted for result in results.values()) > 50

"""The project itself: who imports whom, that README is true, and that the pins are nothing but pins."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from flows.config import parse_config

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")

PACKAGES = ("deployments", "flows", "infra", "tasks")
ORCHESTRATION = ("prefect", "prefect_dask", "dask", "dask_jobqueue", "distributed")
PIN = re.compile(
    r'(?P<name>[a-z0-9]+(-[a-z0-9]+)*)==(?P<version>[0-9][a-z0-9.!+]*)( ; python_version (<|>=) "3\.\d+")?'
)


def imported(source: str, *, module: str, project: set[str]) -> Iterator[tuple[int, str]]:
    """Yield (line, module) for every import in a source, wherever it stands.

    ``from tasks import mask`` imports the module ``tasks.mask``, ``from tasks.mask import Mask`` the module
    ``tasks.mask``; `project` tells which names are modules. `module` is the source's own name, of a package with
    ``.__init__``.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield node.lineno, full if full in project else base


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def is_task(module: str) -> bool:
    return re.fullmatch(r"tasks\.\w+\.task", module) is not None


def why_not(importer: str, target: str) -> str | None:
    """Say which rule forbids an import; None where it is allowed."""
    if within(target, *ORCHESTRATION):
        allowed = within(importer, "flows", "infra") or is_task(importer)
        return None if allowed else "only flows, infra and task.py import Prefect or Dask"
    if not within(target, *PACKAGES):
        return None
    if is_task(target):
        return None if within(importer, "flows", "deployments") else "a task.py is imported by flows only"
    allowed_targets = may_import(importer)
    return None if within(target, *allowed_targets) else f"it may import {', '.join(allowed_targets)} only"


def may_import(importer: str) -> tuple[str, ...]:
    """Name the packages and modules of the project that a module may import."""
    top, *rest = importer.split(".")
    if top == "deployments":
        return PACKAGES
    if top == "flows":
        return "flows", "infra", "tasks"
    if top == "infra":
        return "infra", "tasks.core"
    if rest[0] in {"__init__", "core"}:
        return ("tasks.core",)
    return f"tasks.{rest[0]}", "tasks.core"


def imports(root: Path, *packages: str) -> Iterator[tuple[str, str, int]]:
    """Yield (importer, module, line) for every import in some packages; a package is called ``….__init__``."""
    files = {
        ".".join(path.relative_to(root).with_suffix("").parts): path
        for package in packages
        for path in sorted((root / package).rglob("*.py"))
    }
    project = {name.removesuffix(".__init__") for name in files}
    for importer, path in files.items():
        for line, target in imported(path.read_text(encoding="utf-8"), module=importer, project=project):
            yield importer, target, line


def violations(root: Path) -> list[str]:
    return [
        f"{importer.replace('.', '/')}.py:{line} imports {target}: {rule}"
        for importer, target, line in imports(root, *PACKAGES)
        if (rule := why_not(importer, target)) is not None
    ]


def circle(root: Path, *packages: str) -> list[str]:
    """Return modules of which each imports the next, and the last the first; none where there is no such circle."""
    graph: dict[str, set[str]] = {}
    for importer, target, _ in imports(root, *packages):
        if within(target, *packages):
            graph.setdefault(importer.removesuffix(".__init__"), set()).add(target)
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def blocks(language: str) -> list[str]:
    """Code of README's fenced blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def notebook_example() -> str:
    (code,) = [block for block in blocks("python") if "tasks.mask" in block]
    return code


def pins() -> list[str]:
    """Lines of constraints.txt, less comments; a package has one for each Python where these differ."""
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_imports_point_from_orchestration_to_numerics() -> None:
    assert violations(PROJECT) == []


def test_no_module_imports_itself_by_way_of_others_not_even_inside_a_function() -> None:
    assert circle(PROJECT, *PACKAGES) == []


def test_a_circle_is_found(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    for name, source in {
        "a": "import flows.b",
        "b": "def late():\n    from flows import c",
        "c": "from .a import x",
    }.items():
        (tmp_path / "flows" / f"{name}.py").write_text(source, encoding="utf-8")
    assert set(circle(tmp_path, "flows")) == {"flows.a", "flows.b", "flows.c"}
    (tmp_path / "flows" / "c.py").write_text("import flows.d", encoding="utf-8")
    assert circle(tmp_path, "flows") == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("tasks/mask/methods/fast.py", "import dask.array"),
        ("tasks/mask/__init__.py", "from prefect import task"),
        ("tasks/core/graph.py", "from distributed import Client"),
        ("deployments/serve.py", "import prefect"),
        ("tasks/mask/stage.py", "from tasks.features import measure"),
        ("tasks/mask/stage.py", "from tasks import features"),
        ("tasks/mask/stage.py", "from ..features import measure"),
        ("tasks/mask/stage.py", "from tasks.mask.task import mask_partition"),
        ("tasks/mask/task.py", "from tasks.ingest.channels import Channels"),
        ("tasks/core/types.py", "from tasks.ingest import load"),
        ("tasks/mask/task.py", "from tasks.segment.task import segment_partition"),
        ("tasks/core/types.py", "def late():\n    import tasks.mask"),
        ("tasks/ingest/load.py", "from flows.config import Config"),
        ("infra/clusters/model.py", "from tasks.mask import Mask"),
        ("infra/clusters/model.py", "from flows import config"),
        ("flows/config.py", "import deployments"),
    ],
)
def test_an_import_against_the_direction_is_found(tmp_path: Path, path: str, line: str) -> None:
    for name in ("tasks/__init__.py", "tasks/features/__init__.py", "flows/config.py", path):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert violations(tmp_path) == []
    (tmp_path / path).write_text(line + "\n", encoding="utf-8")
    assert [violation.partition(":")[0] for violation in violations(tmp_path)] == [path]


def test_the_notebook_example_prints_what_readme_says_without_prefect_and_dask() -> None:
    code = notebook_example()
    expected = re.findall(r"^print\(.*\)  # (.+)$", code, flags=re.MULTILINE)
    guard = f"""
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ORCHESTRATION!r}:
            raise ImportError(f"the pure steps import {{name}}")

sys.meta_path.insert(0, Refuse())
"""
    ran = subprocess.run(
        [sys.executable, "-c", guard + code], cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert len(expected) > 0
    assert ran.stdout.splitlines() == expected


def test_readmes_configurations_are_valid() -> None:
    sections = [yaml.safe_load(block) for block in blocks("yaml")]
    configs = [parse_config(section) for section in sections if "load" in section]
    assert [config.mask is not None for config in configs] == [True, False]


def test_readmes_two_commands_are_single_lines_that_use_the_pins() -> None:
    commands = [block for block in blocks("bash") if "venv .venv" in block]
    assert [command.count("\n") for command in commands] == [1, 1]
    assert all(" -c constraints.txt " in command for command in commands)
    assert [command.rstrip().rpartition(" ")[2] for command in commands] == ["flows.preprocess", "pytest"]


def test_the_continuous_check_runs_readmes_test_command() -> None:
    (command,) = [block for block in blocks("bash") if block.rstrip().endswith("pytest") and "pip install" in block]
    printed = subprocess.run(
        ["bash", ".ci/run", "--test-command"], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True
    )
    assert printed.stdout == command


def test_constraints_hold_names_and_versions_only() -> None:
    assert [line for line in pins() if PIN.fullmatch(line) is None] == []
    ours = [(line.partition("==")[0], line.partition(" ; ")[2]) for line in pins()]
    assert len(set(ours)) == len(ours)


def test_every_dependency_is_pinned_to_a_version_it_allows() -> None:
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [
        *declared["dependencies"],
        *(text for extra in ("test", "dev") for text in declared["optional-dependencies"][extra]),
    ]
    requirements = [requirement for requirement in map(Requirement, texts) if requirement.name != declared["name"]]
    versions: dict[str, list[str]] = {}
    for match in filter(None, map(PIN.fullmatch, pins())):
        versions.setdefault(match["name"], []).append(match["version"])
    unfit = [
        str(requirement)
        for requirement in requirements
        if not all(
            version in requirement.specifier for version in versions.get(canonicalize_name(requirement.name), [""])
        )
    ]
    assert unfit == []

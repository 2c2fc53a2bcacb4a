"""The package of docs/extending.md, built and installed as its reader does it, but without a network."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.core.registry import Parts
from tasks.export.registry import exporters
from tasks.features.family import families
from tasks.ingest.readers import readers
from tasks.mask.registry import masks
from tasks.segment.registry import segmenters

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "example_parts"
REGISTRIES: tuple[Parts[Any], ...] = (readers, masks, segmenters, families, exporters)


def install(folder: Path, *, version: str = "1.0") -> Path:
    """Let pip install the package in a version into a folder of its own; return what goes on the search path."""
    source, site = folder / f"source-{version}", folder / f"site-{version}"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    project = source / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    assert text.count('version = "1.0"') == 1
    project.write_text(text.replace('version = "1.0"', f'version = "{version}"'), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *offline, "--target", str(site), str(source)], check=True, timeout=300)
    return site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package, for nobody yet."""
    return install(tmp_path_factory.mktemp("example_parts"))


@pytest.fixture(scope="module")
def installed(site: Path) -> Iterator[Path]:
    """Let this process find the package, until the module's tests are over."""
    with pytest.MonkeyPatch.context() as patch:
        for parts in REGISTRIES:
            patch.setattr(parts, "_parts", {name: parts[name] for name in parts.names})
            patch.setattr(parts, "_loaded", False)
        patch.syspath_prepend(str(site))
        yield site
    for name in [name for name in sys.modules if name.partition(".")[0] == "example_parts"]:
        del sys.modules[name]

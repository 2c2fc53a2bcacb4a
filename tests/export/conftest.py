"""Environments of their own, for libraries that cannot share ours."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

Environment = Callable[..., Path]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return what makes an environment with packages, once in a session; return its interpreter."""
    made: dict[tuple[str, ...], Path] = {}

    def make(python: str, *packages: str, project: bool = False) -> Path:
        """Install packages; of this project the modules alone, whose packages are among those given."""
        if (python, *packages) not in made:
            folder = tmp_path_factory.mktemp("environment")
            subprocess.run([_interpreter(python), "-m", "venv", folder], check=True, timeout=120)
            install = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-input"]
            pinned = ["-c", str(PROJECT / "constraints.txt"), *packages]
            subprocess.run([*install, *pinned], check=True, timeout=600)
            if project:
                subprocess.run([*install, "--no-deps", str(PROJECT)], check=True, timeout=300)
            made[python, *packages] = folder / "bin" / "python"
        return made[python, *packages]

    return make


def _interpreter(name: str) -> str:
    """Find an interpreter beside the one that runs, as pyenv installs them, or on the search path."""
    version = name.removeprefix("python")
    installed = sorted(Path(sys.base_prefix).parent.glob(f"{version}.*/bin/{name}"))
    found = str(installed[-1]) if installed else shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine")
    return found

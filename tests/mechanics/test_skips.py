"""Where nothing may be skipped, a test that skips fails, unless it is a GPU that is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

TESTS = """
import pytest

def test_passes():
    pass

def test_without_its_data():
    pytest.skip("no images")

@pytest.mark.gpu
def test_without_a_gpu():
    pytest.skip("no GPU")

@pytest.mark.slow
@pytest.mark.skipif(True, reason="never")
def test_never():
    pass
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("require", "lines"),
    [
        ("1", ["marker slow: 1 error", "marker gpu: 1 skipped", "marker none of these: 1 passed, 1 failed"]),
        (None, ["marker slow: 1 skipped", "marker gpu: 1 skipped", "marker none of these: 1 passed, 1 skipped"]),
    ],
)
def test_what_skips_fails_unless_it_needs_a_gpu(tmp_path: Path, require: str | None, lines: list[str]) -> None:
    for name in ("tests/conftest.py", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    (tmp_path / "tests" / "test_some.py").write_text(TESTS, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "SCIP_REQUIRE_ALL"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", ""],
        cwd=tmp_path,
        env=environment | ({} if require is None else {"SCIP_REQUIRE_ALL": require}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == (0 if require is None else 1)
    assert set(lines) < set(ran.stdout.splitlines()), ran.stdout

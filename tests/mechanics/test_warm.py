"""What `warm` has made ready is there for the next process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

COUNT = """
from numba.core import event
from tasks.{stage} import warm

with event.install_recorder("numba:compile") as recorded:
    warm({arguments})
print(len(recorded.buffer))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "arguments"), [("features", "'standard', families=['intensity']"), ("mask", "['circle']")]
)
def test_a_warm_process_compiles_nothing_more(tmp_path: Path, stage: str, arguments: str) -> None:
    counts = [
        int(
            subprocess.run(
                [sys.executable, "-c", COUNT.format(stage=stage, arguments=arguments)],
                env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(PROJECT)},
                stdout=subprocess.PIPE,
                timeout=600,
                check=True,
            ).stdout
        )
        for _ in range(2)
    ]
    assert counts[0] > 0
    assert counts[1] == 0

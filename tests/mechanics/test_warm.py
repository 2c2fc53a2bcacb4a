"""A second process with the same folder of compiled kernels loads everything: `warm_up` leaves nothing to compile."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CODE = """
from numba.core import event
from tasks.{} import warm_up

with event.install_recorder("numba:compile") as recorded:
    warm_up({})
print(len(recorded.buffer))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "kernels"),
    [("features", '"standard", families=["intensity"]'), ("mask", '["circle"]'), ("segment", '["watershed"]')],
)
def test_a_warm_process_compiles_nothing_more(stage: str, kernels: str, tmp_path: Path) -> None:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", CODE.format(stage, kernels)]
    first, second = (
        int(subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=True).stdout)
        for _ in range(2)
    )
    assert first > 0
    assert second == 0

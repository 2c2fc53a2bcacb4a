"""What the last bits of floating point depend on is named, and what restricts it shows."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

from tasks.core.hardware import instruction_set

PROJECT = Path(__file__).resolve().parents[2]
VECTORS = np.show_config(mode="dicts")["SIMD Extensions"]
RESTRICTED = os.environ.get("NPY_DISABLE_CPU_FEATURES", "")
PLAIN = {
    "NPY_DISABLE_CPU_FEATURES": " ".join([*RESTRICTED.split(), *VECTORS.get("found", ())]),
    "NUMBA_CPU_NAME": "generic",
}
"""No vector instructions beyond the oldest, also where these tests run without some."""


def test_restrictions_of_vector_instructions_show() -> None:
    code = "from tasks.core.hardware import instruction_set; print(instruction_set())"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=os.environ | PLAIN, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == f"{platform.machine()}, numpy {VECTORS['baseline'][-1]}, code for generic"
    assert instruction_set().startswith(f"{platform.machine()}, numpy ")
    if VECTORS.get("found"):
        assert f"numpy {VECTORS['found'][-1]}, code for " in instruction_set()

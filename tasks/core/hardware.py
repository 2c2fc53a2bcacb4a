"""What of a machine the last bits of floating point depend on."""

import os
import platform
from functools import cache

import numpy as np


@cache
def instruction_set() -> str:
    """Name this machine's kind, the vector instructions that numpy uses, and the processor that code is compiled for.

    Such as ``x86_64, numpy X86_V4, code for znver4``. Variables that restrict either (``NPY_DISABLE_CPU_FEATURES``,
    ``NUMBA_CPU_NAME``) show in it; ONNX Runtime takes what the processor has.
    """
    from llvmlite.binding import get_host_cpu_name

    known = np.show_config(mode="dicts")["SIMD Extensions"]
    vectors = [*known.get("baseline", ()), *known.get("found", ())][-1:]
    compiled = os.environ.get("NUMBA_CPU_NAME") or get_host_cpu_name()
    return ", ".join([platform.machine(), *(f"numpy {name}" for name in vectors), f"code for {compiled}"])

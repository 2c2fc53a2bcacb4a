"""The text of the CUDA kernels, compiled for the processor."""

import ctypes
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.types import AnyArray
from tasks.segment.cuda.launch import source

COMPILE = ("g++", "-std=c++17", "-O1", "-ffp-contract=off", "-U_FORTIFY_SOURCE", "-Wno-unused", "-fPIC", "-shared")


def kernel_names(text: str) -> dict[str, bool]:
    """Name each kernel, and tell whether its threads wait for each other."""
    starts = [(match[1], match.end()) for match in re.finditer(r"__global__ void (\w+)\(", text)]
    ends = [start for _, start in starts[1:]] + [len(text)]
    barrier = re.compile(r"__syncthreads|\brelax\(")
    return {name: barrier.search(text[start:end]) is not None for (name, start), end in zip(starts, ends, strict=True)}


class HostKernels:
    """Kernels that run on the processor, over arrays of numpy.

    Parameters
    ----------
    folder
        Where they are compiled.
    stride
        Blocks run in this order: number 0, then each time so many further.
    """

    def __init__(self, folder: Path, *, stride: int = 1) -> None:
        self.xp: Any = np
        self._folder, self._stride = folder, stride
        library = folder / "kernels.so"
        if not library.exists():
            text = source()
            entries = [f"ENTRY({name}, {str(waits).lower()})" for name, waits in kernel_names(text).items()]
            shim = Path(__file__).with_name("shim.h").read_text(encoding="utf-8")
            (folder / "kernels.cpp").write_text("\n".join([shim, text, *entries, ""]), encoding="utf-8")
            subprocess.run([*COMPILE, "-o", library, folder / "kernels.cpp"], check=True)
        self._library = ctypes.CDLL(str(library))

    def in_order(self, stride: int) -> "HostKernels":
        """Return the same with blocks in another order."""
        return HostKernels(self._folder, stride=stride)

    def launch(
        self, name: str, arguments: Sequence[AnyArray], *, grid: tuple[int, int], block: tuple[int, int]
    ) -> None:
        """Run a kernel, one block after the other."""
        held: list[Any] = []
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                assert argument.flags.c_contiguous
                held.append(ctypes.c_void_p(argument.ctypes.data))
            else:
                held.append(np.ascontiguousarray(argument).ctypes)
        pointers = [ctypes.addressof(one) if isinstance(one, ctypes.c_void_p) else one.data for one in held]
        blocks = grid[0] * grid[1]
        stride = next(step for step in range(self._stride, self._stride + blocks + 1) if np.gcd(step, blocks) == 1)
        getattr(self._library, f"launch_{name}")(
            (ctypes.c_uint * 4)(*grid, *block), ctypes.c_ulonglong(stride), (ctypes.c_void_p * len(pointers))(*pointers)
        )

"""How many CUDA devices this machine has."""

import ctypes
import sys


def count_gpus() -> int:
    """Query the CUDA driver, without any CUDA package; 0 where there is no driver or no device."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value

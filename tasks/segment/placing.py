"""Where arrays lie, and the operations of that device."""

from typing import Any

import numpy as np

from tasks.core.registry import Device
from tasks.segment.operations import Operations


def operations_for(array: Any) -> Operations:  # noqa: ANN401 - an array of some device
    """Return the operations of the device in whose memory an array lies.

    Raises
    ------
    TypeError
        There are none for arrays of that type.
    """
    if isinstance(array, np.ndarray):
        from tasks.segment import cpu

        return cpu
    if type(array).__module__.partition(".")[0] == "cupy":
        from tasks.segment.gpu import gpu_operations

        return gpu_operations()
    raise TypeError(
        f"got an array of type {type(array).__module__}.{type(array).__qualname__}, expected one of numpy or cupy"
    )


def on_device(array: Any, /, *, device: Device) -> Any:  # noqa: ANN401 - an array of some device
    """Return an array in the memory of a device: itself where it lies there already, else a copy."""
    if device == "gpu":
        from tasks.segment.gpu import gpu_operations

        native = array.astype(array.dtype.newbyteorder("="), copy=False)  # cupy knows no other order of bytes
        return gpu_operations().xp.asarray(native)
    return operations_for(array).to_host(array)

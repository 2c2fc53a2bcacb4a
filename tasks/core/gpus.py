"""The GPUs of this machine, and what keeps this process from computing on them."""

import ctypes
import sys


def count_gpus() -> int:
    """Query the CUDA driver, without any CUDA package; 0 where there is no driver or no device."""
    driver = _driver()
    count = ctypes.c_int(0)
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def gpu_name() -> str:
    """Name the first GPU that this process sees, such as ``NVIDIA H200``; empty where there is none."""
    driver = _driver()
    name = ctypes.create_string_buffer(256)
    if driver is None or driver.cuDeviceGetName(name, ctypes.c_int(len(name)), ctypes.c_int(0)) != 0:
        return ""
    return name.value.decode(errors="replace")


def _driver() -> ctypes.CDLL | None:
    """Load the CUDA driver and start it; None where that is not possible."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    return driver if driver.cuInit(0) == 0 else None


EXTRAS = "install the project with its extra cuda12 or cuda13, whichever the driver is for"


def cupy_obstacle() -> str:
    """Say what keeps this process from computing with cupy; empty where nothing does.

    A kernel is compiled and run: cupy and cuCIM are imported without complaint where nothing answers.
    """
    try:
        import cupy
    except ImportError as error:
        return f"cupy cannot be imported ({error}); {EXTRAS}"
    try:
        answer = int(cupy.arange(3).sum()) if cupy.cuda.runtime.getDeviceCount() else 0
    except Exception as error:  # noqa: BLE001 - of the driver, the runtime, the compiler: whatever keeps it from that
        return f"cupy does not work: {type(error).__name__}: {error}"
    return "" if answer == 3 else "cupy sees no GPU"


CUDA, PROCESSOR = "CUDAExecutionProvider", "CPUExecutionProvider"

IDENTITY = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801620f0a0179120a0a0808011204"
    "0a02080142040a00100d"
)
"""An ONNX model that returns the number that it is given."""


def onnx_obstacle() -> str:
    """Say what keeps this process from running ONNX models by the CUDA provider; empty where nothing does."""
    return run_onnx(CUDA)


def run_onnx(provider: str) -> str:
    """Run the smallest model by a provider of ONNX Runtime; say what keeps this process from that, if anything does.

    Where the libraries of CUDA lack something, ONNX Runtime goes on with the processor.
    """
    try:
        import numpy as np
        import onnxruntime
    except ImportError as error:
        return f"onnxruntime cannot be imported ({error})"
    if provider not in onnxruntime.get_available_providers():
        return f"onnxruntime {onnxruntime.__version__} is the one for processors; {EXTRAS}"
    try:
        if provider == CUDA:
            onnxruntime.preload_dlls()  # of the packages that the extra installs
        session = onnxruntime.InferenceSession(IDENTITY, providers=[provider])
        (answer,) = session.run(None, {"x": np.full(1, 3, dtype=np.float32)})
    except Exception as error:  # noqa: BLE001 - as above
        return f"onnxruntime does not work: {type(error).__name__}: {error}"
    if provider not in session.get_providers():
        return "onnxruntime cannot load its CUDA provider; its log names the library it lacks"
    return "" if answer[0] == 3 else f"onnxruntime computes {answer[0]} in place of 3"


def torch_obstacle() -> str:
    """Say what keeps this process from computing with PyTorch on a GPU; empty where nothing does."""
    try:
        import torch
    except ImportError as error:
        return f"torch cannot be imported ({error})"
    try:
        answer = int(torch.arange(3, device="cuda").sum()) if torch.cuda.is_available() else 0
    except Exception as error:  # noqa: BLE001 - as above
        return f"torch does not work: {type(error).__name__}: {error}"
    return "" if answer == 3 else f"torch {torch.__version__} sees no GPU; is it a build for CUDA?"


def tensorflow_obstacle() -> str:
    """Say what keeps this process from computing with TensorFlow on a GPU; empty where nothing does."""
    try:
        import tensorflow as tf
    except ImportError as error:
        return f"tensorflow cannot be imported ({error})"
    try:
        devices = tf.config.list_physical_devices("GPU")
    except Exception as error:  # noqa: BLE001 - as above
        return f"tensorflow does not work: {type(error).__name__}: {error}"
    return "" if devices else f"tensorflow {tf.__version__} sees no GPU; install tensorflow[and-cuda]"

"""Model files opened: found, checked, and kept ready once per process."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.errors import ConfigError, suggestion
from tasks.core.registry import Device
from tasks.core.types import AnyArray
from tasks.segment.model.form import INPUT, OUTPUT, Form, NetworkFile, parse_form

SUFFIX = ".onnx"
PROVIDERS: dict[Device, list[tuple[str, dict[str, str]]]] = {
    "cpu": [("CPUExecutionProvider", {})],
    "gpu": [
        (
            "CUDAExecutionProvider",
            {"use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT", "arena_extend_strategy": "kSameAsRequested"},
        )
    ],
}
"""What runs networks. On a GPU convolutions are float32, searched for by no trial run, and no more memory is taken than
is asked for: by default the arena grows by powers of two, at the cost of other workers and cupy."""
OUT_OF_MEMORY = ("failed to allocate memory", "bad_alloc", "bad allocation", "out of memory", "alloc_failed")
"""How ONNX Runtime says that memory is short, in errors of several types: its arenas, its CPU provider, CUDA, cuBLAS,
cuDNN."""
OPEN_NETWORKS = 4
"""Sessions that a process keeps; each holds its weights and what it needs for the largest image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network, ready to run.

    Parameters
    ----------
    form
        How images are prepared for it.
    run
        Turns (N, 1, H, W) float32 into (N, 3, H, W) float32; H and W are multiples of 8. Raises MemoryError where the
        device has too little.
    """

    form: Form
    run: Callable[[AnyArray], AnyArray]


def built_in_models() -> dict[str, Path]:
    """Model files that come with the program, by name."""
    folder = Path(str(files("tasks.segment") / "models"))
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def find_network(model: str) -> NetworkFile:
    """Find a model by the name of a built-in one, or by the path of a file, and check it.

    Raises
    ------
    ConfigError
        There is none, it cannot be read, or it is not of the form that `tasks.segment.model.form` tells.
    """
    known = built_in_models()
    path = known.get(model, Path(model).expanduser().absolute())
    try:
        status = path.stat()
        return _checked(str(path), status.st_mtime_ns, status.st_size)
    except FileNotFoundError as error:
        raise ConfigError(
            f"got {model!r}, which is neither a model that comes with the program nor a file; expected the path of an "
            f"ONNX file, or a name ({suggestion(model, known)})"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; expected an ONNX file") from error


def open_network(file: NetworkFile, *, device: Device = "cpu") -> Network:
    """Open a model file on a device; a process does so once.

    Raises
    ------
    ConfigError
        The file is gone or no longer what it was, or the device cannot run it.
    """
    session = _session(file.path, file.content, device)
    output, name = [OUTPUT[0]], INPUT[0]

    def run(images: AnyArray) -> AnyArray:
        try:
            return np.asarray(session.run(output, {name: images})[0])
        except Exception as error:
            if _is_short_of_memory(error):
                raise MemoryError(f"the network {file.path} needs more memory: {error}") from error
            raise

    return Network(form=file.form, run=run)


@lru_cache(maxsize=OPEN_NETWORKS)
def _checked(path: str, modified: int, size: int) -> NetworkFile:
    """Check the file that was last modified then."""
    del modified, size
    content = _digest(Path(path).read_bytes())
    session = _session(path, content, "cpu")
    for what, nodes, expected in (
        ("inputs", session.get_inputs(), INPUT),
        ("outputs", session.get_outputs(), OUTPUT),
    ):
        got = [(node.name, node.type, len(node.shape)) for node in nodes]
        second = [node.shape[1] for node in nodes if len(node.shape) == 4]
        if got != [expected[:3]] or (isinstance(second[0], int) and second[0] != expected[3]):
            shapes = ", ".join(f"{node.name} {node.type} {node.shape}" for node in nodes) or "none"
            raise ConfigError(
                f"{path} has the {what} {shapes}; expected one: {expected[0]}, float32 (N, {expected[3]}, H, W)"
            )
        fixed = [length for length in (nodes[0].shape[0], *nodes[0].shape[2:]) if isinstance(length, int)]
        if fixed:
            raise ConfigError(f"{path}: {what[:-1]} {expected[0]} has fixed lengths {fixed}; expected N, H and W free")
    return NetworkFile(
        path=path, content=content, form=parse_form(session.get_modelmeta().custom_metadata_map, path=path)
    )


@lru_cache(maxsize=OPEN_NETWORKS)
def _session(path: str, content: str, device: Device) -> Any:  # noqa: ANN401 - onnxruntime has no types
    import onnxruntime

    if device == "gpu":
        onnxruntime.preload_dlls()
    onnxruntime.disable_telemetry_events()
    wanted = PROVIDERS[device]
    if wanted[0][0] not in onnxruntime.get_available_providers():
        raise ConfigError(
            f"ONNX Runtime has no {wanted[0][0]} here; install onnxruntime-gpu in place of onnxruntime, or set "
            "segment.device: cpu"
        )
    try:
        model = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"the model {path} cannot be read any more: {error.strerror}") from error
    if _digest(model) != content:
        raise ConfigError(f"the model {path} changed while the run went on; run the same command again")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # planned for inputs of one size; others would take more memory, not less
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        # of bytes: what a file of weights beside it holds would be in no digest
        session = onnxruntime.InferenceSession(model, options, providers=wanted)
    except Exception as error:
        if _is_short_of_memory(error):
            raise MemoryError(f"the network {path} needs more memory to be opened: {error}") from error
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"{path} is not an ONNX network that can be run: {reason[:200]}; expected one ONNX file with its weights "
            "in it"
        ) from error
    if device == "gpu" and session.get_providers()[0] != wanted[0][0]:
        raise ConfigError(
            "ONNX Runtime could not start on the GPU; set segment.device: cpu, or mend its CUDA libraries"
        )
    return session


def _is_short_of_memory(error: Exception) -> bool:
    return any(words in str(error).lower() for words in OUT_OF_MEMORY)


def _digest(model: bytes) -> str:
    return blake2b(model, digest_size=20).hexdigest()

"""A network that runs out of memory says so as Python does, so that its task is sent again in smaller batches."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.segment.model import network as module
from tasks.segment.model.network import PROVIDERS, find_network, open_network
from tests.segment.handmade_model import write_model

PROJECT = Path(__file__).resolve().parents[2]
SHORT_OF_MEMORY = """
import resource
import numpy as np
import psutil
from tasks.segment.model.network import find_network, open_network
network = open_network(find_network("nucleus"))
network.run(np.zeros((1, 1, 64, 64), dtype=np.float32))
image = np.zeros((1, 1, 1024, 1024), dtype=np.float32)
limit = psutil.Process().memory_info().vms + {megabytes} * 10**6
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    network.run(image)
except MemoryError as error:
    print("MemoryError", error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space, as Linux does")
@pytest.mark.parametrize("megabytes", [20, 200])
def test_a_network_that_gets_no_memory_is_short_of_memory(megabytes: int) -> None:
    code = SHORT_OF_MEMORY.format(megabytes=megabytes)
    ran = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("MemoryError the network ")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("6 : RUNTIME_EXCEPTION : … Failed to allocate memory for requested buffer of size 643840", MemoryError),
        ("6 : RUNTIME_EXCEPTION : … Status Message: std::bad_alloc", MemoryError),
        ("6 : RUNTIME_EXCEPTION : … Status Message: bad allocation", MemoryError),
        ("1 : FAIL : … CUDA failure 2: out of memory ; GPU=0 ; expr=cudaStreamCreateWithFlags", MemoryError),
        ("6 : RUNTIME_EXCEPTION : … CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0", MemoryError),
        ("1 : FAIL : … CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0", MemoryError),
        ("1 : FAIL : … CUDA failure 700: an illegal memory access was encountered ; GPU=0", RuntimeError),
    ],
)  # fmt: skip
def test_the_words_of_each_provider(
    words: str, expected: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Session:
        def run(self, *_: Any) -> None:  # noqa: ANN401
            raise RuntimeError(f"[ONNXRuntimeError] : {words}")

    file = find_network(str(write_model(tmp_path / "m.onnx")))
    monkeypatch.setattr(module, "_session", lambda *_: Session())
    with pytest.raises(expected):
        open_network(file, device="gpu").run(np.zeros((1, 1, 8, 8), dtype=np.float32))


def test_on_a_gpu_the_arena_takes_no_more_than_is_asked_for() -> None:
    ((provider, options),) = PROVIDERS["gpu"]
    assert (provider, options["arena_extend_strategy"]) == ("CUDAExecutionProvider", "kSameAsRequested")

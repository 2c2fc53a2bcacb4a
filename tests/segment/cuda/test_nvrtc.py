"""The CUDA text compiled by CUDA's own compiler, which needs neither a GPU nor a driver."""

import ctypes
from importlib.util import find_spec
from pathlib import Path

import pytest

from tasks.segment.cuda.launch import OPTIONS, source
from tests.segment.cuda.host_kernels import kernel_names

ARCHITECTURES = ("sm_75", "sm_90")


@pytest.fixture(scope="module")
def nvrtc() -> ctypes.CDLL:
    spec = find_spec("nvidia")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    libraries = [path for folder in folders for path in sorted(Path(folder).glob("*/lib/libnvrtc.so.*"))]
    if not libraries:
        pytest.skip("no CUDA compiler: the wheel nvidia-cuda-nvrtc-cu12 of the extra test is not installed")
    return ctypes.CDLL(str(libraries[0]))


def compiled(text: str, *, nvrtc: ctypes.CDLL, architecture: str) -> tuple[bytes, str]:
    """Return machine code, empty where there are errors, and what the compiler says."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None) == 0
    options = [option.encode() for option in (*OPTIONS, f"--gpu-architecture={architecture}")]
    status = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    assert nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)) == 0
    log = ctypes.create_string_buffer(size.value)
    assert nvrtc.nvrtcGetProgramLog(program, log) == 0
    if status != 0:
        return b"", log.value.decode()
    assert nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0
    code = ctypes.create_string_buffer(size.value)
    assert nvrtc.nvrtcGetCUBIN(program, code) == 0
    return code.raw, log.value.decode()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_kernels_compile_without_a_warning(architecture: str, nvrtc: ctypes.CDLL) -> None:
    code, log = compiled(source(), nvrtc=nvrtc, architecture=architecture)
    assert log == ""
    for name in kernel_names(source()):
        assert name.encode() in code


def test_the_compiler_names_an_error(nvrtc: ctypes.CDLL) -> None:
    code, log = compiled(source() + "\nint wrong = nothing;", nvrtc=nvrtc, architecture="sm_90")
    assert code == b""
    assert 'identifier "nothing" is undefined' in log

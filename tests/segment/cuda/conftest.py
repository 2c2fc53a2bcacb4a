"""The kernels, compiled once."""

import shutil

import pytest

from tests.segment.cuda.host_kernels import HostKernels


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> HostKernels:
    if shutil.which("g++") is None:
        pytest.skip("no g++ to compile the kernels for the processor with")
    return HostKernels(tmp_path_factory.mktemp("kernels"), stride=7)

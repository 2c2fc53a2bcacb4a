"""What a worker of a job sees: its own GPU, and the compiled code of its kind of node."""

from pathlib import Path

import pytest

from infra.pool_worker import kind_of_node, pin_device, share_kernels
from tasks.core.errors import RunError


@pytest.mark.parametrize(
    ("name", "given", "seen"),
    [
        ("scip-r-gpu.0-1", "4,7", "7"),
        ("scip-r-gpu.0-0", "GPU-aa,GPU-bb", "GPU-aa"),
        ("scip-r-gpu.0-1", None, "1"),  # a site that tells nothing: the job has a node of its own
        ("scip-r-gpu.3", "2", "2"),  # the only worker of its job
        ("scip-r-gpu.3", None, None),
    ],
)
def test_each_worker_sees_one_of_the_devices_of_its_job(name: str, given: str | None, seen: str | None) -> None:
    variables = {} if given is None else {"CUDA_VISIBLE_DEVICES": given}
    pin_device(name, variables=variables)
    assert variables.get("CUDA_VISIBLE_DEVICES") == seen


def test_a_worker_that_lacks_its_device_says_so() -> None:
    with pytest.raises(RunError, match=r"scip-r-gpu.0-1 has no GPU of its own.*CUDA_VISIBLE_DEVICES=3"):
        pin_device("scip-r-gpu.0-1", variables={"CUDA_VISIBLE_DEVICES": "3"})


def test_compiled_code_is_shared_by_nodes_of_a_kind(tmp_path: Path) -> None:
    variables = {"SCIP_FLOWS_KERNELS": str(tmp_path)}
    share_kernels(variables)
    assert variables["NUMBA_CACHE_DIR"] == str(tmp_path / kind_of_node())
    assert not any((tmp_path / kind_of_node()).iterdir())


def test_a_folder_that_the_site_chose_stays(tmp_path: Path) -> None:
    variables = {"SCIP_FLOWS_KERNELS": str(tmp_path), "NUMBA_CACHE_DIR": "/chosen"}
    share_kernels(variables)
    assert variables["NUMBA_CACHE_DIR"] == "/chosen"


def test_without_a_shared_folder_each_node_compiles_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    variables = {"SCIP_FLOWS_KERNELS": str(tmp_path / "file")}
    share_kernels(variables)
    assert "NUMBA_CACHE_DIR" not in variables

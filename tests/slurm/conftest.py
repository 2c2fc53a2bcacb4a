"""A Slurm that runs, for one test at a time; after each its queue is empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.slurm.rig import PACKAGES, Slurm, missing_programs, slurm_in_use

SETTLE_SECONDS = 10.0
"""In which the jobs of a test that is over leave the queue."""


@pytest.fixture(scope="session")
def _running_slurm() -> Iterator[Slurm]:
    if missing := missing_programs():
        pytest.skip(f"no {', '.join(missing)}; apt-get install --no-install-recommends {' '.join(PACKAGES)}")
    with slurm_in_use() as variables, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SLURM_CONF", variables["SLURM_CONF"])
        yield Slurm(
            address=variables["SLURM_TEST_ADDRESS"],
            interface=variables["SLURM_TEST_INTERFACE"],
            home=Path(variables["SLURM_CONF"]).parent,
        )


@pytest.fixture
def slurm(_running_slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """Slurm with an empty queue, which the test has to leave empty, too; its nodes reach no server of other tests."""
    for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_API_SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with FileLock(f"{_running_slurm.home}.test", timeout=1800):
        yield _running_slurm
        if left := _running_slurm.cancel_all(seconds=SETTLE_SECONDS):
            pytest.fail(f"the test left jobs in the queue: {left}")


@pytest.fixture
def shared(_running_slurm: Slurm) -> Iterator[Path]:
    """Folder that nodes see; they do not see `tmp_path`."""
    with _running_slurm.folder() as folder:
        yield folder

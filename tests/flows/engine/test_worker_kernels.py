"""Workers get ready for a run, even if one of them dies of it."""

import os
from collections.abc import Mapping
from pathlib import Path

import dask
import pytest
from distributed import Client

from flows.config import Config
from flows.engine.example import example_config
from flows.engine.kernels import WarmKernels, prepare_workers
from flows.engine.stage import Job
from infra.running import DASK_SETTINGS, local_cluster

pytestmark = pytest.mark.slow


def test_a_worker_that_dies_as_it_gets_ready_is_followed_by_one_that_does(tmp_path: Path) -> None:
    def kernels(config: Config) -> Mapping[str, Job]:
        del config

        def get_ready() -> None:
            (tmp_path / f"begun-{os.getpid()}").touch()
            if len(list(tmp_path.glob("begun-*"))) == 1:
                os._exit(1)
            (tmp_path / f"ready-{os.getpid()}").touch()

        return {"planted": get_ready}

    with (
        dask.config.set(DASK_SETTINGS),
        local_cluster(workers=2, gpus=0, segment="auto", memory=2**31) as running,
        Client(running, set_as_default=False) as client,
    ):
        client.wait_for_workers(2)
        prepare_workers(client, WarmKernels([kernels], config=example_config()))
        client.wait_for_workers(2)
        assert client.submit(lambda: "done", resources={"CPU": 1}, pure=False).result(timeout=60) == "done"
    assert len(list(tmp_path.glob("ready-*"))) >= 1

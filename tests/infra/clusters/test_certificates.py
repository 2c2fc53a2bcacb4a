"""Certificates of a run: whose they are, who may read them, and who is refused."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, Scheduler
from distributed.security import Security

from infra.clusters.certificates import Certificates, certificates


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Certificates]:
    with certificates(tmp_path, hosts=["127.0.0.1"]) as files:
        yield files


def test_only_the_user_may_read_them_and_they_go_at_the_end(tmp_path: Path) -> None:
    with certificates(tmp_path, hosts=["127.0.0.1", "node.example"]) as files:
        assert files.authority.parent.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in files.authority.parent.iterdir()} == {0o600}
    assert not any(tmp_path.iterdir())


def test_they_are_removed_after_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), certificates(tmp_path, hosts=["127.0.0.1"]):
        raise ZeroDivisionError
    assert not any(tmp_path.iterdir())


def test_a_client_of_the_run_is_let_in(files: Certificates) -> None:
    assert asyncio.run(_ask(files, security=files.security)) == 42


class Stranger(Security):
    """Connects to whomever; shows other certificates, or none, with which Dask itself would not even try."""

    def __init__(self, shown: Certificates | None) -> None:
        super().__init__(require_encryption=True)  # type: ignore[no-untyped-call]
        self._context = ssl.create_default_context()
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        if shown is not None:
            self._context.load_cert_chain(shown.certificate, shown.key)

    def get_connection_args(self, role: str) -> dict[str, Any]:
        del role
        return {"ssl_context": self._context, "require_encryption": True, "extra_conn_args": {}}


def test_a_stranger_without_certificate_is_refused(files: Certificates) -> None:
    with pytest.raises(OSError, match="ALERT_CERTIFICATE_REQUIRED"):
        asyncio.run(_ask(files, security=Stranger(None)))


def test_a_stranger_with_certificates_of_his_own_is_refused(files: Certificates, tmp_path: Path) -> None:
    with certificates(tmp_path, hosts=["127.0.0.1"]) as others:
        with pytest.raises(OSError, match="ALERT_UNKNOWN_CA"):
            asyncio.run(_ask(files, security=Stranger(others)))
        assert asyncio.run(_ask(files, security=Stranger(files))) == 42


async def _ask(files: Certificates, *, security: Security) -> object:
    """Have a scheduler of the run do something for a client that shows `security`."""
    scheduler = Scheduler(
        host="127.0.0.1",
        port=0,
        protocol="tls://",
        security=files.security,
        dashboard=False,
        dashboard_address="127.0.0.1:0",
    )
    async with (
        scheduler,
        Client(scheduler.address, security=security, asynchronous=True, timeout=3) as client,
    ):
        return await client.run_on_scheduler(lambda: 42)

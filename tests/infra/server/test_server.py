"""A real shared server on a real PostgreSQL: log-in, a run, back-up, restore, upgrade, TLS, and its end."""

import base64
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from infra.clusters.certificates import certificates
from infra.server.postgres import Postgres
from infra.server.prefect_server import variables
from infra.server.service import running
from infra.server.settings import DEFAULT, POSTGRES, read_settings
from tasks.ingest.example import write_example

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[3]

CONFIG = """
load: {channels: {BF: 0, DNA: 2}}
mask: {methods: [li], main_channel: BF}
features: {families: [shape]}
run: {partition_size: 6}
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A server's settings, and the command with them."""

    settings: Path
    port: int

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "infra.server", "--settings", str(self.settings), *arguments]
        return subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, timeout=1200, check=False)

    def done(self, *arguments: str) -> str:
        ran = self.command(*arguments)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout.strip()

    @property
    def client(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.done("client").splitlines())

    def ask(self, path: str, *, login: str | None, method: str = "GET", body: object = None) -> tuple[int, str]:
        """Ask the server; trust its own certificate."""
        tls = read_settings(self.settings).tls
        context = None if tls is None else ssl.create_default_context(cafile=str(tls[0].with_name("authority.pem")))
        headers = {"Content-Type": "application/json"}
        if login is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        data = None if body is None else json.dumps(body).encode()
        scheme = "http" if tls is None else "https"
        request = Request(f"{scheme}://127.0.0.1:{self.port}{path}", headers=headers, method=method, data=data)  # noqa: S310
        try:
            with urlopen(request, timeout=120, context=context) as answer:  # noqa: S310 - our own server
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def flow_runs(self) -> list[str]:
        """Name the states of the runs that the server knows."""
        login = self.client["PREFECT_API_AUTH_STRING"]
        status, text = self.ask("/api/flow_runs/filter", login=login, method="POST", body={})
        assert status == 200
        return [run["state_type"] for run in json.loads(text)]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Start a server, in a folder that PostgreSQL's account can enter; end it afterwards."""
    versions = [
        int(path.parent.name) for path in Path("/").glob(POSTGRES.format("*")[1:]) if path.parent.name.isdigit()
    ]
    if not versions:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="site-"))
    folder.chmod(0o711)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = folder / "server.env"
    changes = {"SERVER_DATA": folder / "data", "SERVER_PORT": port, "POSTGRES_VERSION": max(versions)}
    text = DEFAULT.read_text(encoding="utf-8")
    for name, value in changes.items():
        text = re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    site = Site(settings=path, port=port)
    try:
        site.done("up")
        yield site
    finally:
        site.command("down")
        left = running(read_settings(path))
        shutil.rmtree(folder)
        assert not left


def test_only_the_generated_log_in_is_let_in(site: Site) -> None:
    login = site.client["PREFECT_API_AUTH_STRING"]
    assert site.ask("/api/admin/version", login=login)[0] == 200
    assert site.ask("/api/admin/version", login=f"{login}x")[0] == 401
    assert site.ask("/api/admin/version", login=None)[0] == 401
    assert "answers" in site.done("status")


def test_the_user_interface_asks_this_server(site: Site) -> None:
    login = site.client["PREFECT_API_AUTH_STRING"]
    status, text = site.ask("/ui-settings", login=login)
    assert status == 200
    assert json.loads(text)["api_url"] == site.client["PREFECT_API_URL"] == f"http://127.0.0.1:{site.port}/api"


def test_the_database_is_private(site: Site) -> None:
    settings = read_settings(site.settings)
    data = settings.server_data
    assert {stat.S_IMODE(path.stat().st_mode) for path in (data / "secrets.env", data / "server.log")} == {0o600}
    assert {
        stat.S_IMODE(path.stat().st_mode) for path in (data / f"postgres-{settings.postgres_version}", data / "socket")
    } == {0o700}
    alive = {name: psutil.Process(own.process) for name, own in running(settings).items()}
    account = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    assert alive["postgres"].username() == account
    assert not alive["postgres"].net_connections("inet")  # a Unix socket alone
    assert [own.laddr.ip for own in alive["prefect"].net_connections("inet") if own.status == "LISTEN"] == ["127.0.0.1"]
    password = site.client["PREFECT_API_AUTH_STRING"].partition(":")[2]
    lines = [line for own in alive.values() for line in own.cmdline()]
    assert not any(password in line or "@" in line for line in lines)
    refused = subprocess.run(
        [f"{settings.postgres_programs}/psql", "-h", str(data / "socket"), "-U", "prefect", "-d", "prefect", "-c", ""],
        env={"PGPASSWORD": "wrong"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "password authentication failed" in refused.stderr


def test_a_second_server_on_the_same_data_or_port_is_refused(site: Site) -> None:
    again = site.command("up")
    assert again.returncode == 2
    assert "runs already" in again.stderr
    assert site.command("restore", "none.dump", "--yes").returncode == 2


def test_a_run_reports_to_it_and_a_restored_back_up_still_knows_the_run(site: Site, tmp_path: Path) -> None:
    write_example(tmp_path, count=12, seed=2)
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment = clean | site.client | {"PYTHONPATH": str(PROJECT), "PREFECT_HOME": str(tmp_path / "home")}
    line = [sys.executable, "-m", "flows.preprocess", "example", "--config", "config.yaml", "--workers", "1"]
    wrong = environment | {"PREFECT_API_AUTH_STRING": "admin:wrong"}
    refused = subprocess.run(line, cwd=tmp_path, env=wrong, capture_output=True, text=True, timeout=1200, check=False)
    assert refused.returncode == 2
    assert "PREFECT_API_AUTH_STRING is wrong" in refused.stderr
    ran = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1200, check=False)
    assert ran.returncode == 0, ran.stderr
    assert site.flow_runs() == ["COMPLETED"]

    dump = tmp_path / "server.dump"
    assert site.done("backup", str(dump)) == str(dump)  # while the server runs
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    login = site.client["PREFECT_API_AUTH_STRING"]
    (run,) = json.loads(site.ask("/api/flow_runs/filter", login=login, method="POST", body={})[1])
    assert site.ask(f"/api/flow_runs/{run['id']}", login=login, method="DELETE")[0] == 204
    assert site.flow_runs() == []

    site.done("down")
    damaged = tmp_path / "damaged.dump"
    damaged.write_bytes(dump.read_bytes()[: dump.stat().st_size // 2])
    unreadable = site.command("restore", str(damaged), "--yes")
    assert unreadable.returncode == 1
    assert "pg_restore failed" in unreadable.stderr
    before = site.done("restore", str(dump), "--yes").rpartition(": ")[2]
    assert Path(before).stat().st_size > 0
    site.done("up")
    assert site.flow_runs() == ["COMPLETED"]


def test_a_database_of_another_version_is_upgraded_after_a_back_up_and_tls_is_spoken(
    site: Site, tmp_path: Path
) -> None:
    runs = site.flow_runs()
    site.done("down")
    settings = read_settings(site.settings)
    database = Postgres(settings)
    with database.running():
        subprocess.run(
            [sys.executable, "-m", "prefect", "server", "database", "downgrade", "-r", "-1", "-y"],
            env=variables(settings, database=database), check=True, capture_output=True, timeout=600,
        )  # fmt: skip
    refused = site.command("up")
    assert refused.returncode == 1
    assert re.search(
        r"the database has revision \w+, and Prefect .* needs \w+; run `python -m infra.server upgrade`", refused.stderr
    )
    assert not running(settings)
    backup = site.done("upgrade").rpartition(": ")[2]
    assert Path(backup).stat().st_size > 0

    text = site.settings.read_text(encoding="utf-8")
    with certificates(tmp_path, hosts=["127.0.0.1"]) as files:
        for name, value in {"CERTIFICATE": files.certificate, "KEY": files.key}.items():
            text = text.replace(f"SERVER_TLS_{name}=\n", f"SERVER_TLS_{name}={value}\n")
        (tmp_path / "server.env").write_text(text, encoding="utf-8")
        secure = Site(settings=tmp_path / "server.env", port=site.port)
        secure.done("up")
        assert secure.client["PREFECT_API_URL"] == f"https://127.0.0.1:{site.port}/api"
        assert secure.flow_runs() == runs
        assert "answers" in secure.done("status")
        secure.done("down")


def test_where_the_database_ends_the_server_ends_and_says_so(site: Site) -> None:
    settings = read_settings(site.settings)
    if not running(settings):
        site.done("up")
    processes = {name: psutil.Process(own.process) for name, own in running(settings).items()}
    processes["postgres"].send_signal(signal.SIGQUIT)  # at once, as after a loss of power
    gone, left = psutil.wait_procs(list(processes.values()), timeout=300)
    assert (len(gone), left) == (3, [])
    log = (settings.server_data / "server.log").read_text(encoding="utf-8")
    assert log.rstrip().endswith("error: PostgreSQL ended by itself; the server is down")
    assert site.done("down") == "no server was running"


def test_down_ends_every_process_even_where_the_watching_one_was_killed(site: Site) -> None:
    settings = read_settings(site.settings)
    if not running(settings):
        site.done("up")
    processes = {name: psutil.Process(own.process) for name, own in running(settings).items()}
    assert set(processes) == {"watch", "postgres", "prefect"}
    processes["watch"].kill()
    processes["watch"].wait(60)
    assert site.done("down") == "the server is down"
    assert not [name for name, process in processes.items() if process.is_running()]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", site.port))
    assert site.done("down") == "no server was running"
    assert site.command("status").returncode == 1

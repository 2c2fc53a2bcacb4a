"""The shared server's settings: what is refused before anything starts, and that the compose file has the same."""

import re
import stat
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

from infra.server.credentials import DATABASE, IMAGE, LOGIN, credentials, credentials_file
from infra.server.postgres import NAME
from infra.server.prefect_server import APPLICATION, SHARED, command
from infra.server.settings import DEFAULT, ServerSettings, read_settings
from tasks.core.errors import ConfigError

PROJECT = Path(__file__).resolve().parents[3]
SERVER = PROJECT / "infra" / "server"


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that PostgreSQL 15, and no other one, is installed: nothing here runs it."""
    (tmp_path / "15" / "bin").mkdir(parents=True)
    (tmp_path / "15" / "bin" / "postgres").touch()
    monkeypatch.setattr("infra.server.settings.POSTGRES", f"{tmp_path}/{{}}/bin")


def written(folder: Path, **changes: object) -> Path:
    values = {"SERVER_DATA": folder / "data", "PREFECT_VERSION": "3.9.1"} | changes
    path = folder / "server.env"
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SERVER_HOST": "0.0.0.0"}, r"got 0\.0\.0\.0 without TLS, so that anybody"),  # noqa: S104 - refused
        ({"SERVER_HOST": "prefect.example.org"}, "without TLS"),
        ({"SERVER_TLS_KEY": __file__}, "got one of SERVER_TLS_CERTIFICATE and SERVER_TLS_KEY; give both"),
        ({"SERVER_TLS_KEY": __file__, "SERVER_TLS_CERTIFICATE": "/no/such"}, "there is no file '/no/such'"),
        ({"POSTGRES_VERSION": 17}, r"PostgreSQL 17 is not in .*; there is 15; install it"),
        ({"SERVER_PORT": 70000}, r"(?s)server_port.*70000"),
        ({"SERVER_PROT": 1}, r"(?s)server_prot.*did you mean 'server_port'"),
        ({"SERVER_DATA": "data"}, "expected an absolute path"),
        ({"SERVER_DATA": "/" + "d" * 90}, "a socket lies in there"),
        ({"SERVER_URL": "prefect.example.org"}, "server_url"),
    ],
)
def test_settings_that_will_not_do_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_settings(written(tmp_path, **changes))


def test_a_server_for_everybody_has_to_know_its_own_name(tmp_path: Path) -> None:
    open_to_all = {"SERVER_HOST": "0.0.0.0", "SERVER_TLS_KEY": __file__, "SERVER_TLS_CERTIFICATE": __file__}  # noqa: S104
    with pytest.raises(ConfigError, match="SERVER_URL is empty"):
        read_settings(written(tmp_path, **open_to_all))
    settings = read_settings(written(tmp_path, **open_to_all, SERVER_URL="https://prefect.example.org:4200/"))
    assert settings.api == "https://prefect.example.org:4200/api"
    line = command(settings)
    assert line[line.index("--ssl-certfile") + 1] == line[line.index("--ssl-keyfile") + 1] == __file__


def test_settings_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file of settings .*copy .*settings\.env"):
        read_settings(tmp_path / "none.env")


def test_every_setting_is_in_the_file_with_a_comment() -> None:
    text = DEFAULT.read_text(encoding="utf-8")
    names = re.findall(r"^([A-Z_]+)=", text, flags=re.MULTILINE)
    assert sorted(names) == sorted(name.upper() for name in ServerSettings.model_fields)
    settings = read_settings(DEFAULT)
    assert settings.api == "http://127.0.0.1:4200/api"
    assert f"prefect=={settings.prefect_version}\n" in (PROJECT / "constraints.txt").read_text(encoding="utf-8")


def test_passwords_are_generated_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, SERVER_LOGIN="lab"))
    first = credentials(settings)
    path = credentials_file(settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first == credentials(settings)
    assert first[LOGIN].startswith("lab:")
    assert len({first[LOGIN].removeprefix("lab:"), first[DATABASE]}) == 2
    assert first[DATABASE] == first[IMAGE]
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=r"others may read it \(mode 640\); chmod 600"):
        credentials(settings)


def resolved() -> dict[str, dict[str, object]]:
    """Return the services of the compose file, with the settings put in as `docker compose --env-file` does."""
    values = {name: value for name, value in dotenv_values(DEFAULT).items() if value}

    def value(found: re.Match[str]) -> str:
        return values.get(found[1]) or re.sub(r"\$\{(\w+)\}", value, found[2] or "")

    text = (SERVER / "compose.yaml").read_text(encoding="utf-8")
    text = re.sub(r"\$\{(\w+)(?::-((?:[^{}]|\{\w+\})*))?\}", value, text)
    services: dict[str, dict[str, object]] = yaml.safe_load(text)["services"]
    return services


def test_the_compose_file_has_the_versions_settings_ports_and_volumes_of_the_command() -> None:
    settings, services = read_settings(DEFAULT), resolved()
    postgres, server, upgrade = services["postgres"], services["server"], services["upgrade"]
    assert postgres["image"] == f"postgres:{settings.postgres_version}"
    assert server["image"] == upgrade["image"] == f"prefecthq/prefect:{settings.prefect_version}-python3.12"
    assert server["ports"] == [f"127.0.0.1:{settings.server_port}:4200"]
    assert postgres["volumes"] == ["database:/var/lib/postgresql/data"]
    assert {service["env_file"] for service in services.values()} == {str(credentials_file(settings))}
    environment = server["environment"]
    assert isinstance(environment, dict)
    assert environment == upgrade["environment"]
    assert {name: environment.get(name) for name in SHARED} == SHARED
    assert environment["PREFECT_SERVER_UI_API_URL"] == settings.api
    assert environment["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == settings.url
    assert environment["PREFECT_API_DATABASE_CONNECTION_URL"] == f"postgresql+asyncpg://{NAME}@postgres/{NAME}"
    line = server["command"]
    assert isinstance(line, list)
    assert tuple(line[1 : 1 + len(APPLICATION)]) == APPLICATION


def test_the_compose_file_says_that_it_was_not_run() -> None:
    assert "# NOT RUN HERE: there was no container engine." in (SERVER / "compose.yaml").read_text(encoding="utf-8")
    assert not {"ports"} & resolved()["postgres"].keys()  # nobody but Prefect reaches the database

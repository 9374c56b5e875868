"""compose.yaml is valid, whole, safe by default, and runs the same commands as `pricewright up`."""

import contextlib
import copy
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import redis
import yaml

from db.servers import embedded
from db.settings import Settings
from db.types import Queue
from tests.compose_schema import SCHEMA
from worker.server import up

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "compose.yaml").read_text()
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


def interpolated(password: str = "secret") -> dict[str, Any]:
    """The file as Docker would see it with nothing set but the password."""

    def value(match: re.Match[str]) -> str:
        return match[3] if match[2] == "-" else password

    return yaml.safe_load(VARIABLE.sub(value, TEXT))


COMPOSE = interpolated()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "pricewright"}


def test_the_file_follows_the_compose_rules() -> None:
    jsonschema.validate(COMPOSE, SCHEMA, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("services", "redis", "healtcheck"), {"test": ["CMD", "true"]}),
        (("services", "redis", "healthcheck", "interval"), "5 seconds"),
        (("services", "redis", "healthcheck", "test"), ["valkey-cli", "ping"]),
        (("services", "redis", "command"), ["valkey-server", "--appendonly", True]),
        (("services", "dashboard", "ports"), [8501]),
        (("services", "dashboard", "depends_on", "redis", "condition"), "healthy"),
        (("services", "worker gpu"), SERVICES["worker-gpu"]),
        (("services", "redis", "mem_limit"), 1),
        (("services", "redis", "tmpfs"), "/tmp"),
        (("services", "redis", "logging", "max-size"), "20m"),
        (("volume",), {"data": None}),
    ],
)
def test_the_rules_find_mistakes(path: tuple[str, ...], value: object) -> None:
    broken = copy.deepcopy(COMPOSE)
    part = broken
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_every_part_is_there() -> None:
    assert set(SERVICES) == {
        *("postgres", "redis", "migrate", "worker-cpu", "worker-endpoint", "worker-interactive"),
        *("worker-gpu", "beat", "dashboard", "watch", "flower", "vllm"),
    }


@pytest.mark.parametrize(
    ("service", "command"),
    [
        ("worker-cpu", up.worker_command(Queue.CPU, "cpu", 1)),
        ("worker-endpoint", up.worker_command(Queue.ENDPOINT, "endpoint", up.ENDPOINT_CHILDREN)),
        ("worker-interactive", up.worker_command(Queue.INTERACTIVE, "interactive", 1)),
        ("worker-gpu", up.worker_command(Queue.GPU, "gpu", 1)),
        ("beat", up.control_command()),
        ("dashboard", up.dashboard_command("0.0.0.0", 8501)),
    ],
)
def test_the_commands_are_those_of_up(service: str, command: list[str]) -> None:
    assert SERVICES[service]["command"] == ["python", "-m", *command]


def test_up_runs_nothing_that_compose_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "gpu_count", lambda: 1)
    commands = [service["command"][2:] for service in OURS.values()]
    for command in up.worker_commands(Settings()).values():
        assert command in commands


def test_a_service_that_is_waited_for_exists_and_can_say_that_it_is_healthy() -> None:
    for name, service in SERVICES.items():
        for other, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], name
            if wait["condition"] == "service_completed_successfully":
                assert other == "migrate"
            assert "profiles" not in SERVICES[other]  # it would not run


def test_nothing_of_ours_starts_before_the_tables_are_there() -> None:
    for name, service in OURS.items():
        wanted = {"postgres"} if name == "migrate" else {"migrate", "redis"}
        assert set(service["depends_on"]) == wanted, name


def test_everything_that_stays_up_has_a_healthcheck() -> None:
    assert [name for name, service in SERVICES.items() if "healthcheck" not in service] == ["migrate"]


def test_volumes_are_declared_and_state_is_shared() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    used = {name for name in used if not name.startswith(".")}  # folders of the machine that are watched
    assert used == set(COMPOSE["volumes"])
    for service in OURS.values():
        assert "data:/data" in service["volumes"]
        assert service["environment"]["PRICEWRIGHT_DATA_DIR"] == "/data"


def test_its_settings_exist_and_leave_nothing_to_embedded_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVICES["worker-cpu"]["environment"].items():
        assert name.removeprefix("PRICEWRIGHT_").lower() in Settings.model_fields
        monkeypatch.setenv(name, str(value))
    settings = Settings()
    assert not settings.is_embedded_database
    assert not settings.is_embedded_broker
    assert settings.database == "postgresql+psycopg://pricewright:secret@postgres:5432/pricewright"
    assert settings.broker == "redis://:secret@redis:6379/0"


def test_each_variable_has_a_default_except_the_passwords_which_are_demanded() -> None:
    found = {match[1]: match[2] for match in VARIABLE.finditer(TEXT)}
    assert found.pop("POSTGRES_PASSWORD") == "?"
    assert found.pop("VALKEY_PASSWORD") == "?"
    assert set(found.values()) == {"-"}
    assert not re.search(r"(?<!\$)\$(?![{$])", TEXT)  # a lone dollar would be replaced by nothing


def test_ports_are_open_to_this_machine_only_unless_asked() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_container_may_more_than_it_needs() -> None:
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "mem_limit" in service, name
        assert "pids_limit" in service, name
        assert service["logging"]["options"]["max-size"], name
        assert service.get("read_only") or name == "vllm", name  # it compiles kernels where it likes
    assert [name for name, service in SERVICES.items() if "cap_add" in service] == ["postgres"]


def test_the_broker_asks_for_its_password_and_no_list_of_processes_shows_it() -> None:
    broker = SERVICES["redis"]
    assert broker["environment"]["REDISCLI_AUTH"] == "secret"
    assert not any("secret" in word for word in broker["command"])
    assert "requirepass" in broker["command"][-1]
    assert 'test -n "$$FLOWER_BASIC_AUTH"' in SERVICES["flower"]["command"][-1]


def test_the_brokers_command_makes_a_broker_that_asks_for_its_password(tmp_path: Path) -> None:
    """What the shell of the container runs, with the Valkey that is here."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shell = SERVICES["redis"]["command"][-1].replace("$$", "$").replace("/data", str(tmp_path))
    shell = shell.replace("valkey-server -", f"{embedded._valkey_binary()} - --port {port} --bind 127.0.0.1")
    process = subprocess.Popen(["sh", "-c", shell], env={"REDISCLI_AUTH": "secret"}, stdout=subprocess.DEVNULL)
    try:
        known, stranger = (redis.Redis(port=port, password=password) for password in ("secret", None))
        with known, stranger:
            for _ in range(100):
                with contextlib.suppress(redis.exceptions.ConnectionError):
                    known.ping()
                    break
                time.sleep(0.1)
            assert known.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert known.config_get("appendonly") == {"appendonly": "yes"}
            with pytest.raises(redis.exceptions.AuthenticationError):
                stranger.ping()
    finally:
        process.terminate()
        process.wait()


def test_workers_are_asked_whether_they_can_work_and_may_be_many() -> None:
    for name, service in SERVICES.items():
        assert "container_name" not in service, name
        if name.startswith("worker-") or name == "beat":
            assert service["healthcheck"]["test"] == ["CMD", "python", "-m", "worker.health", "--ready"]
            assert service["environment"]["PRICEWRIGHT_HEALTH_PORT"] == "9464"
            assert "ports" not in service  # health has no sign-in


def test_the_image_does_not_run_as_root_and_copies_only_what_it_needs() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER ")] == ["USER pricewright"]
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"  # else a local .env or data folder would land in the image
    for name in ("dashboard", "worker", "db", "pyproject.toml", "constraints.txt"):
        assert f"!{name}" in ignored


def test_docker_itself_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed; the other tests hold the file to its rules")
    everything = ["--profile", "gpu", "--profile", "monitor"]
    done = subprocess.run(
        [docker, "compose", "-f", str(ROOT / "compose.yaml"), *everything, "config", "--quiet"],
        env=os.environ | {"POSTGRES_PASSWORD": "secret", "VALKEY_PASSWORD": "secret"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

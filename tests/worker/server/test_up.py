"""`pricewright up`: it starts all of it once, brings back what is killed, and leaves nothing behind however it ends."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest

from db.errors import UserError
from db.servers import embedded
from db.settings import Settings
from worker.server import up

ROOT = Path(__file__).resolve().parents[3]
PARTS = {
    "worker": "-Q cpu",
    "endpoint-worker": "-Q endpoint",
    "interactive-worker": "-Q interactive",
    "control": "-Q control",
    "dashboard": "streamlit run",
    "valkey": "valkey.sock",
    "postgres": "postgres -D",
}
CELERY = 9  # processes: four workers, beat, pool children: one for the CPU, two for endpoints, one for who waits


COMMAND = """
import sys
from db.servers.permissions import keep_private
from worker.server.up import running_stack
keep_private()
with running_stack(worker={worker}):
    print("inside", flush=True)
    sys.stdin.readline()
    from db.engine import begin
    from db import datasets
    with begin() as session:
        print("datasets", len(datasets.all(session)), flush=True)
"""


@dataclass
class Place:
    """A data folder of a test's own, the environment that says so, and what was started in it."""

    home: Path
    port: int
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    supervisor: subprocess.Popen[str] | None = None

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.home, database_url="", broker_url="")

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PRICEWRIGHT_")}
        ours = {"DATA_DIR": self.home.name, "DASHBOARD_PORT": str(self.port), "DEMO": "false"}
        return kept | {"PYTHONPATH": str(ROOT)} | {f"PRICEWRIGHT_{name}": value for name, value in ours.items()}

    def start(self, *command: str, folder: Path | None = None, **environment: str) -> subprocess.Popen[str]:
        """Python in the folder above the data folder, which the environment names relative to it; or in another."""
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder or self.home.parent,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(process)
        return process

    def up(self) -> subprocess.Popen[str]:
        process = self.supervisor = self.start("-m", "worker.cli", "up")
        assert process.stdout
        said = []
        for line in process.stdout:
            said.append(line)
            if "is ready" in line:
                assert f"http://127.0.0.1:{self.port}" in line
                return process
        raise AssertionError("".join(said))

    def command(self, *, worker: bool) -> subprocess.Popen[str]:
        """A command that needs the stack and waits, inside it, for a line on its stdin."""
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND.format(worker=worker)],
            cwd=self.home.parent,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        assert process.stdout
        assert process.stdout.readline() == "inside\n"
        return process

    def running(self, words: str = "") -> list[psutil.Process]:
        """Processes that work on the data folder, by their environment or their command line."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                command = " ".join(process.cmdline())
                theirs = process.environ().get("PRICEWRIGHT_DATA_DIR", "").endswith(self.home.name)
                if (theirs or str(self.settings.run_dir) in command) and words in command:
                    found.append(process)
        return found


@contextlib.contextmanager
def a_place() -> Iterator[Place]:
    """A place of its own, removed with all that was started in it."""
    parent = Path(tempfile.mkdtemp(prefix="pricewright-up-"))
    parent.chmod(0o755)  # as root, Postgres runs as another user and must be able to enter
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = Place(parent / f"data-{port}", port)
    try:
        yield place
    finally:
        for process in place.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for left in place.running():
            with contextlib.suppress(psutil.Error):
                left.kill()
        psutil.wait_procs(place.running(), timeout=30)
        # What Postgres had started ends a moment after it, and writes until then.
        wait_until(lambda: removed(parent), 10)
        shutil.rmtree(place.settings.run_dir, ignore_errors=True)


@pytest.fixture
def place() -> Iterator[Place]:
    with a_place() as place:
        yield place


@pytest.fixture(scope="module")
def shared_place() -> Iterator[Place]:
    with a_place() as place:
        yield place


@pytest.fixture
def running_place(shared_place: Place) -> Place:
    """Where all of it runs. Starting it takes 20 seconds of a core, so who leaves it running leaves it to the next."""
    if shared_place.supervisor is None or shared_place.supervisor.poll() is not None:
        shared_place.up()
    return shared_place


def wait_until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.2)  # a look at every process of the machine takes a core for as long as it waits


def removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def main_process(place: Place, part: str) -> psutil.Process | None:
    """The part's process right below the supervisor."""
    for process in place.running(PARTS[part]):
        with contextlib.suppress(psutil.Error):
            if process.ppid() == place.supervisor.pid and process.status() != psutil.STATUS_ZOMBIE:
                return process
    return None


def is_replaced(place: Place, part: str, old: psutil.Process) -> bool:
    new = main_process(place, part)
    return new is not None and new.pid != old.pid


@pytest.mark.stack
def test_up_takes_over_when_the_command_that_had_started_the_servers_ends(shared_place: Place) -> None:
    place = shared_place
    first = place.command(worker=False)
    place.up()
    assert main_process(place, "postgres") is None  # used, not owned
    first.communicate("go\n", timeout=60)
    wait_until(lambda: main_process(place, "postgres") and main_process(place, "valkey"))
    assert embedded.ensure(place.settings) == []


@pytest.mark.stack
def test_up_serves_the_page_and_keeps_its_files_to_itself(running_place: Place) -> None:
    place = running_place
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{place.port}") as page:
        assert page.status == 200
    assert {part for part in PARTS if main_process(place, part)} == set(PARTS)
    # The folder was named relative to where `up` was started; its children run elsewhere and must mean the same.
    assert {path.name for path in (place.home / "logs").iterdir()} == {f"{part}.log" for part in PARTS}
    servers = [place.home / "postgres", place.home / "valkey"]  # closed themselves; files come and go in them
    below = [path for top in place.home.iterdir() for path in ([top] if top in servers else [top, *top.rglob("*")])]
    assert [path for path in below if path.stat().st_mode & 0o077] == []


@pytest.mark.stack
def test_a_second_up_says_where_the_first_one_is_and_starts_nothing(running_place: Place) -> None:
    place = running_place
    wait_until(lambda: len(place.running("celery")) == CELERY)
    second = place.start("-m", "worker.cli", "up", PRICEWRIGHT_DASHBOARD_PORT="1")
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 0
    assert said.strip().splitlines() == [f"Pricewright already runs for {place.home}: http://127.0.0.1:{place.port}"]
    assert len(place.running("celery")) == CELERY
    assert len(place.running("streamlit")) == 1


@pytest.mark.stack
def test_each_part_that_is_killed_comes_back_once(running_place: Place) -> None:
    place = running_place
    for part in PARTS:
        old = main_process(place, part)
        assert old, part
        old.kill()
        wait_until(partial(is_replaced, place, part, old))
    wait_until(lambda: up._page_answers(place.settings.model_copy(update={"dashboard_port": place.port})))
    assert embedded.ensure(place.settings) == []  # both answer
    # Beat is a child of the control worker; an orphan from before the kill would send every sweep twice.
    wait_until(lambda: len(place.running(PARTS["control"])) == 2)


@pytest.mark.stack
def test_kill_9_of_the_supervisor_leaves_nothing_behind_and_the_next_up_recovers(running_place: Place) -> None:
    place = running_place
    wait_until(lambda: len(place.running("celery")) == CELERY)
    assert place.supervisor
    place.supervisor.kill()
    place.supervisor.wait()
    wait_until(lambda: not place.running())
    place.up()


@pytest.mark.stack
def test_ctrl_c_leaves_nothing_behind(running_place: Place) -> None:
    place = running_place
    assert place.supervisor
    place.supervisor.send_signal(signal.SIGINT)
    assert place.supervisor.wait(60) == 0
    wait_until(lambda: not place.running(), 10)
    assert list(place.settings.run_dir.iterdir()) == []


@pytest.mark.stack
def test_a_taken_port_is_said_in_one_sentence_and_nothing_is_started(place: Place) -> None:
    with socket.create_server(("127.0.0.1", place.port)):
        process = place.start("-m", "worker.cli", "up")
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"can't listen on 127.0.0.1:{place.port}" in said
    assert "PRICEWRIGHT_DASHBOARD_PORT" in said
    assert "Traceback" not in said
    assert place.running() == []


@pytest.mark.parametrize(("host", "address"), [
    ("127.0.0.1", "http://127.0.0.1:8501"),
    ("shop.localhost.test", "http://shop.localhost.test:8501"),
    ("0.0.0.0", "http://localhost:8501"),
    ("::", "http://localhost:8501"),
    ("::1", "http://[::1]:8501"),
    ("fd00::5", "http://[fd00::5]:8501"),
])  # fmt: skip
def test_the_address_is_one_that_a_browser_here_takes(host: str, address: str) -> None:
    assert up.address(Settings(dashboard_host=host, dashboard_port=8501)) == address


def test_an_ipv6_address_that_is_not_of_this_machine_is_told_as_one_writes_it(place: Place) -> None:
    config = place.settings.model_copy(update={"dashboard_host": "2001:db8::5", "dashboard_port": place.port})
    with pytest.raises(UserError, match=rf"can't listen on \[2001:db8::5\]:{place.port}"):
        up._check_port(config)


@pytest.mark.stack
@pytest.mark.parametrize("host", ["::1", "::", "0.0.0.0"])
def test_pages_are_found_ready_wherever_they_listen(place: Place, host: str) -> None:
    config = place.settings.model_copy(update={"dashboard_host": host, "dashboard_port": place.port})
    try:
        up._check_port(config)
    except UserError:
        pytest.skip("this machine has no IPv6")
    place.start("-m", *up.dashboard_command(host, place.port), folder=ROOT)
    wait_until(lambda: up._page_answers(config))
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(up.address(config)) as page:
        assert page.status == 200


@pytest.mark.stack
def test_a_command_starts_what_it_needs_and_takes_it_away_again(place: Place) -> None:
    process = place.command(worker=True)
    wait_until(lambda: place.running(PARTS["worker"]) and place.running(PARTS["control"]))
    assert place.running(PARTS["dashboard"]) == []
    said, _ = process.communicate("go\n", timeout=60)
    assert said == "datasets 0\n"
    assert place.running() == []


@pytest.mark.stack
def test_a_command_that_ends_first_waits_for_others_that_use_its_servers(place: Place) -> None:
    first, second = place.command(worker=False), place.command(worker=False)
    assert first.stdin
    assert first.stderr
    first.stdin.write("go\n")
    first.stdin.flush()
    assert "Another command still uses" in first.stderr.readline()
    assert second.communicate("go\n", timeout=60)[0] == "datasets 0\n"
    assert first.wait(60) == 0
    assert place.running() == []


def test_a_gpu_worker_runs_only_where_there_is_a_gpu_and_settings_allow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "gpu_count", lambda: 2)
    assert up.worker_commands(Settings(device="auto"))["gpu-worker"][4:8] == ["-Q", "gpu", "-c", "2"]
    assert "gpu-worker" not in up.worker_commands(Settings(device="cpu"))
    monkeypatch.setattr(up, "gpu_count", lambda: 0)
    assert "gpu-worker" not in up.worker_commands(Settings(device="auto"))


@pytest.mark.stack
def test_pages_open_to_others_are_refused_unless_somebody_says_that_he_wants_it(place: Place) -> None:
    process = place.start("-m", "worker.cli", "up", PRICEWRIGHT_DASHBOARD_HOST="0.0.0.0")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "nobody has to sign in" in " ".join(said.split())
    assert "PRICEWRIGHT_ALLOW_OPEN=yes" in said
    assert place.running() == []


@pytest.mark.parametrize(
    ("host", "allowed", "is_refused"),
    [
        ("127.0.0.1", "no", False),
        ("localhost", "no", False),
        ("127.8.8.8", "no", False),
        ("0.0.0.0", "no", True),
        ("", "no", True),
        ("::", "no", True),
        ("192.0.2.1", "no", True),
        ("0.0.0.0", "yes", False),
    ],
)
def test_only_addresses_of_this_machine_alone_need_no_word(host: str, allowed: str, is_refused: bool) -> None:
    config = Settings.model_validate({"dashboard_host": host, "allow_open": allowed})
    with pytest.raises(UserError, match="PRICEWRIGHT_ALLOW_OPEN=yes") if is_refused else contextlib.nullcontext():
        up._check_open(config)


def test_where_people_sign_in_the_pages_may_be_open_once_somebody_is_an_admin() -> None:
    sign_in = {"oidc_url": "https://id", "oidc_client_id": "us", "oidc_client_secret": "x", "admins": "ada"}
    config = Settings.model_validate({"dashboard_host": "0.0.0.0", "oidc_cookie_secret": "x" * 32} | sign_in)
    up._check_open(config)
    with pytest.raises(UserError, match="PRICEWRIGHT_ADMINS"):
        up._check_open(config.model_copy(update={"admins": ""}))

"""A key that was entered is read by nobody but its endpoint at its address, and stands nowhere in the clear."""

import contextlib
import http.server
import json
import logging
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from db import endpoints
from db.engine import begin
from db.errors import NotReady, UserError
from db.settings import settings
from tests.worker.llm.endpoint.calls import Watched, paying_jobs
from worker.cli import main
from worker.endpoints import actions, clients, vault
from worker.llm.endpoint import client

KEY = "sk-Marked/Key+4711==doors"
FIRST, SECOND = "a" * 40, "b" * 40
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Sets variables that the settings see; nothing of a secret is left afterwards."""
    settings.cache_clear()
    vault._opened.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()
    vault._opened.cache_clear()
    (settings().home / vault.FILE).unlink(missing_ok=True)


def entered(url: str = "https://host.example/v1") -> Any:
    actions.add("e", base_url=url)
    return actions.set_key("e", KEY)


def test_an_entered_key_is_used_and_shown_by_its_end_only(database: str, operator: pytest.MonkeyPatch) -> None:
    endpoint = entered()
    assert clients.key(endpoint) == KEY
    assert endpoint.key_last == KEY[-4:]
    assert KEY not in repr(endpoint)
    file = settings().home / vault.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert actions.set_key("e", "short").key_last == ""


@pytest.mark.parametrize("key", ["", "abc", "with blank", "line\nend", "ümlaut-key", "x" * 5_000])
def test_what_is_no_key_is_refused_without_being_repeated(
    key: str, database: str, operator: pytest.MonkeyPatch
) -> None:
    actions.add("e", base_url="https://host.example/v1")
    with pytest.raises(UserError) as refused:
        actions.set_key("e", key)
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize("url", ["http://host.example/v1", "https://other.example/v1", "https://host.example:8443/v1"])
def test_with_another_address_the_key_is_gone(url: str, database: str, operator: pytest.MonkeyPatch) -> None:
    entered()
    assert actions.change("e", base_url="https://host.example/v2").key_id
    changed = actions.change("e", base_url=url)
    assert not changed.key_id
    assert clients.key(changed) == clients.NO_KEY
    with begin() as session:
        assert endpoints.sealed_key(session, "e") is None


def test_who_changes_the_address_in_the_database_gets_no_key(database: str, operator: pytest.MonkeyPatch) -> None:
    entered()
    actions.add("evil", base_url="https://evil.example/v1")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE endpoints SET base_url = 'https://evil.example/v1' WHERE name = 'e'")
        connection.execute("INSERT INTO endpoint_keys SELECT 'evil', 'x', sealed, last FROM endpoint_keys")
    vault._opened.cache_clear()
    for name in ("e", "evil"):
        with begin() as session:
            endpoint = endpoints.get(session, name)
        with pytest.raises(NotReady, match="entered for another address"):
            clients.key(endpoint)


def test_a_variable_takes_the_place_of_an_entered_key_and_the_other_way(
    database: str, operator: pytest.MonkeyPatch
) -> None:
    entered()
    operator.setenv("PRICEWRIGHT_KEY_E", "other-key")
    changed = actions.change("e", key_env="PRICEWRIGHT_KEY_E")
    assert (clients.key(changed), changed.key_id) == ("other-key", "")
    again = actions.set_key("e", KEY)
    assert (clients.key(again), again.key_env) == (KEY, "")
    assert clients.key(actions.forget_key("e")) == clients.NO_KEY


def test_the_secret_is_renewed_and_the_old_one_opens_nothing(database: str, operator: pytest.MonkeyPatch) -> None:
    operator.setenv("PRICEWRIGHT_SECRET_KEY", FIRST)
    settings.cache_clear()
    endpoint = entered()
    operator.setenv("PRICEWRIGHT_SECRET_KEY", f"{SECOND},{FIRST}")
    settings.cache_clear()
    assert actions.renew_secret() == 1
    for secret, opens in ((SECOND, True), (FIRST, False)):
        operator.setenv("PRICEWRIGHT_SECRET_KEY", secret)
        settings.cache_clear()
        vault._opened.cache_clear()
        if opens:
            assert clients.key(endpoint) == KEY
        else:
            with pytest.raises(NotReady, match="a secret that is not here"):
                clients.key(endpoint)
            with pytest.raises(NotReady, match="a secret that is not here"):
                actions.renew_secret()


def test_a_secret_of_the_data_folder_is_renewed_in_it(database: str, operator: pytest.MonkeyPatch) -> None:
    endpoint = entered()
    file = settings().home / vault.FILE
    before = file.read_text()
    assert actions.renew_secret() == 1
    vault._opened.cache_clear()
    assert clients.key(endpoint) == KEY
    assert len(file.read_text().split()) == 1
    assert file.read_text() != before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_short_secret_is_refused_and_not_repeated(operator: pytest.MonkeyPatch) -> None:
    operator.setenv("PRICEWRIGHT_SECRET_KEY", "tiny-secret")
    settings.cache_clear()
    with pytest.raises(UserError, match="PRICEWRIGHT_SECRET_KEY") as refused:
        settings()
    assert "tiny-secret" not in str(refused.value)


class Echo(http.server.BaseHTTPRequestHandler):
    """Says the key that it was sent wherever it can."""

    def _say(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("x-request-id", self._key)
        self.end_headers()
        self.wfile.write(data)

    @property
    def _key(self) -> str:
        return self.headers["authorization"].removeprefix("Bearer ")

    def do_GET(self) -> None:
        self._say(200, {"data": [{"id": "echo"}, {"id": f"model-{self._key}"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked["model"] == "fails" or "response_format" in asked or "tools" in asked:
            self._say(400, {"error": {"message": f"the key {self._key} is wrong, says {self._key}", "code": self._key}})
        else:
            message = {"role": "assistant", "content": f"12, and your key is {self._key}"}
            usage = {"prompt_tokens": 5, "completion_tokens": 5}
            self._say(200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def echo() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def everything_stored(url: str) -> bytes:
    """All that the database holds, as bytes; what a backup takes."""
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        tables = [connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names]  # type: ignore
    cells = (cell for table in tables for row in table for cell in row)
    return b"\0".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)


def of_processes() -> bytes:
    """Command lines and environments of this process's children and of their children."""
    import psutil

    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(OSError):
            found += [(Path("/proc") / str(child.pid) / name).read_bytes() for name in ("cmdline", "environ")]
    assert found
    return b"\0".join(found)


@pytest.mark.stack
def test_a_marked_key_is_found_nowhere(
    database: str,
    operator: pytest.MonkeyPatch,
    terminal: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Entered at the command line, used with an endpoint that repeats it in errors, answers, headers and names."""
    caplog.set_level(logging.DEBUG)
    said = []
    with echo() as url:
        said.append(terminal("endpoints", "add", "e", "--url", url))
        typed = CliRunner().invoke(main.app, ["endpoints", "key", "e"], input=f"{KEY}\n", catch_exceptions=False)
        assert typed.exit_code == 0
        said.append(typed.output)
        said.append(terminal("endpoints", "list"))
        said.append(terminal("endpoints", "list", "--json"))
        for model in ("", "fails"):
            said += actions.test("e", model).sentences
        with begin() as session:
            endpoint = endpoints.get(session, "e")
        assert [model.id for model in endpoint.models] == ["echo", "model-…"]
        assert any("12, and your key is …" in sentence for sentence in said)
        try:
            question = {"messages": [{"role": "user", "content": "?"}]}
            calls = [
                client.Call(f"{i:064}", model, question | {"model": model}, i, 9, 9)
                for i, model in enumerate(("echo", "fails"))
            ]
            outcomes = client.ask(endpoint, calls, None, Watched(paying_jobs(1)[0]))
            said += [repr(each) for each in outcomes.values()]
            processes = of_processes()
        finally:
            client.stop()
        at = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60)
        at.switch_page("app_pages/endpoints.py").run()
        assert not at.exception
        said += [repr(at.main), repr(at.session_state)]
        assert any("••••oors" in each.value for each in at.caption)
    logs = b"".join(path.read_bytes() for path in settings().logs_dir.glob("*"))
    printed = "".join(capfd.readouterr())
    places = {
        "said": "\n".join(map(str, said)).encode(),
        "logged": caplog.text.encode(),
        "printed": printed.encode(),
        "log files": logs,
        "database": everything_stored(database),
        "processes": processes,
        "environment": "\0".join(os.environ.values()).encode(),
    }
    assert b"12, and your key is" in places["database"]  # the answer was stored, without the key
    for place, text in places.items():
        for spelling in (KEY, KEY.replace("/", "\\/"), "Marked"):
            assert spelling.encode() not in text, place

"""An endpoint's key is no variable of the worker's own, and goes to no other address than its own."""

import contextlib
import http.server
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import endpoints
from db.engine import begin
from db.errors import NotReady, UserError
from db.settings import settings
from db.types import Endpoint
from tests.fake_openai.server import endpoint
from worker.endpoints import actions, clients, keys, presets, probe

AZURE = "AZURE_OPENAI_API_KEY"


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Sets variables that the settings see."""
    settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


class Heard(http.server.BaseHTTPRequestHandler):
    """Keeps the headers of every request; sends every GET on to `onward` where there is one."""

    headers_seen: list[dict[str, str]]
    onward = ""

    def do_GET(self) -> None:
        self.headers_seen.append({name.lower(): value for name, value in self.headers.items()})
        body = b'{"data": []}'
        self.send_response(307 if self.onward else 200)
        if self.onward:
            self.send_header("location", self.onward)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def listening(onward: str = "") -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server's address and the headers that it was sent."""
    seen: list[dict[str, str]] = []
    handler = type("Handler", (Heard,), {"headers_seen": seen, "onward": onward})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


def test_every_preset_names_a_key_that_may_go_to_its_address() -> None:
    for preset in presets.PRESETS.values():
        if preset.key_env:
            keys.check(preset.key_env, preset.base_url or "https://name.openai.azure.com")


@pytest.mark.parametrize(
    "variable",
    [
        "HOME",
        "AWS_SECRET_ACCESS_KEY",
        "PRICEWRIGHT_DATABASE_URL",
        "PRICEWRIGHT_BROKER_URL",
        "PGPASSWORD",
        "SOME_API_KEY",
    ],
)
def test_a_variable_that_was_not_made_a_key_is_refused(variable: str) -> None:
    with pytest.raises(UserError, match="may not be used as a key"):
        keys.check(variable, "https://host.example/v1")


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("OPENAI_API_KEY", "https://evil.example/v1"),
        ("OPENAI_API_KEY", "http://api.openai.com/v1"),
        ("OPENAI_API_KEY", "https://api.openai.com:8443/v1"),
        ("OPENAI_API_KEY", "https://api.openai.com.evil.example/v1"),
        ("OPENAI_API_KEY", "https://evil.example/api.openai.com"),
        (AZURE, "https://evil.example/?.openai.azure.com"),
        (AZURE, "https://evil.example#.openai.azure.com"),
        (AZURE, "https://evil.example\\.openai.azure.com"),
        (AZURE, "https://evilopenai.azure.com"),
        (AZURE, "http://name.openai.azure.com"),
        ("OPENAI_API_KEY", "https://api.openai.com@evil.example/v1"),
        ("OPENAI_API_KEY", "https://evil.example\\@api.openai.com/v1"),
        ("OPENAI_API_KEY", "https://api.openai.com\n.evil.example/v1"),
    ],
)
def test_a_providers_key_goes_to_nobody_else(variable: str, address: str) -> None:
    with pytest.raises(UserError):
        keys.check(variable, address)


def test_keys_of_ones_own_and_of_providers_may_be_used() -> None:
    keys.check("PRICEWRIGHT_KEY_SHOP", "http://127.0.0.1:8000/v1")
    keys.check("OPENAI_API_KEY", "https://API.openai.com:443/v1")
    keys.check(AZURE, "https://name.openai.azure.com/")


def test_the_operator_allows_more_names_and_binds_them_to_addresses(operator: pytest.MonkeyPatch) -> None:
    operator.setenv(
        "PRICEWRIGHT_ENDPOINT_KEYS",
        "MY_KEY@https://a.example, MY_KEY@https://b.example FREE_KEY PRICEWRIGHT_KEY_SHOP@https://shop.example"
        " OPENAI_API_KEY@http://127.0.0.1:4000",
    )
    for variable, address in [
        ("MY_KEY", "https://a.example/v1"),
        ("MY_KEY", "https://b.example/v1"),
        ("FREE_KEY", "http://anywhere.example"),
        ("PRICEWRIGHT_KEY_SHOP", "https://shop.example/x"),
        ("OPENAI_API_KEY", "http://127.0.0.1:4000/v1"),
        ("OPENAI_API_KEY", "https://api.openai.com/v1"),
    ]:
        keys.check(variable, address)
    for variable, address in [
        ("MY_KEY", "https://c.example/v1"),
        ("PRICEWRIGHT_KEY_SHOP", "https://evil.example"),
        ("OPENAI_API_KEY", "http://127.0.0.1:4001/v1"),
    ]:
        with pytest.raises(UserError, match="may only go to"):
            keys.check(variable, address)


def test_a_list_of_the_operators_that_can_not_be_read_is_said(operator: pytest.MonkeyPatch) -> None:
    operator.setenv("PRICEWRIGHT_ENDPOINT_KEYS", "sk-secret")
    with pytest.raises(UserError, match="PRICEWRIGHT_ENDPOINT_KEYS is a list") as told:
        keys.check("MY_KEY", "https://a.example")
    assert "sk-secret" not in str(told.value)  # who put the key there shall not read it on every page


@given(st.text(max_size=60), st.text(max_size=60))
def test_wild_addresses_end_in_a_sentence_or_at_the_host_that_is_called(before: str, after: str) -> None:
    import httpx2  # what the SDK reads addresses with

    address = f"https://{before}api.openai.com{after}"
    try:
        keys.check("OPENAI_API_KEY", address)
    except UserError:
        return
    with contextlib.suppress(httpx2.InvalidURL):
        assert httpx2.URL(address).host == "api.openai.com"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("variable", ["A_SECRET_OF_THE_WORKER", "OPENAI_API_KEY"])
def test_a_variable_that_was_named_before_the_rule_is_not_sent_and_not_told(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "the-secret")
    with listening() as (address, seen):
        with begin() as session:
            endpoints.add(session, Endpoint("e", f"{address}/v1", key_env=variable))
        tested = actions.test("e", "m")
        with begin() as session:
            stored = endpoints.get(session, "e")
    assert not tested.ok
    assert seen == []
    assert variable in " ".join(tested.sentences)
    assert clients.without_key("the-secret", stored) == "the-secret"  # else an answer could guess letter by letter
    assert actions.key_trouble(stored)


@pytest.mark.usefixtures("database")
def test_another_scheme_host_or_port_drops_the_key_and_another_path_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICEWRIGHT_KEY_A", "sk-a")
    for moved in ("http://host.example/v1", "https://other.example/v1", "https://host.example:444/v1"):
        actions.add("e", base_url="https://host.example/v1", key_env="PRICEWRIGHT_KEY_A")
        assert actions.change("e", base_url="https://host.example/v2").key_env == "PRICEWRIGHT_KEY_A"
        assert actions.change("e", base_url=moved, key_env="PRICEWRIGHT_KEY_A").key_env == ""
        assert actions.change("e", key_env="PRICEWRIGHT_KEY_A").key_env == "PRICEWRIGHT_KEY_A"
        assert actions.change("e", base_url="https://third.example").key_env == ""
        moved_with = actions.change("e", base_url="https://fourth.example", key_env="PRICEWRIGHT_KEY_B")
        assert moved_with.key_env == "PRICEWRIGHT_KEY_B"
        actions.remove("e")


@pytest.mark.usefixtures("database")
def test_a_key_can_not_be_named_for_an_address_by_any_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    actions.add("o", "openai")
    moved = actions.change("o", base_url="https://evil.example/v1")
    assert moved.key_env == ""
    with pytest.raises(UserError, match="may only go to"):
        actions.change("o", key_env="OPENAI_API_KEY")
    with pytest.raises(UserError, match="may not be used"):
        actions.change("o", key_env="HOME")


@pytest.mark.parametrize("version", ["", "2024-10-21"])
def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setenv("PRICEWRIGHT_KEY_A", "sk-a")
    with listening() as (elsewhere, theirs), listening(f"{elsewhere}/models") as (address, ours):
        endpoint_ = Endpoint("e", address, api_version=version, key_env="PRICEWRIGHT_KEY_A")
        with pytest.raises(UserError, match="sends us on to another address"):
            probe.models(endpoint_)
    assert [("sk-a" in str(headers)) for headers in ours] == [True]
    assert theirs == []


@pytest.mark.parametrize("version", ["", "2024-10-21"])
def test_what_the_sdk_finds_in_the_environment_is_not_sent_along(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", AZURE,
                 "AZURE_OPENAI_AD_TOKEN"):  # fmt: skip
        monkeypatch.setenv(name, f"leak-{name}")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: leak-header")
    with listening() as (address, seen), clients.client(Endpoint("e", address, api_version=version)) as client:
        client.models.list()
    assert len(seen) == 1
    assert "leak" not in str(seen)


def test_the_courier_reads_the_key_by_the_same_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_WORKER", "the-secret")
    with endpoint() as server, pytest.raises(NotReady, match="may not be used as a key"):
        clients.async_client(Endpoint("e", server.base_url, key_env="A_SECRET_OF_THE_WORKER"))

"""An endpoint leads nowhere that the operator did not allow, whatever a name says later."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from db.errors import UserError
from db.settings import settings
from db.types import Endpoint
from tests.worker.endpoints.test_keys import listening
from worker.endpoints import actions, addresses, clients, failures, probe

REFUSED_EVEN_AT_HOME = [
    "169.254.169.254",
    "169.254.1.1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "ff02::1",
]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "::1",
    "10.0.0.5",
    "172.17.0.1",
    "192.168.1.1",
    "fc00::7",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.5",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]
PUBLIC = ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"]


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Sets variables that the settings see."""
    settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def says(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names mean these addresses, one list after the other, the last for good; the names that were asked for."""
    asked: list[str] = []
    left = list(answers)
    real = socket.getaddrinfo

    def answer(host: str, port: int, *args: Any, **how: Any) -> Any:
        if not str(host).endswith(".example"):
            return real(host, port, *args, **how)
        asked.append(str(host))
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize("address", REFUSED_EVEN_AT_HOME)
def test_what_is_nobodys_or_a_clouds_is_refused_even_to_who_is_alone(address: str) -> None:
    with pytest.raises(UserError, match="PRICEWRIGHT_ENDPOINT_HOSTS"):
        addresses.check("host.example", address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_for_who_is_alone_with_the_machine(address: str, operator: pytest.MonkeyPatch) -> None:
    addresses.check("host.example", address)
    for name, value in [("DASHBOARD_HOST", "0.0.0.0"), ("ALLOW_OPEN", "yes"), ("ENDPOINT_HOSTS", "none")]:
        with operator.context() as only:
            only.setenv(f"PRICEWRIGHT_{name}", value)
            settings.cache_clear()
            with pytest.raises(UserError):
                addresses.check("host.example", address)
    operator.setenv("PRICEWRIGHT_ALLOW_OPEN", "yes")
    operator.setenv("PRICEWRIGHT_ENDPOINT_HOSTS", "private")
    settings.cache_clear()
    addresses.check("host.example", address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_need_nobodys_word(address: str, operator: pytest.MonkeyPatch) -> None:
    operator.setenv("PRICEWRIGHT_ENDPOINT_HOSTS", "none")
    addresses.check("host.example", address)


def test_the_operator_names_hosts_and_networks(operator: pytest.MonkeyPatch) -> None:
    operator.setenv("PRICEWRIGHT_ENDPOINT_HOSTS", "vllm.internal, 10.1.0.0/16 fd00:1::/32 [::1]")
    for host, address in [
        ("VLLM.internal.", "192.168.7.7"),
        ("other", "10.1.2.3"),
        ("other", "::ffff:10.1.2.3"),
        ("other", "fd00:1::9"),
        ("::1", "::1"),
    ]:
        addresses.check(host, address)
    for host, address in [("other", "10.2.0.1"), ("evil.vllm.internal", "10.2.0.1"), ("localhost", "127.0.0.1")]:
        with pytest.raises(UserError):
            addresses.check(host, address)
    operator.setenv("PRICEWRIGHT_ENDPOINT_HOSTS", "http://what?")
    settings.cache_clear()
    with pytest.raises(UserError, match="list of hosts and networks"):
        addresses.check("other", "1.1.1.1")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://[::1]:1/v1", "http://localhost:1", "http://10.0.0.1"])
def test_an_address_that_can_never_be_asked_is_refused_when_it_is_entered(
    url: str, database: str, operator: pytest.MonkeyPatch
) -> None:
    operator.setenv("PRICEWRIGHT_ENDPOINT_HOSTS", "none")
    with pytest.raises(UserError, match="may not lead to"):
        actions.add("ours", base_url=url)


def test_a_name_that_means_another_address_afterwards_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """First an honest address, then that of a cloud's credentials: the second is never connected to."""
    with listening() as (address, seen):
        port = address.rpartition(":")[2]
        asked = says(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
        endpoint = Endpoint("named", f"http://names.example:{port}/v1")
        with clients.client(endpoint) as client:
            for _ in range(3):
                client.models.list()
        assert [each["host"] for each in seen] == [f"names.example:{port}"] * 3
        assert asked == ["names.example"]
        with pytest.raises(UserError, match="may not lead to names.example"):
            probe.models(endpoint)  # a new client asks anew
        assert len(seen) == 3


def test_one_bad_address_among_good_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (address, seen):
        says(monkeypatch, ["127.0.0.1", "169.254.169.254"])
        with pytest.raises(UserError, match="169.254.169.254"):
            probe.models(Endpoint("named", f"http://names.example:{address.rpartition(':')[2]}/v1"))
        assert seen == []


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
def test_other_spellings_of_this_machine_are_it(spelling: str, operator: pytest.MonkeyPatch) -> None:
    operator.setenv("PRICEWRIGHT_ENDPOINT_HOSTS", "none")
    with listening() as (address, seen):
        with pytest.raises(UserError, match="may not lead|can't be re"):
            probe.models(Endpoint("odd", f"http://{spelling}:{address.rpartition(':')[2]}/v1"))
        assert seen == []


def test_calls_of_a_worker_are_held_to_the_same(operator: pytest.MonkeyPatch) -> None:
    operator.setenv("PRICEWRIGHT_ENDPOINT_HOSTS", "none")

    async def ask(endpoint: Endpoint) -> failures.Failure:
        async with clients.async_client(endpoint) as client:
            try:
                await client.models.list()
            except Exception as error:
                return failures.explain(error, endpoint, "m", {})
        raise AssertionError

    with listening() as (address, seen):
        failure = asyncio.run(ask(Endpoint("local", f"{address}/v1")))
    assert seen == []
    assert failure.kind is failures.Kind.FATAL  # trying again is no use until somebody allows it
    assert not failure.may_be_charged
    assert "PRICEWRIGHT_ENDPOINT_HOSTS" in failure.sentence


def test_the_environments_proxy_is_used_and_the_address_is_checked_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listening() as (proxy, seen):
        monkeypatch.setenv("http_proxy", proxy)
        says(monkeypatch, ["1.1.1.1"], ["169.254.169.254"])
        assert probe.models(Endpoint("far", "http://names.example/v1")) == []
        assert [each["host"] for each in seen] == ["names.example"]
        with pytest.raises(UserError, match="may not lead"):
            probe.models(Endpoint("far", "http://names.example/v1"))
        assert len(seen) == 1

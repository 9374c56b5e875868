"""The table of endpoint presets: every entry makes an endpoint, on the page and in the terminal."""

import pytest

from db.engine import begin
from db.errors import UserError
from worker.endpoints import actions, keys, tariffs
from worker.endpoints.presets import OTHER, PRESETS, Preset

ADDRESS = "https://name.openai.azure.com/v1"
"""For presets that know none; a key of Azure may go there."""


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_makes_an_endpoint_with_what_it_knows(database: str, name: str) -> None:
    known = PRESETS[name]
    endpoint = actions.add("mine", name, base_url="" if known.base_url else ADDRESS, api_version="2024-10-21")
    assert endpoint.base_url == (known.base_url or ADDRESS)
    assert endpoint.key_env == known.key_env
    assert endpoint.provider == (tariffs.FREE if known.is_free else known.provider)
    with begin() as session:
        price = tariffs.find(session, endpoint, "a-model")
    assert (price is not None and price.output == 0) is known.is_free
    assert known.label
    if known.key_env:
        keys.check(known.key_env, endpoint.base_url)


@pytest.fixture
def fresh_preset(monkeypatch: pytest.MonkeyPatch) -> str:
    """Adds a preset as one entry of the table; the variable of its key, which nothing else names."""
    monkeypatch.setitem(PRESETS, "fresh", Preset("Fresh", "https://api.fresh.example:8443/v1", "FRESH_API_KEY"))
    return "FRESH_API_KEY"


def test_the_entry_alone_lets_its_key_go_to_its_address(database: str, fresh_preset: str) -> None:
    endpoint = actions.add("mine", "fresh")
    assert (endpoint.base_url, endpoint.key_env) == (PRESETS["fresh"].base_url, fresh_preset)


@pytest.mark.parametrize(
    "address",
    [
        "https://api.fresh.example/v1",
        "http://api.fresh.example:8443/v1",
        "https://other.api.fresh.example:8443/v1",
        "https://api.fresh.example:8443.evil.example/v1",
        "https://evil.example/v1",
    ],
)
def test_the_key_of_a_preset_goes_to_no_other_address(fresh_preset: str, address: str) -> None:
    with pytest.raises(UserError):
        keys.check(fresh_preset, address)


def test_a_preset_without_https_sends_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "plain", Preset("Plain", "http://api.plain.example/v1", "PLAIN_API_KEY"))
    with pytest.raises(UserError, match="may not be used as a key"):
        keys.check("PLAIN_API_KEY", "http://api.plain.example/v1")


def test_what_has_no_preset_of_its_own_has_one() -> None:
    assert PRESETS[OTHER].base_url == ""
    assert len({preset.label for preset in PRESETS.values()}) == len(PRESETS)

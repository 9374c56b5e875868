"""The table of endpoint presets: every entry makes an endpoint, on the page and in the terminal."""

import pytest

from db.engine import begin
from worker.endpoints import actions, keys, tariffs
from worker.endpoints.presets import OTHER, PRESETS

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


def test_what_has_no_preset_of_its_own_has_one() -> None:
    assert PRESETS[OTHER].base_url == ""
    assert len({preset.label for preset in PRESETS.values()}) == len(PRESETS)

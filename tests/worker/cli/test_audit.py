"""`pricewright audit`: what a terminal shows of the log."""

import json
from collections.abc import Callable

import pytest

from db.errors import UserError


def test_the_terminal_tells_who_did_what_from_which_command(terminal: Callable[..., str]) -> None:
    terminal("prompts", "list")
    terminal("endpoints", "add", "there", "--url", "http://127.0.0.1:9/v1")
    terminal("describe", "endpoint", "there", "[red]ours")
    [described, added] = json.loads(terminal("audit", "--json"))
    assert (added["verb"], added["kind"], added["thing"]) == ("endpoint.add", "endpoint", "there")
    assert described["details"] == "description: [red]ours"
    assert described["person"]
    assert len(json.loads(terminal("audit", "--verb", "endpoint.add", "--json"))) == 1
    assert "description: [red]ours" in terminal("audit", "--since", "2026-01-01", "--kind", "endpoint")
    with pytest.raises(UserError, match="write it as 2026-07-01"):
        terminal("audit", "--since", "yesterday")

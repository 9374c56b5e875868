"""Every transaction says for whom it is, and forgets it at its end."""

import pytest
from sqlalchemy import text

from db import acting
from db.engine import begin
from db.types import Person, Role

ANNA, BEN = Person("anna", Role.ANALYST), Person("ben", Role.VIEWER)


def said() -> str:
    with begin() as session:
        return session.scalar(text("SELECT coalesce(current_setting('pricewright.person', true), '')")) or ""


@pytest.mark.usefixtures("database")
def test_a_transaction_says_who_acts_and_the_next_one_says_it_anew() -> None:
    assert said() == ""
    with acting.acting_as(ANNA):
        assert said() == "anna"
        with acting.acting_as(BEN):
            assert said() == "ben"
        assert said() == "anna"
    assert said() == ""


@pytest.mark.usefixtures("database")
def test_a_process_is_told_once_how_to_find_out_and_asks_every_time() -> None:
    people = iter([ANNA, BEN])
    acting.identify(lambda: next(people))
    try:
        assert [said(), said()] == ["anna", "ben"]
    finally:
        acting.identify(None)


@pytest.mark.parametrize(("role", "other", "expected"), [
    (Role.ADMIN, Role.VIEWER, True), (Role.ANALYST, Role.ANALYST, True), (Role.VIEWER, Role.ANALYST, False),
])  # fmt: skip
def test_a_role_includes_those_below_it(role: Role, other: Role, *, expected: bool) -> None:
    assert role.includes(other) is expected

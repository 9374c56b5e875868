"""Tokens act for somebody until they end, and only an owner or an admin says who sees a thing."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from db import acting, datasets, tokens
from db.engine import begin
from db.errors import NotFound, WrongState
from db.types import Person, Role
from worker.people import actions
from worker.people.identity import hashed

ANNA, BEN = Person("anna@example.com", Role.ANALYST), Person("ben", Role.VIEWER, frozenset({"buyers"}))
ADA = Person("ada", Role.ADMIN)


def test_a_token_acts_for_a_person_and_only_its_hash_is_kept(database):
    token, kept = actions.make_token("ben", Role.VIEWER, 30, ["buyers"])
    assert tokens.person_of(hashed(token)) == BEN == kept.person
    assert kept.expires_at - kept.created_at == timedelta(days=30)
    with begin() as session:
        assert token not in str(session.execute(text("SELECT * FROM tokens")).all())
    assert tokens.person_of(hashed(token + "x")) is None


def test_a_token_that_is_revoked_or_over_acts_no_more(database):
    token, kept = actions.make_token("ben", Role.VIEWER, 1)
    other, _ = actions.make_token("ben", Role.VIEWER, 1)
    actions.revoke_token(kept.id)
    assert tokens.person_of(hashed(token)) is None
    with begin() as session:
        session.execute(text("UPDATE tokens SET expires_at = now()"))
    assert tokens.person_of(hashed(other)) is None
    with pytest.raises(NotFound):
        actions.revoke_token(99)


def test_only_an_admin_makes_tokens(database):
    with acting.acting_as(ANNA), pytest.raises(WrongState, match="Only an admin can make tokens; you are analyst"):
        actions.make_token("anna", Role.ADMIN, 1)


def _dataset() -> int:
    with begin() as session:
        return datasets.create(session, name="a", sha256="x", file_name="a.csv")


def _seen(person: Person) -> list[int]:
    with acting.acting_as(person), begin() as session:
        return [each.id for each in datasets.all(session)]


def test_an_owner_shares_and_takes_it_back(database):
    with acting.acting_as(ANNA):
        made = _dataset()
        assert _seen(BEN) == []
        actions.share("dataset", made, actions.names_of("Group x, group:buyers ,"))
        assert _seen(BEN) == [made]
        with acting.acting_as(BEN), pytest.raises(WrongState, match="belongs to anna@example.com"):
            actions.share("dataset", made, [])
        actions.share("dataset", made, [])
    assert _seen(BEN) == []
    with acting.acting_as(ADA):
        actions.give("dataset", made, "ben")
    assert (_seen(BEN), _seen(ANNA)) == ([made], [])


def test_a_stranger_can_not_even_name_it(database):
    with acting.acting_as(ANNA):
        made = _dataset()
    with acting.acting_as(BEN), pytest.raises(NotFound, match=f"There is no dataset {made}"):
        actions.share("dataset", made, ["everybody"])


def test_what_is_written_about_others_is_read_back():
    names = actions.names_of("Anna@Example.com, group:buyers,,ben")
    assert names == ["person:anna@example.com", "group:buyers", "person:ben"]
    assert actions.names_of(actions.said_of(names)) == names


def test_what_belongs_to_nobody_is_everybodys_until_an_admin_gives_it_to_one(database):
    made = _dataset()
    with acting.acting_as(ADA), pytest.raises(WrongState, match="belongs to nobody"):
        actions.share("dataset", made, [])
    with acting.acting_as(ADA):
        actions.give("dataset", made, "anna@example.com")
    assert (_seen(BEN), _seen(ANNA)) == ([], [made])

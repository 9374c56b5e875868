"""Who may do what, over every verb, role and owner; what the audit log keeps, and that nothing in it changes."""

import itertools
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db import access, acting, audit, datasets
from db.audit import Origin, Thing
from db.engine import begin
from db.errors import NotAllowed
from db.settings import settings
from db.types import RULES, Dataset, Person, Role, Verb
from tests.builders import a_dataset

ADMINS = {
    Verb.ADD_ENDPOINT, Verb.CHANGE_ENDPOINT, Verb.TEST_ENDPOINT, Verb.REMOVE_ENDPOINT, Verb.SET_TARIFF, Verb.RAISE_CAP,
    Verb.USE_ANY_MODEL, Verb.BACKUP, Verb.RESTORE_BACKUP, Verb.GIVE, Verb.MAKE_TOKEN, Verb.REVOKE_TOKEN,
    Verb.RENEW_SECRET, Verb.FREE_SPACE, Verb.TEST_NOTIFICATIONS,
}  # fmt: skip
"""What only an admin may."""

SHARED = {
    Verb.UPLOAD, Verb.JOIN_DATASETS, Verb.MAKE_VERSION, Verb.START_JOB, Verb.MAKE_PRICER, Verb.PRICE_BATCH,
    Verb.BRING_REAL_PRICES, Verb.SAVE_VERDICT,
}  # fmt: skip
"""What an analyst may with what is another's, too: it leaves the other's as it is."""


class Owned:
    """A thing with an owner; None: of a kind that has none."""

    def __init__(self, owner: str | None) -> None:
        if owner is not None:
            self.owner = owner


def expected(verb: Verb, role: Role, owner: str | None, me: str) -> bool:
    """The rules in plain words."""
    if role is Role.ADMIN:
        return True
    if verb in ADMINS:
        return False
    if role is Role.VIEWER:
        return verb is Verb.PLAY and owner in (None, me)
    return owner in (None, me) or verb in SHARED


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_for_every_role_and_owner(verb: Verb) -> None:
    for role, owner in itertools.product(Role, [None, "mia", "tom", ""]):
        with acting.acting_as(Person("mia", role)):
            why = access.may(verb, Owned(owner))
            assert (why == "") is expected(verb, role, owner, "mia"), (role, owner, why)
            if not why:
                access.check(verb, Owned(owner))
                continue
            assert why.startswith("Only ")
            assert f" may {RULES[verb].does}" in why
            assert "; you are mia, a" in why
            with pytest.raises(NotAllowed):
                access.check(verb, Owned(owner))


def test_a_refusal_names_the_owner_who_could() -> None:
    with acting.acting_as(Person("mia", Role.ANALYST)):
        assert access.may(Verb.DELETE_DATASET, Owned("tom")) == (
            "Only tom, whose it is, or an admin may delete a dataset; you are mia, an analyst."
        )
    with acting.acting_as(Person("mia", Role.VIEWER)):
        assert access.may(Verb.UPLOAD) == "Only an analyst or an admin may upload a table; you are mia, a viewer."


def test_the_product_itself_may_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "_source", None)
    assert [verb for verb in Verb if access.may(verb, Owned("tom"))] == []


@pytest.fixture
def dataset(database) -> Dataset:
    with begin() as session:
        return datasets.get(session, a_dataset(session, name="lamps"))


@pytest.fixture
def from_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_origin", lambda: Origin("page data", "10.0.0.7"))


def test_an_act_is_noted_with_all_there_is_to_know(dataset: Dataset, from_a_page: None) -> None:
    with acting.acting_as(Person("ada", Role.ADMIN)), begin() as session:
        access.act(session, Verb.RENAME_DATASET, dataset, name="lamps & more", until=None)
        access.act(session, Verb.BACKUP, Thing("backup", "", "all.tar"))
        (backup, act) = audit.rows(session).to_dicts()
    told = [act[name] for name in ("person", "role", "verb", "kind", "thing", "name", "details", "place", "address")]
    assert told == ["ada", "admin", "dataset.rename", "dataset", str(dataset.id), "lamps", "name: lamps & more",
                    "page data", "10.0.0.7"]  # fmt: skip
    assert abs((act["at"] - datetime.now(UTC)).total_seconds()) < 600
    assert (backup["kind"], backup["name"]) == ("backup", "all.tar")


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_can_be_noted(dataset: Dataset, verb: Verb) -> None:
    with begin() as session:
        access.act(session, verb, dataset)
        assert audit.rows(session, verb=verb)["verb"].to_list() == [str(verb)]


def test_what_is_refused_or_rolled_back_is_not_noted(dataset: Dataset) -> None:
    his = replace(dataset, owner="tom")
    with acting.acting_as(Person("mia", Role.ANALYST)), pytest.raises(NotAllowed), begin() as session:
        access.act(session, Verb.DELETE_DATASET, his)
    with suppress(ZeroDivisionError), begin() as session:
        access.act(session, Verb.DELETE_DATASET, dataset)
        raise ZeroDivisionError
    with begin() as session:
        assert audit.rows(session).is_empty()


@pytest.mark.parametrize("person", [None, Person("ada", Role.ADMIN), Person("mia", Role.ANALYST)])
@pytest.mark.parametrize(
    "change", ["UPDATE audit_log SET person = 'tom'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
def test_nobody_changes_the_log(dataset: Dataset, person: Person | None, change: str) -> None:
    with acting.acting_as(Person("mia", Role.ANALYST)), begin() as session:
        access.act(session, Verb.UPLOAD, dataset)
    with pytest.raises(DBAPIError, match="only added to|permission denied"), _as(person), begin() as session:
        session.execute(text(change))
    with begin() as session:
        assert audit.rows(session)["person"].to_list() == ["mia"]


def _as(person: Person | None):
    return acting.acting_as(person) if person else acting.acting_as(Person("ada", Role.ADMIN))


@pytest.fixture
def three(dataset: Dataset) -> None:
    for name, verb in (("mia", Verb.UPLOAD), ("tom", Verb.UPLOAD), ("tom", Verb.ARCHIVE_DATASET)):
        with acting.acting_as(Person(name, Role.ADMIN)), begin() as session:
            access.act(session, verb, dataset)


def test_the_log_is_filtered_and_everybody_but_admins_reads_her_own(three: None, dataset: Dataset) -> None:
    with begin() as session:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert audit.rows(session)["person"].to_list() == ["tom", "tom", "mia"]
        assert len(audit.rows(session, person="tom", verb=Verb.UPLOAD)) == 1
        assert len(audit.rows(session, kind="dataset", thing=str(dataset.id), until=tomorrow)) == 3
        assert audit.rows(session, since=tomorrow).is_empty()
        assert len(audit.rows(session, most=1)) == 1
        assert audit.people(session) == ["mia", "tom"]
    with acting.acting_as(Person("mia", Role.ANALYST)), begin() as session:
        assert audit.rows(session)["person"].to_list() == ["mia"]
        assert audit.rows(session, person="tom").is_empty()
        assert session.scalar(text("SELECT count(*) FROM audit_log")) == 1, "Postgres itself shows no more"


def test_caps_above_the_limit_are_an_admins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICEWRIGHT_CAP_LIMIT_USD", "5")
    settings.cache_clear()
    with acting.acting_as(Person("mia", Role.ANALYST)):
        assert access.allowed_cap(None) == 5, "no cap is the limit"
        assert access.allowed_cap(Decimal(3)) == 3
        with pytest.raises(NotAllowed, match=r"Only an admin may allow .* The limit is \$5.00 a job"):
            access.allowed_cap(Decimal(6))
    with acting.acting_as(Person("ada", Role.ADMIN)):
        assert access.allowed_cap(None) is None
        assert access.allowed_cap(Decimal(6)) == 6
    monkeypatch.delenv("PRICEWRIGHT_CAP_LIMIT_USD")
    settings.cache_clear()

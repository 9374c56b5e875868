"""What somebody makes is hers; what workers make belongs to whoever owns what it serves."""

import pytest
from sqlalchemy import text

from db import acting, datasets, jobs, prompts
from db.engine import begin
from db.types import JobKind, Person, Queue, Role, Step

ANNA = Person("anna", Role.ANALYST)


def _dataset(**more):
    with begin() as session:
        return datasets.get(session, datasets.create(session, name="a", sha256="x", file_name="a.csv", **more))


def _job(dataset_id: int):
    with begin() as session:
        rate = session.scalar(text("INSERT INTO rates (name, usd) VALUES ('cpu', 1) RETURNING id"))
        made = jobs.create(
            session,
            kind=JobKind.LOAD,
            dataset_id=dataset_id,
            queue=Queue.CPU,
            rate_id=rate,
            chunks=[(Step.LOAD, [])],
        )
        return jobs.get(session, made)


def test_what_a_person_makes_is_hers(database):
    with acting.acting_as(ANNA):
        made = _dataset()
        with begin() as session:
            prompts.save(session, "mine", "s", "t")
            assert prompts.get(session, "mine").owner == "anna"
    assert made.owner == "anna"


def test_what_nobody_makes_is_nobodys(database):
    assert _dataset().owner == ""
    assert _job(_dataset().id).owner == ""


def test_the_name_is_forgotten_with_its_transaction(database):
    with acting.acting_as(ANNA):
        _dataset()
    assert _dataset().owner == ""


@pytest.mark.parametrize("who", ["anna", "ben"])
def test_what_workers_make_belongs_to_the_owner_of_what_it_serves(database, who):
    with acting.acting_as(Person(who, Role.ANALYST)):
        made = _dataset()
    assert _job(made.id).owner == who
    assert _dataset(version_of=made.id).owner == who

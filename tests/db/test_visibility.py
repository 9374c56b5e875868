"""What each person sees, whatever is asked: what Postgres lets through equals a plain model of the rules."""

import hypothesis
import polars as pl
import pytest
from hypothesis import strategies as st
from sqlalchemy import text

from db import acting, datasets, engine, jobs, prompts, visibility
from db.engine import begin
from db.errors import NotFound, UserError
from db.types import JobKind, Person, Queue, Role, Step

PEOPLE = ("anna", "ben", "cleo")
GROUPS = ("sales", "buyers")

people = st.builds(
    Person,
    st.sampled_from(PEOPLE),
    st.sampled_from([Role.VIEWER, Role.ANALYST, Role.ADMIN]),
    st.frozensets(st.sampled_from(GROUPS)),
)
shares = st.frozensets(
    st.sampled_from([*(f"person:{name}" for name in PEOPLE), *(f"group:{name}" for name in GROUPS), "everybody"]),
    max_size=3,
)
things = st.tuples(st.sampled_from(["", *PEOPLE]), shares)


def _sees(person: Person, owner: str, shared_with: frozenset[str]) -> bool:
    """The rules in plain words."""
    if person.role is Role.ADMIN or owner in ("", person.name) or "everybody" in shared_with:
        return True
    return f"person:{person.name}" in shared_with or any(f"group:{group}" in shared_with for group in person.groups)


def _make(owner: str, shared_with: frozenset[str] = frozenset()) -> tuple[int, int]:
    """A dataset of an owner with one item, and a job on it."""
    with begin() as session:
        made = datasets.create(session, name="a", sha256="x", file_name="a.csv")
        datasets.change(session, made, owner=owner, shared_with=sorted(shared_with))
        datasets.add_items(session, made, _ITEM)
        rate = session.scalar(
            text("INSERT INTO rates (name, usd) VALUES ('cpu', 1) ON CONFLICT DO NOTHING RETURNING id")
        )
        job = jobs.create(
            session,
            kind=JobKind.LOAD,
            dataset_id=made,
            queue=Queue.CPU,
            rate_id=rate or session.scalar(text("SELECT max(id) FROM rates")),
            chunks=[(Step.LOAD, [])],
        )
        return made, job


_ITEM = pl.DataFrame(
    {
        "row": [0], "line": [1], "external_id": [""], "title": ["secret"], "description": [""], "category": [""],
        "brand": [""], "price": [1.0], "split": ["train"], "group_id": [0],
    }
)  # fmt: skip


@hypothesis.settings(
    max_examples=25, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], deadline=None
)
@hypothesis.given(person=people, every=st.lists(things, max_size=6))
def test_what_a_person_sees_equals_the_rules(database, person, every):
    made = {_make(owner, shared): _sees(person, owner, shared) for owner, shared in every}
    with acting.acting_as(person), begin() as session:
        seen = {each.id for each in datasets.all(session)}, {each.id for each in jobs.all(session)}
        for (dataset_id, job_id), is_seen in made.items():
            assert (dataset_id in seen[0]) == (job_id in seen[1]) == is_seen
            assert len(datasets.items(session, dataset_id, None)) == is_seen
            assert session.scalar(text("SELECT count(*) FROM chunks WHERE job_id = :job"), {"job": job_id}) == is_seen


def test_a_stranger_is_told_that_there_is_no_such_thing(database):
    dataset_id, job_id = _make("anna")
    with acting.acting_as(Person("ben", Role.ANALYST)), begin() as session:
        with pytest.raises(NotFound, match=f"There is no dataset {dataset_id}"):
            datasets.get(session, dataset_id)
        with pytest.raises(NotFound, match=f"There is no job {job_id}"):
            jobs.get(session, job_id)


def test_a_stranger_changes_and_deletes_nothing(database):
    dataset_id, _ = _make("anna")
    with acting.acting_as(Person("ben", Role.ANALYST)), begin() as session:
        datasets.change(session, dataset_id, shared_with=["everybody"])
        datasets.drop(session, dataset_id)
    with begin() as session:
        assert datasets.get(session, dataset_id).shared_with == ()


def test_every_table_that_hangs_on_a_dataset_or_a_job_has_its_rule(database):
    with begin() as session:
        hanging = session.scalars(
            text(
                """SELECT DISTINCT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                   WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT c.relrowsecurity
                     AND a.attname IN ('owner', 'dataset_id', 'job_id', 'base_id', 'game_id', 'adapter_id')"""
            )
        )
        # Endpoints are everybody's; of a use of an answer there is nothing to read but two numbers.
        assert set(hanging) == {"endpoints", "completion_uses"}


def test_a_name_that_somebody_else_keeps_private_is_told(database):
    with acting.acting_as(Person("anna", Role.ANALYST)), begin() as session:
        prompts.save(session, "mine", "s", "t")
    with (
        acting.acting_as(Person("ben", Role.ANALYST)),
        pytest.raises(UserError, match="There is a prompt mine of somebody else already"),
        begin() as session,
    ):
        prompts.save(session, "mine", "s", "t")


def test_versions_of_a_name_are_seen_by_the_same_people(database):
    with acting.acting_as(Person("anna", Role.ANALYST)), begin() as session:
        prompts.save(session, "ours", "s", "t")
        visibility.share(session, "prompts", "name", "ours", ["person:ben"])
    with acting.acting_as(Person("ben", Role.ANALYST)), begin() as session:
        assert prompts.save(session, "ours", "s", "t2") == 2
    with acting.acting_as(Person("anna", Role.ANALYST)), begin() as session:
        assert [each.owner for each in prompts.all(session)] == ["anna", "anna"]


def test_a_person_without_a_name_is_not_taken_for_the_product(database):
    with acting.acting_as(Person("", Role.VIEWER)), pytest.raises(ValueError, match="needs a name"), begin():
        pass


def test_the_role_is_left_with_the_transaction(database):
    dataset_id, _ = _make("anna")
    with acting.acting_as(Person("ben", Role.ANALYST)), begin() as session:
        assert datasets.all(session) == []
        visibility.see_all(session)
        assert [each.id for each in datasets.all(session)] == [dataset_id]
    with begin() as session:
        assert [each.id for each in datasets.all(session)] == [dataset_id]


def test_a_role_that_lost_its_rights_gets_them_back(database):
    with begin() as session:
        session.execute(text(f"REVOKE SELECT ON datasets FROM {visibility.ROLE}"))
    engine.migrate()
    with acting.acting_as(Person("ben", Role.VIEWER)), begin() as session:
        assert datasets.all(session) == []


def test_a_person_loads_many_rows_at_once(database):
    with acting.acting_as(Person("ben", Role.ANALYST)), begin() as session:
        made = datasets.create(session, name="a", sha256="x", file_name="a.csv")
        datasets.add_items(session, made, _ITEM)
        assert datasets.items(session, made, None)["title"].to_list() == ["secret"]


def test_bytes_that_somebody_else_uploaded_too_are_in_use(database):
    _make("anna")
    with acting.acting_as(Person("ben", Role.ANALYST)):
        with begin() as session:
            mine = datasets.create(session, name="b", sha256="x", file_name="b.csv")
        with begin() as session:
            assert [each.id for each in datasets.of_file(session, "x")] == [mine]
            visibility.see_all(session)
            datasets.drop(session, mine)
            assert datasets.file_is_used(session, "x")

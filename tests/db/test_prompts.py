"""Versions of prompts: kept for ever, numbered without gaps, also when two people save at once."""

from concurrent.futures import ThreadPoolExecutor

from db import prompts
from db.engine import Session, begin


def test_versions_count_up_and_what_was_saved_stays(session: Session) -> None:
    assert [prompts.save(session, "mine", "s", f"text {i}", f"note {i}") for i in range(3)] == [1, 2, 3]
    first, newest = prompts.get(session, "mine", 1), prompts.get(session, "mine")
    assert first is not None
    assert newest is not None
    assert (first.ref, first.system, first.template, first.note) == ("mine@1", "s", "text 0", "note 0")
    assert newest.ref == "mine@3"
    assert newest.created_at is not None
    assert prompts.get(session, "mine", 4) is None
    assert prompts.get(session, "other") is None


def test_a_name_whose_first_versions_are_elsewhere_starts_after_them(session: Session) -> None:
    assert [prompts.save(session, "listing", "", "text", after=1) for _ in range(2)] == [2, 3]


def test_all_lists_names_in_order_and_newest_versions_first(session: Session) -> None:
    for name in ("b", "a", "b"):
        prompts.save(session, name, "", "text")
    assert [prompt.ref for prompt in prompts.all(session)] == ["a@1", "b@2", "b@1"]


def test_people_who_save_at_once_get_different_versions(database: str) -> None:
    def save(i: int) -> int:
        with begin() as session:
            return prompts.save(session, "mine", "", f"text {i}")

    with ThreadPoolExecutor(4) as people:
        assert sorted(people.map(save, range(8))) == list(range(1, 9))

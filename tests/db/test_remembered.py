"""What tests begin with is put back as it was made: rows, numbers, and nothing of the test before."""

from collections.abc import Callable

from db import datasets
from db.engine import begin
from tests.builders import a_dataset
from tests.databases import Emptied, use_database


def _maker(calls: list[int]) -> Callable[[], int]:
    """Makes a table of 20 items, and notes its number."""

    def make() -> int:
        with begin() as session:
            calls.append(a_dataset(session, 20))
        return calls[-1]

    return make


def _afresh(emptied: Emptied) -> None:
    emptied.freshen()
    use_database(emptied.url)


def test_it_is_made_once_and_put_back_whatever_was_done_to_it(database: str, emptied: Emptied) -> None:
    calls: list[int] = []
    make = _maker(calls)
    made = emptied.remembered(make)
    with begin() as session:
        before = datasets.get(session, made), datasets.items(session, made)
        datasets.drop(session, made)
        a_dataset(session, 10, name="of another test")
    _afresh(emptied)
    assert emptied.remembered(make) == made
    assert calls == [made]
    with begin() as session:
        assert datasets.get(session, made) == before[0]
        assert datasets.items(session, made).equals(before[1])
        assert [each.id for each in datasets.all(session)] == [made]
        assert a_dataset(session, 5) == made + 1  # numbers go on from where they were


def test_where_rows_are_already_it_is_made_anew(database: str, emptied: Emptied) -> None:
    calls: list[int] = []
    make = _maker(calls)
    emptied.remembered(make)
    _afresh(emptied)
    with begin() as session:
        first = a_dataset(session, 10)
    assert emptied.remembered(make) == first + 1
    assert len(calls) == 2

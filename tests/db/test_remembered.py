"""What tests begin with is put back as it was made: rows, numbers, and nothing of the test before."""

from db import datasets
from db.engine import begin
from tests.builders import a_dataset
from tests.databases import Emptied, use_database

_calls: list[int] = []


def _a_table() -> int:
    with begin() as session:
        _calls.append(a_dataset(session, 20))
    return _calls[-1]


def _afresh(emptied: Emptied) -> None:
    emptied.freshen()
    use_database(emptied.url)


def test_it_is_made_once_and_put_back_whatever_was_done_to_it(database: str, emptied: Emptied) -> None:
    _calls.clear()
    made = emptied.remembered(_a_table)
    with begin() as session:
        before = datasets.get(session, made), datasets.items(session, made)
        datasets.drop(session, made)
        a_dataset(session, 10, name="of another test")
    _afresh(emptied)
    assert emptied.remembered(_a_table) == made
    assert _calls == [made]
    with begin() as session:
        assert datasets.get(session, made) == before[0]
        assert datasets.items(session, made).equals(before[1])
        assert [each.id for each in datasets.all(session)] == [made]
        assert a_dataset(session, 5) == made + 1  # numbers go on from where they were


def test_where_rows_are_already_it_is_made_anew(database: str, emptied: Emptied) -> None:
    emptied.remembered(_a_table)
    _afresh(emptied)
    with begin() as session:
        first = a_dataset(session, 10)
    _calls.clear()
    assert emptied.remembered(_a_table) == first + 1
    assert _calls == [first + 1]

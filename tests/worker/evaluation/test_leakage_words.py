"""What a search for leaks says at first: no more than accidents leave."""

from db.job_results import LeakageResult, LeakKind
from worker.evaluation import leakage_words
from worker.evaluation.leakage import NEAR, REWORDED, SAME


def summary(*kinds: LeakKind) -> str:
    return leakage_words.summary(LeakageResult(test_rows=400, known_items=3_000, kinds=kinds, pairs=()))


def kind(name: str, rows: range, by_accident: float | None = None) -> LeakKind:
    return LeakKind(kind=name, rows=tuple(rows), compared=400, by_accident=by_accident)


def test_likenesses_that_are_no_more_than_accidents_need_be_no_leak() -> None:
    said = summary(kind(NEAR, range(9), 10.0), kind(REWORDED, range(9, 13), 6.0))
    assert said == (
        "13 test rows of 400 (3.2%) may have been seen before; about 16 would be as like a known item by accident, so "
        "these need be no leak: look at the pairs."
    )


def test_more_than_accidents_are_not_played_down() -> None:
    assert "need be no leak" not in summary(kind(NEAR, range(60), 10.0))
    assert "about 10 would be" in summary(kind(NEAR, range(60), 10.0))


def test_what_is_the_same_is_no_accident() -> None:
    said = summary(kind(SAME, range(20)), kind(NEAR, range(20, 23), 4.0))
    assert "23 test rows" in said
    assert "so 3 of them need be no leak" in said
    assert summary(kind(SAME, range(20))).endswith("may have been seen before.")

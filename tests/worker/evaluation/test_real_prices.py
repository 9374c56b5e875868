"""Real prices find their rows by ids or texts, and what finds none is counted; nothing is counted twice or lost."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.evaluation.real_prices import TEXTS, match

IDS = st.sampled_from(["", "a", "b", "c", "d", "e"])
PRICES = st.sampled_from([None, 1.0, 2.0])


def rows(ids: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"row": range(len(ids)), "external_id": ids} | {name: [f"{name} {each}" for each in ids] for name in TEXTS},
        schema={"row": pl.Int64, "external_id": pl.String} | dict.fromkeys(TEXTS, pl.String),
    )


def told(lines: list[tuple[str, float | None]]) -> pl.DataFrame:
    frame = rows([each for each, _ in lines]).drop("row")
    return frame.with_columns(price=pl.Series([price for _, price in lines], dtype=pl.Float64))


def test_known_answers() -> None:
    found = match(
        rows(["a", "b", "c", "c", ""]),
        told([("a", 1.0), ("a", 1.0), ("b", 1.0), ("b", 2.0), ("c", 1.0), ("d", 3.0), ("e", None), ("", 4.0)]),
        by_id=True,
    )
    assert found.prices.rows() == [(0, 1.0)]
    assert (found.by, found.contradicting, found.repeated) == ("id", 1, 1)
    assert (found.unknown, found.without_price) == (2, 1)


def test_without_ids_texts_have_to_be_identical() -> None:
    table = rows(["a", "b"]).with_columns(external_id=pl.lit(""))
    prices = told([("a", 1.0), ("b", 2.0)]).with_columns(external_id=pl.lit(""), brand=pl.lit("other"))
    assert match(table, prices, by_id=False).prices.is_empty()
    assert match(table, prices, by_id=False, texts=("title", "category")).prices.rows() == [(0, 1.0), (1, 2.0)]


@given(st.lists(IDS, max_size=8), st.lists(st.tuples(IDS, PRICES), max_size=8), st.booleans())
def test_every_price_is_taken_or_counted_once(
    ids: list[str], lines: list[tuple[str, float | None]], by_id: bool
) -> None:
    found = match(rows(ids), told(lines), by_id=by_id)
    named = [each for each, price in lines if price is not None and (each or not by_id)]
    kinds = {each: {price for key, price in lines if key == each and price is not None} for each in named}
    unnamed = sum(price is not None for each, price in lines) - len(named)
    single = [each for each, its in kinds.items() if len(its) == 1]
    here = {each: ids.count(each) for each in single}
    assert found.contradicting == sum(len(its) > 1 for its in kinds.values())
    assert found.repeated == sum(count > 1 for count in here.values())
    assert found.unknown == unnamed + sum(count == 0 for count in here.values())
    assert found.without_price == sum(price is None for _, price in lines)
    want = {ids.index(each): next(iter(kinds[each])) for each, count in here.items() if count == 1}
    assert dict(found.prices.iter_rows()) == want


@pytest.mark.parametrize("by_id", [True, False])
def test_nothing_told_is_nothing_found(by_id: bool) -> None:
    assert match(rows([]), told([]), by_id=by_id).prices.is_empty()

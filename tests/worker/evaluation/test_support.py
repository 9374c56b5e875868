"""What the prices of similar rows say of a row, also with what was kept of them."""

import polars as pl
import pytest

from tests.builders import a_catalogue
from worker.evaluation import support
from worker.progress import Silent


def test_what_was_kept_of_the_train_rows_says_the_same_of_others() -> None:
    train, items = a_catalogue(300), a_catalogue(40, seed=5)
    known = support.Known.of(train)
    at_once = known.of_rows(items, Silent())
    again = support.Known.from_parts(known.to_parts()).of_rows(items, Silent())
    assert len(at_once) == 40
    assert again.equals(at_once)


def test_a_row_that_is_known_has_the_price_of_its_twin() -> None:
    kinds = [kind for kind in range(20) for _ in range(3)]
    train = pl.DataFrame({"row": range(60), "title": [f"thing{kind} number{i}" for i, kind in enumerate(kinds)]})
    train = train.with_columns(description=pl.lit(""), category=pl.lit(""), brand=pl.lit(""))
    train = train.with_columns(price=10.0 + 5 * pl.Series(kinds))
    said = support.Known.of(train).of_rows(train, Silent())
    assert said["middle"].exp().to_list() == pytest.approx(train["price"].to_list(), rel=0.01)


@pytest.mark.parametrize("rows", [0, 5])
def test_too_few_rows_say_nothing_and_can_be_kept(rows: int) -> None:
    known = support.Known.from_parts(support.Known.of(a_catalogue(20)[:rows]).to_parts())
    assert known.of_rows(a_catalogue(5), Silent()).is_empty()

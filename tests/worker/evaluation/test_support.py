"""What the prices of similar rows say of a row, also with what was kept of them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

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


def at_once(train: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The same by scikit-learn's vectorizer and by sorting all similarities."""
    nothing = pl.DataFrame(schema=support.SCHEMA)
    known = train.filter(pl.col("price") > 0)
    words = TfidfVectorizer(sublinear_tf=True, min_df=2, max_df=0.1, dtype=np.float32)
    parts = ("title", "description", "category", "brand")
    texts = [frame.select(pl.concat_str(*parts, separator=" ")).to_series().to_list() for frame in (known, items)]
    try:
        learned = words.fit_transform(texts[0])
    except ValueError:
        return nothing
    if len(known) <= 10 or not len(items):
        return nothing
    every = (words.transform(texts[1]) @ learned.T.tocsr()).toarray()
    logs = np.log(known["price"].to_numpy())
    nearest = np.argsort(-every, axis=1, kind="stable")[:, :10]
    alike = np.take_along_axis(every, nearest, 1).astype(float)
    weight = np.exp(10 * (alike - alike.max(axis=1, keepdims=True)))
    weight /= weight.sum(axis=1, keepdims=True)
    middle = (weight * logs[nearest]).sum(axis=1)
    deviation = np.sqrt((weight * (logs[nearest] - middle[:, None]) ** 2).sum(axis=1) + 0.1**2)
    lines = {"row": items["row"], "similarity": alike[:, 0], "deviation": deviation, "middle": middle}
    return pl.DataFrame(lines, schema=support.SCHEMA)


WORDS = ["Oak", "oak", "m²", "x", "Größe", "42", "wide-screen", "ÅNGSTRÖM", "chair_2", "été", "的桌子", "½", "tv", "a1"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    train=st.lists(st.tuples(TEXTS, st.floats(0.5, 900) | st.just(0.0)), max_size=60),
    more=st.integers(0, 500),
    asking=st.lists(TEXTS, max_size=8),
)
def test_it_is_what_the_plain_way_says(train: list[tuple[str, float]], more: int, asking: list[str]) -> None:
    def frame(titles: list[str], prices: list[float]) -> pl.DataFrame:
        there = {"title": pl.Series(titles, dtype=pl.String), "price": pl.Series(prices, dtype=pl.Float64)}
        other = {name: pl.lit("") for name in ("description", "category", "brand")}
        return pl.DataFrame(there).with_columns(**other, row=pl.int_range(pl.len()))

    titles = [text for text, _ in train] + [f"thing{i} number{i // 3}" for i in range(more)]
    known = frame(titles, [price for _, price in train] + [1.0 + i for i in range(more)])
    items = frame([*asking, "number7 oak"], [0.0] * (len(asking) + 1))
    ours = support.Known.from_parts(support.Known.of(known).to_parts()).of_rows(items, Silent())
    plain = at_once(known, items)
    assert ours["row"].to_list() == plain["row"].to_list()
    for name in ("similarity", "deviation", "middle"):
        assert ours[name].to_list() == pytest.approx(plain[name].to_list(), rel=1e-5)

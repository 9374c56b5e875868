"""N-grams are what they should be, and weighed as by scikit-learn with a vocabulary."""

from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from worker.techniques.shared import ngrams
from worker.techniques.shared.ngrams import Tfidf

_words = st.lists(st.text("abcé0.", min_size=1, max_size=9), max_size=12)
_texts = st.lists(_words.map(" ".join), min_size=1, max_size=6)
_MOST = 2**31 - 1  # columns: so many that no two n-grams meet in one


def _items(titles: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"title": titles}, schema={"title": pl.String}).with_columns(
        pl.lit("").alias(name) for name in ("brand", "category", "description")
    )


def _letter_groups(text: str, size: int) -> Counter[str]:
    padded = f" {text} "
    groups = (padded[start : start + size] for start in range(len(padded) - size + 1))
    return Counter(group for group in groups if " " not in group[1:-1])


@given(_texts, st.integers(3, 6))
def test_letter_groups_are_counted_as_one_by_one(texts: list[str], longest: int) -> None:
    counts = ngrams.vectorizer("char_wb", (3, longest), _MOST).transform(texts)
    for number, text in enumerate(texts):
        expected = sum((_letter_groups(text, size) for size in range(3, longest + 1)), Counter[str]())
        assert sorted(counts[[number]].data) == sorted(expected.values())


@given(_texts, st.integers(3, 6))
def test_letters_of_many_texts_are_counted_as_by_the_vectorizer(texts: list[str], longest: int) -> None:
    expected = ngrams.vectorizer("char_wb", (3, longest), 1 << 16).transform(texts)
    found = ngrams.letter_groups(pl.Series(texts, dtype=pl.String), longest, 1 << 16)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert (found != expected).nnz == 0


@given(_texts)
def test_word_groups_are_counted_as_one_by_one(texts: list[str]) -> None:
    counts = ngrams.vectorizer("word", (1, 2), _MOST).transform(texts)
    for number, text in enumerate(texts):
        words = text.split()
        expected = Counter([(word,) for word in words] + list(pairwise(words)))
        assert sorted(counts[[number]].data) == sorted(expected.values())


@given(_texts)
def test_a_text_gets_the_same_columns_alone_and_among_others(texts: list[str]) -> None:
    together = ngrams.vectorizer("word", (1, 2), _MOST).transform(texts)
    alone = ngrams.vectorizer("word", (1, 2), _MOST).transform(texts[-1:])
    assert (together[[-1]] != alone).nnz == 0


def test_columns_never_change_between_versions() -> None:
    """Stored artifacts rest on them."""
    words = ngrams.vectorizer("word", (1, 2), 1_000_000).transform(["steel kettle"])
    letters = ngrams.vectorizer("char_wb", (3, 3), 1_000_000).transform(["abc"])
    assert sorted(words.indices) == [187652, 745022, 818895]
    assert sorted(letters.indices) == [43134, 324294, 431247]


@pytest.mark.slow
@settings(max_examples=30, derandomize=True)  # two words may meet in one of the columns
@given(_texts)
def test_weights_equal_those_of_a_vocabulary(texts: list[str]) -> None:
    items = _items(texts)
    found = Tfidf(1 << 20, words=1).learn(items, lambda _: None)
    clean = ngrams.text_of(items).to_list()
    vocabulary = TfidfVectorizer(
        token_pattern=r"\S+", lowercase=False, sublinear_tf=True, min_df=min(2, len(texts)), dtype=np.float32
    )
    try:
        expected = vocabulary.fit_transform(clean)
    except ValueError:  # it refuses to learn nothing
        assert not found.data.any()
        return
    for block in (found[:, : 1 << 20], found[:, 1 << 20 :]):  # of the whole text, of the title: here the same
        for number in range(len(texts)):
            values = block[[number]].data
            assert sorted(values[values > 0]) == pytest.approx(sorted(expected[[number]].data), abs=1e-5)


def test_rare_groups_get_no_weight() -> None:
    tfidf = Tfidf(4096, words=1)
    found = tfidf.learn(_items(["a b", "a"]), lambda _: None)
    assert np.count_nonzero(tfidf.idf[:4096]) == np.count_nonzero(tfidf.idf[4096:]) == 1
    assert np.count_nonzero(found.toarray()[0]) == 2


def test_items_are_read_as_they_were_learned() -> None:
    tfidf = Tfidf(4096, words=2, letters=5)
    items = _items(["steel kettle", "steel pot", "copper kettle", ""])
    learned = tfidf.learn(items, lambda _: None)
    assert (tfidf.read(items) != learned).nnz == 0


def test_of_no_items_nothing_is_learned() -> None:
    tfidf = Tfidf(4096, words=2)
    assert tfidf.learn(_items([]), lambda _: None).shape == (0, 8192)
    assert not tfidf.idf.any()


def test_a_word_has_the_column_that_its_text_has() -> None:
    tfidf = Tfidf(1 << 20, words=1)
    tfidf.learn(_items(["steel kettle"]), lambda _: None)
    assert sorted(tfidf.buckets(pl.Series(["kettle", "steel"]))) == np.flatnonzero(tfidf.idf[: 1 << 20]).tolist()


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("1,5 L Kettle!", "1.5 l kettle"),
        ("Ends. With dots...", "ends with dots"),
        ("v2.0 (new)", "v2.0 new"),
        ("日本 ÄÖ", "日本 äö"),
        ("", ""),
    ],
)
def test_text_is_cleaned_but_numbers_stay_whole(raw: str, clean: str) -> None:
    items = pl.DataFrame({"title": [raw], "brand": [""], "category": [""], "description": [""]})
    assert ngrams.text_of(items).to_list() == [clean]

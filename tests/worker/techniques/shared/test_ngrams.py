"""Do the columnar n-grams equal those found one text at a time?"""

from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfTransformer

from worker.techniques.shared import ngrams

_words = st.lists(st.text("abcé0.", min_size=1, max_size=9), max_size=12)
_texts = st.lists(_words.map(" ".join), min_size=1, max_size=6)


def _letter_groups(text: str, size: int) -> Counter[bytes]:
    data = f" {text} ".encode()
    groups = (data[start : start + size] for start in range(len(data) - size + 1))
    return Counter(group for group in groups if b" " not in group[1:-1])


@settings(deadline=None)
@given(_texts, st.integers(3, 6))
def test_letter_groups_are_counted_as_one_by_one(texts: list[str], size: int) -> None:
    codes, docs = ngrams.letter_codes(pl.Series(texts, dtype=pl.String), size, size)
    for number, text in enumerate(texts):
        own = Counter(codes[docs == number].tolist())
        assert sorted(own.values()) == sorted(_letter_groups(text, size).values())


@settings(deadline=None)
@given(_texts)
def test_word_groups_are_counted_as_one_by_one(texts: list[str]) -> None:
    codes, docs = ngrams.word_groups(pl.Series(texts, dtype=pl.String), 2)
    for number, text in enumerate(texts):
        words = text.split()
        expected = Counter([(word,) for word in words] + list(pairwise(words)))
        assert sorted(Counter(codes[docs == number].tolist()).values()) == sorted(expected.values())


@settings(deadline=None)
@given(_texts)
def test_a_text_gets_the_same_codes_alone_and_among_others(texts: list[str]) -> None:
    together, docs = ngrams.word_groups(pl.Series(texts, dtype=pl.String), 2)
    alone, _ = ngrams.word_groups(pl.Series(texts[-1:], dtype=pl.String), 2)
    assert sorted(together[docs == len(texts) - 1].tolist()) == sorted(alone.tolist())


def test_codes_never_change_between_versions() -> None:
    """Stored artifacts rest on them."""
    words, _ = ngrams.word_groups(pl.Series(["steel kettle"]), 2)
    letters, _ = ngrams.letter_codes(pl.Series(["abc"]), 3, 3)
    assert ngrams.buckets(words, 1_000_000).tolist() == [888952, 765644, 440576]
    assert ngrams.buckets(letters, 1_000_000).tolist() == [270736, 466146, 234828]


def test_counts_hold_every_code_once_per_occurrence() -> None:
    codes, docs = ngrams.word_groups(pl.Series(["a b a", "", "c"]), 1)
    counts = ngrams.counted(codes, docs, 3, 1 << 16)
    assert counts.shape == (3, 1 << 16)
    assert counts.toarray().sum(axis=1).tolist() == [3, 0, 1]
    assert sorted(counts[[0]].data.tolist()) == [1, 2]


@settings(max_examples=30, deadline=None)
@given(_texts)
def test_weights_equal_those_of_scikit_learn(texts: list[str]) -> None:
    counts = ngrams.counted(*ngrams.word_groups(pl.Series(texts, dtype=pl.String), 1), len(texts), 512)
    ours = ngrams.weighed(counts, ngrams.idf(counts, 1)).toarray()
    assert ours == pytest.approx(TfidfTransformer(sublinear_tf=True).fit_transform(counts).toarray(), abs=1e-5)


def test_rare_groups_get_no_weight() -> None:
    counts = ngrams.counted(*ngrams.word_groups(pl.Series(["a b", "a"]), 1), 2, 4096)
    idf = ngrams.idf(counts, 2)
    assert np.count_nonzero(idf) == 1
    assert np.count_nonzero(ngrams.weighed(counts, idf).toarray()[0]) == 1


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


def test_buckets_spread_evenly() -> None:
    filled = np.bincount(ngrams.buckets(np.arange(100_000, dtype=np.uint64), 100), minlength=100)
    assert 850 < filled.min() <= filled.max() < 1150

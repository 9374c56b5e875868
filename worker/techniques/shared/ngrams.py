"""TF-IDF of hashed word and letter groups: text as numbers without a stored vocabulary.

scikit-learn's hashing vectorizer keeps no word list when fitting and needs none when pricing (Weinberger and others
2009), so memory is bounded whatever the texts are. Its hash is MurmurHash3 with a fixed seed: what was fitted by one
process is read by the next.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

Floats = npt.NDArray[np.float32]

_SLICE = 1000  # items whose n-grams are counted at once
_SHORTEST = 3  # letters
_WORD = r"\S+"  # what a word is was decided by `text_of`
_FEWEST = 2  # texts an n-gram must occur in
LONGEST = 4000  # letters of an item that are read; what comes later tells next to nothing about the price


def text_of(items: pl.DataFrame) -> pl.Series:
    """Lower-case words of an item, single spaces between them; letters, digits and . inside numbers."""
    return items.select(
        pl.concat_str("title", "brand", "category", "description", separator=" ")
        .str.slice(0, LONGEST)
        .str.to_lowercase()
        .str.replace_all(r"(\d)[.,](\d)", "$1.$2")
        .str.replace_all(r"[^\p{L}\p{N}.]+|\.(?:\D|$)", " ")
        .str.replace_all(r" {2,}", " ")
        .str.strip_chars(" ")
        .alias("text")
    ).to_series()


class Tfidf:
    """Blocks of `size` columns: word groups of the whole text, word groups of all but the description and, with
    `letters`, groups of 3 to `letters` letters inside words of the whole text. A text has length 1 in each block.

    `idf` (columns,) is 0 for n-grams that fewer than two texts had: they count for nothing.
    """

    def __init__(self, size: int, words: int, letters: int = 0) -> None:
        self.size = size
        self._words = vectorizer("word", (1, words), size)
        self._letters = letters
        self.idf = np.zeros(size * (3 if letters else 2), dtype=np.float32)

    def learn(self, items: pl.DataFrame, each: Callable[[int], object]) -> csr_matrix:
        """Learn `idf` from items and return their (n, columns). `each` hears of the items done, part by part."""
        parts = []
        for part in items.iter_slices(_SLICE):
            parts.append(self._counts(part))
            each(len(part))
        if not parts:
            return csr_matrix((0, len(self.idf)), dtype=np.float32)
        blocks = [vstack(block, format="csr") for block in zip(*parts, strict=True)]
        self.idf = np.concatenate([_idf(block) for block in blocks])
        return self._weighed(blocks)

    def read(self, items: pl.DataFrame) -> csr_matrix:
        """(n, columns) of at least one item."""
        return self._weighed(self._counts(items))

    def buckets(self, words: pl.Series) -> npt.NDArray[np.int64]:
        """(n,) columns of single words within a block of word groups."""
        if words.is_empty():  # which the vectorizer refuses
            return np.empty(0, dtype=np.int64)
        return np.asarray(self._words.transform(words).indices, dtype=np.int64)

    def _counts(self, items: pl.DataFrame) -> list[csr_matrix]:
        whole, title = text_of(items), text_of(items.with_columns(description=pl.lit("")))
        blocks = [self._words.transform(whole), self._words.transform(title)]
        return [*blocks, letter_groups(whole, self._letters, self.size)] if self._letters else blocks

    def _weighed(self, blocks: Sequence[csr_matrix]) -> csr_matrix:
        weighed = []
        for block, idf in zip(blocks, np.split(self.idf, len(blocks)), strict=True):
            transformer = TfidfTransformer(sublinear_tf=True)
            transformer.idf_ = idf
            weighed.append(transformer.transform(block))
        return hstack(weighed, format="csr")


def letter_groups(texts: pl.Series, longest: int, size: int) -> csr_matrix:
    """(n, size) counts of groups of 3 to `longest` letters inside words, an end of a word counting as a letter.

    Texts repeat their words, and groups do not reach across words: each word is taken apart once for all texts, which
    takes a fifth of what the vectorizer takes for the same counts (docs/experiments.md, "Learn here, price there").
    """
    words = texts.str.split(" ").to_frame("word").with_row_index("doc").explode("word").filter(pl.col("word") != "")
    if words.is_empty():
        return csr_matrix((len(texts), size), dtype=np.float32)
    known = words.select(pl.col("word").unique(maintain_order=True)).with_row_index("place")
    used = words.join(known, on="word")
    places = used["doc"].to_numpy(), used["place"].to_numpy()
    held = csr_matrix((np.ones(len(used), dtype=np.float32), places), shape=(len(texts), len(known)))
    counts = csr_matrix(held @ vectorizer("char_wb", (_SHORTEST, longest), size).transform(known["word"]))
    counts.sort_indices()  # sums of what is made from them are then the same to the last bit each time
    return counts


def vectorizer(analyzer: str, sizes: tuple[int, int], size: int) -> HashingVectorizer:
    """Counts of n-grams of `sizes`, each in the column that its hash says."""
    return HashingVectorizer(
        analyzer=analyzer,
        ngram_range=sizes,
        n_features=size,
        token_pattern=_WORD if analyzer == "word" else None,
        lowercase=False,
        norm=None,
        alternate_sign=False,
        dtype=np.float32,
    )


def _idf(counts: csr_matrix) -> Floats:
    idf = TfidfTransformer().fit(counts).idf_
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.where(texts >= min(_FEWEST, counts.shape[0]), idf, 0).astype(np.float32)

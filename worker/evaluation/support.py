"""How much the known prices of similar products say about a row: what a price can be checked against without its truth.

Similar is a matter of words (cosine of TF-IDF). It depends on the row and on the train side alone, so that it is
reckoned once for all techniques, and what is computed of the train side can be kept for other tables; how far a
technique's price lies from the similar ones' is each technique's own.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors.numpy import load, save

from worker.progress import Progress

if TYPE_CHECKING:  # two seconds of every process that never compares texts
    from scipy.sparse import csr_matrix

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

SCHEMA: dict[str, pl.DataType] = {
    "row": pl.Int64(),
    "similarity": pl.Float64(),  # of the most similar train row, 0 to 1
    "deviation": pl.Float64(),  # of the similar rows' log prices
    "middle": pl.Float64(),  # their mean log price
}

_NEAREST = 10
_SHARPNESS = 10.0  # weight = exp(this x (similarity - the best one's))
_MOST = 20_000  # train rows that are compared with
_SLICE = 500
_LETTERS = 300  # of a description: its beginning says what a product is
_FLOOR = 0.1  # log scale: similar rows that all cost the same do not make a price certain
_MIN_ROWS, _MAX_SHARE = 2, 0.1  # a word in fewer or more of the train rows tells nothing
_GROUPS = 400  # of train rows, whose best ones tell how alike the nearest are at least


@dataclass(frozen=True)
class Known:
    """What is computed of n train rows with a price; without words where they are too few to say anything."""

    words: pl.Series  # sorted
    rarity: Floats  # (words,): inverse document frequency
    learned: "csr_matrix"  # (words, n)
    logs: npt.NDArray[np.float64]  # (n,): log prices

    @classmethod
    def of(cls, train: pl.DataFrame) -> "Known":
        """Of priced rows (ITEM_SCHEMA)."""
        from scipy.sparse import csr_matrix
        from sklearn.feature_extraction.text import TfidfTransformer

        known = train.filter(pl.col("price") > 0)
        known = known.sample(_MOST, seed=0) if len(known) > _MOST else known
        lines = _lines(known)
        in_rows = lines.group_by("word").agg(rows=pl.len())
        words = in_rows.filter(pl.col("rows").is_between(_MIN_ROWS, _MAX_SHARE * len(known)))["word"].sort()
        if len(known) <= _NEAREST or words.is_empty():
            return cls(words.clear(), np.zeros(0, np.float32), csr_matrix((0, 0), dtype=np.float32), np.zeros(0))
        weights = TfidfTransformer(sublinear_tf=True)
        learned = weights.fit_transform(_counts(lines, words, len(known)))
        return cls(words, weights.idf_, learned.T.tocsr(), np.log(known["price"].to_numpy()))

    def to_parts(self) -> dict[str, bytes]:
        """By name, to be kept."""
        matrix = {"data": self.learned.data, "indices": self.learned.indices, "indptr": self.learned.indptr}
        arrays = save({"rarity": self.rarity, "logs": self.logs, **matrix})
        return {_WORDS: json.dumps(self.words.to_list()).encode(), _KNOWN: arrays}

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes]) -> "Known":
        """Of what `to_parts` gave."""
        from scipy.sparse import csr_matrix

        words, arrays = pl.Series(json.loads(parts[_WORDS]), dtype=pl.String), load(parts[_KNOWN])
        matrix = tuple(arrays[name] for name in ("data", "indices", "indptr"))
        learned = csr_matrix(matrix, shape=(len(words), len(arrays["logs"])))
        return cls(words, arrays["rarity"], learned, arrays["logs"])

    def of_rows(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        """SCHEMA of the items, in order; empty where too little is known."""
        if self.words.is_empty():
            return pl.DataFrame(schema=SCHEMA)
        return pl.concat([pl.DataFrame(schema=SCHEMA), *self._judged(items, progress)])

    def _judged(self, items: pl.DataFrame, progress: Progress) -> Iterator[pl.DataFrame]:
        from sklearn.feature_extraction.text import TfidfTransformer

        weights = TfidfTransformer(sublinear_tf=True)
        weights.idf_ = self.rarity
        for part in items.iter_slices(_SLICE):
            texts = weights.transform(_counts(_lines(part), self.words, len(part)))
            nearest, alike = _nearest((texts @ self.learned).toarray())
            best = alike.max(axis=1, keepdims=True)
            weight = np.exp(_SHARPNESS * (alike - best))
            weight /= weight.sum(axis=1, keepdims=True)
            middle = (weight * self.logs[nearest]).sum(axis=1)
            spread = np.sqrt((weight * (self.logs[nearest] - middle[:, None]) ** 2).sum(axis=1) + _FLOOR**2)
            progress.advance(0)
            yield pl.DataFrame(
                {"row": part["row"], "similarity": best[:, 0], "deviation": spread, "middle": middle}, schema=SCHEMA
            )


_WORDS, _KNOWN = "words.json", "known.safetensors"


def _nearest(alike: Floats) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Of each row of (m, n) similarities the places of the _NEAREST largest and these, the largest first, of equal ones
    the first. n is more than _NEAREST."""
    m, n = alike.shape
    inside = n // _GROUPS * _GROUPS
    if inside:
        # So many groups reach it with their best, so that the nearest are no less alike: only a few are left to sort.
        best = alike[:, :inside].reshape(m, -1, _GROUPS).max(axis=1)
        least = -np.partition(-best, _NEAREST - 1, axis=1)[:, _NEAREST - 1]
    else:
        least = np.zeros(m, np.float32)
    row, place = np.divmod(np.flatnonzero(alike >= np.where(least > 0, least, np.inf)[:, None]), n)
    order = np.lexsort((place, -alike[row, place], row))
    row, place = row[order], place[order]
    starts = np.searchsorted(row, np.arange(m))
    found = place[np.minimum(starts[:, None] + np.arange(_NEAREST), max(0, len(place) - 1))] if len(place) else None
    nearest: Ints = np.zeros((m, _NEAREST), np.int64) if found is None else found.astype(np.int64)
    for line in np.flatnonzero(least <= 0):  # few share a word with it
        nearest[line] = np.argsort(-alike[line], kind="stable")[:_NEAREST]
    return nearest, np.take_along_axis(alike, nearest, 1).astype(float)


def _lines(frame: pl.DataFrame) -> pl.DataFrame:
    """place, word, times: of each word of two letters or more in the texts of the rows."""
    parts = ("title", pl.col("description").str.slice(0, _LETTERS), "category", "brand")
    words = pl.concat_str(*parts, separator=" ").str.to_lowercase().str.extract_all(r"[\p{L}\p{N}_]{2,}")
    lines = frame.select(place=pl.int_range(pl.len()), word=words).explode("word").drop_nulls("word")
    return lines.group_by("place", "word").agg(times=pl.len())


def _counts(lines: pl.DataFrame, words: pl.Series, rows: int) -> "csr_matrix":
    """(rows, words): how often each row has each word."""
    from scipy.sparse import csr_matrix

    columns = pl.DataFrame({"word": words}).with_row_index("column")
    there = lines.join(columns, on="word").select("place", "column", pl.col("times").cast(pl.Float32))
    place, column, times = (there[name].to_numpy() for name in there.columns)
    return csr_matrix((times, (place, column)), shape=(rows, len(words)), dtype=np.float32)

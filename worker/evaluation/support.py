"""How much the known prices of similar products say about a row: what a price can be checked against without its truth.

Similar is a matter of words (cosine of TF-IDF). It depends on the row and on the train side alone, so that it is
reckoned once for all techniques, and what is computed of the train side can be kept for other tables; how far a
technique's price lies from the similar ones' is each technique's own.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors.numpy import load, save

from worker.progress import Progress

if TYPE_CHECKING:  # half a second of every process that never compares texts
    from scipy.sparse import csr_matrix

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


@dataclass(frozen=True)
class Known:
    """What is computed of n train rows with a price; without words where they are too few to say anything."""

    words: tuple[str, ...]
    rarity: npt.NDArray[np.float32]  # (words,): inverse document frequency
    learned: "csr_matrix"  # (words, n)
    logs: npt.NDArray[np.float64]  # (n,): log prices

    @classmethod
    def of(cls, train: pl.DataFrame) -> "Known":
        """Of priced rows (ITEM_SCHEMA)."""
        from scipy.sparse import csr_matrix

        known = train.filter(pl.col("price") > 0)
        known = known.sample(_MOST, seed=0) if len(known) > _MOST else known
        words = _vectorizer(min_df=2, max_df=0.1)
        nothing = cls((), np.zeros(0, np.float32), csr_matrix((0, 0), dtype=np.float32), np.zeros(0))
        if len(known) <= _NEAREST:
            return nothing
        try:
            learned = words.fit_transform(_texts(known)).T.tocsr()
        except ValueError:  # no word is in two rows and not in most
            return nothing
        return cls(tuple(words.get_feature_names_out()), words.idf_, learned, np.log(known["price"].to_numpy()))

    def to_parts(self) -> dict[str, bytes]:
        """By name, to be kept."""
        matrix = {"data": self.learned.data, "indices": self.learned.indices, "indptr": self.learned.indptr}
        arrays = save({"rarity": self.rarity, "logs": self.logs, **matrix})
        return {"words.json": json.dumps(self.words).encode(), "known.safetensors": arrays}

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes]) -> "Known":
        """Of what `to_parts` gave."""
        from scipy.sparse import csr_matrix

        words, arrays = tuple(json.loads(parts["words.json"])), load(parts["known.safetensors"])
        matrix = tuple(arrays[name] for name in ("data", "indices", "indptr"))
        learned = csr_matrix(matrix, shape=(len(words), len(arrays["logs"])))
        return cls(words, arrays["rarity"], learned, arrays["logs"])

    def of_rows(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        """SCHEMA of the items, in order; empty where too little is known."""
        if not self.words:
            return pl.DataFrame(schema=SCHEMA)
        return pl.concat([pl.DataFrame(schema=SCHEMA), *self._judged(items, progress)])

    def _judged(self, items: pl.DataFrame, progress: Progress) -> Iterator[pl.DataFrame]:
        words = _vectorizer(vocabulary=self.words)
        words.idf_ = self.rarity
        for part in items.iter_slices(_SLICE):
            alike = (words.transform(_texts(part)) @ self.learned).toarray()
            nearest = np.argpartition(-alike, _NEAREST, axis=1)[:, :_NEAREST]
            alike = np.take_along_axis(alike, nearest, 1).astype(float)
            best = alike.max(axis=1, keepdims=True)
            weight = np.exp(_SHARPNESS * (alike - best))
            weight /= weight.sum(axis=1, keepdims=True)
            middle = (weight * self.logs[nearest]).sum(axis=1)
            spread = np.sqrt((weight * (self.logs[nearest] - middle[:, None]) ** 2).sum(axis=1) + _FLOOR**2)
            progress.advance(0)
            yield pl.DataFrame(
                {"row": part["row"], "similarity": best[:, 0], "deviation": spread, "middle": middle}, schema=SCHEMA
            )


def _vectorizer(**how: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer  # two seconds for every process that starts

    return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **how)


def _texts(frame: pl.DataFrame) -> list[str]:
    parts = ("title", pl.col("description").str.slice(0, _LETTERS), "category", "brand")
    return frame.select(pl.concat_str(*parts, separator=" ")).to_series().to_list()

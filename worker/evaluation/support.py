"""How much the known prices of similar products say about a row: what a price can be checked against without its truth.

Similar is a matter of words (cosine of TF-IDF). It depends on the row and on the train side alone, so that it is
reckoned once for all techniques; how far a technique's price lies from the similar ones' is each technique's own.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from worker.progress import Progress

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


def of_rows(train: pl.DataFrame, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
    """SCHEMA of the items, in order; `train` are priced ones (ITEM_SCHEMA). Empty where those are too few."""
    known = train.filter(pl.col("price") > 0)
    known = known.sample(_MOST, seed=0) if len(known) > _MOST else known
    from sklearn.feature_extraction.text import TfidfVectorizer  # two seconds for every process that starts

    words = TfidfVectorizer(sublinear_tf=True, min_df=2, max_df=0.1, dtype=np.float32)
    try:
        learned = words.fit_transform(_texts(known)).T.tocsr()
    except ValueError:  # no word is in two rows and not in most
        return pl.DataFrame(schema=SCHEMA)
    if len(known) <= _NEAREST:
        return pl.DataFrame(schema=SCHEMA)
    logs = np.log(known["price"].to_numpy())

    def judged() -> Iterator[pl.DataFrame]:
        for part in items.iter_slices(_SLICE):
            alike = (words.transform(_texts(part)) @ learned).toarray()
            nearest = np.argpartition(-alike, _NEAREST, axis=1)[:, :_NEAREST]
            alike = np.take_along_axis(alike, nearest, 1).astype(float)
            best = alike.max(axis=1, keepdims=True)
            weight = np.exp(_SHARPNESS * (alike - best))
            weight /= weight.sum(axis=1, keepdims=True)
            middle = (weight * logs[nearest]).sum(axis=1)
            spread = np.sqrt((weight * (logs[nearest] - middle[:, None]) ** 2).sum(axis=1) + _FLOOR**2)
            progress.advance(0)
            yield pl.DataFrame(
                {"row": part["row"], "similarity": best[:, 0], "deviation": spread, "middle": middle}, schema=SCHEMA
            )

    return pl.concat([pl.DataFrame(schema=SCHEMA), *judged()])


def _texts(frame: pl.DataFrame) -> list[str]:
    parts = ("title", pl.col("description").str.slice(0, _LETTERS), "category", "brand")
    return frame.select(pl.concat_str(*parts, separator=" ")).to_series().to_list()

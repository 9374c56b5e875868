"""What trees and networks read of an item: a guess from its words, their main axes, means of its kind, numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.progress import Progress
from worker.techniques.shared.text_features import Words

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Means = dict[str, dict[str, float]]
"""Name of a column -> its value -> mean centred log price."""

_PRIOR = 10  # items of the overall mean that a category's or brand's mean is mixed with
_FOLDS = 5
_NUMBER = r"\d+(?:\.\d+)?"


class Features:
    """What is learned from the train side: how words speak of prices, and what category and brand cost."""

    def __init__(self) -> None:
        self._words = Words()
        self.means: Means = {}

    def learn(self, train: pl.DataFrame, logs: Doubles, dims: int, progress: Progress) -> tuple[Doubles, Floats]:
        """Guess (n,) and features (n, 1 + axes + 2 + 6) of the train rows themselves, from their centred log prices;
        neither saw the row's own price. Axes: dims, or none where no word is known."""
        guess, axes = self._words.learn(train, logs, dims, progress)
        return guess, _joined(train, guess, axes, self._learn_means(train, logs))

    def read(self, items: pl.DataFrame) -> tuple[Doubles, Floats]:
        """Guess (n,) and features (n, 1 + axes + 2 + 6) of new items."""
        guess, axes = self._words.read(items)
        means = _looked_up(items.select(category=_key("category"), brand=_key("brand")), self.means)
        return guess, _joined(items, guess, axes, means)

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """What `restore` takes back, with `means`."""
        return self._words.arrays()

    def restore(self, arrays: dict[str, npt.NDArray[np.generic]], means: Means) -> None:
        self._words.restore(arrays)
        self.means = means

    def _learn_means(self, train: pl.DataFrame, logs: Doubles) -> Floats:
        """Means of category and brand for the train rows themselves, each from the folds that the row is not in.

        Leaving out only the row itself is not enough: within a category the mean of the others then falls as the own
        price rises, and trees read the price off it.
        """
        keyed = train.select(category=_key("category"), brand=_key("brand"), log=pl.Series(logs))
        self.means = _means(keyed)
        fold = np.random.default_rng(1).integers(0, _FOLDS, len(train))
        columns = np.zeros((len(train), 2), dtype=np.float32)
        for number in range(_FOLDS):
            out = pl.Series(fold == number)
            columns[fold == number] = _looked_up(keyed.filter(out), _means(keyed.filter(~out)))
        return columns


def _joined(items: pl.DataFrame, guess: Doubles, axes: Floats, means: Floats) -> Floats:
    columns: list[npt.NDArray[Any]] = [guess[:, None], axes, means, _numbers(items)]
    return np.hstack(columns).astype(np.float32)


def _means(keyed: pl.DataFrame) -> Means:
    """Name -> key -> mean, drawn towards 0 where items are few."""
    shrunk = pl.col("log").sum() / (pl.len() + _PRIOR)
    return {name: dict(keyed.group_by(name).agg(shrunk).sort(name).iter_rows()) for name in ("category", "brand")}


def _looked_up(keyed: pl.DataFrame, means: Means) -> Floats:
    """Means of category and brand (log price, less the centre) of the train rows; 0 for unknown ones."""
    columns = [
        keyed[name].replace_strict(known, default=0.0, return_dtype=pl.Float64).to_numpy()
        if known
        else np.zeros(len(keyed))
        for name, known in means.items()
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _key(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars().str.to_lowercase()


def _numbers(items: pl.DataFrame) -> Floats:
    """(n, 6) lengths of the texts, and the numbers in the title: how many, first, largest, sum; logs of them."""
    numbers = pl.col("title").str.extract_all(_NUMBER).list.eval(pl.element().cast(pl.Float64, strict=False))
    frame = items.select(
        title=pl.col("title").str.len_chars(),
        description=pl.col("description").str.len_chars(),
        count=numbers.list.len(),
        first=numbers.list.first().fill_null(0),
        largest=numbers.list.max().fill_null(0),
        total=numbers.list.sum().fill_null(0),
    )
    return frame.select(pl.all().cast(pl.Float64).clip(0, 1e9).log1p()).to_numpy().astype(np.float32)

"""The words of an item for a model of trees: a linear guess, and a few axes instead of all words."""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge
from sklearn.utils.extmath import randomized_svd

from worker.progress import Progress
from worker.techniques.shared.ngrams import Tfidf

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_SLICE = 500  # items that are read at once
_BUCKETS = 131_072
_VOCABULARY = 20_000  # n-grams that are compressed, the most frequent ones; the matrix has dims times as many
_ALPHA = 0.75
_FOLDS = 5


class Words:
    """TF-IDF of words and word pairs of the whole text and of the title, read in two ways."""

    def __init__(self) -> None:
        self._tfidf = Tfidf(_BUCKETS, words=2)
        self._weights = np.zeros(2 * _BUCKETS, dtype=np.float32)
        self._common = np.empty(0, dtype=np.int32)
        self._axes = np.empty((0, 0), dtype=np.float32)

    def learn(self, items: pl.DataFrame, logs: Doubles, dims: int, progress: Progress) -> tuple[Doubles, Floats]:
        """Guess (n,) and axes (n, dims) of the items themselves, from their centred log prices.

        Each item's guess comes from a model that did not see its price (5 folds): what is built on top meets guesses as
        good as those of new items, not better ones.
        """
        features = self._tfidf.learn(items, lambda _: progress.advance(0))  # so that cancelling works in between
        active = np.flatnonzero(self._tfidf.idf)
        if not len(active):
            return np.zeros(len(items)), np.zeros((len(items), 0), dtype=np.float32)
        dense = features[:, active]
        self._weights[active] = _ridge(dense, logs)
        guess = np.zeros(len(items))
        fold = np.random.default_rng(0).integers(0, _FOLDS, len(items))
        for number in range(_FOLDS):
            out = fold == number
            if out.any() and not out.all():
                guess[out] = dense[out] @ _ridge(dense[~out], logs[~out])
        self._find_axes(features, dims)
        return guess, np.asarray(features[:, self._common] @ self._axes, dtype=np.float32)

    def read(self, items: pl.DataFrame) -> tuple[Doubles, Floats]:
        """Guess (n,) and axes (n, dims) of new items."""
        guess = np.empty(len(items))
        axes = np.empty((len(items), self._axes.shape[1]), dtype=np.float32)
        start = 0
        for part in items.iter_slices(_SLICE) if len(items) else ():
            features = self._tfidf.read(part)
            guess[start : start + len(part)] = features @ self._weights
            axes[start : start + len(part)] = features[:, self._common] @ self._axes
            start += len(part)
        return guess, axes

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        active = np.flatnonzero(self._tfidf.idf).astype(np.int32)
        return {
            "active": active,
            "idf": self._tfidf.idf[active],
            "weights": self._weights[active],
            "common": self._common,
            "axes": self._axes,
        }

    def restore(self, arrays: dict[str, npt.NDArray[np.generic]]) -> None:
        for name, target in (("idf", self._tfidf.idf), ("weights", self._weights)):
            target[:] = 0
            target[arrays["active"]] = arrays[name]
        self._common, self._axes = arrays["common"].astype(np.int32), arrays["axes"].astype(np.float32)

    def _find_axes(self, features: csr_matrix, dims: int) -> None:
        """Latent semantic analysis (Deerwester and others 1990): the main axes of TF-IDF."""
        frequency = np.bincount(features.indices, minlength=features.shape[1])
        frequency[self._tfidf.idf == 0] = 0
        first = np.argsort(-frequency, kind="stable")[:_VOCABULARY]
        self._common = np.sort(first[frequency[first] > 0]).astype(np.int32)
        matrix = features[:, self._common]
        _, _, axes = randomized_svd(matrix, min(dims, *matrix.shape), n_iter=3, random_state=0)
        self._axes = np.ascontiguousarray(axes.T, dtype=np.float32)


def _ridge(features: csr_matrix, logs: Doubles) -> Floats:
    model = Ridge(alpha=_ALPHA, solver="sparse_cg", tol=1e-3, fit_intercept=False).fit(features, logs)
    return np.asarray(model.coef_, dtype=np.float32)

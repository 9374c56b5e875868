"""What cheap predictors say of each price without having seen it or those of its near-duplicates."""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge
from sklearn.utils.extmath import randomized_svd

from worker.progress import Progress
from worker.techniques.shared.ngrams import Tfidf

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

FOLDS = 5
NEIGHBOURS = 20
_BUCKETS = 65_536
_ALPHA = 1.0
_ROUNDS = 2  # the second one learns without what the first finds impossible
_WILD = 3.0  # spreads of a residual: such a price teaches as if it were no further off
_AXES = 96
_KNOWN = 20_000  # items that neighbours are looked for among, a sample of larger tables
_BLOCK = 20_000_000  # cosines held at once


class Predictors:
    """Ridge regression on words, and the prices of similar items.

    items: title, description, category, brand, group_id. A group of near-duplicates is in one fold, and none of it is
    among an item's neighbours.
    """

    def __init__(self, items: pl.DataFrame, progress: Progress, seed: int = 0) -> None:
        self._progress = progress
        self._features = Tfidf(_BUCKETS, words=2).learn(items, lambda _: progress.advance(0))
        groups = np.unique(items["group_id"].to_numpy(), return_inverse=True)[1]
        self._fold = np.random.default_rng(seed).integers(0, FOLDS, int(groups.max(initial=-1)) + 1)[groups]
        self.near, self._weights = _neighbours(self._features, groups, seed, progress)

    def guesses(self, prices: Floats) -> Floats:
        """(n, 2) guesses of the log price, from prices (n,) in $ above 0; each comes from those of other folds."""
        logs = np.log(prices)
        ridge, tame = np.full(len(logs), logs.mean()), logs
        for _ in range(_ROUNDS):
            for number in range(FOLDS):
                out = self._fold == number
                if out.any() and not out.all():
                    ridge[out] = _ridge(self._features[~out], tame[~out], self._features[out])
                self._progress.advance(0)
            # One price of 100 times too much would bend what is said of all items with its words.
            off = logs - ridge
            spread = 1.4826 * np.median(np.abs(off - np.median(off)))
            tame = ridge + np.clip(off, -_WILD * spread, _WILD * spread)
        return np.stack([ridge, _weighted_median(logs[self.near], self._weights)], axis=1)


def _ridge(features: csr_matrix, logs: Floats, asked: csr_matrix) -> Floats:
    model = Ridge(alpha=_ALPHA, solver="sparse_cg", tol=1e-3, fit_intercept=False)
    centre = float(logs.mean())
    return np.asarray(model.fit(features, logs - centre).predict(asked), dtype=float) + centre


def _neighbours(features: csr_matrix, groups: Places, seed: int, progress: Progress) -> tuple[Places, Floats]:
    """(n, k) places of the most similar items of other groups, and their weights."""
    n = features.shape[0]
    active = np.flatnonzero(np.bincount(features.indices, minlength=features.shape[1]))
    left, values, _ = randomized_svd(features[:, active], min(_AXES, n - 1, len(active)), n_iter=2, random_state=seed)
    axes = (left * values).astype(np.float32)
    axes /= np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-9)
    known = np.sort(np.random.default_rng(seed).choice(n, min(n, _KNOWN), replace=False))
    k = min(NEIGHBOURS, max(1, len(known) - 1))
    near, weights = np.empty((n, k), dtype=np.int64), np.empty((n, k))
    step = max(1, _BLOCK // len(known))
    for start in range(0, n, step):
        cosine = axes[start : start + step] @ axes[known].T
        cosine[groups[start : start + step, None] == groups[known][None, :]] = -2.0
        best = np.argpartition(-cosine, k - 1, axis=1)[:, :k]
        near[start : start + step] = known[best]
        weights[start : start + step] = np.exp(8.0 * np.take_along_axis(cosine, best, axis=1))
        progress.advance(0)
    return near, weights


def _weighted_median(values: Floats, weights: Floats) -> Floats:
    """(n,) of values and weights (n, k)."""
    order = np.argsort(values, axis=1)
    values, weights = np.take_along_axis(values, order, axis=1), np.take_along_axis(weights, order, axis=1)
    half = weights.sum(axis=1, keepdims=True) / 2
    place = (np.cumsum(weights, axis=1) < half).sum(axis=1)
    return np.asarray(values[np.arange(len(values)), np.minimum(place, values.shape[1] - 1)])

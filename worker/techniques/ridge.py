"""Linear regression of the log price on TF-IDF of words and letter groups."""

import json
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors.numpy import load, save
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.linear_model import Ridge as SkRidge

from db.types import Artifact, Family
from worker.progress import Progress
from worker.specs import RidgeSpec
from worker.techniques.base import Resources, predictions
from worker.techniques.shared import ngrams

Floats = npt.NDArray[np.float32]

_SLICE = 1000  # items whose n-grams are in memory at once
_SHORTEST = 3  # letters
_FEWEST = 2  # texts an n-gram must occur in
_TOLD = 3  # words named as evidence
_TOO_COMMON = 2.2  # idf of a word that three texts in ten have: "and" explains nothing to a reader
_RESIDUALS = 20  # validation rows an interval needs


class Ridge:
    """Three blocks of features: word groups of the whole text, word groups of the title, letter groups of the text.

    An interval spans the 5 % to 95 % quantile of the residuals of the validation rows on the log scale; there is none
    with fewer than 20 such rows.
    """

    family: ClassVar[Family] = Family.BASELINE

    def __init__(self, spec: RidgeSpec, resources: Resources) -> None:
        del resources
        self._spec = spec
        self._idf: list[Floats] = []
        self._weights = np.empty(0, dtype=np.float32)
        self._centre = float("nan")
        self._spread: tuple[float, float] | None = None

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        priced = train.filter(pl.col("price") > 0)
        if len(priced) > self._spec.max_rows:
            priced = priced.sample(self._spec.max_rows, seed=0)
        progress.advance(len(train) - len(priced))
        parts = []
        for part in priced.iter_slices(_SLICE):
            parts.append(self._counts(part))
            progress.advance(len(part))
        blocks = [vstack(block, format="csr") for block in zip(*parts, strict=True)] or self._counts(priced)
        self._idf = [ngrams.idf(block, max(1, min(_FEWEST, len(priced)))) for block in blocks]
        features = self._weighed(blocks)
        active = np.flatnonzero(np.concatenate(self._idf))
        logs = np.log(priced["price"].to_numpy())
        self._centre = float(logs.mean()) if len(logs) else float("nan")
        self._weights = np.zeros(features.shape[1], dtype=np.float32)
        if len(active):
            model = SkRidge(alpha=self._spec.alpha, solver="sparse_cg", tol=1e-3, fit_intercept=False)
            model.fit(features[:, active], logs - self._centre)
            self._weights[active] = model.coef_
        self._spread = self._residuals(validation.filter(pl.col("price") > 0), progress)
        return self._artifact(active)

    def load(self, artifact: Artifact) -> None:
        about = json.loads(artifact.parts["about.json"])
        arrays = load(artifact.parts["weights.safetensors"])
        size = self._spec.max_features
        every = np.zeros(3 * size, dtype=np.float32)
        every[arrays["feature"]] = arrays["idf"]
        self._idf = [every[start : start + size] for start in range(0, 3 * size, size)]
        self._weights = np.zeros(3 * size, dtype=np.float32)
        self._weights[arrays["feature"]] = arrays["weight"]
        self._centre = about["centre"] if about["centre"] is not None else float("nan")
        self._spread = (about["low"], about["high"]) if about["low"] is not None else None

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        logs = np.empty(len(items))
        evidence: list[str | None] = []
        start = 0
        for part in items.iter_slices(_SLICE) if len(items) else ():
            features = self._weighed(self._counts(part))
            logs[start : start + len(part)] = features @ self._weights + self._centre
            evidence += self._evidence(part, features)
            start += len(part)
            progress.advance(len(part))
        low, high = (np.exp(logs + shift) for shift in self._spread) if self._spread else (None, None)
        return predictions(items, np.exp(logs), low=low, high=high, evidence=evidence)

    def _counts(self, items: pl.DataFrame) -> list[csr_matrix]:
        whole, title = ngrams.text_of(items), ngrams.text_of(items.with_columns(description=pl.lit("")))
        n, size = len(items), self._spec.max_features
        return [
            ngrams.counted(*ngrams.word_groups(whole, self._spec.word_ngrams), n, size),
            ngrams.counted(*ngrams.word_groups(title, self._spec.word_ngrams), n, size),
            ngrams.counted(*ngrams.letter_codes(whole, _SHORTEST, self._spec.char_ngrams), n, size),
        ]

    def _weighed(self, blocks: list[csr_matrix]) -> csr_matrix:
        return hstack([ngrams.weighed(block, idf) for block, idf in zip(blocks, self._idf, strict=True)], format="csr")

    def _residuals(self, validation: pl.DataFrame, progress: Progress) -> tuple[float, float] | None:
        if len(validation) < _RESIDUALS:
            return None
        guesses = self.price(validation, progress)["price"].to_numpy()
        low, high = np.quantile(np.log(validation["price"].to_numpy()) - np.log(guesses), (0.05, 0.95))
        return float(low), float(high)

    def _artifact(self, active: npt.NDArray[np.int64]) -> Artifact:
        low, high = self._spread or (None, None)
        centre = None if np.isnan(self._centre) else self._centre
        arrays = {
            "feature": active.astype(np.int32),
            "idf": np.concatenate(self._idf)[active],
            "weight": self._weights[active],
        }
        about = {"centre": centre, "low": low, "high": high}
        return Artifact({"weights.safetensors": save(arrays), "about.json": json.dumps(about).encode()})

    def _evidence(self, items: pl.DataFrame, features: csr_matrix) -> list[str | None]:
        """For each item the words that moved its price most, as factors of the price: 1.2 = a fifth dearer."""
        texts = ngrams.text_of(items)
        found, size = ngrams.words(texts), self._spec.max_features
        features.sort_indices()
        places = np.repeat(np.arange(len(items)), np.diff(features.indptr)) * features.shape[1] + features.indices
        effects = np.append(features.data * self._weights[features.indices], 0)
        buckets = ngrams.buckets(found["code"].to_numpy(), size)
        telling = pl.Series(self._idf[0][buckets] > _TOO_COMMON) & (found["word"].str.len_chars() > 1)
        found = found.with_columns(bucket=buckets).filter(telling).unique(["doc", "code"])
        effect = np.zeros(len(found))
        for shift in (0, size):  # the word in the text and, once more, in the title
            wanted = found["doc"].to_numpy() * features.shape[1] + found["bucket"].to_numpy() + shift
            at = np.searchsorted(places, wanted)
            hit = np.append(places, -1)[at] == wanted
            effect += np.where(hit, effects[at], 0)
        strongest = (
            found.with_columns(factor=pl.Series(np.exp(effect)).round(3), strength=pl.Series(np.abs(effect)))
            .filter(pl.col("factor") != 1)
            .sort("doc", "strength", "word", descending=[False, True, False])
            .group_by("doc", maintain_order=True)
            .agg(pl.struct("word", "factor").head(_TOLD))
        )
        told = dict(strongest.iter_rows())
        return [json.dumps(told[doc], ensure_ascii=False) if doc in told else None for doc in range(len(items))]

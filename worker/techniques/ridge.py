"""Linear regression of the log price on TF-IDF of words and letter groups."""

import json

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors.numpy import load, save
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge as SkRidge

from db.types import Artifact
from worker.progress import Progress
from worker.specs import RidgeSpec
from worker.techniques.base import Resources, predictions
from worker.techniques.shared.ngrams import Tfidf, text_of

_SLICE = 1000  # items that are priced at once
_TOLD = 3  # words named as evidence
_TOO_COMMON = 2.2  # idf of a word that three texts in ten have: "and" explains nothing to a reader


class Ridge:
    """Three blocks of features: word groups of the whole text, word groups of the title, letter groups of the text."""

    def __init__(self, spec: RidgeSpec, resources: Resources) -> None:
        del resources
        self._spec = spec
        self._tfidf = Tfidf(spec.max_features, spec.word_ngrams, spec.char_ngrams)
        self._weights = np.zeros(len(self._tfidf.idf), dtype=np.float32)
        self._centre = float("nan")

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        del validation
        priced = train.filter(pl.col("price") > 0)
        if len(priced) > self._spec.max_rows:
            priced = priced.sample(self._spec.max_rows, seed=0)
        progress.advance(len(train) - len(priced))
        features = self._tfidf.learn(priced, progress.advance)
        active = np.flatnonzero(self._tfidf.idf)
        logs = np.log(priced["price"].to_numpy())
        self._centre = float(logs.mean()) if len(logs) else float("nan")
        if len(active):
            model = SkRidge(alpha=self._spec.alpha, solver="sparse_cg", tol=1e-3, fit_intercept=False)
            model.fit(features[:, active], logs - self._centre)
            self._weights[active] = model.coef_
        return self._artifact(active)

    def load(self, artifact: Artifact) -> None:
        about = json.loads(artifact.parts["about.json"])
        arrays = load(artifact.parts["weights.safetensors"])
        for name, target in (("idf", self._tfidf.idf), ("weight", self._weights)):
            target[:] = 0
            target[arrays["feature"]] = arrays[name]
        self._centre = about["centre"] if about["centre"] is not None else float("nan")

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        logs = np.empty(len(items))
        evidence: list[str | None] = []
        start = 0
        for part in items.iter_slices(_SLICE) if len(items) else ():
            features = self._tfidf.read(part)
            logs[start : start + len(part)] = features @ self._weights + self._centre
            evidence += self._evidence(part, features)
            start += len(part)
            progress.advance(len(part))
        return predictions(items, np.exp(logs), evidence=evidence)

    def _artifact(self, active: npt.NDArray[np.int64]) -> Artifact:
        centre = None if np.isnan(self._centre) else self._centre
        arrays = {
            "feature": active.astype(np.int32),
            "idf": self._tfidf.idf[active],
            "weight": self._weights[active],
        }
        about = json.dumps({"centre": centre}).encode()
        return Artifact({"weights.safetensors": save(arrays), "about.json": about})

    def _evidence(self, items: pl.DataFrame, features: csr_matrix) -> list[str | None]:
        """For each item the words that moved its price most, as factors of the price: 1.2 = a fifth dearer."""
        words = text_of(items).str.split(" ").to_frame("word").with_row_index("doc")
        occurrences = words.explode("word").filter(pl.col("word").str.len_chars() > 1).unique()
        known = occurrences.select("word").unique()
        buckets = self._tfidf.buckets(known["word"])
        known = known.with_columns(bucket=buckets).filter(pl.Series(self._tfidf.idf[buckets] > _TOO_COMMON))
        occurrences = occurrences.join(known, on="word")
        if occurrences.is_empty():
            return [None] * len(items)
        features.sort_indices()
        docs, columns = occurrences["doc"].to_numpy(), occurrences["bucket"].to_numpy()
        effect = np.zeros(len(occurrences))
        for block in (columns, columns + self._tfidf.size):  # the word in the text and, once more, in the title
            effect += np.asarray(features[docs, block]).ravel() * self._weights[block]
        strongest = (
            occurrences.with_columns(factor=pl.Series(np.exp(effect)).round(3), strength=pl.Series(np.abs(effect)))
            .filter(pl.col("factor") != 1)
            .sort("doc", "strength", "word", descending=[False, True, False])
            .group_by("doc", maintain_order=True)
            .agg(pl.struct("word", "factor").head(_TOLD))
        )
        told = dict(strongest.iter_rows())
        return [json.dumps(told[doc], ensure_ascii=False) if doc in told else None for doc in range(len(items))]

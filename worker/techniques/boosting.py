"""Gradient boosted trees on compressed text, sentence embeddings, category, brand and a few numbers."""

import json
import os
from typing import Any, ClassVar

import lightgbm
import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors.numpy import load, save
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.utils.extmath import randomized_svd

from db.types import Artifact, Family
from worker.progress import Progress
from worker.specs import LightGBMSpec
from worker.techniques import ngrams
from worker.techniques.base import Resources, predictions

Floats = npt.NDArray[np.float32]

_SLICE = 500  # items whose features are made at once
_BUCKETS = 131_072
_VOCABULARY = 20_000  # n-grams that are compressed, the most frequent ones; the matrix has text_dims times as many
_FEWEST = 3  # texts an n-gram must occur in
_STOP_AFTER = 60  # trees without progress on the validation rows
_JUDGED = 20  # validation rows needed to stop early and to give an interval
_PRIOR = 10  # items that a category's or brand's mean is drawn towards the overall mean by
_NUMBER = r"\d+(?:\.\d+)?"


class LightGBM:
    """Trees predict the log price. An interval spans the residuals of the validation rows, as for ridge."""

    family: ClassVar[Family] = Family.BASELINE

    def __init__(self, spec: LightGBMSpec, resources: Resources) -> None:
        self._spec = spec
        self._resources = resources
        self._idf: list[Floats] = []
        self._axes = np.empty((0, 0), dtype=np.float32)  # (n-grams, text_dims)
        self._active = np.empty(0, dtype=np.int64)
        self._means: dict[str, dict[str, float]] = {}
        self._about: dict[str, Any] = {}
        self._trees: lightgbm.Booster | None = None

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        priced = train.filter(pl.col("price") > 0)
        if len(priced) > self._spec.max_rows:
            priced = priced.sample(self._spec.max_rows, seed=0)
        self._about = {"centre": None, "low": None, "high": None}
        self._means, self._trees = {}, None
        if len(priced):
            self._learn(priced, validation.filter(pl.col("price") > 0), progress)
        return self._artifact()

    def load(self, artifact: Artifact) -> None:
        self._about = json.loads(artifact.parts["about.json"])
        self._means = self._about.pop("means")
        self._trees = None
        if self._about["centre"] is not None:
            arrays = load(artifact.parts["text.safetensors"])
            self._idf = [arrays["idf_text"], arrays["idf_title"]]
            self._axes, self._active = arrays["axes"], arrays["active"]
            self._trees = lightgbm.Booster(model_str=artifact.parts["trees.txt"].decode())

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        if self._trees is None:
            return predictions(items, np.full(len(items), np.nan))
        logs = np.empty(len(items))
        for start in range(0, len(items), _SLICE):
            part = items[start : start + _SLICE]
            features = self._features(part, self._means_of(part), progress)
            logs[start : start + len(part)] = self._trees.predict(features, num_threads=_threads())
        logs += self._about["centre"]
        if self._about["low"] is None:
            return predictions(items, np.exp(logs))
        return predictions(
            items, np.exp(logs), low=np.exp(logs + self._about["low"]), high=np.exp(logs + self._about["high"])
        )

    def _learn(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> None:
        logs = np.log(train["price"].to_numpy())
        centre = float(logs.mean())
        self._about["centre"] = centre
        self._compress(train)
        features = self._features(train, self._means_without_own(train, logs - centre), progress)
        judge = len(validation) >= _JUDGED
        held = self._features(validation, self._means_of(validation), progress) if judge else None
        truth = np.log(validation["price"].to_numpy()) - centre
        data = lightgbm.Dataset(features, logs - centre)
        self._trees = lightgbm.train(
            {
                "objective": "regression",
                "metric": "l1",
                "learning_rate": self._spec.learning_rate,
                "num_leaves": self._spec.leaves,
                # Few of the hundreds of text dimensions per tree: faster, and trees that differ average better.
                "feature_fraction": 0.1,
                "bagging_fraction": 0.8 if len(train) > 50 else 1.0,  # of one row nothing would be left
                "bagging_freq": 1,
                "min_data_in_leaf": min(10, max(1, len(train) // 20)),
                "lambda_l2": 1.0,
                "num_threads": _threads(),
                "deterministic": True,
                "seed": 0,
                "verbose": -1,
            },
            data,
            num_boost_round=self._spec.trees,
            valid_sets=[data.create_valid(held, truth)] if judge else None,
            callbacks=[
                lambda _: progress.advance(0),  # so that cancelling works between two trees
                *([lightgbm.early_stopping(_STOP_AFTER, verbose=False)] if judge else []),
            ],
        )
        if judge:
            off = truth - self._trees.predict(held, num_threads=_threads())
            self._about["low"], self._about["high"] = (float(q) for q in np.quantile(off, (0.05, 0.95)))

    def _compress(self, train: pl.DataFrame) -> None:
        """Latent semantic analysis (Deerwester and others 1990): the main axes of TF-IDF."""
        blocks = [
            vstack(block, format="csr")
            for block in zip(*[self._counts(part) for part in train.iter_slices(_SLICE)], strict=True)
        ]
        few = min(_FEWEST, len(train))
        self._idf = [ngrams.idf(block, few) for block in blocks]
        frequency = np.concatenate([ngrams.documents_with(block) for block in blocks])
        frequency[np.concatenate(self._idf) == 0] = 0
        common = np.argsort(-frequency, kind="stable")[:_VOCABULARY]
        self._active = np.sort(common[frequency[common] > 0]).astype(np.int64)
        weighed = self._weighed(blocks)
        dims = min(self._spec.text_dims, *weighed.shape)
        self._axes = np.empty((weighed.shape[1], 0), dtype=np.float32)
        if dims:
            _, _, axes = randomized_svd(weighed, dims, n_iter=3, random_state=0)
            self._axes = np.ascontiguousarray(axes.T, dtype=np.float32)

    def _counts(self, items: pl.DataFrame) -> list[csr_matrix]:
        whole, title = ngrams.text_of(items), ngrams.text_of(items.with_columns(description=pl.lit("")))
        return [ngrams.counted(*ngrams.word_groups(text, 2), len(items), _BUCKETS) for text in (whole, title)]

    def _weighed(self, blocks: list[csr_matrix]) -> csr_matrix:
        weighed = [ngrams.weighed(block, idf) for block, idf in zip(blocks, self._idf, strict=True)]
        return hstack(weighed, format="csr")[:, self._active]

    def _features(self, items: pl.DataFrame, means: Floats, progress: Progress) -> Floats:
        """(n, text_dims + dims of the embedding + numbers). Advances progress by the number of items."""
        parts = [self._weighed(self._counts(part)) @ self._axes for part in items.iter_slices(_SLICE)]
        columns = [np.concatenate(parts), means, _numbers(items)]
        if self._spec.embeddings:
            columns.append(self._resources.index().vectors(items, progress))
        else:
            progress.advance(len(items))
        return np.hstack(columns).astype(np.float32)

    def _means_without_own(self, train: pl.DataFrame, logs: npt.NDArray[np.float64]) -> Floats:
        """Means of category and brand, each item's own price left out: else the trees would trust them too much."""
        columns = []
        for name in ("category", "brand"):
            frame = train.select(key=_key(name), log=pl.Series(logs))
            grouped = frame.group_by("key").agg(mean=pl.col("log").sum() / (pl.len() + _PRIOR)).sort("key")
            self._means[name] = dict(grouped.iter_rows())
            total, count = pl.col("log").sum().over("key"), pl.len().over("key")
            columns.append(frame.select((total - pl.col("log")) / (count - 1 + _PRIOR)).to_series().to_numpy())
        return np.stack(columns, axis=1).astype(np.float32)

    def _means_of(self, items: pl.DataFrame) -> Floats:
        """Means of category and brand (log $, less the centre) of the train rows; 0 for unknown ones."""
        keys = {name: items.select(_key(name)).to_series() for name in ("category", "brand")}
        known = [
            series.replace_strict(self._means[name], default=0.0, return_dtype=pl.Float64).to_numpy()
            for name, series in keys.items()
        ]
        return np.stack(known, axis=1).astype(np.float32)

    def _artifact(self) -> Artifact:
        about = json.dumps({**self._about, "means": self._means}).encode()
        if self._trees is None:
            return Artifact({"about.json": about})
        arrays = {"idf_text": self._idf[0], "idf_title": self._idf[1], "axes": self._axes, "active": self._active}
        best = self._trees.best_iteration or self._trees.current_iteration()
        trees = self._trees.model_to_string(num_iteration=best)
        return Artifact({"about.json": about, "text.safetensors": save(arrays), "trees.txt": trees.encode()})


def _key(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars().str.to_lowercase()


def _numbers(items: pl.DataFrame) -> Floats:
    """(n, 6) lengths of the texts, and the numbers in the title: how many, first, largest, sum; logs of them."""
    found = pl.col("title").str.extract_all(_NUMBER).list.eval(pl.element().cast(pl.Float64, strict=False))
    frame = items.select(
        title=pl.col("title").str.len_chars(),
        description=pl.col("description").str.len_chars(),
        count=found.list.len(),
        first=found.list.first().fill_null(0),
        largest=found.list.max().fill_null(0),
        total=found.list.sum().fill_null(0),
    )
    return frame.select(pl.all().cast(pl.Float64).clip(0, 1e9).log1p()).to_numpy().astype(np.float32)


def _threads() -> int:
    return os.cpu_count() or 1

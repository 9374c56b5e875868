"""Small neural networks on TF-IDF of words and letter groups, several of them averaged."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors.numpy import load, save
from scipy.sparse import csr_matrix

from db.types import Artifact
from worker.progress import Progress
from worker.specs import SparseMlpSpec
from worker.techniques.base import Resources, predictions
from worker.techniques.shared.ngrams import Tfidf
from worker.techniques.shared.sparse_network import Floats, SparseNetwork, learn

_SLICE = 1000  # items that are priced at once
_BATCH = 128  # items of the first epoch's steps
_UPPER = (32, 32)  # units of the layers above the first; that one has a weight for each feature and takes all the time


class SparseMlp:
    """log price = the mean of several networks that start from other weights and see the rows in another order.

    The features are the ridge technique's. Fitting looks at no validation row, and a price comes without an interval.
    """

    def __init__(self, spec: SparseMlpSpec, resources: Resources) -> None:
        del resources
        self._spec = spec
        self._tfidf = Tfidf(spec.max_features, spec.word_ngrams, spec.char_ngrams)
        self._active = np.empty(0, dtype=np.int32)  # columns that the networks read
        self._networks: list[SparseNetwork] = []
        self._centre: float | None = None
        self._spread = 1.0

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        del validation
        priced = train.filter(pl.col("price") > 0)
        if len(priced) > self._spec.max_rows:
            priced = priced.sample(self._spec.max_rows, seed=0)
        progress.advance(len(train) - len(priced))
        features = self._tfidf.learn(priced, progress.advance)
        self._active = np.flatnonzero(self._tfidf.idf).astype(np.int32)
        if len(priced):
            logs = np.log(priced["price"].to_numpy())
            self._centre, self._spread = float(logs.mean()), max(float(logs.std()), 1e-6)
            targets = ((logs - self._centre) / self._spread).astype(np.float32)
            self._networks = [
                self._network(features[:, self._active], targets, number, progress)
                for number in range(self._spec.networks)
            ]
        return self._artifact()

    def load(self, artifact: Artifact) -> None:
        about = json.loads(artifact.parts["about.json"])
        arrays = load(artifact.parts["weights.safetensors"])
        self._centre, self._spread = about["centre"], about["spread"]
        self._active = arrays["feature"]
        self._tfidf.idf[:] = 0
        self._tfidf.idf[self._active] = arrays["idf"]
        layers = range(about["layers"])
        self._networks = [
            SparseNetwork.kept((arrays[f"{n}.{layer}.weights"], arrays[f"{n}.{layer}.bias"]) for layer in layers)
            for n in range(about["networks"])
        ]

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        logs = np.full(len(items), np.nan)
        for start in range(0, len(items), _SLICE):
            part = items[start : start + _SLICE]
            if self._centre is not None:
                features = self._tfidf.read(part)[:, self._active]
                guesses = [network(features) for network in self._networks]
                logs[start : start + len(part)] = (
                    np.mean(guesses, axis=0, dtype=np.float64) * self._spread + self._centre
                )
            progress.advance(len(part))
        return predictions(items, np.exp(logs))

    def _network(self, features: csr_matrix, targets: Floats, number: int, progress: Progress) -> SparseNetwork:
        spec, rng = self._spec, np.random.default_rng([self._spec.seed, number])
        network = SparseNetwork.drawn(features.shape[1], (spec.units, *_UPPER), rng)
        for _ in learn(network, features, targets, rate=spec.learning_rate, epochs=spec.epochs, batch=_BATCH, rng=rng):
            progress.advance(0)  # so that cancelling works between two steps
        return network

    def _artifact(self) -> Artifact:
        arrays: dict[str, npt.NDArray[Any]] = {"feature": self._active, "idf": self._tfidf.idf[self._active]}
        for number, network in enumerate(self._networks):
            for layer, (weights, bias) in enumerate(network.to_keep()):
                arrays[f"{number}.{layer}.weights"] = weights
                arrays[f"{number}.{layer}.bias"] = bias
        about = {
            "centre": self._centre,
            "spread": self._spread,
            "networks": len(self._networks),
            "layers": len(_UPPER) + 2,
        }
        return Artifact({"weights.safetensors": save(arrays), "about.json": json.dumps(about).encode()})

"""The base of techniques whose gradient boosted trees correct a linear guess from the words."""

import json
from typing import Any, Generic, TypeVar

import lightgbm
import numpy as np
import polars as pl
from safetensors.numpy import load, save

from db.types import Artifact
from worker.progress import Progress
from worker.specs import BoostingSpec
from worker.techniques.base import Resources, predictions
from worker.techniques.shared.features import Features, Floats

_SLICE = 500  # items whose features are made at once
_STOP_AFTER = 60  # trees without progress on the validation rows
_JUDGED = 20  # validation rows needed to stop early
_FEW = 50  # rows below which every tree sees all of them


Spec = TypeVar("Spec", bound=BoostingSpec)


class Boosting(Generic[Spec]):
    """log price = a linear guess from the words + trees on what that leaves.

    The trees see the main axes of the text, the means of category and brand, numbers, and what a technique adds
    (`vectors`). Trees alone on the same features were 5 % worse than the linear model on real products
    (docs/experiments.md).
    """

    def __init__(self, spec: Spec, resources: Resources) -> None:
        self.spec = spec
        self.resources = resources
        self._features = Features()
        self._about: dict[str, Any] = {"centre": None}
        self._trees: lightgbm.Booster | None = None

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        priced = train.filter(pl.col("price") > 0)
        if len(priced) > self.spec.max_rows:
            priced = priced.sample(self.spec.max_rows, seed=0)
        progress.advance(len(train) - len(priced))
        if len(priced):
            self._learn(priced, validation.filter(pl.col("price") > 0), progress)
        about = {**self._about, "means": self._features.means}
        parts = {"about.json": json.dumps(about).encode()}
        if self._trees is not None:
            best = self._trees.best_iteration or self._trees.current_iteration()
            parts["trees.txt"] = self._trees.model_to_string(num_iteration=best).encode()
            parts["words.safetensors"] = save(self._features.arrays())
        return Artifact(parts)

    def load(self, artifact: Artifact) -> None:
        self._about = json.loads(artifact.parts["about.json"])
        means = self._about.pop("means")
        self._trees = None
        if "trees.txt" in artifact.parts:
            self._features.restore(load(artifact.parts["words.safetensors"]), means)
            self._trees = lightgbm.Booster(model_str=artifact.parts["trees.txt"].decode())

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        if self._trees is None:
            return predictions(items, np.full(len(items), np.nan))
        logs = np.empty(len(items))
        for start in range(0, len(items), _SLICE):
            part = items[start : start + _SLICE]
            guess, features = self._features.read(part)
            features = self._joined(features, part, progress)
            logs[start : start + len(part)] = guess + self._trees.predict(features)
        logs += self._about["centre"]
        return predictions(items, np.exp(logs))

    def vectors(self, items: pl.DataFrame, progress: Progress) -> Floats:
        """(n, width) further columns of items, width perhaps 0. Advances progress by the number of items."""
        progress.advance(len(items))
        return np.empty((len(items), 0), dtype=np.float32)

    def _learn(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> None:
        logs = np.log(train["price"].to_numpy())
        centre = self._about["centre"] = float(logs.mean())
        logs = logs - centre
        guess, features = self._features.learn(train, logs, self.spec.text_dims, progress)
        features = self._joined(features, train, progress)
        data = lightgbm.Dataset(features, logs - guess)
        held, callbacks = None, [lambda _: progress.advance(0)]  # so that cancelling works between two trees
        if len(validation) >= _JUDGED:
            guess, held = self._features.read(validation)
            held = self._joined(held, validation, progress)
            left = np.log(validation["price"].to_numpy()) - centre - guess
            callbacks.append(lightgbm.early_stopping(_STOP_AFTER, verbose=False))
        self._trees = lightgbm.train(
            {
                "objective": "regression",
                "metric": "l1",
                "learning_rate": self.spec.learning_rate,
                "num_leaves": self.spec.leaves,
                # Few of the hundreds of columns per tree: faster, and trees that differ average better.
                "feature_fraction": 0.2,
                "bagging_fraction": 0.8 if len(train) > _FEW else 1.0,
                "bagging_freq": 1,
                "min_data_in_leaf": min(10, max(1, len(train) // 20)),
                "lambda_l2": 1.0,
                "deterministic": True,
                "force_col_wise": True,  # the automatic choice depends on timings, and with it the last digits
                "seed": 0,
                "verbose": -1,
            },
            data,
            num_boost_round=self.spec.trees,
            valid_sets=None if held is None else [data.create_valid(held, left)],
            callbacks=callbacks,
        )

    def _joined(self, features: Floats, items: pl.DataFrame, progress: Progress) -> Floats:
        """Features with the columns of `vectors` beside them. Advances progress by the number of items."""
        return np.hstack([features, self.vectors(items, progress)])

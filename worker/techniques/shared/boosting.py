"""The base of techniques whose gradient boosted trees correct a linear guess from the words."""

import json
from typing import Any, Generic, TypeVar

import lightgbm
import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors.numpy import load, save

from db.types import Artifact
from worker.progress import Progress
from worker.specs import BoostingSpec
from worker.techniques.base import Resources, predictions
from worker.techniques.shared.text_features import Words

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_SLICE = 500  # items whose features are made at once
_STOP_AFTER = 60  # trees without progress on the validation rows
_JUDGED = 20  # validation rows needed to stop early
_PRIOR = 10  # items of the overall mean that a category's or brand's mean is mixed with
_FOLDS = 5
_FEW = 50  # rows below which every tree sees all of them
_NUMBER = r"\d+(?:\.\d+)?"


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
        self._words = Words()
        self._means: dict[str, dict[str, float]] = {}
        self._about: dict[str, Any] = {"centre": None}
        self._trees: lightgbm.Booster | None = None

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        priced = train.filter(pl.col("price") > 0)
        if len(priced) > self.spec.max_rows:
            priced = priced.sample(self.spec.max_rows, seed=0)
        progress.advance(len(train) - len(priced))
        if len(priced):
            self._learn(priced, validation.filter(pl.col("price") > 0), progress)
        about = {**self._about, "means": self._means}
        parts = {"about.json": json.dumps(about).encode()}
        if self._trees is not None:
            best = self._trees.best_iteration or self._trees.current_iteration()
            parts["trees.txt"] = self._trees.model_to_string(num_iteration=best).encode()
            parts["words.safetensors"] = save(self._words.arrays())
        return Artifact(parts)

    def load(self, artifact: Artifact) -> None:
        self._about = json.loads(artifact.parts["about.json"])
        self._means = self._about.pop("means")
        self._trees = None
        if "trees.txt" in artifact.parts:
            self._words.restore(load(artifact.parts["words.safetensors"]))
            self._trees = lightgbm.Booster(model_str=artifact.parts["trees.txt"].decode())

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        if self._trees is None:
            return predictions(items, np.full(len(items), np.nan))
        logs = np.empty(len(items))
        for start in range(0, len(items), _SLICE):
            part = items[start : start + _SLICE]
            guess, axes = self._words.read(part)
            features = self._features(part, guess, axes, self._means_of(part), progress)
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
        guess, axes = self._words.learn(train, logs, self.spec.text_dims, progress)
        features = self._features(train, guess, axes, self._learn_means(train, logs), progress)
        data = lightgbm.Dataset(features, logs - guess)
        held, callbacks = None, [lambda _: progress.advance(0)]  # so that cancelling works between two trees
        if len(validation) >= _JUDGED:
            guess, axes = self._words.read(validation)
            held = self._features(validation, guess, axes, self._means_of(validation), progress)
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

    def _features(self, items: pl.DataFrame, guess: Doubles, axes: Floats, means: Floats, progress: Progress) -> Floats:
        """(n, 1 + axes + 2 + 6 + width of `vectors`). Advances progress by the number of items."""
        columns: list[npt.NDArray[Any]] = [guess[:, None], axes, means, _numbers(items), self.vectors(items, progress)]
        return np.hstack(columns).astype(np.float32)

    def _learn_means(self, train: pl.DataFrame, logs: Doubles) -> Floats:
        """Means of category and brand for the train rows themselves, each from the folds that the row is not in.

        Leaving out only the row itself is not enough: within a category the mean of the others then falls as the own
        price rises, and trees read the price off it.
        """
        keyed = train.select(category=_key("category"), brand=_key("brand"), log=pl.Series(logs))
        self._means = _means(keyed)
        fold = np.random.default_rng(1).integers(0, _FOLDS, len(train))
        columns = np.zeros((len(train), 2), dtype=np.float32)
        for number in range(_FOLDS):
            out = pl.Series(fold == number)
            columns[fold == number] = _looked_up(keyed.filter(out), _means(keyed.filter(~out)))
        return columns

    def _means_of(self, items: pl.DataFrame) -> Floats:
        """Means of category and brand (log $, less the centre) of the train rows; 0 for unknown ones."""
        return _looked_up(items.select(category=_key("category"), brand=_key("brand")), self._means)


def _means(keyed: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Name -> key -> mean, drawn towards 0 where items are few."""
    shrunk = pl.col("log").sum() / (pl.len() + _PRIOR)
    return {name: dict(keyed.group_by(name).agg(shrunk).sort(name).iter_rows()) for name in ("category", "brand")}


def _looked_up(keyed: pl.DataFrame, means: dict[str, dict[str, float]]) -> Floats:
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

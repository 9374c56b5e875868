"""The prices of the most similar known products, weighted by similarity; no language model."""

import json
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import Artifact, Family
from worker.progress import Progress
from worker.specs import NeighboursSpec
from worker.techniques.base import Resources, predictions

_QUANTILES = (0.05, 0.5, 0.95)
_SHOWN = 5  # neighbours kept as evidence per item


class Neighbours:
    """k nearest neighbours on the log of the price; the median, because absolute error is what people look at."""

    family: ClassVar = Family.BASELINE

    def __init__(self, spec: NeighboursSpec, resources: Resources) -> None:
        self._spec = spec
        self._index = resources.index()

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        """Embed and store the train side; there is nothing else to learn."""
        del validation
        self._index.build(train, progress)
        return Artifact()

    def load(self, artifact: Artifact) -> None:
        """The knowledge is in the index."""

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        found = self._index.nearest(items, self._spec.k)
        progress.advance(len(items))
        groups = found.partition_by("row", as_dict=True, maintain_order=True)
        quantiles = np.full((len(items), len(_QUANTILES)), np.nan)
        evidence: list[str | None] = []
        for place, row in enumerate(items["row"]):
            group = groups.get((row,))
            if group is None:
                evidence.append(None)
                continue
            weights = np.exp(self._spec.sharpness * group["similarity"].to_numpy())
            quantiles[place] = weighted_quantiles(np.log(group["price"].to_numpy()), weights, _QUANTILES)
            shown = group.head(_SHOWN).select("neighbour", "title", "price", pl.col("similarity").round(3))
            evidence.append(json.dumps({"neighbours": shown.rename({"neighbour": "row"}).to_dicts()}))
        low, price, high = np.exp(quantiles).T
        return predictions(items, price, low=low, high=high, evidence=evidence)


def weighted_quantiles(
    values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], at: tuple[float, ...]
) -> npt.NDArray[np.float64]:
    """Quantiles of weighted values, linear between the middles of their weights (Hazen's rule, weighted)."""
    order = np.argsort(values)
    share = weights[order] / weights.sum()
    middles = np.cumsum(share) - share / 2
    result: npt.NDArray[np.float64] = np.interp(at, middles, values[order])
    return result

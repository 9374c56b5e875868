"""The prices of the most similar known products, averaged."""

import json

import polars as pl

from db.types import FOUND_SCHEMA, Artifact
from worker.progress import Progress
from worker.specs import NeighboursSpec
from worker.techniques.base import Resources, predictions

_SLICE = 512  # items searched for at once; progress moves and stops between two slices
_SHOWN = 5
_NARROWEST = 0.05  # log scale: neighbours that all cost the same do not make a price certain


class Neighbours:
    """Weighted mean of the neighbours' log prices; weight = exp(sharpness x (similarity - the best one's)).

    Low and high are that mean plus and minus the neighbours' weighted deviation on the log scale: where they differ,
    the price is less sure.
    """

    def __init__(self, spec: NeighboursSpec, resources: Resources) -> None:
        self._spec = spec
        self._index = resources.index()

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        del validation
        self._index.build(train.filter(pl.col("price") > 0), progress)
        return Artifact()

    def load(self, artifact: Artifact) -> None:
        del artifact  # what it learned stands in the index

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        judged = self._judge(items, progress)
        centre, reach = pl.col("centre"), pl.col("deviation")
        priced = judged.select(price=centre.exp(), low=(centre - reach).exp(), high=(centre + reach).exp())
        evidence = judged["evidence"].to_list()
        return predictions(items, priced["price"], low=priced["low"], high=priced["high"], evidence=evidence)

    def _judge(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        """centre and deviation (log $) and evidence of each item, in order; null where nothing is similar."""
        parts = []
        for part in items.iter_slices(_SLICE):
            known = self._index.nearest(part, self._spec.k)
            parts.append(part.select("row").join(self._weigh(known), on="row", how="left", maintain_order="left"))
            progress.advance(len(part))
        return pl.concat([items.select("row").head(0).join(self._weigh(_none()), on="row", how="left"), *parts])

    def _weigh(self, known: pl.DataFrame) -> pl.DataFrame:
        log, gap = pl.col("price").log(), pl.col("similarity") - pl.col("similarity").max().over("row")
        weight = pl.col("weight")
        shown = pl.struct(
            id="neighbour",
            title="title",
            price="price",
            similarity=pl.col("similarity").round(3),
            age_days=pl.col("age_days").round(1),
        )
        return (
            known.filter(pl.col("price") > 0)
            .with_columns(log=log, weight=(gap * self._spec.sharpness).exp())
            .with_columns(centre=((weight * pl.col("log")).sum() / weight.sum()).over("row"))
            .group_by("row", maintain_order=True)
            .agg(
                pl.first("centre"),
                deviation=((weight * (pl.col("log") - pl.col("centre")).pow(2)).sum() / weight.sum()).sqrt(),
                shown=shown.head(_SHOWN),
            )
            .with_columns(
                pl.col("deviation").clip(_NARROWEST),
                evidence=pl.col("shown").map_elements(
                    lambda lines: json.dumps({"neighbours": lines.to_list()}, ensure_ascii=False),
                    return_dtype=pl.String,
                ),
            )
            .drop("shown")
        )


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema=FOUND_SCHEMA)

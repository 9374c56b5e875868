"""The median price of the category: what any model has to beat."""

import json
from typing import ClassVar

import polars as pl

from db.types import Artifact, Family
from worker.progress import Progress
from worker.specs import ConstantSpec
from worker.techniques.base import Resources, predictions

_QUANTILES = {"low": 0.05, "price": 0.5, "high": 0.95}


class Constant:
    family: ClassVar = Family.BASELINE

    def __init__(self, spec: ConstantSpec, resources: Resources) -> None:
        del resources
        self._spec = spec
        self._table = pl.DataFrame()  # category, low, price, high, n; category null = all items

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        """Median, 5 % and 95 % quantile of price per category with enough items, and over all."""
        del validation
        priced = train.filter(pl.col("price").is_not_null())
        figures = [pl.col("price").quantile(q, "linear").alias(name) for name, q in _QUANTILES.items()]
        overall = priced.select(pl.lit(None, pl.String).alias("category"), *figures, n=pl.len())
        tables = [overall]
        if self._spec.by == "category":
            groups = priced.group_by("category").agg(*figures, n=pl.len())
            tables.append(groups.filter(pl.col("n") >= self._spec.min_items).sort("category"))
        progress.advance(len(train))
        return Artifact({"table.json": json.dumps(pl.concat(tables, how="vertical_relaxed").to_dicts()).encode()})

    def load(self, artifact: Artifact) -> None:
        self._table = pl.DataFrame(
            json.loads(artifact.parts["table.json"]),
            schema={"category": pl.String, "low": pl.Float64, "price": pl.Float64, "high": pl.Float64, "n": pl.Int64},
        )

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        overall = self._table.filter(pl.col("category").is_null()).row(0, named=True)
        found = items.select("category").join(
            self._table.filter(pl.col("category").is_not_null()), on="category", how="left", maintain_order="left"
        )
        found = found.with_columns(pl.col(name).fill_null(overall[name]) for name in (*_QUANTILES, "n"))
        progress.advance(len(items))
        return predictions(items, found["price"], low=found["low"], high=found["high"])

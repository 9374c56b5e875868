"""The median price of the category: what any model has to beat."""

import json

import polars as pl

from db.types import Artifact
from worker.progress import Progress
from worker.specs import ConstantSpec
from worker.techniques.base import Resources, predictions

_QUANTILES = {"low": 0.05, "price": 0.5, "high": 0.95}
_SCHEMA = {"key": pl.String, "category": pl.String, "n": pl.Int64, **dict.fromkeys(_QUANTILES, pl.Float64)}

# "Toys", "toys " and "TOYS" are one category.
_KEY = pl.col("category").str.strip_chars().str.to_lowercase()


class Constant:
    """Low and high are the 5 % and 95 % quantiles of the same prices."""

    def __init__(self, spec: ConstantSpec, resources: Resources) -> None:
        del resources
        self._spec = spec
        self._overall = pl.DataFrame(schema=_SCHEMA)  # one line; key is null
        self._categories = pl.DataFrame(schema=_SCHEMA)

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        """Quantiles of the price over all items and for each category that has enough of them."""
        del validation
        priced = train.filter(pl.col("price").is_not_null())
        figures = {name: pl.col("price").quantile(q, "linear") for name, q in _QUANTILES.items()}
        table = priced.select(key=pl.lit(None, pl.String), category=pl.lit("all items"), n=pl.len(), **figures)
        if self._spec.by == "category":
            groups = priced.group_by(_KEY.alias("key")).agg(category=pl.first("category"), n=pl.len(), **figures)
            enough = groups.filter(pl.col("n") >= self._spec.min_items).sort("key")
            table = pl.concat([table, enough], how="vertical_relaxed")
        progress.advance(len(train))
        artifact = Artifact({"table.json": json.dumps(table.to_dicts()).encode()})
        self.load(artifact)
        return artifact

    def load(self, artifact: Artifact) -> None:
        table = pl.DataFrame(json.loads(artifact.parts["table.json"]), schema=_SCHEMA)
        table = table.with_columns(evidence=pl.struct("category", "n").struct.json_encode())
        self._overall = table.filter(pl.col("key").is_null())
        self._categories = table.filter(pl.col("key").is_not_null())

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        overall = self._overall.row(0, named=True)
        columns = (*_QUANTILES, "evidence")
        figures = (
            items.select(_KEY.alias("key"))
            .join(self._categories.select("key", *columns), on="key", how="left", maintain_order="left")
            .with_columns(pl.col(c).fill_null(pl.lit(overall[c])) for c in columns)
        )
        progress.advance(len(items))
        priced = predictions(items, figures["price"], low=figures["low"], high=figures["high"])
        return priced.with_columns(figures["evidence"])

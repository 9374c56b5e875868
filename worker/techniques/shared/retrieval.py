"""The known products that stand in an item's prompt, the most similar ones, and what they say by themselves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from worker.evaluation.neighbours_alone import EVIDENCE, weighted_median
from worker.progress import Progress
from worker.prompts.filling import Texts, known_products
from worker.specs import RetrievalSpec
from worker.techniques.base import Index
from worker.techniques.shared.prompt_filling import Given

_SLICE = 64  # items searched for at once; work stops between two slices
_COLUMNS = ("title", "description", "category", "brand", "price", "similarity")


def add_neighbours(
    given: Sequence[Given],
    items: pl.DataFrame,
    spec: RetrievalSpec,
    index: Index,
    texts: Texts,
    progress: Progress,
    *,
    apart: bool = False,
) -> None:
    """Give each item (in order) its `spec.k` neighbours, their evidence, and their weighted median without a model.

    `apart` is for examples to train on: near-copies of an item are no neighbours of it, because an item to be priced
    never has its near-copies among the known ones (splits keep them together).
    """
    limits = replace(spec.limits, apart=apart)
    own = dict(zip(items["row"], given, strict=True))
    for part in items.iter_slices(_SLICE) if spec.k else ():
        neighbours = index.nearest(part, spec.k, limits)
        progress.advance(0)
        lines = neighbours.filter(pl.col("price") > 0)
        products = known_products(texts, lines.select(_COLUMNS).to_dicts(), spec.neighbour_tokens)
        for line, known in zip(lines.iter_rows(named=True), products, strict=True):
            asking = own[line["row"]]
            asking.neighbours = [*asking.neighbours, known]
            asking.evidence.setdefault("neighbours", []).append(_evidence(line))
    for each in given:
        alone = weighted_median(
            [known["price"] for known in each.neighbours], [known["similarity"] for known in each.neighbours]
        )
        if alone is not None:
            each.evidence[EVIDENCE] = alone


def _evidence(line: dict[str, Any]) -> dict[str, Any]:
    age = line["age_days"]
    return {
        "id": line["neighbour"],
        "title": line["title"],
        "price": line["price"],
        "similarity": round(line["similarity"], 3),
        "age_days": None if age is None else round(age, 2),
    }

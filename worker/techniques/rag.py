"""What does a language model answer after reading the most similar known products with their prices?"""

from typing import Any, ClassVar

import polars as pl

from db.types import Family
from worker.evaluation.neighbours_alone import EVIDENCE, weighted_median
from worker.progress import Progress
from worker.specs import RagSpec
from worker.techniques.asking import Asking
from worker.techniques.filling import Given, known_products

_SLICE = 64  # items searched for at once; work stops between two slices
_COLUMNS = ("title", "description", "category", "brand", "price", "similarity")


class Rag(Asking[RagSpec]):
    """Beside each price the evidence holds what the same neighbours say without the model: their weighted median."""

    family: ClassVar[Family] = Family.RAG

    def study(self, train: pl.DataFrame, progress: Progress) -> dict[str, bytes]:
        self.resources.index().build(train, progress)
        return {}

    def given(self, items: pl.DataFrame, progress: Progress) -> list[Given]:
        given = {row: Given(stats=self.stats_of(category)) for row, category in items.select("row", "category").rows()}
        for part in items.iter_slices(_SLICE) if self.spec.k else ():
            found = self.resources.index().nearest(
                part,
                self.spec.k,
                same_category=self.spec.same_category,
                min_similarity=self.spec.min_similarity,
                newer_than_days=self.spec.newer_than_days,
            )
            progress.advance(0)
            lines = found.filter(pl.col("price") > 0)
            texts = known_products(self.model, lines.select(_COLUMNS).to_dicts(), self.spec.neighbour_tokens)
            for line, known in zip(lines.iter_rows(named=True), texts, strict=True):
                own = given[line["row"]]
                own.neighbours = [*own.neighbours, known]
                own.evidence.setdefault("neighbours", []).append(_told(line))
        for own in given.values():
            alone = weighted_median(
                [known["price"] for known in own.neighbours], [known["similarity"] for known in own.neighbours]
            )
            if alone is not None:
                own.evidence[EVIDENCE] = alone
        return [given[row] for row in items["row"]]


def _told(line: dict[str, Any]) -> dict[str, Any]:
    age = line["age_days"]
    return {
        "id": line["neighbour"],
        "title": line["title"],
        "price": line["price"],
        "similarity": round(line["similarity"], 3),
        "age_days": None if age is None else round(age, 2),
    }

"""The weighted average of several techniques' log prices."""

import json
from typing import Any

import numpy as np
import polars as pl

from db.types import Artifact
from worker.evaluation import blend
from worker.evaluation.blend import Blend, Learned
from worker.evaluation.resampling import Floats
from worker.progress import Aside, Progress
from worker.specs import EnsembleSpec, describe
from worker.techniques.base import Member, Resources, predictions
from worker.techniques.shared import members as side_by_side
from worker.techniques.shared.members import PART, Books, Said, numbers


class Ensemble:
    """Weights come from validation rows that no member learned from (worker.evaluation.blend).

    A member of weight 0 is not asked, so it costs nothing. An interval is the same average of the members' ends.
    """

    def __init__(self, spec: EnsembleSpec, resources: Resources) -> None:
        self._spec = spec
        self._resources = resources
        self._blend = Blend("equal", (1 / len(spec.members),) * len(spec.members))

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        members = [self._resources.fit_member(spec, train, validation, progress) for spec in self._spec.members]
        said = side_by_side.learned_from(members)
        learned = blend.learn(said.price, said.truth, said.groups, way=self._spec.weights)

        def price(fold: int, items: pl.DataFrame) -> pl.DataFrame:
            self._blend = learned.crossed[fold]
            return self.price(items, Aside(progress))

        kept = side_by_side.calibrated(said.rows, learned.folds, validation, price)
        self._blend = learned.blend
        told = self._told(learned, said) | {"blend": learned.blend.as_json()}
        return Artifact({PART: json.dumps(told).encode()} | kept)

    def load(self, artifact: Artifact) -> None:
        self._blend = Blend.from_json(json.loads(artifact.parts[PART])["blend"])

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        asked = [place for place, weight in enumerate(self._blend.weights) if weight > 0]
        frames = [self._member(place).price(items, Aside(progress)) for place in asked]
        books = Books(len(items))
        for place, frame in zip(asked, frames, strict=True):
            books.add(place, frame)
        price, low, high = (self._blended(frames, asked, name) for name in ("price", "low", "high"))
        priced = predictions(
            items,
            price,
            low=low,
            high=high,
            evidence=self._evidence(frames, asked, books),
            usd=books.usd(),
            failed=side_by_side.failed([frame["status"] for frame in frames]).to_list(),
            **books.columns(),
        )
        progress.advance(len(items))
        return priced

    def _member(self, place: int) -> Member:
        return self._resources.member(self._spec.members[place])

    def _blended(self, frames: list[pl.DataFrame], asked: list[int], name: str) -> Floats:
        column = np.full((len(frames[0]), len(self._spec.members)), np.nan)
        for place, frame in zip(asked, frames, strict=True):
            column[:, place] = numbers(frame[name])
        return self._blend.price(column)

    def _evidence(self, frames: list[pl.DataFrame], asked: list[int], books: Books) -> list[str | None]:
        """What each member said, how much it weighs, and what it took."""
        names = [describe(self._spec.members[place]) for place in asked]
        weights = [round(self._blend.weights[place], 3) for place in asked]
        columns = [zip(frame["price"], frame["status"], strict=True) for frame in frames]
        return [
            json.dumps(
                {
                    "members": [
                        {"technique": name, "price": price, "weight": weight, "status": status}
                        for name, weight, (price, status) in zip(names, weights, row, strict=True)
                    ],
                    "took": took,
                },
                ensure_ascii=False,
            )
            for took, *row in zip(books.took, *columns, strict=True)
        ]

    def _told(self, learned: Learned, said: Said) -> dict[str, Any]:
        """What validation rows say of the whole and of each member, for pages and the terminal."""
        costs = side_by_side.per_1000(said.usd)
        members = [
            {
                "technique": describe(spec),
                "weight": weight,
                "mae": single,
                "usd_per_1000": usd,
                "worse_without": value and value.worse,
                "worse_low": value and value.low,
                "worse_high": value and value.high,
            }
            for spec, weight, single, usd, value in zip(
                self._spec.members, learned.blend.weights, learned.singles, costs, learned.values, strict=True
            )
        ]
        return {
            "kind": "ensemble",
            "rows": learned.blend.rows,
            "mae": learned.mae,
            "way": learned.blend.way,
            "tried": learned.tried,
            "members": members,
        }

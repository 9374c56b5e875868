"""The cheapest technique first, dearer ones for the rows that it is unsure about."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import Artifact, PredictionStatus
from worker import amounts
from worker.evaluation import cascade
from worker.evaluation.cascade import Aim, Answers, Chain, Learned
from worker.evaluation.resampling import Floats
from worker.progress import Aside, Progress
from worker.specs import CascadeSpec, describe
from worker.techniques.base import Resources, predictions
from worker.techniques.shared import members as side_by_side
from worker.techniques.shared.members import PART, Books, numbers

Places = npt.NDArray[np.intp]


class Cascade:
    """Who is asked and how wide an interval may be is chosen on validation rows that no member learned from
    (worker.evaluation.cascade), and whether a row keeps the last answer that it got or the mean of all. It costs what
    all who were asked cost."""

    def __init__(self, spec: CascadeSpec, resources: Resources) -> None:
        self._spec = spec
        self._resources = resources
        self._chain = Chain((0,), ())

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        members = [self._resources.fit_member(spec, train, validation, progress) for spec in self._spec.members]
        said = side_by_side.learned_from(members)
        answers = Answers(said.price, said.low, said.high, said.usd)
        aim = Aim(self._spec.usd_per_1000 or None, self._spec.max_error or None)
        learned = cascade.learn(answers, said.truth, aim, said.groups)

        def price(fold: int, items: pl.DataFrame) -> pl.DataFrame:
            self._chain = learned.crossed[fold]
            return self.price(items, Aside(progress))

        kept = side_by_side.calibrated(said.rows, learned.folds, validation, price)
        self._chain = learned.chain
        silent = [place for place, member in enumerate(members) if not member.calibration["low"].is_not_null().any()]
        told = self._told(learned, answers, said.truth, silent) | {"chain": learned.chain.as_json()}
        return Artifact({PART: json.dumps(told).encode()} | kept)

    def load(self, artifact: Artifact) -> None:
        self._chain = Chain.from_json(json.loads(artifact.parts[PART])["chain"])

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        n = len(items)
        answer = {name: np.full(n, np.nan) for name in ("price", "low", "high")}
        own = {name: column.copy() for name, column in answer.items()}  # of the last who answered
        number = np.zeros(n, dtype=np.intp)
        books, asked = Books(n), np.arange(n)
        by, depth = np.full(n, -1, dtype=np.intp), np.zeros(n, dtype=np.intp)
        lost = np.ones(n, dtype=bool)
        for stage, place in enumerate(self._chain.members):
            if not len(asked):
                break
            frame = self._resources.member(self._spec.members[place]).price(items[asked], Aside(progress))
            books.add(place, frame, asked)
            depth[asked] = stage + 1
            lost[asked] &= (frame["status"] == str(PredictionStatus.FAILED)).to_numpy()
            said = {name: numbers(frame[name]) for name in answer}
            there = np.isfinite(said["price"])
            for name, column in answer.items():
                before, fresh = column[asked[there]], said[name][there]
                column[asked[there]] = cascade.heard(self._chain.keeps, before, number[asked[there]], fresh)
                own[name][asked[there]] = fresh
            number[asked[there]] += 1
            by[asked[there]] = stage
            asked = asked[self._chain.goes_on(stage, said["price"], said["low"], said["high"])]
        priced = predictions(
            items,
            answer["price"],
            low=answer["low"],
            high=answer["high"],
            evidence=self._evidence(by, depth, own["low"], own["high"], books),
            usd=books.usd(),
            failed=lost.tolist(),
            **books.columns(),
        )
        progress.advance(n)
        return priced

    def _evidence(self, by: Places, depth: Places, low: Floats, high: Floats, books: Books) -> list[str | None]:
        """Who was asked, who answered, why nobody else was asked or the next one was, and what each took."""
        names = [describe(self._spec.members[place]) for place in self._chain.members]
        told: list[str | None] = []
        for stage, asked, *ends, took in zip(by, depth, low, high, books.took, strict=True):
            why = self._why(int(stage), int(asked), *ends)
            who = names[int(stage)] if stage >= 0 else None
            kept = {"answered_by": who, "asked": names[: int(asked)], "why": why, "took": took}
            told.append(json.dumps(kept, ensure_ascii=False))
        return told

    def _why(self, stage: int, asked: int, low: float, high: float) -> str:
        if stage < 0:
            return "Nobody answered."
        if stage < asked - 1:
            return "Who was asked after it gave no answer."
        if asked == len(self._chain.members):
            return "The last of the chain was asked." if asked > 1 else "The chain has one member only."
        if not np.isfinite([low, high]).all():
            return "It gives no intervals, so its answer is taken as it is."
        dollars = self._chain.width == "dollars"
        limit, wide = self._chain.limits[stage], high - low if dollars else high / low
        limit = limit if dollars else float(np.exp(limit))
        written = amounts.price if dollars else "a factor of {:.2f}".format
        at_most = written(limit) if np.isfinite(limit) else "any width"
        return f"Its interval spans {written(wide)}, and up to {at_most} is sure enough."

    def _told(self, learned: Learned, answers: Answers, truth: Floats, silent: Sequence[int]) -> dict[str, Any]:
        """What validation rows say of the chain, of each member and of other budgets, for pages and the terminal.
        silent: places of the members that give no intervals."""
        alone = cascade.alone(answers, truth) if len(truth) else [(None, None)] * len(self._spec.members)
        keeps = [describe(self._spec.members[place]) for place in learned.chain.members[:-1] if place in silent]
        notes = [
            learned.sentence,
            *(f"{name} gives no intervals: where it answers, nobody else is asked." for name in keeps),
        ]
        shares = dict(zip(learned.chain.members, learned.shares, strict=False))
        members = [
            {"technique": describe(spec), "mae": mae, "usd_per_1000": usd, "answers": shares.get(place)}
            for place, (spec, (mae, usd)) in enumerate(zip(self._spec.members, alone, strict=True))
        ]
        return {
            "kind": "cascade",
            "rows": learned.rows,
            "mae": learned.mae,
            "usd_per_1000": learned.usd_per_1000,
            "order": [describe(self._spec.members[place]) for place in learned.chain.members],
            "members": members,
            "curve": [asdict(point) for point in learned.curve],
            "note": " ".join(filter(None, notes)),
        }

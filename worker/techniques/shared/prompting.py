"""The base of techniques that ask a language model: fills prompts, reads prices, corrects them, keeps the evidence."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import polars as pl

from db.types import Artifact, PromptVersion
from worker.evaluation.recalibration import Correction, Floats, learn
from worker.llm.base import LEVELS, LanguageModel, Prompt, Reading, Readout, Spent
from worker.progress import Aside, Progress
from worker.prompts.builtin import named
from worker.prompts.currency import in_currency
from worker.prompts.filling import Form
from worker.prompts.injection import suspicious
from worker.prompts.rendering import Item, item_values
from worker.specs import ENDPOINT_VALIDATION, LOCAL_VALIDATION, LlmSpec
from worker.techniques.base import Resources, predictions
from worker.techniques.shared.prompt_filling import Asked, Given, fill

STATISTICS = ("median", "log-mean", "mean", "mode")
"""What `auto` chooses among; the first stays where there is too little to choose by."""

READOUT, STATS = "readout.json", "stats.json"
_TEXTS = ("title", "description", "category", "brand")

Spec = TypeVar("Spec", bound=LlmSpec)


@dataclass(frozen=True, slots=True)
class Answer:
    """All there is about one item: how it was asked, and what came back."""

    item: Item
    given: Given
    asked: Asked | None  # None: nothing could be asked
    reading: Reading


class Asking(Generic[Spec]):
    """A technique says what its prompts hold (`given`) and what it learns from the train side (`study`, `recall`)."""

    own_examples: ClassVar[bool] = False
    room: ClassVar[int] = 32

    def __init__(self, spec: Spec, resources: Resources) -> None:
        self.spec = spec
        self.resources = resources
        self._correction = Correction("median" if spec.readout in ("auto", "greedy") else spec.readout)
        self._stats: dict[str, dict[str, Any]] = {}

    @cached_property
    def model(self) -> LanguageModel:
        spec = self.spec
        return self.resources.language_model(spec.model, spec.sample, spec.batch, spec.precision)

    @cached_property
    def template(self) -> PromptVersion:
        return in_currency(self.resources.prompt(named(self.spec)), self.spec.currency)

    def study(self, train: pl.DataFrame, progress: Progress) -> dict[str, bytes]:
        """Parts of the artifact: what to remember of items with prices."""
        del train, progress
        return {}

    def recall(self, parts: Mapping[str, bytes]) -> None:
        """Take up what `study` remembered."""

    def given(self, items: pl.DataFrame, progress: Progress) -> list[Given]:
        """What each item's prompt holds beside the item, in order. `progress` is told only trouble, not items."""
        del progress
        return [Given(stats=self.stats_of(category)) for category in items["category"]]

    def answers(self, prompts: list[Prompt], readout: Readout, progress: Progress) -> list[Reading]:
        return self.model.price(prompts, readout, progress)

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        """Study the train side; then, if the spec asks for it, price validation rows to learn how to read the model.

        At most 200 of them, 50 of a model behind an endpoint: those answers cost money.
        """
        parts: dict[str, bytes] = {}
        if self.spec.needs_fit:
            priced = train.filter(pl.col("price") > 0)
            parts = {STATS: json.dumps(category_stats(priced)).encode(), **self.study(priced, progress)}
            self._take(parts)
        if self.spec.recalibrate or self.spec.readout == "auto":
            parts[READOUT] = self._learn(validation.filter(pl.col("price") > 0), progress).to_json()
        return Artifact(parts)

    def load(self, artifact: Artifact) -> None:
        self._take(artifact.parts)
        if READOUT in artifact.parts:
            self._correction = Correction.from_json(artifact.parts[READOUT])

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        """PREDICTION_SCHEMA. Raises NotReady without the model or when the prompt can't fit it."""
        answers = self._ask(items, progress)
        raw, low, high = (self._column(answers, part) for part in (self._correction.statistic, "low", "high"))
        if self.spec.recalibrate:
            raw, low, high = self._correction.apply(raw, low, high)
        spent = [answer.given.spent + answer.reading.spent for answer in answers]
        return predictions(
            items,
            raw,
            low=low,
            high=high,
            tokens_in=[part.tokens_in for part in spent],
            tokens_out=[part.tokens_out for part in spent],
            tokens_cached=[part.tokens_cached for part in spent],
            seconds=[part.seconds for part in spent],
            usd=[part.usd for part in spent],
            saved_usd=[part.saved_usd for part in spent],
            failed=[answer.reading.error is not None for answer in answers],
            evidence=[json.dumps(self.evidence(answer), ensure_ascii=False) for answer in answers],
        )

    def stats_of(self, category: str) -> dict[str, Any]:
        return self._stats.get(_key(category), {})

    def evidence(self, answer: Answer) -> dict[str, Any]:
        """What is kept about an answer; keys that say nothing are left out."""
        text = "\n".join(str(answer.item[name]) for name in _TEXTS)  # type: ignore[literal-required]
        reading, question, price = answer.reading, answer.asked, answer.reading.price
        kept = {
            "prompt": question and question.prompt.user,
            "system": question and question.prompt.system,
            **answer.given.evidence,
            **reading.evidence,
            "quantiles": {str(level): price for level, price in zip(LEVELS, reading.quantiles, strict=False)},
            "shortened": question and question.shortened,
            "flag": suspicious(text),
            "error": reading.error,
            "outside": "" if price is None or self.spec.bounds.holds(price) else str(self.spec.bounds),
        }
        return {key: value for key, value in kept.items() if value not in (None, "", {}, [])}

    def form(self) -> Form:
        spec = self.spec
        return Form(self.template, self.model, spec.max_text_tokens, self.own_examples, self.room, spec.bounds)

    def _ask(self, items: pl.DataFrame, progress: Progress) -> list[Answer]:
        if items.is_empty():
            return []
        given = self.given(items, Aside(progress))
        texts = item_texts(items)
        places = [place for place, own in enumerate(given) if own.error is None]
        rows = items["row"].to_list()
        questions = fill(
            self.form(),
            [rows[place] for place in places],
            [texts[place] for place in places],
            [given[place] for place in places],
        )
        progress.advance(len(items) - len(places))
        readout = Readout(self.spec.readout == "greedy", self.spec.bounds, self.spec.currency)
        read = self.answers([one.prompt for one in questions], readout, progress)
        answered = dict(zip(places, zip(questions, read, strict=True), strict=True))
        return [
            Answer(text, own, *answered.get(place, (None, Reading(Spent(), error=own.error))))
            for place, (text, own) in enumerate(zip(texts, given, strict=True))
        ]

    def _learn(self, validation: pl.DataFrame, progress: Progress) -> Correction:
        most = ENDPOINT_VALIDATION if self.spec.uses_endpoint else LOCAL_VALIDATION
        judged = validation.sort("row").sample(min(most, len(validation)), seed=0, shuffle=True)
        answers = self._ask(judged.with_columns(price=pl.lit(None, pl.Float64)), progress)
        names = STATISTICS if self.spec.readout == "auto" else (self._correction.statistic,)
        return learn(
            {name: self._column(answers, name) for name in names},
            judged["price"].to_numpy().astype(np.float64),
            recalibrate=self.spec.recalibrate,
        )

    def _take(self, parts: Mapping[str, bytes]) -> None:
        if STATS in parts:
            self._stats = json.loads(parts[STATS])
        self.recall(parts)

    def _column(self, answers: Sequence[Answer], part: str) -> Floats:
        """(n,) dollars, NaN where there are none: low, high, or the price by a statistic. A model that gives no
        distribution has one price, whatever the statistic."""
        out = np.full(len(answers), math.nan)
        for place, answer in enumerate(answers):
            reading = answer.reading
            if part in ("low", "high"):
                value = (
                    (reading.quantiles[0] if part == "low" else reading.quantiles[-1]) if reading.quantiles else None
                )
            else:
                value = reading.statistics.get(part, reading.price)
            if value is not None and reading.error is None:
                out[place] = value
        return out


def item_texts(items: pl.DataFrame) -> list[Item]:
    return [item_values(*texts) for texts in items.select(_TEXTS).iter_rows()]


def category_stats(priced: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Category (in small letters) -> category, count, median, p25, p75 ($); without those that have no name."""
    figures = priced.group_by(key=pl.col("category").str.strip_chars().str.to_lowercase()).agg(
        category=pl.col("category").sort_by("row").first(),
        count=pl.len(),
        median=pl.col("price").median(),
        p25=pl.col("price").quantile(0.25, "linear"),
        p75=pl.col("price").quantile(0.75, "linear"),
    )
    return {line.pop("key"): line for line in figures.sort("key").iter_rows(named=True) if line["key"]}


def _key(category: str) -> str:
    return category.strip().lower()

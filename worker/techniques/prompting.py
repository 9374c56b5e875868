"""What does a local language model answer when asked for a price, cold or after a few priced examples?"""

import json
from typing import ClassVar

import numpy as np
import polars as pl

from db.types import Artifact, Family
from worker.llm.base import PriceModel, Prompt, Reading, Readout
from worker.llm.prompts import Example, product_texts, prompts
from worker.progress import Progress
from worker.specs import MultiShotSpec, ZeroShotSpec
from worker.techniques.base import Resources, predictions


class ZeroShot:
    """Nothing is learned: the product, the question, the model's distribution over prices."""

    family: ClassVar[Family] = Family.PROMPT

    def __init__(self, spec: ZeroShotSpec, resources: Resources) -> None:
        self.spec = spec
        self.resources = resources

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        del train, validation, progress
        return Artifact({})

    def load(self, artifact: Artifact) -> None:
        del artifact

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        """PREDICTION_SCHEMA; `seconds` is the item's share of its batch. Raises NotReady without the model."""
        model: PriceModel = self.resources.language_model(self.spec.model)
        readout = Readout(self.spec.readout, self.spec.max_price)
        return as_predictions(items, model.price(self.ask(items), readout, progress))

    def ask(self, items: pl.DataFrame) -> list[Prompt]:
        return prompts(product_texts(items), [], self.spec.max_text_tokens)


class MultiShot(ZeroShot):
    """The same after `k` priced examples, chosen from the train side when fitting."""

    spec: MultiShotSpec

    def __init__(self, spec: MultiShotSpec, resources: Resources) -> None:
        super().__init__(spec, resources)
        self.examples: dict[str, list[Example]] = {}

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        """Examples for all items, and for each category that has enough of its own if the spec says so."""
        del validation
        rng = np.random.default_rng(self.spec.seed)
        chosen = {"": self._draw(train, rng)}
        if self.spec.choose == "category":
            for (category,), part in train.sort("category", "row").group_by("category", maintain_order=True):
                if category and len(part) >= self.spec.k:
                    chosen[str(category)] = self._draw(part, rng)
        progress.advance(0)
        return Artifact({"examples.json": json.dumps(chosen).encode()})

    def load(self, artifact: Artifact) -> None:
        stored = json.loads(artifact.parts["examples.json"])
        self.examples = {key: [(text, price) for text, price in value] for key, value in stored.items()}

    def ask(self, items: pl.DataFrame) -> list[Prompt]:
        out: dict[int, Prompt] = {}
        key = [category if category in self.examples else "" for category in items["category"]]
        texts = np.asarray(product_texts(items), dtype=object)
        for category in dict.fromkeys(key):
            where = [i for i, own in enumerate(key) if own == category]
            asked = prompts(list(texts[where]), self.examples[category], self.spec.max_text_tokens)
            out.update(zip(where, asked, strict=True))
        return [out[i] for i in range(len(items))]

    def _draw(self, items: pl.DataFrame, rng: np.random.Generator) -> list[Example]:
        """`k` items at random, cut like the product that is asked about."""
        usable = items.filter(pl.col("price").is_between(1, self.spec.max_price)).sort("row")
        places = rng.permutation(len(usable))[: self.spec.k]
        picked = usable[places.tolist()]
        # Four letters a token is the usual rate of English text; no tokenizer is at hand when fitting.
        texts = [text[: self.spec.max_text_tokens * 4] for text in product_texts(picked)]
        return list(zip(texts, picked["price"].to_list(), strict=True))


def as_predictions(items: pl.DataFrame, readings: list[Reading]) -> pl.DataFrame:
    return predictions(
        items,
        np.array([np.nan if r.price is None else r.price for r in readings]),
        low=np.array([np.nan if r.low is None else r.low for r in readings]),
        high=np.array([np.nan if r.high is None else r.high for r in readings]),
        tokens_in=[r.tokens_in for r in readings],
        tokens_out=[r.tokens_out for r in readings],
        seconds=[r.seconds for r in readings],
        evidence=[r.evidence for r in readings],
    )

"""Asks a language model that may look things up and calculate before it answers."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import polars as pl

from db.types import ITEM_SCHEMA
from worker.amounts import currencies
from worker.llm.base import Prompt, Reading, Readout, Tool
from worker.progress import Progress, Silent
from worker.prompts.injection import as_data
from worker.specs import ToolsSpec
from worker.techniques.base import Resources
from worker.techniques.shared.calculator import calculate
from worker.techniques.shared.prompt_filling import Given
from worker.techniques.shared.prompting import Asking

_MOST = 10  # similar items in one answer
_LETTERS = 120  # of a title
_COUNT = {"type": "integer", "minimum": 1, "maximum": _MOST}


class Tools(Asking[ToolsSpec]):
    """Real function calls: the model asks, we answer from the train side, and every call is in the evidence."""

    room: ClassVar[int] = 2_000  # calls and their results are part of the conversation

    def __init__(self, spec: ToolsSpec, resources: Resources) -> None:
        super().__init__(spec, resources)
        self._items = pl.DataFrame(schema=ITEM_SCHEMA)

    def study(self, train: pl.DataFrame, progress: Progress) -> dict[str, bytes]:
        # A model that can't call functions says so here, before anything is embedded.
        self.model.price_with_tools([], self.tools(), self.spec.max_calls, Readout(), Silent())
        self.resources.index().build(train, progress)
        return {}

    def given(self, items: pl.DataFrame, progress: Progress) -> list[Given]:
        self._items = items  # what the tools look things up for
        return super().given(items, progress)

    def answers(self, prompts: list[Prompt], readout: Readout, progress: Progress) -> list[Reading]:
        return self.model.price_with_tools(prompts, self.tools(), self.spec.max_calls, readout, progress)

    def tools(self) -> list[Tool]:
        text = {"type": "string"}
        currency = currencies.of(self.spec.currency).name or "dollars"
        return [
            Tool(
                "category_price_stats",
                f"How many known products a category has, and the median and quartiles of their prices in {currency}.",
                _schema(category=text),
                self._category_price_stats,
            ),
            Tool(
                "similar_items",
                f"Known products like the one asked about, or like a description, with prices in {currency}; {_MOST} "
                "at most, the most similar one first.",
                _schema(("description",), count=_COUNT, description=text),
                self._similar_items,
            ),
            Tool("calculator", "The value of an arithmetic expression.", _schema(expression=text), _calculator),
        ]

    def _category_price_stats(self, row: int, arguments: Mapping[str, Any]) -> str:
        del row
        category = _text(arguments, "category")
        known = self.stats_of(category)
        if not known:
            names = ", ".join(sorted(stats["category"] for stats in self._stats.values())[:40])
            raise ValueError(f"There is no category {category!r}; there are {names}.")
        return json.dumps(
            {key: as_data(value) if isinstance(value, str) else round(value, 2) for key, value in known.items()}
        )

    def _similar_items(self, row: int, arguments: Mapping[str, Any]) -> str:
        count = arguments.get("count", 5)
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST:
            raise ValueError(f"count must be a whole number from 1 to {_MOST}.")
        asking = self._items.filter(pl.col("row") == row)
        if arguments.get("description"):
            line = {**dict.fromkeys(("description", "category", "brand"), ""), "title": _text(arguments, "description")}
            asking = pl.DataFrame([{"row": row, "price": None, **line}], schema=ITEM_SCHEMA)
        known = self.resources.index().nearest(asking, count)
        lines = known.select("title", "price", "similarity").iter_rows()
        return json.dumps(
            [
                {"title": as_data(title)[:_LETTERS], "price": price, "similarity": round(similarity, 2)}
                for title, price, similarity in lines
            ],
            ensure_ascii=False,
        )


def _calculator(row: int, arguments: Mapping[str, Any]) -> str:
    del row
    return f"{calculate(_text(arguments, 'expression')):.10g}"


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is missing; it must be a text.")
    return value


def _schema(optional: tuple[str, ...] = (), **properties: Mapping[str, Any]) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

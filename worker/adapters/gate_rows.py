"""The rows that the gate has priced by both sides, and by which settings each side prices them."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from db import datasets
from db.engine import Session
from db.types import ITEM_SCHEMA, Adapter, Split
from worker import demo, specs
from worker.adapters import pricing
from worker.evaluation.gate import Missing, Unit
from worker.specs import ENDPOINT_VALIDATION, BaseSpec, RagSpec, ZeroShotSpec, finetune
from worker.specs.finetune import GATE_ROWS, TrainSpec

OTHERS = "prices of other categories"
PREVIOUS = "prices of the adapter in production"
FEWEST_OTHERS = 30  # rows of other categories in the dataset; with fewer, those of the demo catalogue are taken


@dataclass(frozen=True, slots=True)
class PricedPart:
    """A part of the gate whose rows are priced twice."""

    name: str
    unit: Unit
    before: BaseSpec  # how the base, or the adapter in production, prices them
    after: BaseSpec  # how the new adapter does
    dataset_id: int  # whose knowledge base gives the neighbours
    items: pl.DataFrame  # ITEM_SCHEMA with prices
    about: str  # what the rows are


def others(session: Session, adapter: Adapter) -> PricedPart | Missing:
    """Rows of categories that the adapter was not trained on: the base's price cold, and the adapter's."""
    if adapter.dataset_id is None:
        return Missing(OTHERS, "The dataset was deleted, so nobody knows which categories are others.")
    items, about = _other_rows(session, adapter, adapter.dataset_id)
    if items.is_empty():
        return Missing(OTHERS, "The dataset has every category of the demo catalogue, and all were trained on.")
    return PricedPart(OTHERS, "log-error", _cold(adapter), _tuned(session, adapter), adapter.dataset_id, items, about)


def previous(session: Session, adapter: Adapter, rival: Adapter | None) -> PricedPart | Missing:
    """The validation rows of the adapter in production, priced by it and by the new one."""
    if rival is None:
        return Missing(PREVIOUS, f"No other adapter is in production for {adapter.task}.")
    if rival.dataset_id is None:
        return Missing(PREVIOUS, f"The dataset of the adapter {rival.id[:8]} was deleted.")
    trained = TrainSpec.model_validate(rival.spec)
    items = datasets.items(session, rival.dataset_id, Split.VALIDATION, per_unit=True)
    if adapter.dataset_id is None:
        return Missing(PREVIOUS, "The dataset was deleted, so nobody knows which rows were learned from.")
    seen = datasets.items(session, adapter.dataset_id, Split.TRAIN)
    if trained.categories:
        items = items.filter(pl.col("category").is_in(trained.categories))
    # A later table of the same shop is divided anew: what judged the old adapter may have taught the new one, with
    # other words in its description.
    items = items.join(seen, on=_plain("title"), how="anti")
    about = f"validation rows of {rival.dataset_name}, against the adapter {rival.id[:8]}"
    chosen = _some(items, adapter, is_paid=adapter.uses_endpoint or rival.uses_endpoint)
    if chosen.is_empty():
        return Missing(PREVIOUS, f"The new adapter learned from every validation row of {rival.dataset_name}.")
    before, after = _tuned(session, rival), _tuned(session, adapter)
    return PricedPart(PREVIOUS, "dollars", before, after, rival.dataset_id, chosen, about)


def precision(trained: TrainSpec) -> Literal["auto", "nf4"]:
    """The weights that it was trained on, which is also what fits into the memory that is there."""
    return "nf4" if trained.quantisation == "nf4" else "auto"


def _plain(name: str) -> pl.Expr:
    """A text without case, punctuation and spaces at its ends."""
    return pl.col(name).str.to_lowercase().str.replace_all(r"[\W_]+", " ").str.strip_chars()


def _other_rows(session: Session, adapter: Adapter, dataset_id: int) -> tuple[pl.DataFrame, str]:
    """ITEM_SCHEMA and what it is: validation rows outside of the categories trained on, else rows of the demo."""
    trained = TrainSpec.model_validate(adapter.spec)
    category = pl.col("category").str.strip_chars().str.to_lowercase()
    items = datasets.items(session, dataset_id, per_unit=True)
    validation = datasets.items(session, dataset_id, Split.VALIDATION, per_unit=True)
    if trained.categories:
        known = [name.strip().lower() for name in trained.categories]
        rest = _some(
            validation.filter((category != "") & ~category.is_in(known)), adapter, is_paid=adapter.uses_endpoint
        )
        if len(rest) >= FEWEST_OTHERS:
            return rest, "validation rows of categories that were not trained on"
    known = items.select(category.unique())["category"].to_list()
    goods = demo.catalogue().filter((category != "") & ~category.is_in(known))
    rows = pl.int_range(-1, -1 - pl.len(), -1, dtype=pl.Int64)  # no rows of the dataset
    rest = _some(goods.with_columns(row=rows).select(list(ITEM_SCHEMA)), adapter, is_paid=adapter.uses_endpoint)
    return rest, "rows of the demo catalogue"


def _some(items: pl.DataFrame, adapter: Adapter, *, is_paid: bool) -> pl.DataFrame:
    """A sample, the same for the same rows, of those whose price the adapter considers."""
    trained = TrainSpec.model_validate(adapter.spec)
    priced = items.filter(trained.bounds.hold(pl.col("price")))
    most = ENDPOINT_VALIDATION if is_paid else GATE_ROWS
    return priced.sample(min(most, len(priced)), seed=0, shuffle=True).sort("row")


def _tuned(session: Session, adapter: Adapter) -> BaseSpec:
    """How an adapter prices."""
    return pricing.fill(session, specs.parse({"technique": "finetuned", "adapter": adapter.id}))


def _cold(adapter: Adapter) -> BaseSpec:
    """How the base model prices, asked with the adapter's own prompts."""
    trained = TrainSpec.model_validate(adapter.spec)
    kind = RagSpec if trained.k else ZeroShotSpec
    given = {name: getattr(trained, name) for name in ("model", *finetune.TRAINED) if name in kind.model_fields}
    return kind(**given, precision=precision(trained))

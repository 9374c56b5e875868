"""The prices that a language model may say on a dataset, and how many of its rows cost something else."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from db import datasets
from db.engine import Session
from db.errors import UserError
from db.types import Dataset, Split
from worker.specs import BaseSpec, LlmSpec, members_of
from worker.specs.finetune import TrainSpec
from worker.specs.price_bounds import WIDE, Bounds, Outside, covering, places_for, resolved

Spec = TypeVar("Spec", bound=BaseModel)
Found = TypeVar("Found")


def pin(session: Session, dataset: Dataset, spec: Spec) -> Spec:
    """The spec with the bounds that its train side decides where it gives none itself, and with the currency of the
    prices where that is not dollars; others as they are."""
    given, changes = spec, dict[str, Any]()
    if isinstance(spec, LlmSpec | TrainSpec) and not (spec.min_price and spec.max_price):
        bounds = resolved(spec.min_price, spec.max_price, of_train_side(session, dataset))
        changes = {"min_price": bounds.lowest, "max_price": bounds.highest}
    if isinstance(spec, LlmSpec | TrainSpec) and not getattr(spec, "adapter", ""):  # an adapter says what it learned
        changes["currency"] = "" if dataset.currency == "USD" else dataset.currency
    return given.model_copy(update=changes)


def of_train_side(session: Session, dataset: Dataset) -> Bounds:
    """The bounds, and with them the steps, that the prices of the train side decide; WIDE where it has none."""
    known = _once(dataset, (), lambda: datasets.price_range(session, dataset.id, Split.TRAIN) or ())
    if not known:
        return WIDE
    low, high, middle, are_whole = known
    return covering(low, high, places_for(middle, are_whole=are_whole))


def check(bounds: Bounds) -> None:
    """Check the bounds. Raises UserError where there is nothing between them."""
    if bounds.lowest >= bounds.highest:
        raise UserError(
            f"The lowest price considered must be below the highest one, and it goes from {bounds} here; set both."
        )


def caution(session: Session, dataset: Dataset, spec: BaseSpec, source: Dataset | None = None) -> str:
    """A sentence where more than a few of the rows with a price have one that the technique can't say; else "".
    `source`: the dataset that it learns from, where that is another one."""
    if members := members_of(spec):
        return " ".join(cautions(session, dataset, members, source))
    if not isinstance(spec, LlmSpec) or spec.readout == "greedy":  # a text may say any number
        return ""
    bounds = pin(session, source or dataset, spec).bounds
    if bounds == WIDE == of_train_side(session, source or dataset):
        return (
            f"There are no prices to learn a range from, so a language model may say anything from {bounds}; set the "
            "lowest and the highest price considered if you know them."
        )
    return _outside(session, dataset, bounds).sentence()


def cautions(session: Session, dataset: Dataset, specs: Sequence[BaseSpec], source: Dataset | None = None) -> list[str]:
    """The cautions of several techniques, each sentence once."""
    return list(dict.fromkeys(filter(None, (caution(session, dataset, spec, source) for spec in specs))))


def learned(session: Session, dataset: Dataset, spec: TrainSpec) -> Outside:
    """How many of the rows that a fine-tune would learn from cost something else; limits on their number aside."""
    bounds = pin(session, dataset, spec).bounds
    return _outside(session, dataset, bounds, Split.TRAIN, spec.categories)


def _outside(
    session: Session, dataset: Dataset, bounds: Bounds, split: Split | None = None, categories: Sequence[str] = ()
) -> Outside:
    where = bounds.lowest, bounds.above, split, tuple(categories)
    return Outside(bounds, *_once(dataset, where, lambda: datasets.count_outside(session, dataset.id, *where)))


_known: dict[object, Any] = {}
_MOST_KNOWN = 500


def _once(dataset: Dataset, where: tuple[object, ...], ask: Callable[[], Found]) -> Found:
    """The answer for a dataset, from memory where it was asked before: pages ask at every click, a large table takes a
    second, and a ready one never changes."""
    key = (dataset.id, dataset.created_at, where)
    answer: Found | None = _known.get(key)  # once: visitors share it, and another one may clear it meanwhile
    if answer is None:
        answer = ask()
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = answer
    return answer

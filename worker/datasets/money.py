"""How the prices of a dataset are written, and what is told of the currency that they are in."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from db import datasets
from db.engine import Session
from db.types import Dataset, Job
from worker import amounts
from worker.amounts import Money, currencies, price_notes
from worker.datasets.answers import look_of_currency

_MANY = 0.5  # share of prices without a currency from which on the others do not speak for them
_MOST_NAMED = 4  # currencies in a sentence


def of(dataset: Dataset) -> Money:
    """How its prices are written: with the decimals of the currency, or more where the data has finer steps; of an
    unknown currency with as many as the data has."""
    currency = currencies.of(dataset.currency)
    places = dataset.profile.get("price", {}).get("places")
    if places is None:
        return Money(currency, currency.decimals)
    return Money(currency, max(currency.decimals, places) if currency.code else places)


def has_its_own(dataset: Dataset) -> bool:
    """Whether nothing else decides the currency of its prices: somebody said one, or it has prices."""
    return bool(dataset.currency or dataset.profile.get("price", {}).get("count"))


def as_priced(dataset: Dataset, source: Dataset) -> Dataset:
    """The dataset with the currency that it is priced in: one that has none of its own takes that of what a job learned
    from, in that job only."""
    return dataset if has_its_own(dataset) else replace(dataset, currency=source.currency)


def dataset_of(session: Session, job: Job) -> Dataset:
    """The dataset of a job, with the currency of the prices that the job says; where the table that it learned from has
    none either, that in which a fine-tuned model learned to say them."""
    source = datasets.get(session, job.learned_from)
    dataset = as_priced(datasets.get(session, job.dataset_id), source)
    return dataset if has_its_own(dataset) else replace(dataset, currency=str(job.spec.get("currency", "")))


def of_job(session: Session, job: Job) -> Money:
    """How the prices that a job says are written."""
    return of(dataset_of(session, job))


def told(dataset: Dataset) -> str:
    """The currency of a dataset's prices in a sentence, with what was converted."""
    if not has_its_own(dataset):
        return "Currency: none of its own, because it has no prices; each job's are in that of what it learned from."
    if not dataset.currency:
        return f"Currency: unknown, so prices are written without one; pricewright currency {dataset.id} EUR says it."
    said = f"Currency: {dataset.currency}."
    converted = dataset.profile.get("price", {}).get("converted", {})
    if converted:
        parts = amounts.listed([f"{count:,} from {code}" for code, count in converted.items()])
        said += f" Converted by the table of rates: {parts}."
    return said


def notes(dataset: Dataset) -> list[str]:
    """What was read beside the prices of all rows of a dataset's file: cells that say there is none, words left aside,
    ranges."""
    kept = dataset.profile.get("price", {}).get("notes", {})
    pairs = {(kind, text): count for kind, texts in kept.items() for text, count in texts.items()}
    return price_notes.sentences(pairs)


def doubt(inspection: Mapping[str, Any], mapping: Mapping[str, str]) -> str:
    """Why the currency that is proposed for a file's prices may be another one; "" = nothing says so."""
    look = look_of_currency(inspection, mapping)
    if not look or not look["others"]:
        return ""
    return f"{look['source'][0].upper()}{look['source'][1:]} can also mean {amounts.listed(look['others'], 'or')}."


def mixed(inspection: Mapping[str, Any], mapping: Mapping[str, str]) -> str:
    """That a file's prices are in several currencies, or that few of them say theirs, and what becomes of them; "" =
    nothing says so."""
    look = look_of_currency(inspection, mapping)
    shares: Mapping[str, float] = look.get("shares", {})
    unmarked = float(look.get("unmarked", 0.0))
    if len(shares) < 2:
        return _few_say_it(look, unmarked) if unmarked >= _MANY else ""
    most = sorted(shares, key=lambda code: (-shares[code], code))  # as JSON in the database they have no order
    parts = [f"{code} {amounts.level(round(max(shares[code], 0.001), 3))}" for code in most[:_MOST_NAMED]]
    rest = len(shares) - len(parts)
    listed = amounts.listed([*parts, f"{rest} more"] if rest else parts)
    return (
        f"The prices are in several currencies ({listed} of those that say one): rows in another currency than the "
        "table's become rejects, unless a table of rates converts them."
        f"{' ' * bool(unmarked)}{_few_say_it(look, unmarked)}"
    )


def _few_say_it(look: Mapping[str, Any], unmarked: float) -> str:
    if not unmarked:
        return ""
    return (
        f"{amounts.level(round(max(unmarked, 0.001), 3))} of the prices say no currency and count as "
        f"{look['code']}, unless you say another one."
    )


def differing(dataset: Dataset, source: Dataset) -> str:
    """That nobody said the currency of one of a table and its source; "" where both are known or both unknown. That two
    known ones differ is refused elsewhere."""
    if bool(dataset.currency) == bool(source.currency):
        return ""
    known, other = (dataset, source) if dataset.currency else (source, dataset)
    return (
        f"The prices of {known.name} are in {known.currency}, and nobody said in which currency those of {other.name} "
        "are: they are taken to be the same."
    )

"""Batches by month: how much was priced, what it cost, what went to a person, and what came of the promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from db.types import BatchState, PricerBatch
from worker.amounts import Money, written_in
from worker.batches import truth
from worker.batches.truth import Truth
from worker.evaluation.measures import DECIDING, USUAL


@dataclass(frozen=True, slots=True)
class Month:
    """The batches that came in a month."""

    first: date  # its first day
    batches: int  # priced
    rows: int  # of them
    usd: Decimal | None  # None: that of a batch is unknown, so the whole is
    flagged: float | None  # share of the rows that went to a person; None: no row was priced
    drift: float | None  # share of the rows that are unlike what was learned from
    promised: str  # error of the batches whose real prices came, one per currency; "" without any
    real: str
    with_truth: int  # batches whose real prices came
    aside: int
    under_way: int


def of(every: Sequence[PricerBatch]) -> list[Month]:
    """A line a month, the newest first."""
    by_month: dict[date, list[PricerBatch]] = {}
    for batch in every:
        by_month.setdefault(batch.created_at.date().replace(day=1), []).append(batch)
    return [_month(first, by_month[first]) for first in sorted(by_month, reverse=True)]


def _month(first: date, its: Sequence[PricerBatch]) -> Month:
    priced = [batch for batch in its if batch.state is BatchState.PRICED]
    rows = sum(batch.rows for batch in priced)
    costs = [batch.usd for batch in priced]
    truths = [came for batch in priced if (came := truth.parse(batch.truth)) and came.rows]
    return Month(
        first=first,
        batches=len(priced),
        rows=rows,
        usd=sum((cost for cost in costs if cost is not None), Decimal(0)) if None not in costs else None,
        flagged=sum(batch.flagged for batch in priced) / rows if rows else None,
        drift=sum(batch.unlike for batch in priced) / rows if rows else None,
        promised=_mean(truths, real=False),
        real=_mean(truths, real=True),
        with_truth=len(truths),
        aside=sum(batch.state is BatchState.ASIDE for batch in its),
        under_way=sum(batch.state in (BatchState.WAITING, BatchState.PRICING) for batch in its),
    )


def _mean(truths: Sequence[Truth], *, real: bool) -> str:
    """The usual error of batches with real prices, each row as much as any other; of each currency apart, because no
    mean goes over several; "" where there is none."""
    figures: dict[Money, list[tuple[float, int]]] = {}
    for came in truths:
        kept = came.kept()
        value = None if kept is None else kept.here if real else kept.promised
        if value is not None:
            figures.setdefault(came.money, []).append((value, came.rows))
    said = []
    for money, known in figures.items():
        rows = sum(count for _, count in known)
        with written_in(money):
            said.append(DECIDING[USUAL].written(sum(value * count for value, count in known) / rows))
    return " · ".join(said)

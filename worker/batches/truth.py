"""What came of a batch when its real prices are known: promised against real error, and what intervals held."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from db.types import PricerBatch
from worker import amounts
from worker.amounts import Money, currencies
from worker.evaluation import coverage, promise
from worker.evaluation.conformal import COVERAGE
from worker.evaluation.measures import DECIDING, USUAL
from worker.evaluation.promise import Kept
from worker.evaluation.real_prices import Matched

PRICES = "prices.parquet"
"""Part of the artifact that keeps real prices: row, price ($)."""


class Truth(BaseModel):
    """A batch beside its real prices, judged alone."""

    model_config = ConfigDict(frozen=True)

    file_name: str
    at: datetime
    by: str  # what said which price belongs to which row: "id" or "text"
    rows: int  # of the batch, whose real price is known
    of: int  # rows of the batch
    unknown: int  # the rest as worker.evaluation.real_prices.Matched
    without_price: int
    contradicting: int
    repeated: int
    unreadable: int  # lines that can't be read
    kept_as: str  # hash under which the prices are kept, a row each
    level: float  # of intervals
    promised_rows: int  # that the promise was measured on
    measures: dict[str, dict[str, Any]] = {}  # key of DECIDING -> worker.evaluation.promise.Kept
    covered: float | None = None  # share of real prices from low to high; None: no row has an interval
    covered_low: float | None = None
    covered_high: float | None = None
    covered_rows: int = 0
    verdict: str = ""  # worker.evaluation.coverage.VERDICTS
    currency: str = ""  # code of the prices' currency; "": nobody said
    places: int = 2  # digits behind the point with which prices are written

    @property
    def money(self) -> Money:
        """How its prices are written, whatever dataset a page is about."""
        return Money(currencies.of(self.currency), self.places)

    def kept(self, by: str = USUAL) -> Kept | None:
        """Promised and real error by a measure."""
        return Kept(**self.measures[by]) if by in self.measures else None


def parse(stored: Mapping[str, Any] | None) -> Truth | None:
    """The truth of a batch as the database has it."""
    return Truth.model_validate(stored) if stored else None


def of(
    matched: Matched,
    prices: pl.DataFrame,
    priced: pl.DataFrame,
    promised: pl.DataFrame,
    level: float,
    *,
    file_name: str,
    unreadable: int,
    kept_as: str,
    money: Money,
) -> Truth:
    """The truth of a batch.

    prices: row and price ($) of all that is known; matched: of the newest file; priced: row, group_id, price, low, high
    ($), status of every row of the batch; promised: frame of worker.evaluation.promise.kept, rows that the pricer's
    technique had not seen.
    """
    here = priced.drop("truth", strict=False).join(
        prices.select("row", truth="price"), on="row", how="inner", maintain_order="left"
    )
    measures = {}
    if len(here) and len(promised):
        measures = {by: asdict(promise.kept(promised, here, by, level)) for by in DECIDING}
    held = coverage.overall(here.with_columns(job_id=pl.lit(0)), level=level)
    line = held.row(0, named=True) if len(held) else {}
    return Truth(
        file_name=file_name,
        at=datetime.now(UTC),
        by=matched.by,
        rows=len(here),
        of=len(priced),
        unknown=matched.unknown,
        without_price=matched.without_price,
        contradicting=matched.contradicting,
        repeated=matched.repeated,
        unreadable=unreadable,
        kept_as=kept_as,
        level=level,
        promised_rows=len(promised),
        measures=measures,
        covered=line.get("covered"),
        covered_low=line.get("covered_low"),
        covered_high=line.get("covered_high"),
        covered_rows=line.get("n", 0),
        verdict=line.get("verdict", ""),
        currency=money.currency.code,
        places=money.places,
    )


def alarms(truth: Truth) -> list[str]:
    """What of the promise is surely broken, a sentence each; [] where that can't be said."""
    said = []
    kept = truth.kept()
    if kept is not None and kept.low is not None and kept.low > 0:
        measure = DECIDING[USUAL]
        with amounts.written_in(truth.money):
            said.append(
                f"The promise broke: {measure.short.lower()} {measure.written(kept.here)} instead of the promised "
                f"{measure.written(kept.promised)}, {kept.sentence()}, {amounts.level(truth.level)} interval."
            )
    if truth.verdict == coverage.NARROW:
        said.append(f"The intervals are too narrow: {_held(truth)}, and {COVERAGE:.0%} were promised.")
    return said


def sentences(truth: Truth) -> list[str]:
    """What real prices say, no stronger than its intervals, and what of the file could not be used."""
    measure, kept = DECIDING[USUAL], truth.kept()
    known = f"{amounts.count(truth.rows, 'row')} of {truth.of:,} have a real price, matched by {truth.by}"
    said = [f"{known}."]
    if kept is not None and kept.worse_by is not None:
        with amounts.written_in(truth.money):
            said.append(
                f"{measure.short} {measure.written(kept.here)}, promised {measure.written(kept.promised)} (measured on "
                f"{amounts.count(kept.promised_rows, 'row')}): {kept.sentence()}."
            )
    elif truth.rows:
        said.append("Nothing was answered that can be compared with what was promised.")
    if truth.covered is not None:
        said.append(f"{_held(truth)[:1].upper()}{_held(truth)[1:]}; {COVERAGE:.0%} were promised: {truth.verdict}.")
    said += _left_out(truth)
    return said


def alone(every: Sequence[PricerBatch]) -> str:
    """What to know of several batches beside each other; "" where fewer than two have real prices."""
    levels = [came.level for batch in every if (came := parse(batch.truth))]
    if len(levels) < 2:
        return ""
    level = min(levels)  # of batches that were judged before the setting was changed, too
    chance = round(2 / (1 - level))
    return (
        f"Each batch is judged alone: of {chance:,} that are as promised, one is expected to seem worse by chance "
        f"(with {amounts.level(level)} intervals)."
    )


def _held(truth: Truth) -> str:
    between = ""
    if truth.covered_low is not None and truth.covered_high is not None:
        between = f" ({truth.covered_low:.0%} to {truth.covered_high:.0%})"
    return f"low to high held {truth.covered:.0%}{between} of {amounts.count(truth.covered_rows, 'real price')}"


def _left_out(truth: Truth) -> list[str]:
    """What of the file was not used, and why."""
    what = "id" if truth.by == "id" else "text"
    lines = (
        (truth.unknown, "line", "belongs to no row of the batch", "belong to no row of the batch"),
        (truth.without_price, "line", "has no price", "have no price"),
        (truth.unreadable, "line", "can't be read", "can't be read"),
        (truth.contradicting, what, "stands there twice with different prices; it is left out",
         "stand there twice with different prices; they are left out"),
        (truth.repeated, what, "belongs to several rows of the batch; it is left out",
         "belong to several rows of the batch; they are left out"),
    )  # fmt: skip
    return [f"{amounts.count(count, noun)} {one if count == 1 else many}." for count, noun, one, many in lines if count]

"""What a pricer promises: how wrong it is, how sure that is, what it costs and how fast it is, as it was measured."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from db import jobs
from db.engine import begin
from worker import amounts
from worker.amounts import Money, currencies
from worker.datasets import money
from worker.evaluation import conformal
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import comparison


class Figure(BaseModel):
    """A measured error and its interval at Promise.level."""

    model_config = ConfigDict(frozen=True)

    value: float | None  # None: no row could be measured
    low: float | None  # None: too few rows to say how sure it is
    high: float | None


class Promise(BaseModel):
    """What was measured of a job on rows that its technique never saw."""

    model_config = ConfigDict(frozen=True)

    measures: dict[str, Figure]  # by the keys of worker.evaluation.measures.DECIDING
    level: float  # of the intervals
    rows: int  # that it was measured on
    weighted_by: str = ""  # the column that errors are weighted by; "": none
    coverage: float = conformal.COVERAGE  # share of true prices that low to high is to hold
    covered: float | None = None  # share that it held; None: no intervals
    covered_low: float | None = None
    covered_high: float | None = None
    width: float | None = None  # from low to high, as worker.evaluation.coverage says it
    usd_per_1000: float | None = None  # per 1,000 items, without what is paid once; None: unknown
    p50_ms: float | None = None  # per item
    currency: str = ""  # code of the prices' currency; "": nobody said
    places: int = 2  # digits behind the point with which prices are written

    @property
    def money(self) -> Money:
        """How its prices are written, whatever dataset a page is about."""
        return Money(currencies.of(self.currency), self.places)

    @property
    def error(self) -> Figure:
        """By the usual measure."""
        return self.measures[USUAL]


def of_job(job_id: int, *, weighted: bool = True) -> Promise | None:
    """What a finished job promises, on all its rows with a known price; None: there is none."""
    lines = comparison.of_jobs([job_id], USUAL, weighted=weighted)
    line = lines[0] if lines else None
    if line is None or line["verdict"] is None:
        return None
    with begin() as session:
        written = money.of_job(session, jobs.get(session, job_id))
    return Promise(
        measures={key: Figure(value=line[key], low=line[f"{key}_low"], high=line[f"{key}_high"]) for key in DECIDING},
        rows=line["n"],
        currency=written.currency.code,
        places=written.places,
        **{name: line[name] for name in ("level", "weighted_by", "usd_per_1000", "p50_ms")},
        **{name: line[name] for name in ("covered", "covered_low", "covered_high", "width")},
    )


def parse(stored: Mapping[str, Any]) -> Promise:
    """The promise of a pricer as the database has it."""
    return Promise.model_validate(stored)


def sentence(promised: Promise) -> str:
    """All of it that somebody needs who uses the prices."""
    said = [f"{_error(promised)}, on {amounts.count(promised.rows, 'row')} that it had not seen"]
    if promised.covered is not None:
        between = (
            ""
            if promised.covered_low is None or promised.covered_high is None
            else f" ({promised.covered_low:.0%} to {promised.covered_high:.0%})"
        )
        said.append(
            f"Its low to high, meant for {promised.coverage:.0%} of true prices, held {promised.covered:.0%}{between}"
        )
    cost = "an unknown amount" if promised.usd_per_1000 is None else amounts.usd(promised.usd_per_1000)
    said.append(f"1,000 items cost {cost}")
    return ". ".join(said) + "."


def error(promised: Promise) -> str:
    """The promised error with its interval."""
    measure, figure = DECIDING[USUAL], promised.error
    with amounts.written_in(promised.money):
        value, low, high = (measure.written(each) for each in (figure.value, figure.low, figure.high))
    if figure.low is None or figure.high is None:
        return f"{value} (too few rows to say how sure that is)"
    between = f"{low} to {high}"
    return f"{value} ({amounts.level(promised.level)} interval {between})"


def _error(promised: Promise) -> str:
    name = DECIDING[USUAL].named(promised.weighted_by)
    return f"{name[:1].upper()}{name[1:]} {error(promised)}"

"""What an hour of a machine costs: dated prices. A change is a new entry, so old jobs keep the price they had."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import polars as pl
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from db.models import RateRow
from db.settings import settings
from db.types import Job, Queue, Tariff

CPU_HOUR, GPU_HOUR = "cpu-hour", "gpu-hour"


def for_queue(session: Session, queue: Queue) -> int:
    """Id of the price that holds now for the machines of a queue; writes a new dated entry when the setting changed."""
    name = GPU_HOUR if queue is Queue.GPU else CPU_HOUR
    usd = settings().gpu_usd_per_hour if queue is Queue.GPU else settings().cpu_usd_per_hour
    newest = session.scalars(
        select(RateRow).where(RateRow.name == name).order_by(RateRow.valid_from.desc(), RateRow.id.desc()).limit(1)
    ).first()
    if newest is None or newest.usd != usd:
        newest = RateRow(name=name, usd=usd)
        session.add(newest)
        session.flush()
    return newest.id


def usd_per_hour(session: Session, queue: Queue) -> Decimal:
    return session.get_one(RateRow, for_queue(session, queue)).usd


def machines(session: Session) -> pl.DataFrame:
    """What an hour of each kind of machine cost jobs, newest first: name, usd, valid_from."""
    rows = session.execute(
        text("SELECT name, usd, valid_from FROM rates WHERE name = ANY(:names) ORDER BY valid_from DESC, name"),
        {"names": [CPU_HOUR, GPU_HOUR]},
    ).all()
    return pl.DataFrame(
        [(row.name, float(row.usd), row.valid_from) for row in rows],
        schema={"name": pl.String, "usd": pl.Float64, "valid_from": pl.Datetime("us", "UTC")},
        orient="row",
    )


def usd_for(seconds: float, usd_per_hour: Decimal) -> Decimal:
    """Dollars for working seconds: seconds / 3600 x $/hour."""
    return Decimal(repr(seconds)) / 3600 * usd_per_hour


def of_work(job: Job, seconds: float) -> Decimal:
    """Dollars that so many working seconds cost a job, at the price it started with."""
    return usd_for(seconds, job.rate_usd_per_hour)


KINDS = ("input", "cached", "output", "batch_input", "batch_output")
"""Of tokens, each with a price of its own in dollars per million."""


def set_tariff(session: Session, endpoint: str, model: str, prices: Mapping[str, Decimal]) -> None:
    """Enter what a model's tokens cost from now on, over what price lists say; old entries stay as history.

    prices: kind of KINDS -> dollars per million tokens; input and output are needed. A kind that is left out falls
    back as `tariff` says. All kinds of one entry bear the same time.
    """
    if unknown := set(prices) - set(KINDS):
        raise ValueError(f"not a kind of token: {', '.join(sorted(unknown))}")
    now = session.scalar(text("SELECT clock_timestamp()"))
    for kind, usd in prices.items():
        session.add(RateRow(name=_name(kind, endpoint, model), usd=usd, valid_from=now))
    session.flush()


def tariff(session: Session, endpoint: str, model: str, at: datetime | None = None) -> Tariff | None:
    """What was entered for a model, as it held at a time (None = now); None when nothing was.

    The newest entry counts as a whole: without a price for cached tokens they cost as much as others; without one
    for batches, batches cost as much as other calls at most.
    """
    rows = session.execute(
        text(
            """SELECT name, usd, valid_from FROM rates
               WHERE name = ANY(:names) AND valid_from <= coalesce(:at, clock_timestamp())
                 AND valid_from = (SELECT max(valid_from) FROM rates WHERE name = ANY(:names)
                                   AND valid_from <= coalesce(:at, clock_timestamp()))"""
        ),
        {"names": [_name(kind, endpoint, model) for kind in KINDS], "at": at},
    ).all()
    prices = {row.name.split("/")[1]: row.usd.normalize() for row in rows}
    if "input" not in prices or "output" not in prices:
        return None
    return Tariff(
        input=prices["input"],
        output=prices["output"],
        cached=prices.get("cached", prices["input"]),
        batch_input=prices.get("batch_input"),
        batch_output=prices.get("batch_output"),
        source="override",
        valid_from=rows[0].valid_from,
    )


TRAINING = "training"
"""The tokens that a model is tuned on: a price of its own, which says nothing about questions."""


def set_training(session: Session, endpoint: str, model: str, usd: Decimal) -> None:
    """Enter what a million tokens cost, from now on, that a model is tuned on; old entries stay as history."""
    now = session.scalar(text("SELECT clock_timestamp()"))
    session.add(RateRow(name=_name(TRAINING, endpoint, model), usd=usd, valid_from=now))
    session.flush()


def training(session: Session, endpoint: str, model: str, at: datetime | None = None) -> Decimal | None:
    """Dollars per million tokens that a model is tuned on, as entered for a time (None = now); None: nobody did."""
    usd: Decimal | None = session.scalar(
        text(
            """SELECT usd FROM rates WHERE name = :name AND valid_from <= coalesce(:at, clock_timestamp())
               ORDER BY valid_from DESC LIMIT 1"""
        ),
        {"name": _name(TRAINING, endpoint, model), "at": at},
    )
    return None if usd is None else usd.normalize()


def of_training(tokens: int, usd_per_million: Decimal) -> Decimal:
    """Dollars for tuning a model on so many tokens."""
    return usd_per_million * tokens / 1_000_000


def tariffs(session: Session) -> pl.DataFrame:
    """Every price of tokens that was entered by hand, newest first: endpoint, model, kind, usd, valid_from."""
    rows = session.execute(
        text("SELECT name, usd, valid_from FROM rates WHERE name LIKE 'tokens/%' ORDER BY valid_from DESC, name")
    ).all()
    names = [(row.name.split("/", 2)[1], *row.name.split("/", 2)[2].split(":", 1)) for row in rows]
    return pl.DataFrame(
        {
            "endpoint": [endpoint for _, endpoint, _ in names],
            "model": [model for _, _, model in names],
            "kind": [kind for kind, _, _ in names],
            "usd": [float(row.usd) for row in rows],
            "valid_from": [row.valid_from for row in rows],
        },
        schema={
            "endpoint": pl.String, "model": pl.String, "kind": pl.String, "usd": pl.Float64,
            "valid_from": pl.Datetime("us", "UTC"),
        },
    )  # fmt: skip


def _name(kind: str, endpoint: str, model: str) -> str:
    return f"tokens/{kind}/{endpoint}:{model}"

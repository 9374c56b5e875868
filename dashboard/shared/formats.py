"""Figures as pages write them: worker.amounts, and what stands where there is no figure or an unknown one."""

from datetime import UTC, datetime
from decimal import Decimal

from dashboard.shared.markdown import md as md
from dashboard.shared.markdown import plain as plain
from worker import amounts
from worker.amounts import NOTHING as NOTHING
from worker.amounts import count as count
from worker.amounts import level as level
from worker.amounts import listed as listed
from worker.amounts import size as size
from worker.amounts import tokens as tokens

UNKNOWN = "unknown"


def usd(value: float | Decimal | None) -> str:
    """Dollars as worker.amounts.usd writes them; NOTHING where there are none."""
    return NOTHING if value is None else amounts.usd(value)


def price(value: float | Decimal | None) -> str:
    """A price as worker.amounts.price writes it; NOTHING where there is none."""
    return NOTHING if value is None else amounts.price(value)


def known_usd(value: float | Decimal | None) -> str:
    """Dollars, or "unknown": of paid calls whose price nobody told. Never 0."""
    return UNKNOWN if value is None or value != value else usd(value)


def money(paid: float | Decimal | None, saved: float | Decimal | None, *, unknown: bool = False) -> str:
    """$0.0012 paid, $0.0300 saved. `unknown`: some of it has no known price."""
    said = f"{UNKNOWN if unknown and not paid else known_usd(paid)} paid"
    if unknown and paid:
        said = f"at least {said}"
    return f"{said}, {usd(saved)} saved" if saved else said


def duration(seconds: float | None) -> str:
    """A duration as worker.amounts writes it; NOTHING where there is none."""
    return NOTHING if seconds is None else amounts.duration(seconds)


def ago(when: datetime | None) -> str:
    if when is None:
        return "never"
    return f"{duration(max(1.0, (datetime.now(UTC) - when).total_seconds()))} ago"


def speed(per_second: float | None) -> str:
    return NOTHING if per_second is None else amounts.speed(per_second)

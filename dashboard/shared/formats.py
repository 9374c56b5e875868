"""How are figures written: money, tokens, durations, speeds, counts?"""

from datetime import UTC, datetime
from decimal import Decimal

from dashboard.shared.markdown import md as md
from dashboard.shared.markdown import plain as plain
from worker import amounts

NOTHING = "–"
UNKNOWN = "unknown"


def usd(value: float | Decimal | None) -> str:
    """Dollars as worker.amounts.usd writes them; NOTHING where there are none."""
    return NOTHING if value is None else amounts.usd(value)


def known_usd(value: float | Decimal | None) -> str:
    """Dollars, or "unknown": of paid calls whose price nobody told. Never 0."""
    return UNKNOWN if value is None or value != value else usd(value)


def money(paid: float | Decimal | None, saved: float | Decimal | None, *, unknown: bool = False) -> str:
    """$0.0012 paid, $0.0300 saved. `unknown`: some of it has no known price."""
    said = f"{UNKNOWN if unknown and not paid else known_usd(paid)} paid"
    if unknown and paid:
        said = f"at least {said}"
    return f"{said}, {usd(saved)} saved" if saved else said


def tokens(number: float) -> str:
    """850, 12.4k, 3.1M: as prices are told, in thousands and millions."""
    if number < 1_000:
        return f"{number:.0f}"
    return f"{number / 1e3:.3g}k" if number < 999_500 else f"{number / 1e6:.3g}M"


def duration(seconds: float | None) -> str:
    """As people say it: 40 ms, 3.2 s, 2 min 5 s, 1 h 20 min."""
    if seconds is None:
        return NOTHING
    if seconds < 0.001:
        return "under 1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = whole // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def ago(when: datetime | None) -> str:
    if when is None:
        return "never"
    return f"{duration(max(1.0, (datetime.now(UTC) - when).total_seconds()))} ago"


def speed(per_second: float | None) -> str:
    if per_second is None:
        return NOTHING
    return f"{per_second:,.0f} rows/s" if per_second >= 10 else f"{per_second:.1f} rows/s"


def count(number: int, one: str, many: str | None = None) -> str:
    """1 row, 2,400 rows."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: list[str]) -> str:
    """A, B and C."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""Reads the day in a date cell, whatever the country it was written in."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Literal

import polars as pl

from worker.ingest import price_words

Order = Literal["day", "month"]
"""Which of the two comes first in a column of dates like 3/4/2024."""

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)
"""Days outside of these are a default of some program, not the day of a price."""

_TIME = (
    r"(?:[T\s]\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?\s*(?:[ap]\.?m\.?)?\s*"
    r"(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
_YEAR_FIRST = re.compile(
    rf"^([0-9]{{4}})(?:([-/.])([0-9]{{1,2}})\2([0-9]{{1,2}})|([0-9]{{2}})([0-9]{{2}})){_TIME}$", re.I
)
_YEAR_LAST = re.compile(rf"^([0-9]{{1,2}})\s?([-/.])\s?([0-9]{{1,2}})\s?\2\s?([0-9]{{4}}){_TIME}$", re.I)
_SHORT_YEAR = re.compile(rf"^[0-9]{{1,2}}([-/.])[0-9]{{1,2}}\1[0-9]{{2}}{_TIME}$", re.I)
_MONTH = re.compile(r"^([0-9]{4})[-/]([0-9]{1,2})$")
_YEAR = re.compile(r"^([0-9]{4})$")
_DAY_NAMED = re.compile(rf"^([0-9]{{1,2}})(?:st|nd|rd|th|\.)?[-\s]+([a-z]{{3,9}})\.?,?[-\s]+([0-9]{{4}}){_TIME}$", re.I)
_NAMED_DAY = re.compile(rf"^([a-z]{{3,9}})\.?\s+([0-9]{{1,2}})(?:st|nd|rd|th)?,?\s+([0-9]{{4}}){_TIME}$", re.I)
_NAMED_MONTH = re.compile(r"^([a-z]{3,9})\.?[-\s]+([0-9]{4})$", re.I)
_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_PLAIN = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?$"
"""What a column is read by at once; a test holds that `parse` reads it the same way."""


def parse(text: str, order: Order | None) -> tuple[date | None, str]:
    """(day, "") or (None, why not); (None, "") when the cell says that there is none.

    `order` decides only what the cell leaves open: 3/4/2024. None refuses what is left open. The day is the one that is
    written, whatever hour and zone stand beside it; a month or a year alone is its first day.
    """
    cell = " ".join(unicodedata.normalize("NFKC", text).split())
    if cell.casefold() in price_words.MISSING:
        return None, ""
    shown = cell if len(cell) <= 60 else cell[:60] + "…"
    try:
        found = _read(_WEEKDAY.sub("", cell), order) if len(cell) <= 60 else None
    except _OpenError:
        return None, f"date '{shown}' can be read in two ways; say whether day or month comes first"
    if found is None and _SHORT_YEAR.match(cell):
        return None, f"date '{shown}' has a year of two digits"
    if found is None:
        return None, f"date '{shown}' can't be read"
    if not EARLIEST <= found <= LATEST:
        return None, f"date '{shown}' is not between {EARLIEST.year} and {LATEST.year}"
    return found, ""


class _OpenError(Exception):
    """A cell names one day with the day first and another one with the month first."""


def _read(cell: str, order: Order | None) -> date | None:
    if match := _YEAR_LAST.match(cell):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        by_day, by_month = _day(year, second, first), _day(year, first, second)
        if by_day and by_month and by_day != by_month and order is None:
            raise _OpenError
        if order is None or by_day == by_month:
            return by_day or by_month
        return by_day if order == "day" else by_month
    if match := _YEAR_FIRST.match(cell):
        return _day(int(match[1]), int(match[3] or match[5]), int(match[4] or match[6]))
    if match := _MONTH.match(cell):
        return _day(int(match[1]), int(match[2]), 1)
    if match := _YEAR.match(cell):
        return _day(int(match[1]), 1, 1)
    if match := _DAY_NAMED.match(cell):
        return _day(int(match[3]), _month(match[2]), int(match[1]))
    if match := _NAMED_DAY.match(cell):
        return _day(int(match[3]), _month(match[1]), int(match[2]))
    if match := _NAMED_MONTH.match(cell):
        return _day(int(match[2]), _month(match[1]), 1)
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    """The number of a month; 0 for what is none."""
    small = "sep" if name.casefold() == "sept" else name.casefold()
    return next((i for i, full in enumerate(_NAMES, 1) if small in (full, full[:3])), 0)


def column(cells: pl.Series, order: Order | None) -> tuple[pl.Series, pl.Series]:
    """(Date, null = none; String reasons, null = fine), both as long as `cells` (strings, not null)."""
    days = cells.str.extract(_PLAIN, 1).str.to_date("%Y-%m-%d", strict=False)
    days = days.set(~days.is_between(EARLIEST, LATEST).fill_null(False), None)
    odd = cells.filter(days.is_null()).unique()
    read = [parse(cell, order) for cell in odd]
    table = pl.DataFrame(
        {"text": odd, "day": [day for day, _ in read], "why": [why or None for _, why in read]},
        schema={"text": pl.String, "day": pl.Date, "why": pl.String},
    )
    known = pl.DataFrame({"text": cells.set(days.is_not_null(), None)})
    joined = known.join(table, on="text", how="left", maintain_order="left")
    return pl.select(pl.coalesce(days, joined["day"]).alias("date")).to_series(), joined["why"].alias("reason")


def order_of(cells: Iterable[str]) -> Order | None:
    """Whether the day or the month comes first in a column; None where no cell tells, or they tell both."""
    told: set[Order] = set()
    for cell in cells:
        day, month = (parse(cell, order)[0] for order in ("day", "month"))
        if (day is None) != (month is None):
            told.add("day" if day else "month")
    return told.pop() if len(told) == 1 else None


def open_cell(cells: Iterable[str]) -> str:
    """A cell that is one day with the day first and another one with the month first; "" where there is none."""
    return next((cell for cell in cells if "two ways" in parse(cell, None)[1]), "")


def readings(cell: str) -> str:
    """Both readings of an open cell, in words."""
    day, month = parse(cell, "day")[0], parse(cell, "month")[0]
    return f"with the day first '{cell.strip()}' is {day:%d %B %Y}, with the month first it is {month:%d %B %Y}"


def share_of_dates(cells: Iterable[str]) -> float:
    """How many of the cells that hold anything can be read as a date, as a share; open ones can."""
    filled = [cell for cell in cells if cell.strip().casefold() not in price_words.MISSING]
    return sum(parse(cell, "day")[0] is not None or parse(cell, "month")[0] is not None for cell in filled) / max(
        1, len(filled)
    )

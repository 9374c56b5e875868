"""Reads a table of exchange rates: currency, date, rate, a line each, as CSV."""

import csv
import math
from datetime import date

from db.errors import UserError
from worker.amounts import currencies

COLUMNS = ("currency", "date", "rate")
MOST = 20_000
"""Lines of a table of rates at most: a day's rates of fifty currencies for a year."""

ABOUT = "CSV with the columns currency, date (2026-01-31) and rate: what one unit is worth in the table's currency."


def read(content: bytes, name: str) -> tuple[tuple[str, str, float], ...]:
    """(code, ISO date, rate) of each line. Raises UserError with the first line that can't be read."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is no text in UTF-8; save it as CSV in UTF-8.") from error
    first = lines[0] if lines else ""
    separator = max(",;\t", key=first.count)
    rows = csv.DictReader(lines, delimiter=separator)
    names = {column.strip().casefold(): column for column in rows.fieldnames or ()}
    if set(COLUMNS) - set(names):
        raise UserError(f"{name} is no table of rates: it needs the columns {', '.join(COLUMNS)} in its first line.")
    rates = []
    for row in rows:
        if any((cell or "").strip() for column, cell in row.items() if column):
            code, day, rate = ((row[names[column]] or "").strip() for column in COLUMNS)
            rates.append(_checked(code, day, rate, f"{name}, line {rows.line_num}"))
    if not rates:
        raise UserError(f"{name} holds no rates.")
    if len(rates) > MOST:
        raise UserError(f"{name} holds {len(rates):,} rates; at most {MOST:,} are taken: leave out days.")
    return tuple(rates)


def _checked(code: str, day: str, rate: str, where: str) -> tuple[str, str, float]:
    known = currencies.code_in(code)
    if not known:
        raise UserError(f"{where}: {code!r} is no currency; write its code, such as EUR.")
    try:
        when = date.fromisoformat(day)
    except ValueError as error:
        raise UserError(f"{where}: {day!r} is no date; write it as 2026-01-31.") from error
    try:
        value = float(rate.replace(",", "."))
    except ValueError as error:
        raise UserError(f"{where}: {rate!r} is no rate; write a number such as 1.08.") from error
    if not (value > 0 and math.isfinite(value)):
        raise UserError(f"{where}: the rate must be above 0, and it is {rate}.")
    return known, when.isoformat(), value

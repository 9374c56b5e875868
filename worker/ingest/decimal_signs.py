"""The decimal sign of a column of prices: the likelier one where cells leave it open, and rows that contradict it."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from statistics import median, pstdev

import numpy as np
import polars as pl

from db.errors import UnreadableFile
from worker import amounts
from worker.amounts import currencies
from worker.ingest import prices
from worker.ingest.types import Cells

_NAMES = {".": "point", ",": "comma"}
_CLEARLY = 0.25  # of a power of ten: by how much the values of one reading must lie closer together
_LINES_SHOWN = 20
_TIMES = 5  # by how much cells that can be read in two ways outnumber those that tell the sign, to be doubted
_GROUPED = {
    ".": r"^\d{1,3}(?:,\d{2,3})*,\d{3}\.|^\d{1,3}(?:,\d{2,3}){2,}$",
    ",": r"^\d{1,3}(?:\.\d{3})+,|^\d{1,3}(?:\.\d{3}){2,}$",
}
"""Decimal sign -> numbers that show how the column marks thousands."""
_FEW = 3  # values of either kind


def likelier(cells: Sequence[str], others: Mapping[str, prices.Decimal], currency: str) -> dict[str, str]:
    """The likelier decimal sign of a column with two readings as "sign", and "why" in words; {} where nothing tells, or
    what tells does not agree. It is proposed and never taken: a person says which.

    others: columns of prices beside it -> their signs; currency: the code of its prices, "" = unknown.
    """
    hints: list[tuple[prices.Decimal, str]] = []
    signs = set(others.values())
    if len(signs) == 1:
        name, sign = next(iter(others.items()))
        hints.append((sign, f"{name!r} has a decimal {_NAMES[sign]}"))
    example = prices.open_cell(cells)
    mark: prices.Decimal = "," if "," in prices.core_of(example) else "."
    other: prices.Decimal = "." if mark == "," else ","
    if currency:
        places = currencies.of(currency).decimals
        sign = mark if places >= 3 else other
        hints.append((sign, f"prices in {currency} have {places or 'no'} decimals"))
    if spread := _by_spread(cells):
        hints.append((spread, "the prices lie closer together like this"))
    if len({sign for sign, _ in hints}) != 1:
        return {}
    return {"sign": hints[0][0], "why": " and ".join(why for _, why in hints)}


def _by_spread(cells: Sequence[str]) -> prices.Decimal | None:
    """The sign with which open cells and the others are of one size; None where both are, or few of either."""
    is_open = [prices.is_open(cell) for cell in cells]
    if min(sum(is_open), len(is_open) - sum(is_open)) < _FEW:
        return None
    spreads = {}
    for sign in (".", ","):
        values = [(prices.parse(cell, sign)[0], opened) for cell, opened in zip(cells, is_open, strict=True)]
        logs = [(math.log10(value), opened) for value, opened in values if value]
        sides = [[log for log, opened in logs if opened is side] for side in (True, False)]
        if min(map(len, sides)) < _FEW:
            return None
        spreads[sign] = abs(median(sides[0]) - median(sides[1])) + pstdev([log for log, _ in logs]) / 10
    low, high = sorted(spreads, key=spreads.__getitem__)
    return low if spreads[high] - spreads[low] > _CLEARLY else None  # type: ignore[return-value]


def conflict(cells: Sequence[str]) -> str:
    """Both signs of a column whose cells have a decimal point and a decimal comma, in words; "" where they agree."""
    signs = prices.signs_of(cells)
    if len(signs) < 2:
        return ""
    return f"'{signs['.'].strip()}' has a decimal point and '{signs[','].strip()}' a decimal comma"


def doubtful(cells: Sequence[tuple[int, str]], decimal: prices.Decimal | None) -> str:
    """That cells which can be read in two ways are perhaps read wrongly, in a sentence with their lines; "" = nothing
    speaks for it. cells: (line, text) of those that the file does not call numbers; decimal: the column's sign.

    They are read as thousands where the mark is not the column's sign. That is doubtful where the others have decimals
    throughout, or thousands without a mark; else where the sign rests on few cells.
    """
    opened = [(line, cell) for line, cell in cells if prices.is_open(cell)]
    if decimal is None or not opened:
        return ""
    cores = [core for _, cell in cells if (core := prices.core_of(cell)) and not prices.is_open(cell)]
    thousands = [(line, cell) for line, cell in opened if decimal not in prices.core_of(cell)]
    telling = [(line, cell) for line, cell in cells if prices.sign_of(cell) == decimal]
    if thousands and not any(re.search(_GROUPED[decimal], core) for core in cores):
        with_decimals = sum(bool(re.search(rf"\{decimal}\d+$", core)) for core in cores)
        if any(re.match(r"\d{4}", core) for core in cores) or 10 * with_decimals >= 9 * len(cores):
            return _told(thousands, "is read as thousands", "are read as thousands", decimal)
    if telling and _TIMES * len(telling) <= len(opened):
        line, cell = telling[0]
        more = f" and {len(telling) - 1} more" if len(telling) > 1 else ""
        why = f", because of '{cell.strip()[:60]}' on line {line}{more} alone"
        return _told(opened, f"is read so{why}", f"are read so{why}", decimal)
    return ""


def _told(cells: Sequence[tuple[int, str]], does: str, do: str, decimal: prices.Decimal) -> str:
    """The sentence on these cells. does, do: how one of them and several are read."""
    line, cell = cells[0]
    value = prices.parse(cell, decimal)[0] or 0
    other: prices.Decimal = "," if decimal == "." else "."
    instead = prices.parse(cell, other)[0] or 0
    lines = amounts.listed([str(line) for line, _ in cells[:_LINES_SHOWN]])
    more = f" and {len(cells) - _LINES_SHOWN:,} more" if len(cells) > _LINES_SHOWN else ""
    which = f"The price '{cell.strip()[:60]}' on line {line}"
    if len(cells) > 1:
        which = f"{len(cells):,} prices (lines {lines}{more}), '{cell.strip()[:60]}' the first,"
    return (
        f"{which} {does if len(cells) == 1 else do} ({value:.10g}) with the column's decimal {_NAMES[decimal]}; with a "
        f"decimal {_NAMES[other]} it would be {instead:.10g}: if that is meant, put the price right in the file."
    )


class Watch:
    """Stops a load where a row contradicts the decimal sign by which others were read.

    A cell that can be read in one way only is read rightly in any column; but where one has the other sign, nobody
    knows what the cells mean that can be read in two ways. So both have to be there.
    """

    def __init__(self, column: str, decimal: prices.Decimal | None) -> None:
        """column: of the frame of cells, "" = there is none; decimal: the sign it is read with, None = no open cell
        is read."""
        self._column, self._decimal = column, decimal
        self._opened: tuple[int, str] | None = None
        self._against: tuple[int, str] | None = None
        mark, other = (r"\.", ",") if decimal == "." else (",", r"\.")
        self._may_be_open = r"(?:^|[^0-9.,])[1-9][0-9]{0,2}[.,][0-9]{3}(?:$|[^0-9.,])"
        self._may_contradict = rf"{other}[0-9]{{1,2}}(?:$|[^0-9])|{other}[0-9]{{4}}|{mark}[0-9]{{3}}[{mark}{other}]"

    def check(self, cells: Cells, name: str) -> None:
        """Look at some more rows; name: of the column in the file. Raises UnreadableFile with the line."""
        if not self._column or self._decimal is None:
            return
        text = cells.frame[self._column]
        typed = cells.numbers.get(self._column)
        if typed is not None:
            if typed.all():
                return
            text = text.set(typed, "")
        if self._opened is None:
            self._opened = self._first(text, cells, self._may_be_open, prices.is_open)
        if self._against is None:
            self._against = self._first(
                text, cells, self._may_contradict, lambda cell: prices.sign_of(cell) not in (None, self._decimal)
            )
        if self._opened and self._against:
            (opened, cell), (against, odd) = self._opened, self._against
            sign, other = (_NAMES[self._decimal], _NAMES["," if self._decimal == "." else "."])
            raise UnreadableFile(
                f"Nothing was loaded: the price '{odd}' on line {against:,} has a decimal {other}, but the column "
                f"{name!r} was read with a decimal {sign}, so that nobody knows what '{cell}' on line {opened:,} is; "
                "put the prices right so that all have one decimal sign."
            )

    def _first(
        self, text: pl.Series, cells: Cells, pattern: str, holds: Callable[[str], bool]
    ) -> tuple[int, str] | None:
        rows = np.flatnonzero(text.str.contains(pattern).fill_null(False).to_numpy())
        seen: set[str] = set()
        for row in rows:
            cell = text[int(row)]
            if cell not in seen and holds(cell):
                return int(cells.lines[row]), cell.strip()[:60]
            seen.add(cell)
        return None

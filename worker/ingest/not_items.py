"""Rows that are no products: totals, notes, lines that are drawn, and the rows of another table."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from worker import amounts
from worker.ingest import column_synonyms
from worker.ingest.header import Row
from worker.ingest.types import Cells, Reject

TOTAL = "a total, no product"
NOTE = "a note, no product"
DRAWN = "a drawn line, no row"
REPEATED = "the header is repeated here"

_TOTALS = (
    "total|totals|grand total|sub ?total|sum|sum total|total sum|total price|total amount|summe|gesamt|gesamtsumme|"
    "zwischensumme|total général|sous[- ]total|somme|suma|suma total|totale|subtotale|somma|razem|ogółem|totaal|"
    "subtotaal|totalt|summa|yhteensä|celkem|összesen|toplam|итого|всего|合計|小計|总计|合计|합계"
)
_TOTAL = rf"(?i)^[\W_]*(?:{_TOTALS})[\W_]*$"
_NOTE = re.compile(
    r"[*†‡]|(?:notes?|n\.?b\.?|p\.?s\.?|hinweis|anmerkung|remarque|nota|uwaga|sources?|quelle|printed|generated)\s*:",
    re.I,
)
_LINES_SHOWN = 20
_DRAWN = r"^[-=+_:.|~\s]*$"
_LONG = 1000  # bytes of a row that is no header for certain


def is_total(cell: str) -> bool:
    """Whether a cell says nothing but that its row is a total."""
    return len(cell) <= 40 and bool(re.match(_TOTAL, cell.strip()))


@dataclass
class Totals:
    """The totals among the rows of a table, read part by part."""

    _part: float = 0.0  # sum of the prices since the last total
    _all: float = 0.0
    _rows: int = 0  # rows since the last total

    def find(self, ids: pl.Series, title: pl.Series, others: Sequence[pl.Series], price: pl.Series) -> list[int]:
        """The rows that are totals for certain: named so, without an id, and either the sum of what stands above them
        or empty but for name and price in a table that has ids. A product may be called Total."""
        named = (title.str.contains(_TOTAL) & (ids == "")) | (ids.str.contains(_TOTAL) & (title == ""))
        values = price.fill_null(0.0).to_numpy()
        has_ids = int((ids != "").sum()) >= 0.5 * len(ids)
        found, start = list[int](), 0
        for row in named.arg_true().to_list():
            self._count(values[start:row])
            value, start = float(values[row]), row + 1
            sums = self._rows > 1 and any(
                np.isclose(value, each, rtol=1e-6, atol=0.011) for each in (self._part, self._all)
            )
            bare = ids[row] != "" or (has_ids and len(ids) > 2 and not any(other[row] for other in others))
            if (sums and value) or bare:
                found.append(row)
                self._part, self._rows = 0.0, 1 if sums else 0
            else:
                self._count(values[row : row + 1])
        self._count(values[start:])
        return found

    def _count(self, values: npt.NDArray[np.float64]) -> None:
        self._part, self._all = self._part + float(values.sum()), self._all + float(values.sum())
        self._rows += len(values)


def notes(title: pl.Series, frame: pl.DataFrame) -> Iterator[int]:
    """The rows at the end of which only the title is filled, with what is marked as a note."""
    for row in range(len(frame) - 1, -1, -1):
        filled = sum(bool((cell or "").strip()) for cell in frame.row(row))
        if filled > 1 or (filled and not _NOTE.match(title[row])):
            return
        if filled:
            yield row


def drawn(frame: pl.DataFrame) -> list[int]:
    """The rows that are drawn between others, as in a table of a text."""
    plain = _rows_of(frame, _DRAWN)
    line = pl.any_horizontal(pl.all().fill_null("").str.contains(r"--|==|__"))
    return plain.filter(frame[plain].select(line).to_series()).to_list()


def _rows_of(frame: pl.DataFrame, pattern: str, *, matches: bool = True) -> pl.Series:
    """The rows whose every cell matches, or none does. Column by column, since the first ones leave few rows."""
    rows: pl.Series | None = None
    for column in frame:
        cells = (column if rows is None else column.gather(rows)).fill_null("").str.contains(pattern)
        fits = cells if matches else ~cells
        rows = fits.arg_true() if rows is None else rows.filter(fits)
        if not len(rows):
            break
    return pl.Series([], dtype=pl.UInt32) if rows is None else rows


def _bytes(cell: str) -> int:
    return len(cell.encode())


@lru_cache(8192)
def _is_known(cell: str) -> bool:
    return column_synonyms.is_known(cell)


def names_columns(cells: Sequence[str]) -> bool:
    """Whether these cells are the header of some table."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if len(filled) < 2 or any(len(cell) > 40 or any(map(str.isdigit, cell)) for cell in filled):
        return False
    return sum(map(_is_known, filled)) >= max(2, 0.6 * len(filled))


def doubtful(rows: Sequence[Row], width: int, price: int | None) -> Iterator[str]:
    """What is read as products although it is perhaps none, in sentences with its lines: rows of one text, and rows
    below a blank line. width: columns of the table; price: place of its column."""
    rows = [row for row in rows if not row.is_blank]
    bare = _bare(rows, width)
    below = _below_gap(rows, price)
    if below and len(below) == len([row for row in bare if row in below]):
        bare = [row for row in bare if row not in below]
    if bare:
        one = len(bare) == 1
        what = "it is a heading or a note, take it" if one else "these are headings or notes, take them"
        read = "it is read as a product" if one else "they are read as products"
        lines = _lines(bare)
        yield (
            f"{lines[0].upper()}{lines[1:]} {'has' if one else 'have'} one filled cell ({_examples(bare)}): if {what} "
            f"out of the file, for {read}."
        )
    if below:
        why = "has no price" if price is not None and not _has_price(below[0], price) else "begins like a table"
        yield (
            f"What stands on {_lines(below)}, below a blank line, {why}: if it is another table or a note, take it "
            "out of the file, for it is read as products."
        )


def _bare(rows: Sequence[Row], width: int) -> list[Row]:
    """The rows of one text alone, where those are few; what is already known for a total or a note is none of them."""
    if width < 2:
        return []
    last = len(rows)
    while last and _is_marked_note(rows[last - 1]):
        last -= 1
    filled = [[cell for cell in row.cells if cell.strip()] for row in rows[:last]]
    bare = [
        row
        for row, cells in zip(rows, filled, strict=False)
        if len(cells) == 1 and len(row.cells) == width and any(map(str.isalpha, cells[0])) and not is_total(cells[0])
    ]
    return bare if 2 * len(bare) <= len(filled) or _are_headings(bare, len(filled)) else []


def _are_headings(bare: Sequence[Row], rows: int) -> bool:
    """Whether rows of one text stand among few others, but each in the first column as headings do."""
    return len(bare) < rows and all(row.cells[0].strip() for row in bare)


def _is_marked_note(row: Row) -> bool:
    cells = [cell for cell in row.cells if cell.strip()]
    return not cells or (len(cells) == 1 and bool(_NOTE.match(cells[0].strip())))


def _below_gap(rows: Sequence[Row], price: int | None) -> Sequence[Row]:
    """The rows below a blank line that are perhaps another table: of those above nearly all have a price, and of these
    none; or the first of these is the only one without a digit, as a header is."""
    for i in range(1, len(rows)):
        if rows[i].line <= rows[i - 1].line + rows[i - 1].lines:
            continue
        above, below = rows[:i], rows[i:]
        if _begins_like_header(below[0]) and 10 * sum(map(_has_digit, above)) >= 9 * len(above):
            return below
        if price is not None and not any(_has_price(row, price) for row in below):
            return below if 10 * sum(_has_price(row, price) for row in above) >= 9 * len(above) else []
    return []


def _begins_like_header(row: Row) -> bool:
    filled = [cell.strip() for cell in row.cells if cell.strip()]
    return len(filled) > 1 and not _has_digit(row) and all(len(cell) <= 40 for cell in filled)


def _has_digit(row: Row) -> bool:
    return any(map(str.isdigit, "".join(row.cells)))


def _has_price(row: Row, price: int) -> bool:
    return price < len(row.cells) and bool(row.cells[price].strip())


def _lines(rows: Sequence[Row]) -> str:
    """The lines on which rows stand: "line 4", "lines 4 to 6", "line 4 and line 9"."""
    first, last = rows[0], rows[-1]
    if len(rows) == 1:
        return f"line {first.line}"
    if last.line - first.line == len(rows) - 1:
        return f"lines {first.line} to {last.line}"
    shown = [f"line {row.line}" for row in rows[:_LINES_SHOWN]]
    more = len(rows) - len(shown)
    return amounts.listed([*shown, f"{more:,} more"] if more else shown)


def _examples(rows: Sequence[Row]) -> str:
    texts = [next(cell.strip() for cell in row.cells if cell.strip()) for row in rows[:3]]
    shown = [repr(text if len(text) <= 40 else text[:40] + "…") for text in texts]
    return ", ".join(shown) + (", …" if len(rows) > len(shown) else "")


@dataclass
class OtherTables:
    """Finds the tables below the one that is read, by their headers."""

    columns: Sequence[str]
    delimiter: str
    begun: int = 0  # line on which another table begins; 0 = the rows are ours
    _own: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._own = [column.casefold() for column in self.columns]

    def mark(self, cells: Cells) -> Cells:
        """The rows with a reason at each that belongs to another table, and at each header of our own."""
        headers = dict(self._headers(cells))
        if not headers and not self.begun:
            return cells
        spoiled, rejects = dict(cells.spoiled), list[Reject]()
        places = [(int(line), i, None) for i, line in enumerate(cells.lines)]
        events = sorted([*places, *((each.line, -1, each) for each in cells.rejects)], key=lambda event: event[0])
        for line, row, reject in events:
            if line in headers:
                self.begun = 0 if headers[line] else line
            reason = (
                REPEATED if headers.get(line) else f"another table begins on line {self.begun}" if self.begun else ""
            )
            if reject is not None:
                rejects.append(replace(reject, reason=reason or reject.reason))
            elif reason:
                spoiled[row] = reason
        return replace(cells, spoiled=spoiled, rejects=rejects)

    def is_own(self, cells: Sequence[str]) -> bool:
        return [" ".join(cell.split()).casefold() for cell in cells] == self._own

    def _headers(self, cells: Cells) -> Iterator[tuple[int, bool]]:
        """Line of each header, and whether it is our own."""
        for i in _rows_of(cells.frame, r"\d", matches=False):
            row = [cell or "" for cell in cells.frame.row(i)]
            if sum(map(_bytes, row)) + len(row) - 1 >= _LONG:
                continue
            if names_columns(row):
                yield int(cells.lines[i]), self.is_own(row)
        for reject in cells.rejects:
            if len(reject.raw) < _LONG and names_columns(reject.raw.split(self.delimiter or None)):
                yield reject.line, False

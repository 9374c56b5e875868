"""Rows with more or fewer cells than their table has columns, and how those are mended that can mean one thing only."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from worker.ingest import column_synonyms, prices
from worker.ingest.header import Row

Kind = Literal["number", "code", "text", ""]
Way = Literal["escape", "blank", "number", "text"]

SHORT = "they have fewer cells than the header has names, and the last columns are taken to be empty"

_SIGNS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_HEAD = re.compile(r"\D{0,4}[1-9]?\d{1,5}|\D{0,4}0")  # what stands before the comma of a price
_CENTS = re.compile(r"\d{2}(?:\s?[^\d\s.,]{1,4})?")
_THOUSANDS = re.compile(r"\d{3}(?:\.\d{2})?(?:\s?[^\d\s.,]{1,4})?")
_SHORT_HEAD = re.compile(r"\D{0,4}[1-9]\d{0,2}")
_FEW = 2  # rows that tell what a column holds


@dataclass(frozen=True, slots=True)
class Mending:
    """How rows of the wrong number of cells become rows of `width`; what it leaves alone is a reject."""

    width: int
    delimiter: str
    kinds: tuple[Kind, ...]  # of each column
    names: tuple[str, ...]
    ways: tuple[Way, ...] = ()  # in which rows that are too long are joined; the first that fits is taken
    place: int = -1  # the column of prices that commas cut
    pads: bool = False  # rows that are too short get empty cells

    def apply(self, cells: Sequence[str]) -> tuple[list[str], str] | None:
        """The row as it should be, and what was done in words; None = there is no certain way."""
        if len(cells) < self.width:
            return self._padded(cells)
        for way in self.ways if len(cells) > self.width else ():
            joined, what = _WAYS[way](self, list(cells))
            if joined:
                return joined, what
        return None

    def _padded(self, cells: Sequence[str]) -> tuple[list[str], str] | None:
        # One cell alone is a note or a line that lost its delimiters.
        if not self.pads or len(cells) < 2 or not any(cell.strip() for cell in cells):
            return None
        row = [*cells, *[""] * (self.width - len(cells))]
        return (row, SHORT) if self.fits(row) else None

    def fits(self, cells: Sequence[str]) -> bool:
        """Whether each cell is of its column's kind."""
        return all(map(self._fits, cells, self.kinds))

    def _fits(self, cell: str, kind: Kind) -> bool:
        if not cell.strip() or not kind:
            return True
        if kind == "code":
            return " " not in cell.strip() and self.delimiter not in cell
        return is_number(cell) is (kind == "number")

    @property
    def sign(self) -> str:
        return _SIGNS.get(self.delimiter, f"'{self.delimiter}'")

    def joined(self, cells: list[str], place: int, extra: int) -> list[str]:
        """The row with this cell and the `extra` ones behind it as one."""
        end = place + extra + 1
        return [*cells[:place], self.delimiter.join(cells[place:end]), *cells[end:]]


def is_number(cell: str) -> bool:
    return prices.share_of_prices([cell]) > 0


def kinds_of(rows: Sequence[Row], names: Sequence[str]) -> tuple[Kind, ...]:
    """What each column holds, by the rows of the right width or, where there are too few, by its name."""
    full = [row.cells for row in rows if len(row.cells) == len(names) and not row.is_blank][:300]
    if len(full) < _FEW:
        return tuple(_kind_by_name(name) for name in names)
    return tuple(_kind([cells[i].strip() for cells in full if cells[i].strip()]) for i in range(len(names)))


def _kind_by_name(name: str) -> Kind:
    if column_synonyms.score(name, "price") > 0:
        return "number"
    return "text" if column_synonyms.score(name, "title") > 0.5 else ""


def _kind(cells: Sequence[str]) -> Kind:
    if not cells:
        return ""
    numbers = sum(map(is_number, cells))
    if numbers >= 0.9 * len(cells):
        return "number"
    if all(" " not in cell and any(map(str.isdigit, cell)) for cell in cells):
        return "code"
    return "text" if numbers <= 0.1 * len(cells) else ""


def _at_escapes(mending: Mending, cells: list[str]) -> tuple[list[str] | None, str]:
    row = [cells[0]]
    for cell in cells[1:]:
        before = row[-1]
        if (len(before) - len(before.rstrip("\\"))) % 2:
            row[-1] = before[:-1] + mending.delimiter + cell
        else:
            row.append(cell)
    what = f"{mending.sign} behind a backslash is part of a text"
    return (row if len(row) == mending.width else None), what


def _at_blanks(mending: Mending, cells: list[str]) -> tuple[list[str] | None, str]:
    row = [cells[0]]
    for cell in cells[1:]:
        if cell[:1] == " " and cell.strip():
            row[-1] += mending.delimiter + cell
        else:
            row.append(cell)
    fits = len(row) == mending.width and mending.fits(row)
    return (row if fits else None), f"{mending.sign} before a blank is part of a text"


def _in_number(mending: Mending, cells: list[str]) -> tuple[list[str] | None, str]:
    place = mending.place
    what = f"{mending.sign} in the middle of '{mending.names[place]}' is part of the number"
    if len(cells) != mending.width + 1 or not cut(cells[place], cells[place + 1]):
        return None, what
    row = mending.joined(cells, place, 1)
    others = [cell if i != place else "" for i, cell in enumerate(row)]
    return (row if mending.fits(others) else None), what


def _in_text(mending: Mending, cells: list[str]) -> tuple[list[str] | None, str]:
    extra = len(cells) - mending.width
    rows = [mending.joined(cells, place, extra) for place in range(mending.width)]
    fitting = [place for place, row in enumerate(rows) if mending.fits(row)]
    if len(fitting) != 1 or mending.kinds[fitting[0]] != "text":
        return None, ""
    # A number among the pieces is rather part of another cell.
    if any(map(is_number, cells[fitting[0] + 1 : fitting[0] + extra + 1])):
        return None, ""
    name = mending.names[fitting[0]]
    return rows[fitting[0]], f"{mending.sign} without quotes is part of the text in '{name}'"


_WAYS: dict[Way, Callable[[Mending, list[str]], tuple[list[str] | None, str]]] = {
    "escape": _at_escapes,
    "blank": _at_blanks,
    "number": _in_number,
    "text": _in_text,
}


def cut(head: str, tail: str) -> bool:
    """Whether two cells may be one price that a comma cut."""
    head, tail = head.strip(), tail.strip()
    return bool(
        (_HEAD.fullmatch(head) and _CENTS.fullmatch(tail))
        or (_SHORT_HEAD.fullmatch(head) and _THOUSANDS.fullmatch(tail))
    )


def are_certainly_cut(tails: Sequence[str]) -> bool:
    """Whether cells that follow a price are the rest of it: as long as each other, and one begins with a 0, as no
    number of its own does."""
    digits = {len(tail.strip().split(".")[0].rstrip(" €$£")) for tail in tails}
    return len(digits) == 1 and any(re.match(r"0\d", tail.strip()) for tail in tails)

"""The contrast of a line with the rows below it: what tells a header from data, whatever its words are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Literal

from worker.ingest import column_synonyms, price_words, prices

Kind = Literal["number", "date", "link", "code", "text"]

_COLUMNS = 250  # of a line; what stands further right tells nothing else
_LONGEST_NAME, _LONGEST_PRICE = 200, 24
_NUMBER = re.compile(r"[^\w\s]{0,2}\s?(?:[A-Z]{3}\s?)?[-–]?\d[\d.,'’  ]*\s?(?:[^\W\d]{1,3}|[^\w\s]{1,2})?")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[ T,].{0,20})?")
_LINK = re.compile(r"(?:https?:/?/?|www\.)\S+|\S+\.(?:jpe?g|png|gif|webp|html?)", re.IGNORECASE)
_ERROR = re.compile(r"#[A-Z][A-Z0-9/_]{1,12}[!?]?", re.IGNORECASE)  # of a formula
_MONEY = re.compile(r"[$€£¥₹]|[.,]\d\d(?!\d)")
_MACHINE_NAME = re.compile(r"[a-z][a-z0-9]*(?:[_.:#\[\]=-]+[a-z0-9]+)*\]?")


@dataclass(frozen=True, slots=True)
class Contrast:
    """What speaks for and against a line being the header of the rows below it."""

    stands_out: int  # cells that are words where the column below has numbers, dates, links or codes
    differs: int  # cells that are weaker signs: unlike a column that repeats itself, or far shorter than its texts
    against: int  # cells of the same kind as the column below, or among its values
    known: int  # cells that are exactly a word that shops use as a header
    named: int  # cells that contain one
    twice: int  # cells that are not the first of their kind in the line
    is_wordy: bool  # short words without digits throughout
    is_for_machines: bool  # names like item_sku throughout

    @property
    def score(self) -> float:
        return self.stands_out + 0.5 * self.differs + self.known + 0.5 * self.named - 2 * self.against - self.twice

    @property
    def is_header(self) -> bool:
        """Whether more speaks for it than against it."""
        return self.score >= 1 and (self.known > 0 or self.stands_out > 0 or self.differs > 1)

    @property
    def may_be_header(self) -> bool:
        """Whether nothing tells: most files have a header, and words without digits are likelier one than data."""
        return self.is_wordy and not self.against and not self.twice

    @property
    def is_sure(self) -> bool:
        return self.score >= 2 and (self.known >= 2 or (self.stands_out >= 2 and not self.against))


NOTHING = Contrast(0, 0, 1, 0, 0, 0, False, False)


def between(cells: Sequence[str], below: Sequence[Sequence[str]]) -> Contrast:
    """The contrast of a line with rows of data, which may have any number of cells."""
    line = [cell.strip() for cell in cells[:_COLUMNS]]
    filled = [cell for cell in line if cell]
    if not filled or any(len(cell) > _LONGEST_NAME for cell in filled):
        return NOTHING
    columns = [[row[i].strip() for row in below if i < len(row) and row[i].strip()] for i in range(len(line))]
    numbers = {i for i, cell in enumerate(line) if cell and _is_number(cell)}
    known = sum(map(column_synonyms.is_known, filled))
    # 2023, 2024 above prices; 0, 1, 2 as data frames number columns that have no names.
    are_names = bool(numbers) and (_are_years(line, numbers, columns) or _are_positions(filled, columns))
    signs = [_sign(cell, column) for cell, column in zip(line, columns, strict=True) if cell]
    if are_names:
        signs = [_sign(cell, column) for i, (cell, column) in enumerate(zip(line, columns, strict=True))
                 if cell and i not in numbers]  # fmt: skip
    return Contrast(
        stands_out=signs.count("stands out") + (len(numbers) if are_names and len(numbers) == len(filled) else 0),
        differs=signs.count("differs"),
        against=signs.count("against"),
        known=known,
        named=sum(map(_is_named, filled)) - known,
        twice=len(filled) - len({cell.casefold() for cell in filled}),
        is_wordy=all(len(cell) <= 40 and len(cell.split()) <= 3 for cell in filled)
        and not any(c.isdigit() for cell in filled for c in cell),
        is_for_machines=len(filled) > 2 and all(map(_MACHINE_NAME.fullmatch, filled)) and any("_" in c for c in filled),
    )


def _sign(cell: str, column: Sequence[str]) -> Literal["stands out", "differs", "against", ""]:
    """What a cell says beside the filled cells of its column."""
    if not column:
        return ""
    kinds = [_kind(each) for each in column]
    # One other than the rest is allowed: a second header line, a note, a price on request.
    most = max(0.8 * len(column), 1) if len(column) < 3 else min(0.8 * len(column), len(column) - 1)
    own = _kind(cell)
    for kind in ("number", "date", "link", "code"):
        if kinds.count(kind) >= most:
            if own == kind or (kind == "number" and _stands_for_number(cell)):
                return "against"
            return "stands out" if any(map(str.isalpha, cell)) else ""
    if cell in column:
        return "against"
    if sum(map(_has_digit, column)) >= most:
        return "" if _has_digit(cell) else "stands out"
    if len(column) >= 3 and len(set(column)) <= len(column) / 2:
        return "differs"
    return "differs" if median(map(len, column)) > 2 * len(cell) + 10 else ""


@lru_cache(20_000)
def _kind(cell: str) -> Kind:
    if _is_number(cell):
        return "number"
    if _DATE.fullmatch(cell):
        return "date"
    if _LINK.fullmatch(cell):
        return "link"
    # A name may end in a number (Image 1, IMAGE1); a code has digits and no spaces, or letters on both sides of them.
    return "code" if _has_digit(cell) and " " not in cell and not _is_numbered_name(cell) else "text"


@lru_cache(20_000)
def _is_number(cell: str) -> bool:
    """Whether a cell is a number, alone or with the mark of a currency."""
    return bool(_NUMBER.fullmatch(cell)) or (len(cell) <= _LONGEST_PRICE and prices.has_money_sign(cell))


@lru_cache(20_000)
def _stands_for_number(cell: str) -> bool:
    """Whether a cell says in another way what its column holds as numbers, or that there is none: #N/A, 3 for $10."""
    if _ERROR.fullmatch(cell) or cell.casefold() in prices.MISSING:
        return True
    if not _has_digit(cell) or _is_named(cell):
        return False
    if not _MONEY.search(cell) or _DATE.fullmatch(cell):
        return False
    return prices.share_of_prices([cell]) > 0 or prices.is_range(cell) or bool(price_words.several_of(cell))


def _is_numbered_name(cell: str) -> bool:
    letters = sum(map(str.isalpha, cell))
    return letters >= 4 and letters > 2 * sum(map(str.isdigit, cell))


def _has_digit(cell: str) -> bool:
    return any(map(str.isdigit, cell))


def _is_named(cell: str) -> bool:
    if len(cell) > 60 or len(cell.split()) > 5:
        return False
    return column_synonyms.price_kind(cell) == "none" or any(
        column_synonyms.score(cell, field) > 0 for field in column_synonyms.SYNONYMS
    )


def _are_years(line: Sequence[str], numbers: set[int], columns: Sequence[Sequence[str]]) -> bool:
    """Whether all numbers of a line are different years, above columns that do not hold years."""
    years = [line[i].removesuffix(".0") for i in numbers]
    if len(set(years)) < len(years) or not all(map(_is_year, years)) or len(numbers) == len([c for c in line if c]):
        return False
    return not any(columns[i] and sum(map(_is_year, columns[i])) >= 0.5 * len(columns[i]) for i in numbers)


def _is_year(cell: str) -> bool:
    return cell.isdecimal() and 1900 <= int(cell[:5]) <= 2100


def _are_positions(filled: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether a line is nothing but 0, 1, 2 or 1, 2, 3 above columns that are not all numbers."""
    counted = [[str(i + first) for i in range(len(filled))] for first in (0, 1)]
    if len(filled) < 2 or list(filled) not in counted:
        return False
    return any(column and sum(map(_is_number, column)) < 0.2 * len(column) for column in columns)

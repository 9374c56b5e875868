"""The evidence for and against a column's meaning, from its header and its cells, and what each piece weighs."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median

from worker.amounts import currencies
from worker.ingest import column_synonyms, dates, prices, side_values

SURE, LIKELY = 0.75, 0.5
"""A confidence from which on a column is surely what it is taken for, and one below which a person has to look."""

NAMES_CURRENCIES = 0.5  # share of cells that are the code, sign or name of a currency: the column holds those
_NEVER = -9.0  # outweighs everything that speaks for it
EXACT = 0.85  # a header's score from which on it is a word that shops use for the field
_ADDRESS = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|www\.|//)\S+$|^\S*[/\\]\S+\.[a-z]{3,4}$", re.IGNORECASE)
_CENTS = re.compile(r"^\D{0,5}\d[\d.,' ]*?[.,]\d\d\D{0,5}$")
_FINE = re.compile(r"^\d+[.,](?:\d|\d{4,})$")  # one decimal, or more than three: a measure, or a program's number
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")  # scripts without spaces
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Look:
    """What the cells of a column look like."""

    name: str
    rows: int
    filled: int
    length: float = 0  # characters of a cell, on average
    words: float = 0  # of at least two letters in a cell, on average
    distinct: float = 0  # distinct values / filled cells
    values: int = 0  # different ones
    prices: float = 0  # share of cells that are a number, with or without marks of money
    signs: float = 0  # … that bear a mark of money
    cents: float = 0  # … with two decimals
    fine: float = 0  # … with one decimal, or very many
    whole: float = 0  # … that are nothing but digits
    positive: float = 0  # of those that are numbers
    middle: float = 0  # median of the numbers
    letters: float = 0  # share of cells with a letter
    mixed: float = 0  # … with letters and digits, and without spaces: codes
    spaces: float = 0
    addresses: float = 0
    codes: float = 0  # … that are the code, the sign or the name of a currency
    dates: float = 0
    sides: tuple[float, int] = (0, 0)  # share of cells that name a side, and how many different sides they name
    counts: bool = False  # 1, 2, 3 …

    @property
    def share(self) -> float:
        return self.filled / self.rows if self.rows else 0.0

    @property
    def has_name(self) -> bool:
        return not re.fullmatch(r"column_\d+", self.name)

    @property
    def is_money(self) -> bool:
        """Whether the cells look like amounts of money, whatever the header says."""
        return self.prices >= 0.8 and (self.signs >= 0.3 or (self.cents >= 0.3 and self.fine <= 0.05))

    @property
    def repeats(self) -> bool:
        return self.values > 1 and self.distinct <= 0.5


def look(name: str, cells: Sequence[str]) -> Look:
    """What a column with this header and these cells looks like."""
    filled = [cell.strip() for cell in cells if cell.strip().casefold() not in prices.MISSING]
    if not filled:
        return Look(name, len(cells), 0)
    decimal = prices.decimal_of(filled) or "."
    numbers = [value for value, _ in (prices.parse(cell, decimal) for cell in filled) if value is not None]
    values = len(set(filled))
    whole = mean(cell.isdecimal() for cell in filled)
    firsts = [int(cell) for cell in filled] if whole == 1 and max(map(len, filled)) < 10 else []
    share = prices.share_of_prices(filled)
    return Look(
        name=name,
        rows=len(cells),
        filled=len(filled),
        length=mean(map(len, filled)),
        words=mean(map(_words, filled)),
        distinct=values / len(filled),
        values=values,
        prices=share,
        signs=mean(map(prices.has_money_sign, filled)),
        cents=mean(bool(_CENTS.match(cell)) for cell in filled),
        fine=mean(bool(_FINE.match(cell)) for cell in filled),
        whole=whole,
        positive=len(numbers) / (share * len(filled)) if share else 0.0,
        middle=median(numbers) if numbers else 0.0,
        letters=mean(any(map(str.isalpha, cell)) for cell in filled),
        mixed=mean(_is_code(cell) for cell in filled),
        spaces=mean(" " in cell for cell in filled),
        addresses=mean(bool(_ADDRESS.match(cell)) for cell in filled),
        codes=mean(bool(currencies.code_in(cell)) for cell in filled),
        dates=0.0 if filled[0].isdecimal() else dates.share_of_dates(filled[:50]),
        sides=side_values.share_of_sides(filled),
        counts=bool(firsts) and _count(firsts),
    )


def _count(numbers: Sequence[int]) -> bool:
    """Whether these number the rows; of two that only grow nobody knows."""
    steps = {b - a for a, b in pairwise(numbers)}
    return bool(steps) and min(steps) >= 1 and (len(numbers) > 2 or steps == {1})


def _words(cell: str) -> float:
    unspaced = len(_UNSPACED.findall(cell))
    return unspaced / 2 if unspaced else len(_WORD.findall(cell))


def _is_code(cell: str) -> bool:
    return " " not in cell and any(map(str.isdecimal, cell)) and any(map(str.isalpha, cell))


@dataclass(frozen=True, slots=True)
class Clue:
    """A piece of evidence: what it weighs, when it is there, and how it is said; {…} are of the look."""

    weight: float
    is_there: Callable[[Look], bool]
    words: str


_THIN = Clue(-0.35, lambda each: each.share < 0.5, "only {share:.0%} of its cells are filled")
_BARE = Clue(-0.3, lambda each: each.share < 0.1, "so it is nearly empty")
_BESIDE = Clue(-0.3, lambda each: column_synonyms.is_beside_title(each.name), "its header names something else")
_ADDRESSES = Clue(_NEVER, lambda each: each.addresses >= 0.5, "its cells are addresses of pages or pictures")
_DATES = Clue(_NEVER, lambda each: each.dates >= 0.8, "its cells are dates")
_NO_LETTERS = Clue(_NEVER, lambda each: each.filled > 0 and each.letters == 0, "its cells have no letters")
_MONEY = Clue(_NEVER, lambda each: each.is_money, "its cells are amounts of money")

CLUES: dict[str, tuple[Clue, ...]] = {
    "title": (
        Clue(0.15, lambda each: each.words >= 1.5, "texts of several words"),
        Clue(0.1, lambda each: each.distinct > 0.8, "mostly different"),
        Clue(0.1, lambda each: each.share >= 0.9, "nearly always filled"),
        Clue(-0.1, lambda each: each.length > 120, "its texts are long"),
        Clue(-0.2, lambda each: each.mixed > 0.6 and each.words < 1.5, "its cells look like codes"),
        Clue(-0.4, lambda each: each.filled >= 20 and each.distinct < 0.1, "the same {values} texts stand there again"),
        _BESIDE,
        Clue(-0.4, lambda each: each.length <= 3 and each.filled > 5, "its cells are as short as units"),
        Clue(_NEVER, lambda each: each.prices >= 0.8 or each.letters < 0.1, "its cells are numbers"),
        _THIN,
        _BARE,
        _ADDRESSES,
        _DATES,
    ),
    "price": (
        Clue(0.15, lambda each: each.prices >= 0.8, "its cells are numbers"),
        Clue(0.3, lambda each: each.signs >= 0.3, "with signs of money"),
        Clue(0.15, lambda each: each.cents >= 0.3 and each.fine <= 0.05, "with two decimals"),
        Clue(0.1, lambda each: each.values >= min(5, each.filled), "of many different amounts"),
        Clue(-0.3, lambda each: each.counts, "its numbers count the rows"),
        Clue(-0.2, lambda each: each.prices < 0.5, "only {prices:.0%} of its cells are numbers"),
        Clue(-0.2, lambda each: each.positive < 0.5, "most of its numbers are not above 0"),
        Clue(
            -0.1, lambda each: each.has_name and not column_synonyms.score(each.name, "price"), "its header is unknown"
        ),
        _THIN,
        _DATES,
    ),
    "id": (
        Clue(0.3, lambda each: each.distinct == 1, "all different"),
        Clue(0.1, lambda each: 0.9 <= each.distinct < 1, "mostly different"),
        Clue(0.2, lambda each: each.distinct == 1 and (each.mixed > 0.6 or each.counts), "codes or running numbers"),
        Clue(-0.4, lambda each: each.distinct < 0.5, "its cells repeat"),
        Clue(-0.3, lambda each: each.words >= 2 and each.spaces > 0.3, "its cells are texts"),
        Clue(-0.6, lambda each: each.length > 60, "its cells are long"),
        Clue(_NEVER, lambda each: each.fine > 0.5 or column_synonyms.is_measure(each.name), "it holds a measure"),
        _THIN,
        _ADDRESSES,
        _DATES,
        _MONEY,
    ),
    "description": (
        Clue(0.2, lambda each: each.length > 40, "long texts"),
        Clue(0.1, lambda each: each.words >= 5, "of many words"),
        Clue(0.1, lambda each: each.share >= 0.5, "mostly filled"),
        Clue(-0.4, lambda each: each.length <= 3 and each.filled > 5, "its cells are as short as units"),
        _BESIDE,
        _NO_LETTERS,
        _ADDRESSES,
        _DATES,
    ),
    "category": (
        Clue(0.3, lambda each: each.filled >= 10 and each.repeats, "few texts that repeat"),
        Clue(0.1, lambda each: each.letters > 0.5, "words"),
        Clue(-0.15, lambda each: each.filled >= 20 and each.distinct > 0.9, "nearly all of its texts differ"),
        Clue(-0.3, lambda each: each.length <= 3 and each.filled > 5, "its cells are as short as units"),
        Clue(
            -0.3,
            lambda each: (
                column_synonyms.is_beside_title(each.name) and not column_synonyms.score(each.name, "category")
            ),
            "its header names something else",
        ),
        Clue(_NEVER, lambda each: each.codes >= NAMES_CURRENCIES, "its cells are currencies"),
        Clue(_NEVER, lambda each: each.sides[0] >= 0.95 and each.sides[1] > 1, "its cells name sides"),
        _NO_LETTERS,
        _ADDRESSES,
        _DATES,
    ),
    "brand": (
        Clue(0.1, lambda each: each.repeats, "texts that repeat"),
        Clue(-0.15, lambda each: each.filled >= 20 and each.distinct > 0.9, "nearly all of its texts differ"),
        Clue(0.1, lambda each: each.letters > 0.5, "words"),
        _NO_LETTERS,
        _ADDRESSES,
        _DATES,
    ),
    "currency": (
        Clue(0.5, lambda each: each.codes >= NAMES_CURRENCIES, "its cells name currencies"),
        Clue(_NEVER, lambda each: each.codes < NAMES_CURRENCIES, "its cells name no currencies"),
    ),
    "side": (
        Clue(0.6, lambda each: each.sides[0] >= 0.95 and each.sides[1] > 1, "its cells name train and test"),
        Clue(_NEVER, lambda each: each.sides[0] < 0.5, "its cells name no sides"),
    ),
}
"""Field -> what speaks for it and against it in a column, beside its header."""

_HEADER = {"title": 0.2, "category": 0.15}
"""What a column that bears no name of a field has for it all the same: one of the columns is likely to be one."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How sure it is that a column is what a field wants, and why."""

    column: int
    confidence: float  # 0 to 1
    why: str  # without a full stop
    rank: float  # the header's score, among columns that are as likely


def weigh(field: str, column: int, each: Look) -> Fit:
    """All that speaks for and against a column as a field."""
    name = column_synonyms.score(each.name, field)
    kind = column_synonyms.price_kind(each.name) if field == "price" else "regular"
    if kind == "none":
        return Fit(column, 0.0, "its header names something beside the price", 0.0)
    exact = name > EXACT or (kind != "regular" and name > EXACT / 10)
    score = 0.6 if exact else 0.45 if name else _HEADER.get(field, 0.1)
    # Of these alone a person would say that the header is no name of any field.
    if not name and column_synonyms.is_known(each.name):
        score -= 0.15
    clues = [clue for clue in CLUES[field] if clue.is_there(each)] if each.filled else []
    if field == "price" and exact and kind == "regular":  # a price is a price where most are "on request"
        clues = [clue for clue in clues if clue.weight > -0.3 or clue is _THIN or clue is _DATES]
        clues += [Clue(_NEVER, bool, "its cells are no numbers")] * (each.filled > 0 and each.prices < 0.05)
    elif field == "price" and each.filled and each.prices < 0.5:
        clues = [Clue(_NEVER, bool, "its cells are no numbers")]
    score += sum(clue.weight for clue in clues)
    if kind != "regular":
        score = min(score, 0.49 if kind in ("cost", "wholesale", "per unit", "bound") else 0.6)
    facts = {"share": each.share, "prices": each.prices, "values": each.values}
    against = [clue.words.format(**facts).replace("%", " %") for clue in clues if clue.weight < 0]
    supporting = [clue.words.format(**facts) for clue in clues if clue.weight > 0]
    header = f"its header says {field}" if exact else f"a word of its header says {field}" if name else ""
    if kind != "regular":
        header = f"its header says {kind} price"
    reasons = [*filter(None, [header]), *supporting]
    why = ", ".join(reasons) or "nothing in it says so"
    if against:
        why = f"{', '.join(against)}" + (f", although {', '.join(reasons[:1])}" if header else "")
    return Fit(column, round(min(max(score, 0.0), 1.0), 2), why, name)

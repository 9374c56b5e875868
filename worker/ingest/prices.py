"""Reads the number in a price cell, whatever the country it was written in."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from worker.amounts.currencies import MARKS
from worker.ingest import dates, limits, price_words

Decimal = Literal[".", ","]

MISSING = price_words.MISSING

# Marks that MARKS has not: signs that no currency in its table has, and words that mean several.
_OTHERS = "₡ ₲ ₼ ¤ euros dollars kc zl fr. rs. rp. kr. tl lei"
_MONEY = "|".join(re.escape(mark) for mark in sorted({*MARKS, *_OTHERS.split()}, key=len, reverse=True))
_BEFORE = re.compile(rf"^(?:{_MONEY})(?![^\W\d_])\s*", re.IGNORECASE)
_AFTER = re.compile(rf"(?<![^\W\d_])\s*(?:{_MONEY})$", re.IGNORECASE)
_ROUND = re.compile(r"(?<=\d)\s?(?:[.,:][-–—]{1,2}|/-)$")  # 12,- 12.– 12:- 500/-
_SIGN_INSIDE = re.compile(r"^(\d+)\s?[€$£]\s?(\d\d)$")  # 12€50
_SCIENTIFIC = re.compile(r"^\d+(?:\.\d+)?e[+-]?\d{1,3}$", re.IGNORECASE)
_SPACED = re.compile(r"^\d{1,3}(?:[ '’´`_]\d{3})+(?=$|[.,]\d+$)")
_GROUPED = {mark: re.compile(rf"^\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+$") for mark in ".,"}
_INDIAN = re.compile(r"^\d{1,2}(?:,\d{2})+,\d{3}$")
_SHORT = 80  # letters; a longer cell is no number
_OPEN = re.compile(r"^[1-9]\d{0,2}[.,]\d{3}$")  # thousands, or three decimals


@dataclass(frozen=True, slots=True)
class Reading:
    """What a price cell says."""

    value: float | None = None
    why: str = ""  # why it can't be used; "" with a value, and where the cell says that there is no price
    aside: tuple[str, ...] = ()  # words beside the number that change nothing of it: ("inc vat", "each")
    none: str = ""  # what says that there is no price, where that is no empty cell: "POA", "0"
    is_lower: bool = False  # the lower end of a range


def parse(text: str, decimal: Decimal | None, *, lower_ends: bool = False) -> tuple[float | None, str]:
    """(price, "") or (None, why not); (None, "") when the cell says that there is no price: "", "POA", "0".

    As `read`, of which these are two parts.
    """
    reading = read(text, decimal, lower_ends=lower_ends)
    return reading.value, reading.why


def read(text: str, decimal: Decimal | None, *, lower_ends: bool = False) -> Reading:
    """What a cell says.

    `decimal` is the column's decimal sign. It decides only what the cell leaves open: 1.234 is a thousand in a
    column of 12,50 and one in a column of 12.5; 1.299,00 reads the same everywhere. None refuses what is left open. A
    price of 0 is none: in real tables it means "unknown", and it would poison training and relative errors.
    `lower_ends`: a range is read as its lower end, else it is refused.
    """
    return (_read if len(text) <= _SHORT else _read.__wrapped__)(text, decimal, lower_ends)


@lru_cache(1 << 15)  # the first look asks of the same cells several times
def _read(text: str, decimal: Decimal | None, lower_ends: bool) -> Reading:
    cell = _plain(text)
    if cell.casefold() in MISSING:
        return Reading()
    if price_words.says_none(cell):
        return Reading(none=_shown(cell))
    if not _may_be_number(cell):
        return Reading(why=f"price '{_shown(cell)}' is not a number")
    if not price_words.is_known(cell):
        return Reading(why=f"price '{_shown(cell)}' is {'a date, not a price' if _is_date(cell) else 'not a number'}")
    reading = _of_one(cell, decimal)
    return reading if reading else _of_others(cell, decimal, lower_ends=lower_ends)


def _of_one(cell: str, decimal: Decimal | None) -> Reading | None:
    """The reading of a cell that holds one number with its currency and words beside it; None for any other."""
    money, aside = price_words.money_of(cell)
    core, is_negative = _core(money)
    shown = _shown(cell)
    if decimal is None and _OPEN.match(core):
        return Reading(why=f"price '{shown}' can be read in two ways; say which is the decimal sign")
    value = _number(core, decimal)
    if value is None:
        return None
    if value == 0:
        return Reading(none="0")
    if is_negative:
        return Reading(why=f"price '{shown}' is negative")
    if value >= limits.MAX_PRICE:
        return Reading(why=f"price '{shown}' is too large to be true")
    return Reading(value, aside=aside)


def _of_others(cell: str, decimal: Decimal | None, *, lower_ends: bool) -> Reading:
    """The reading of a cell with a number that is not the price of one thing: a date, a range, several pieces."""
    shown = _shown(cell)
    if _is_date(cell):
        return Reading(why=f"price '{shown}' is a date, not a price")
    several = price_words.several_of(cell)
    if several and (reading := _of_one(several[1], decimal)):
        if reading.value is None:
            return Reading(why=reading.why or f"price '{shown}' is not a number")
        return Reading(why=f"price '{shown}' is {reading.value:.10g} for {several[0]} pieces, not for one")
    ends = price_words.ends_of(cell)
    readings = [_of_one(end, decimal) for end in ends if end] if ends else []
    if not readings or not all(readings):
        return Reading(why=f"price '{shown}' is not a number")
    low = readings[0]
    if (
        lower_ends
        and low
        and low.value is not None
        and all(each and (each.value or 0) >= low.value for each in readings)
    ):
        return Reading(low.value, aside=low.aside, is_lower=True)
    return Reading(why=f"price '{shown}' is a range, not one number")


def _is_date(cell: str) -> bool:
    day, why = dates.parse(cell, "day")
    return day is not None or "two digits" in why or dates.parse(cell, "month")[0] is not None


def _shown(cell: str) -> str:
    return cell if len(cell) <= 60 else cell[:60] + "…"


def sign_of(text: str) -> Decimal | None:
    """The decimal sign of a cell that can be read in one way only; None where it has none, or can be read in two."""
    if not _may_be_number(text) or not ("." in text or "," in text or not text.isascii()):
        return None
    core = core_of(text)
    if _OPEN.match(core) or _number(core, ".") is None:
        return None
    spaced = _SPACED.match(core)
    if spaced:
        core = core[spaced.end() - 3 :]
    marks = re.sub(r"\d", "", core)
    if not marks or set(marks) - {".", ","}:
        return None
    last = marks[-1]
    if len(set(marks)) == 1 and len(marks) > 1:
        return "," if last == "." else "."
    return "." if last == "." else ","


def signs_of(cells: Iterable[str]) -> dict[Decimal, str]:
    """The decimal signs that a column's cells tell, each with the first cell that does."""
    found: dict[Decimal, str] = {}
    for text in cells:
        sign = sign_of(text)
        if sign:
            found.setdefault(sign, text)
    return found


def decimal_of(cells: Iterable[str]) -> Decimal | None:
    """The decimal sign of a column of prices; None where its cells do not say, or do not agree.

    Each cell that can be read in one way only says it; `open_cell` finds those that can be read in two.
    """
    found = signs_of(cells)
    return next(iter(found)) if len(found) == 1 else None


def open_cell(cells: Iterable[str]) -> str:
    """The first cell that is one number with a decimal point and another with a decimal comma; "" = there is none."""
    return next((cell for cell in cells if is_open(cell)), "")


def is_open(cell: str) -> bool:
    """Whether a cell is one number with a decimal point and another one with a decimal comma."""
    return bool(_OPEN.match(core_of(cell)))


def core_of(cell: str) -> str:
    """The digits of a cell with their signs, without currency and words; "" where it can't be a number."""
    if not _may_be_number(cell) or not price_words.is_known(cell):
        return ""
    return _core(price_words.money_of(_plain(cell))[0])[0]


def readings(cell: str) -> str:
    """What an open cell is with either decimal sign, for a sentence. Without marks of thousands: they are the doubt."""
    point, comma = (f"{parse(cell, sign)[0] or 0:.10g}" for sign in (".", ","))
    return f"with a decimal point '{cell.strip()}' is {point}, with a decimal comma it is {comma}"


def share_of_prices(cells: Iterable[str]) -> float:
    """Share of the non-empty cells that are prices, with whatever decimal sign (0 counts as one here)."""
    good = total = 0
    for cell in cells:
        reading = read(cell, ".")
        if reading.value is not None or reading.why or reading.none == "0":
            total += 1
            good += not reading.why
    return good / total if total else 0.0


def is_bare(cell: str) -> bool:
    """Whether a cell is a number with its currency and nothing else; "price 2" may be a name."""
    reading = read(cell, ".")
    return reading.value is not None and not reading.aside


def may_be_price(cell: str) -> bool:
    """Whether a cell looks like a price, so that letters in it may be its currency."""
    return _may_be_number(cell) and parse(cell, ".")[0] is not None


def money_of(cell: str) -> str:
    """The number of a price cell with its currency, without the words beside it."""
    return price_words.money_of(_plain(cell))[0]


def is_range(cell: str) -> bool:
    """Whether a cell is a range of prices: "10-20", "from 9.99"."""
    return _may_be_number(cell) and (read(cell, ".", lower_ends=True).is_lower)


def has_money_sign(cell: str) -> bool:
    plain = price_words.money_of(_plain(cell))[0] if _may_be_number(cell) else ""
    return bool(plain) and plain[0].lower() != "r" and bool(_BEFORE.search(plain) or _AFTER.search(plain))


def _may_be_number(cell: str) -> bool:
    """Whether a text may be a number. Cheap and never wrong with no: inspection asks this of long descriptions too."""
    return len(cell) <= _SHORT and any(map(str.isdecimal, cell))


def _plain(text: str) -> str:
    """The text with one kind of space, of minus and of digits."""
    if text.isascii() or len(text) > 200:
        return " ".join(text.split())
    for invisible in "\u200b\u200e\u200f\u2060\ufeff":
        text = text.replace(invisible, "")
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return " ".join(text.replace("−", "-").replace("．", ".").replace("，", ",").split())


def _core(cell: str) -> tuple[str, bool]:
    """The digits and signs between the currency marks, and whether it is negative."""
    inside = _SIGN_INSIDE.match(cell)
    if inside:
        return f"{inside[1]}.{inside[2]}", False
    is_negative = cell.startswith("(") and cell.endswith(")")
    core = cell[1:-1].strip() if is_negative else cell
    for _ in range(2):  # "$ 12.99 USD" bears two marks
        core = _AFTER.sub("", _BEFORE.sub("", core), count=1).strip()
        core = _ROUND.sub("", core)
        if core.startswith("-"):
            is_negative, core = True, core[1:].strip()
        elif core.endswith("-") and core[:-1].strip().replace(".", "").replace(",", "").isdigit():
            is_negative, core = True, core[:-1].strip()
        core = core.removeprefix("+")
    return core, is_negative


def _number(core: str, decimal: Decimal | None) -> float | None:
    if core.isascii() and core.isdigit():
        return float(core) if len(core) <= 15 else limits.MAX_PRICE
    if _SCIENTIFIC.match(core):
        return float(core)
    spaced = _SPACED.match(core)
    if spaced:
        whole, rest = re.sub(r"\D", "", spaced[0]), core[spaced.end() :]
        return float(f"{whole}.{rest[1:]}") if rest else float(whole)
    if not re.fullmatch(r"[\d.,]+", core) or not re.search(r"\d", core):
        return None
    last = max(".,", key=core.rfind)
    other = "," if last == "." else "."
    before, _, behind = core.rpartition(last)
    if other in before:
        if last in before or not behind or not (_GROUPED[other].match(before) or _INDIAN.match(before)):
            return _indian(core)
        return float(f"{before.replace(other, '')}.{behind}")
    if last in before:
        return float(core.replace(last, "")) if _GROUPED[last].match(core) else _indian(core)
    if _OPEN.match(core) and last != decimal:
        return float(before + behind)
    return float(f"{before or '0'}.{behind or '0'}")


def _indian(core: str) -> float | None:
    """The number in Indian groups, two digits each above the thousands: 12,34,567."""
    return float(core.replace(",", "")) if _INDIAN.match(core) else None

"""Reads the number in a price cell, whatever the country it was written in."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from worker.amounts.currencies import MARKS
from worker.ingest import limits

Decimal = Literal[".", ","]

MISSING = frozenset(
    ["", "-", "--", "---", "–", "—", "n/a", "na", "n.a.", "#n/a", "nan", "null", "none", "nil", "\\n", "(null)", "?"]
)
"""Cells, in lower case, that say there is no value."""

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
_OPEN = re.compile(r"^[1-9]\d{0,2}[.,]\d{3}$")  # thousands, or three decimals
_RANGE = re.compile(
    r"\d\W*\s?(?:-|–|—|~|…|\.\.|/|\bto\b|\bbis\b|\bà\b|\ba\b|\bdo\b|\bhasta\b|\buntil\b|\band\b)\s?\W*\d"
)


def parse(text: str, decimal: Decimal | None) -> tuple[float | None, str]:
    """(price, "") or (None, why not); (None, "") when the cell says that there is no price.

    `decimal` is the column's decimal sign. It decides only what the cell leaves open: 1.234 is a thousand in a
    column of 12,50 and one in a column of 12.5; 1.299,00 reads the same everywhere. None refuses what is left open. A
    price of 0 is refused: in real tables it means "unknown", and it would poison training and relative errors.
    """
    cell = _plain(text)
    if cell.casefold() in MISSING:
        return None, ""
    core, is_negative = _core(cell) if _may_be_number(cell) else ("", False)
    shown = cell if len(cell) <= 60 else cell[:60] + "…"
    if decimal is None and _OPEN.match(core):
        return None, f"price '{shown}' can be read in two ways; say which is the decimal sign"
    value = _number(core, decimal)
    if value is None:
        if len(cell) <= 80 and _RANGE.search(cell):
            return None, f"price '{shown}' is a range, not one number"
        return None, f"price '{shown}' is not a number"
    if is_negative and value:
        return None, f"price '{shown}' is negative"
    if value == 0:
        return None, "price is 0, which means unknown in most tables"
    if value >= limits.MAX_PRICE:
        return None, f"price '{shown}' is too large to be true"
    return value, ""


def decimal_of(cells: Iterable[str]) -> Decimal | None:
    """The decimal sign of a column of prices; None where its cells do not say.

    Each cell that can be read in one way only votes; `open_cell` finds those that can be read in two.
    """
    votes: Counter[str] = Counter()
    for text in cells:
        if not _may_be_number(text):
            continue
        core, _ = _core(_plain(text))
        spaced = _SPACED.match(core)
        if spaced:
            core = core[spaced.end() - 3 :]
        marks = re.sub(r"\d", "", core)
        if not marks or set(marks) - {".", ","}:
            continue
        last, other = marks[-1], "," if marks[-1] == "." else "."
        if len(set(marks)) == 1 and len(marks) > 1:
            votes[other] += 1
        elif len(marks) > 1 or spaced or not _OPEN.match(core):
            votes[last] += 1
    if votes["."] == votes[","]:
        return None
    return "." if votes["."] > votes[","] else ","


def open_cell(cells: Iterable[str]) -> str:
    """The first cell that is one number with a decimal point and another with a decimal comma; "" = there is none."""
    return next((cell for cell in cells if _may_be_number(cell) and _OPEN.match(_core(_plain(cell))[0])), "")


def readings(cell: str) -> str:
    """What an open cell is with either decimal sign, for a sentence. Without marks of thousands: they are the doubt."""
    point, comma = (f"{parse(cell, sign)[0] or 0:.10g}" for sign in (".", ","))
    return f"with a decimal point '{cell.strip()}' is {point}, with a decimal comma it is {comma}"


def share_of_prices(cells: Iterable[str]) -> float:
    """Share of the non-empty cells that are prices, with whatever decimal sign (0 counts as one here)."""
    good = total = 0
    for cell in cells:
        value, reason = parse(cell, ".")
        if value is not None or reason:
            total += 1
            good += value is not None or reason.startswith("price is 0")
    return good / total if total else 0.0


def may_be_price(cell: str) -> bool:
    """Whether a cell looks like a price, so that letters in it may be its currency."""
    return _may_be_number(cell) and parse(cell, ".")[0] is not None


def has_money_sign(cell: str) -> bool:
    plain = _plain(cell) if _may_be_number(cell) else ""
    return bool(plain) and plain[0].lower() != "r" and bool(_BEFORE.search(plain) or _AFTER.search(plain))


def _may_be_number(cell: str) -> bool:
    """Whether a text may be a number. Cheap and never wrong with no: inspection asks this of long descriptions too."""
    return len(cell) <= 80 and any(map(str.isdecimal, cell))


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

"""The table of currencies: code, decimals and sign (ISO 4217), and what a cell or a header says of its currency."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from db.errors import UserError


@dataclass(frozen=True, slots=True)
class Currency:
    """One currency."""

    code: str  # ISO 4217; "" = nobody said which
    name: str  # as a sentence for a language model says it: "euros"
    decimals: int = 2
    sign: str = ""  # written in front of the number where it means this currency alone; "" = the code is written
    marks: str = ""  # what shops write beside the number, besides sign and code; lower case, with spaces between

    @property
    def prefix(self) -> str:
        """What stands in front of a number: "€", "CHF ", "" where the currency is unknown."""
        return self.sign or (f"{self.code} " if self.code else "")

    @property
    def unit(self) -> str:
        """What a head says of a column of numbers: "€", "CHF", "" where the currency is unknown."""
        return self.sign or self.code


_TABLE = (
    Currency("USD", "US dollars", 2, "$", "us$ dollar dollars"),
    Currency("EUR", "euros", 2, "€", "euro euros eur."),
    Currency("GBP", "British pounds", 2, "£", "pound pounds ￡"),
    Currency("JPY", "Japanese yen", 0, "¥", "円 yen jp¥"),
    Currency("CNY", "Chinese yuan", 2, "", "rmb 元 yuan cn¥"),
    Currency("CHF", "Swiss francs", 2, "", "fr. sfr. sfr"),
    Currency("CAD", "Canadian dollars", 2, "", "ca$ c$ cdn$"),
    Currency("AUD", "Australian dollars", 2, "", "au$ a$"),
    Currency("NZD", "New Zealand dollars", 2, "", "nz$"),
    Currency("HKD", "Hong Kong dollars", 2, "", "hk$"),
    Currency("SGD", "Singapore dollars", 2, "", "s$"),
    Currency("TWD", "New Taiwan dollars", 2, "", "nt$"),
    Currency("MXN", "Mexican pesos", 2, "", "mx$"),
    Currency("BRL", "Brazilian reais", 2, "", "r$"),
    Currency("PLN", "Polish zloty", 2, "", "zł zl złotych"),
    Currency("CZK", "Czech koruna", 2, "", "kč kc"),
    Currency("HUF", "Hungarian forints", 2, "", "ft"),
    Currency("RON", "Romanian lei", 2, "", "lei"),
    Currency("BGN", "Bulgarian lev", 2, "", "лв. лв"),
    Currency("RSD", "Serbian dinars", 2, "", "дин. din."),
    Currency("SEK", "Swedish kronor"),
    Currency("NOK", "Norwegian kroner"),
    Currency("DKK", "Danish kroner"),
    Currency("ISK", "Icelandic kronur", 0),
    Currency("RUB", "Russian roubles", 2, "", "₽ руб. руб р. р"),
    Currency("UAH", "Ukrainian hryvnias", 2, "", "₴ грн. грн"),
    Currency("TRY", "Turkish lira", 2, "", "₺ tl"),
    Currency("ILS", "Israeli shekels", 2, "", "₪"),
    Currency("INR", "Indian rupees", 2, "₹", ""),
    Currency("PKR", "Pakistani rupees"),
    Currency("LKR", "Sri Lankan rupees"),
    Currency("BDT", "Bangladeshi taka"),
    Currency("KRW", "South Korean won", 0, "", "₩ 원"),
    Currency("THB", "Thai baht", 2, "", "฿"),
    Currency("IDR", "Indonesian rupiah", 2, "", "rp. rp"),
    Currency("MYR", "Malaysian ringgit", 2, "", "rm"),
    Currency("PHP", "Philippine pesos", 2, "", "₱"),
    Currency("VND", "Vietnamese dong", 0, "", "₫ đ"),
    Currency("KZT", "Kazakhstani tenge", 2, "", "₸"),
    Currency("GEL", "Georgian lari", 2, "", "₾"),
    Currency("NGN", "Nigerian naira", 2, "", "₦"),
    Currency("GHS", "Ghanaian cedis", 2, "", "₵"),
    Currency("ZAR", "South African rand", 2, "", "r"),
    Currency("KES", "Kenyan shillings", 2, "", "ksh"),
    Currency("EGP", "Egyptian pounds"),
    Currency("MAD", "Moroccan dirhams"),
    Currency("AED", "UAE dirhams"),
    Currency("SAR", "Saudi riyals"),
    Currency("QAR", "Qatari riyals"),
    Currency("KWD", "Kuwaiti dinars", 3),
    Currency("BHD", "Bahraini dinars", 3),
    Currency("OMR", "Omani rials", 3),
    Currency("JOD", "Jordanian dinars", 3),
    Currency("TND", "Tunisian dinars", 3),
    Currency("ARS", "Argentine pesos"),
    Currency("CLP", "Chilean pesos", 0),
    Currency("COP", "Colombian pesos"),
    Currency("PEN", "Peruvian soles", 2, "", "s/"),
)

CURRENCIES: Mapping[str, Currency] = MappingProxyType({each.code: each for each in _TABLE})
"""Code -> currency."""

UNKNOWN = Currency("", "", 2)
"""Prices of which nobody said in which currency they are: written without a sign."""

AMBIGUOUS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "$": ("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "MXN", "CLP", "COP", "ARS"),
        "＄": ("USD", "CAD", "AUD", "HKD", "TWD"),
        "¥": ("JPY", "CNY"),
        "￥": ("JPY", "CNY"),
        "kr": ("SEK", "NOK", "DKK", "ISK"),
        "kr.": ("DKK", "SEK", "NOK", "ISK"),
        "rs": ("INR", "PKR", "LKR"),
        "rs.": ("INR", "PKR", "LKR"),
        "dollar": ("USD", "CAD", "AUD"),
        "dollars": ("USD", "CAD", "AUD"),
    }
)
"""What several currencies are written with -> their codes, the likeliest first."""

MARKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **{mark: (each.code,) for each in _TABLE for mark in [each.code.lower(), *each.marks.split()]},
        **{each.sign: (each.code,) for each in _TABLE if each.sign},
        **AMBIGUOUS,
    }
)
"""A mark in lower case -> the codes that it can mean, the likeliest first."""

_LETTERS = r"[^\W\d_]"
_IN_CELL = re.compile(
    "|".join(
        (rf"(?<!{_LETTERS})" if mark[0].isalpha() else "")
        + re.escape(mark)
        + (rf"(?!{_LETTERS})" if mark[-1].isalpha() else "")
        for mark in sorted(MARKS, key=len, reverse=True)
    ),
    re.IGNORECASE,
)
# A header is words: only signs and codes count there, because "r" and "fr." are everything else too.
_IN_HEADER = re.compile(
    "|".join(re.escape(mark) for mark in sorted(MARKS, key=len, reverse=True) if not mark.isascii() or "$" in mark)
    + "|"
    + rf"(?<!{_LETTERS})(?:{'|'.join([*CURRENCIES, 'euros?', 'dollars?', 'rmb', 'zl', 'kr', 'yen'])})(?!{_LETTERS})",
    re.IGNORECASE,
)
_MOST_LETTERS = 80
_LIKELY = ("USD", "JPY")  # of those that share a sign, these are nearly always meant; of crowns and rupees none is


def of(code: str) -> Currency:
    """The currency with this code; one that is not in the table has two decimals, "" is unknown."""
    if not code:
        return UNKNOWN
    return CURRENCIES.get(code) or Currency(code, code)


def checked(text: str) -> str:
    """The code that a person means: "eur", "€" and "EUR" are EUR, "" and "unknown" are "". Raises UserError for what
    is no currency."""
    if text.strip().casefold() in ("", "unknown", "none"):
        return ""
    code = code_in(text)
    if not code:
        raise UserError(f"{text!r} is no currency; write its code, such as EUR, or unknown.")
    return code


def mark_in(cell: str) -> str:
    """The mark of a currency in a price cell, in lower case; "" = it has none. A code tells more than a sign."""
    if len(cell) > _MOST_LETTERS:
        return ""
    found = [each[0].casefold() for each in _IN_CELL.finditer(cell)]
    return min(found, key=lambda mark: (len(MARKS[mark]), -len(mark)), default="")


def code_in(cell: str) -> str:
    """The code that a cell of a column of currencies means: "eur", "€" and "Euro" are all EUR; "" = none is known.
    One that may mean several is the likeliest of them."""
    text = cell.strip().casefold()
    if text in MARKS:
        return MARKS[text][0]
    return next((code for code in [text.upper()] if code in CURRENCIES), "")


def mark_of_header(header: str) -> str:
    """The mark of a currency in a header: "Preis (EUR)", "price_usd", "Prix €"; "" = it has none."""
    found = _IN_HEADER.search(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", header))
    text = found[0].casefold() if found else ""
    return text if text in MARKS else ""


@dataclass(frozen=True, slots=True)
class Found:
    """What signs, codes and header say of the currency of a column of prices."""

    code: str = ""  # the likeliest; "" = nothing says it
    others: tuple[str, ...] = ()  # what the same sign can mean besides: a person has to say
    shares: Mapping[str, float] = field(default_factory=dict)  # code -> share of the cells with a mark, most first
    source: str = ""  # where it is from, for a sentence: "the sign $", "the header"
    unmarked: float = 0.0  # share of the prices for which neither they nor the header say it

    @property
    def is_open(self) -> bool:
        """Whether none of those that it can be is likely enough to be taken unasked."""
        return bool(self.others) and self.code not in _LIKELY

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "others": list(self.others), "shares": dict(self.shares), "is_open": self.is_open}


def find(header: str, cells: Iterable[str]) -> Found:
    """The currency of a column of prices. What cells say counts before what the header says, which holds for those that
    say nothing; among currencies that share a sign, one that header or other cells name is meant."""
    marks = Counter(map(mark_in, cells))
    named, unmarked = mark_of_header(header), marks.pop("", 0)
    if not marks:
        return _of_mark(named, "the header") if named else Found()
    prices = marks.total() + unmarked
    if named and unmarked:
        marks[named] += unmarked
        unmarked = 0
    sure = {MARKS[mark][0] for mark in [*marks, named] if mark and len(MARKS[mark]) == 1}
    counts: Counter[str] = Counter()
    for mark, count in marks.items():
        codes = MARKS[mark]
        meant = next((code for code in codes if code in sure), codes[0])
        counts[meant] += count
    total = counts.total()
    shares = {code: count / total for code, count in counts.most_common()}
    code = next(iter(shares))
    mark = next(each for each, _ in marks.most_common() if code in MARKS[each])
    others = () if code in sure else tuple(each for each in MARKS[mark] if each != code)
    is_code = mark.upper() in CURRENCIES
    source = f"the code {mark.upper()}" if is_code else f"the sign {_shown(mark)}"
    return Found(code, others, shares, source, unmarked / prices)


def named_by(cells: Iterable[str]) -> Found:
    """The currency that most cells of a column of currencies name."""
    counts = Counter(code for code in map(code_in, cells) if code)
    shares = {code: count / counts.total() for code, count in counts.most_common()}
    return Found(next(iter(shares), ""), (), shares, "the column of currencies")


def _of_mark(mark: str, source: str) -> Found:
    codes = MARKS[mark]
    return Found(codes[0], codes[1:], {}, source)


def _shown(mark: str) -> str:
    """A mark as it is written."""
    return mark.upper() if "$" in mark else mark

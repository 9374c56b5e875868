"""The ways of writing one table: kind of file, signs, encoding, numbers, and which columns stand where."""

from dataclasses import dataclass, fields
from random import Random

CHOICES: dict[str, tuple[object, ...]] = {
    "kind": (*("csv",) * 8, "xlsx", "xlsx", "parquet"),
    "delimiter": (",", ",", ",", ";", ";", "\t", "|"),
    "quoting": ("minimal", "minimal", "all", "none"),
    "quote": ('"', '"', '"', "'"),
    "escape": ("", "", "", "\\"),
    "newline": ("\n", "\n", "\r\n", "\r\n", "\r"),
    "encoding": (
        *("utf-8",) * 8,
        *("utf-8-sig", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp1252", "cp1250", "cp1251", "shift_jis"),
        *("gb18030", "mac_roman", "cp437"),
    ),
    "gzip": (False, False, False, False, True),
    "language": ("en", "en", "en", "en", "de", "fr", "es", "it", "pl", "nl", "ru", "ja"),
    "decimal": (".", ".", ","),
    "thousands": ("", "", "", "mark", " ", "'"),
    "currency": ("USD", "USD", "EUR", "EUR", "GBP", "JPY", "PLN", "CHF", "SEK", "INR", "KWD"),
    "marked": ("", "", "before", "after", "code", "header", "column"),
    "typed": (True, True, False),
    "header": (True, True, True, True, True, True, False),
    "order": ("usual", "usual", "mixed"),
    "columns": ("all", "all", "few", "least"),
    "extra": (0, 0, 1, 2, 4, 9),
}
"""Field of a dialect -> what it can be, as often as it is."""

SIGNS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "PLN": "zł",
    "CHF": "CHF",
    "SEK": "kr",
    "INR": "₹",
    "KWD": "KWD",
}
PLACES = {"JPY": 0, "KWD": 3}


@dataclass(frozen=True)
class Dialect:
    """One way of writing a table; what contradicts itself is settled in `settled`."""

    kind: str
    delimiter: str
    quoting: str
    quote: str
    escape: str
    newline: str
    encoding: str
    gzip: bool
    language: str
    decimal: str
    thousands: str  # "mark" = the point or comma that is no decimal sign
    currency: str
    marked: str  # where the currency stands
    typed: bool  # prices in workbooks and Parquet files are numbers
    header: bool
    order: str
    columns: str
    extra: int  # columns that mean nothing to us

    @property
    def places(self) -> int:
        return PLACES.get(self.currency, 2)

    @property
    def group(self) -> str:
        return {"mark": "," if self.decimal == "." else "."}.get(self.thousands, self.thousands)


def settled(**values: object) -> Dialect:
    """The dialect of these choices, without what nobody could write: signs that only a quote could hold, letters that
    the encoding has not."""
    if values["kind"] != "csv":
        values |= {"encoding": "utf-8", "newline": "\n", "delimiter": "", "gzip": False, "quoting": "minimal"}
    if values["kind"] == "parquet":
        values |= {"header": True}
    if values["quoting"] == "none":
        decimal = "." if values["delimiter"] == "," else values["decimal"]
        values |= {"escape": "", "decimal": decimal}
        if values["thousands"] == "mark" and values["delimiter"] == ",":
            values |= {"thousands": ""}
    scripts = {"pl": ("cp1250", "PLN"), "ru": ("cp1251", "EUR"), "ja": ("shift_jis", "JPY")}
    encoding, language = str(values["encoding"]), str(values["language"])
    if not encoding.startswith("utf") and encoding not in ("gb18030", scripts.get(language, ("cp1252", ""))[0]):
        values["encoding"] = scripts.get(language, (encoding if encoding in _LATIN else "cp1252", ""))[0]
    return Dialect(**values)  # type: ignore[arg-type]


_LATIN = ("cp1252", "mac_roman", "cp437")


def draw(rng: Random) -> Dialect:
    return settled(**{field.name: rng.choice(CHOICES[field.name]) for field in fields(Dialect)})


def number(value: float, dialect: Dialect) -> str:
    """A price as this dialect writes it, without its currency."""
    whole, _, rest = f"{value:.{dialect.places}f}".partition(".")
    if dialect.group:
        whole = f"{int(whole):,}".replace(",", dialect.group)
    return whole + (dialect.decimal + rest if rest else "")


def money(value: float, dialect: Dialect) -> str:
    """A price as this dialect writes it."""
    text, sign = number(value, dialect), SIGNS[dialect.currency]
    if dialect.marked == "before":
        return f"{sign} {text}" if sign.isalpha() else sign + text
    if dialect.marked == "after":
        return f"{text} {sign}"
    return f"{text} {dialect.currency}" if dialect.marked == "code" else text

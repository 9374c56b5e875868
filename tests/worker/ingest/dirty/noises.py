"""What people, shops and spreadsheets do to a table, each as a change of a draft that keeps its truth right."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from tests.worker.ingest.dirty import dialects
from tests.worker.ingest.dirty.dialects import SIGNS
from tests.worker.ingest.dirty.drafts import Column, Draft, Record, in_quotes


@dataclass(frozen=True)
class Noise:
    name: str
    apply: Callable[[Draft], None]
    kinds: tuple[str, ...] = ("csv", "xlsx", "parquet")  # of files that can have it
    fits: Callable[[Draft], bool] = lambda draft: True


NOISES: dict[str, Noise] = {}


def _noise(
    name: str, *kinds: str, fits: Callable[[Draft], bool] = lambda draft: True
) -> Callable[[Callable[[Draft], None]], Callable[[Draft], None]]:
    def keep(apply: Callable[[Draft], None]) -> Callable[[Draft], None]:
        NOISES[name] = Noise(name, apply, kinds or ("csv", "xlsx", "parquet"), fits)
        return apply

    return keep


def _delimited(draft: Draft) -> bool:
    return draft.dialect.quoting != "all"


def _has(*fields: str) -> Callable[[Draft], bool]:
    return lambda draft: all(draft.at(field) is not None for field in fields)


def _raw(draft: Draft, cells: list[str]) -> str:
    return draft.dialect.delimiter.join(cells)


def _price(draft: Draft) -> int:
    place = draft.at("price")
    assert place is not None
    return place


def _title(draft: Draft) -> int:
    place = draft.at("title")
    assert place is not None
    return place


def _priced(draft: Draft, share: float) -> list[Record]:
    return [record for record in draft.some(share) if record.product.price is not None]


def _splits(draft: Draft) -> bool:
    return draft.dialect.delimiter == "," and all(record.product.price is not None for record in draft.goods)


def _split_at_commas(draft: Draft, record: Record) -> None:
    """Writes a record without quotes, so that the commas of its price split it; its texts have none."""
    cells = [cell if i == _price(draft) else cell.replace(",", " ") for i, cell in enumerate(record.cells)]
    record.raw = _raw(draft, cells)
    for cell, column in zip(cells, draft.columns, strict=True):
        if column.field in ("title", "description", "category", "brand"):
            setattr(record.product, column.field, " ".join(cell.split()))


def _plain_price(draft: Draft) -> bool:
    return draft.dialect.marked in ("", "header", "column") and draft.dialect.kind != "parquet"


# Rows


@_noise("rows cut short", "csv")
def _cut(draft: Draft) -> None:
    for record in draft.some(0.2):
        keep = draft.rng.randint(1, len(record.cells) - 1)
        for column in draft.columns[keep:]:
            if column.field == "price":
                record.product.price = None
            elif column.field and column.field != "currency":
                setattr(record.product, column.field, "")
        del record.cells[keep:]


@_noise("rows too long", "csv")
def _long(draft: Draft) -> None:
    for record in draft.some(0.2):
        record.cells += ["x"] * draft.rng.randint(1, 3)


@_noise("trailing delimiters", "csv")
def _trailing(draft: Draft) -> None:
    for record in draft.goods:
        record.cells.append("")
    if draft.header and draft.rng.random() < 0.5:
        draft.header.cells.append("")


@_noise("empty last cells left out", "csv", fits=lambda draft: bool(draft.header))
def _narrow(draft: Draft) -> None:
    draft.header.cells.append("Remarks")


@_noise("a row number in front that the header has not", "csv", fits=lambda draft: bool(draft.header))
def _numbered(draft: Draft) -> None:
    word = draft.rng.choice(("row{}", "{}", "r-{}"))
    for i, record in enumerate(draft.goods):
        record.cells.insert(0, word.format(i + draft.rng.choice((0, 1)) if word == "row{}" else i + 1))
        if draft.at("id") is None:  # what names the row is as good an id as any
            record.product.id = record.cells[0]
    _shift(draft)


def _shift(draft: Draft) -> None:
    for record in draft.goods:
        record.typed = {place + 1: value for place, value in record.typed.items()}


@_noise("a delimiter lost in the header", "csv", fits=lambda draft: bool(draft.header) and len(draft.columns) > 2)
def _lost_comma(draft: Draft) -> None:
    place = draft.rng.randrange(len(draft.columns) - 1)
    draft.header.cells[place : place + 2] = [" ".join(draft.header.cells[place : place + 2])]


@_noise("commas in unquoted titles", "csv", fits=_delimited)
def _unquoted(draft: Draft) -> None:
    for record in draft.some(draft.rng.choice((0.1, 1.0))):
        place, delimiter = _title(draft), draft.dialect.delimiter
        if not record.cells[place]:
            continue
        record.cells[place] = record.product.title + f"{delimiter} red"
        record.product.title = " ".join(record.cells[place].split())  # a tab in a text is a blank
        record.raw = _raw(draft, record.cells)


@_noise(
    "prices split at an unquoted decimal comma",
    "csv",
    fits=lambda draft: _splits(draft) and bool(draft.dialect.places) and not draft.dialect.group,
)
def _split_decimals(draft: Draft) -> None:
    for record in draft.goods:
        record.cells[_price(draft)] = f"{record.product.price:.{draft.dialect.places}f}".replace(".", ",")
        _split_at_commas(draft, record)


@_noise(
    "prices split at an unquoted comma of thousands",
    "csv",
    fits=lambda draft: _splits(draft) and draft.dialect.decimal == "." and draft.dialect.marked == "",
)
def _split_thousands(draft: Draft) -> None:
    for record in draft.goods:
        record.product.price = float(draft.rng.randint(1000, 9999))
        record.cells[_price(draft)] = f"{record.product.price:,.0f}"
        _split_at_commas(draft, record)


@_noise("inches", "csv", "xlsx", "parquet")
def _inches(draft: Draft) -> None:
    for record in draft.some():
        record.product.title += draft.rng.choice((' 32"', ' 48" x 20"', ' 15" black'))
        record.cells[_title(draft)] = record.product.title
        record.product.title = record.product.title.strip()


@_noise("quotes in quoted cells, not doubled", "csv", fits=lambda draft: draft.dialect.quoting != "none")
def _stray(draft: Draft) -> None:
    quote = draft.dialect.quote
    for record in draft.some():
        record.product.title = record.product.title.replace(" ", f" 32{quote} ", 1)
        cells = [cell.replace(quote, "") for cell in record.cells]
        for i, column in enumerate(draft.columns):
            # An empty one may be written as "n/a".
            if column.field in ("description", "category", "brand") and getattr(record.product, column.field):
                setattr(record.product, column.field, cells[i])
        cells[_title(draft)] = record.product.title
        record.raw = _raw(draft, [f"{quote}{cell}{quote}" for cell in cells])


@_noise("a quote that is never closed", "csv", fits=lambda draft: draft.dialect.quoting != "none")
def _open_quote(draft: Draft) -> None:
    quote, delimiter = draft.dialect.quote, draft.dialect.delimiter
    for record in draft.some(0.05):
        if delimiter not in "".join(record.cells) and quote not in "".join(record.cells):
            cells = [quote + cell if i == _title(draft) else cell for i, cell in enumerate(record.cells)]
            record.raw = _raw(draft, cells)


@_noise("delimiters escaped with a backslash", "csv", fits=_delimited)
def _backslash(draft: Draft) -> None:
    delimiter = draft.dialect.delimiter
    for record in draft.some(draft.rng.choice((0.3, 1.0))):
        cells = list(record.cells)
        cells[_title(draft)] = record.product.title + f"{delimiter} with shade"
        record.product.title = " ".join(cells[_title(draft)].split())  # a tab in a text is a blank
        record.raw = _raw(draft, [cell.replace(delimiter, "\\" + delimiter) for cell in cells])


@_noise("whole lines in quotes", "csv", fits=lambda draft: draft.dialect.quote == '"')
def _whole_lines(draft: Draft) -> None:
    for record in draft.records:
        cells = [in_quotes(cell) if draft.dialect.delimiter in cell else cell for cell in record.cells]
        record.raw = in_quotes(_raw(draft, cells))


@_noise("blank lines", "csv", "xlsx")
def _blank(draft: Draft) -> None:
    for _ in range(draft.rng.randint(1, 4)):
        place = draft.rng.randint(0, len(draft.records))
        draft.records.insert(place, Record([], raw=draft.rng.choice(("", "", "   "))))


@_noise("rows of delimiters", "csv")
def _empty_rows(draft: Draft) -> None:
    for _ in range(draft.rng.randint(1, 3)):
        empty = Record([], raw=draft.dialect.delimiter * (len(draft.columns) - 1))
        draft.records.insert(draft.rng.randint(1, len(draft.records)), empty)


@_noise("a preamble", "csv", "xlsx")
def _preamble(draft: Draft) -> None:
    texts = ["Price list 2024", "Exported 03.05.2024 10:12", "", "Contact: sales@shop.example", "Acme Ltd."]
    for text in draft.rng.sample(texts, draft.rng.randint(1, 4)):
        draft.records.insert(0, Record([], raw=text))


@_noise("notes at the end", "csv", "xlsx")
def _notes(draft: Draft) -> None:
    texts = ("All prices incl. VAT", "* while stocks last", "End of report", "Page 1 of 1")
    wide = draft.rng.random() < 0.5
    for text in draft.rng.sample(texts, 2):
        cells = [text, *[""] * (len(draft.columns) - 1)]
        draft.records.append(Record(cells) if wide else Record([], raw=text))


@_noise("totals", "csv", "xlsx")
def _totals(draft: Draft) -> None:
    total = sum(record.product.price or 0 for record in draft.goods)
    cells = [""] * len(draft.columns)
    cells[_price(draft)] = dialects.money(total, draft.dialect)
    at = [i for i in range(len(cells)) if i != _price(draft)]
    words = ("TOTAL", "Total", "Sum", "Summe", "Grand total:")
    cells[draft.rng.choice((at[0], _title(draft)))] = draft.rng.choice(words)
    draft.records.append(Record(cells, typed={_price(draft): total} if draft.dialect.typed else {}))


@_noise("subtotals", "csv", "xlsx", fits=lambda draft: len(draft.goods) > 3)
def _subtotals(draft: Draft) -> None:
    goods = draft.goods
    middle = draft.records.index(goods[len(goods) // 2])
    cells = [""] * len(draft.columns)
    cells[_title(draft)] = "Subtotal"
    cells[_price(draft)] = dialects.money(sum(r.product.price or 0 for r in goods[: len(goods) // 2]), draft.dialect)
    draft.records.insert(middle, Record(cells))


@_noise("the header repeated", "csv", "xlsx", fits=lambda draft: bool(draft.header) and len(draft.goods) > 1)
def _repeated(draft: Draft) -> None:
    for _ in range(draft.rng.randint(1, 2)):
        place = draft.records.index(draft.rng.choice(draft.goods[1:]))
        draft.records.insert(place, Record(list(draft.header.cells)))


@_noise("a second table below", "csv", "xlsx", fits=_has("title"))
def _second(draft: Draft) -> None:
    width = len(draft.columns)
    rows = [["Shipping zone", "Days", "Fee"], ["Germany", "2", "4.90"], ["France", "4", "9.90"]]
    draft.records.append(Record([], raw=""))
    for row in rows:
        draft.records.append(Record((row + [""] * width)[: max(width, 2)]))


@_noise("rows of categories between", "csv", "xlsx", fits=lambda draft: len(draft.columns) > 2)
def _sections(draft: Draft) -> None:
    for text in ("Lighting", "Furniture"):
        cells = [text, *[""] * (len(draft.columns) - 1)]
        draft.records.insert(draft.records.index(draft.rng.choice(draft.goods)), Record(cells))


@_noise("an empty column in front", "csv", "xlsx")
def _empty_column(draft: Draft) -> None:
    draft.columns.insert(0, Column(""))
    for record in draft.records:
        record.cells.insert(0, "")
        record.typed = {place + 1: value for place, value in record.typed.items()}


@_noise("two headers with one name", "csv", "xlsx", fits=lambda draft: bool(draft.header))
def _twice(draft: Draft) -> None:
    draft.columns.append(Column("Notes"))
    draft.columns.append(Column("Notes"))
    draft.header.cells += ["Notes", "Notes"]
    for record in draft.goods:
        record.cells += ["", "new"]


@_noise("a cover sheet", "xlsx")
def _cover(draft: Draft) -> None:
    draft.cover = True


@_noise("a line sep=", "csv", fits=lambda draft: draft.dialect.delimiter != "\t")
def _sep(draft: Draft) -> None:
    draft.records.insert(0, Record([], raw=f"sep={draft.dialect.delimiter}"))


# Cells


@_noise("HTML")
def _html(draft: Draft) -> None:
    form = draft.rng.choice(("<p>{}</p>", "<b>{}</b><br/>", '<div class="x">{}</div>', "<ul><li>{}</li></ul>"))
    for record in draft.some(0.8):
        for field in ("title", "description"):
            place = draft.at(field)
            if place is not None and record.cells[place] and (field != "title" or draft.rng.random() < 0.2):
                record.cells[place] = form.format(record.cells[place].replace("&", "&amp;"))


@_noise("entities")
def _entities(draft: Draft) -> None:
    if ";" in draft.dialect.delimiter and draft.dialect.quoting == "none":
        return
    for record in draft.some(0.8):
        place = _title(draft)
        record.cells[place] = record.cells[place].replace(" ", "&nbsp;", 1).replace("é", "&eacute;")


@_noise("control characters")
def _control(draft: Draft) -> None:
    sign = draft.rng.choice(("\x0b", "\x1e", "\x07", "\x0c", "\x7f"))
    if draft.dialect.kind == "xlsx":
        sign = "\t"
    for record in draft.some():
        record.cells[_title(draft)] = record.cells[_title(draft)].replace(" ", f" {sign}", 1)
    if sign == draft.dialect.delimiter and draft.dialect.quoting == "none":
        for record in draft.goods:
            record.cells[_title(draft)] = record.product.title


@_noise("NUL bytes", "csv")
def _nul(draft: Draft) -> None:
    for record in draft.some(0.1):
        record.cells[_title(draft)] += "\0"


@_noise("spaces around cells")
def _spaces(draft: Draft) -> None:
    pad = draft.rng.choice((" ", "  ", "\u00a0" if draft.dialect.encoding.startswith("utf") else " "))
    for record in draft.goods:
        record.cells = [pad + cell + pad if cell else cell for cell in record.cells]


@_noise("aligned with spaces behind each delimiter", "csv")
def _aligned(draft: Draft) -> None:
    quote, delimiter = draft.dialect.quote, draft.dialect.delimiter
    for record in draft.records:
        if record.raw is None:
            cells = [in_quotes(cell, quote) if delimiter in cell or quote in cell else cell for cell in record.cells]
            record.raw = f"{delimiter} ".join(cells)


@_noise("line ends in cells", "csv", "xlsx", "parquet", fits=lambda draft: draft.dialect.quoting != "none")
def _multiline(draft: Draft) -> None:
    for record in draft.some():
        for field in ("title", "description"):
            place = draft.at(field)
            if place is not None:
                record.cells[place] = record.cells[place].replace(" ", "\n", 2)


@_noise("empty cells")
def _empties(draft: Draft) -> None:
    nothing = draft.rng.choice(("", "", "N/A", "-", "NULL", "n/a"))
    for field in ("id", "description", "category", "brand", "price", "title"):
        place = draft.at(field)
        if place is None or (field == "title" and draft.rng.random() < 0.7):
            continue
        for record in draft.some(0.15):
            record.cells[place] = nothing
            record.typed.pop(place, None)
            if field == "price":
                record.product.price = None
                if draft.dialect.kind == "parquet" and draft.dialect.typed:
                    record.typed[place] = None
            else:
                setattr(record.product, field, "")


@_noise("categories only in the first of their rows", "csv", "xlsx", fits=_has("category"))
def _first_only(draft: Draft) -> None:
    place = draft.at("category")
    goods = draft.goods
    for before, record in reversed(list(itertools.pairwise(goods))):
        if before.product.category == record.product.category:
            record.cells[place] = ""
            record.product.category = ""  # nobody can know that it is meant


@_noise("double encoding", "csv", fits=lambda draft: draft.dialect.encoding.startswith("utf-8"))
def _recoded(draft: Draft) -> None:
    draft.recoded = True


@_noise("broken characters", "csv", fits=lambda draft: draft.dialect.encoding.startswith("utf-8"))
def _broken(draft: Draft) -> None:
    for record in draft.some(0.1):
        record.cells[_title(draft)] = record.cells[_title(draft)].replace(" ", " \ufffd", 1)


@_noise("variants without a title", "csv", "xlsx", fits=_has("id", "title"))
def _variants(draft: Draft) -> None:
    goods = draft.goods
    for before, record in zip(goods[::3], goods[1::3], strict=False):
        for field in ("id", "title", "description"):
            if (place := draft.at(field)) is not None:
                setattr(record.product, field, getattr(before.product, field))
                record.cells[place] = record.product.id if field == "id" else ""


# Prices


@_noise("no price on request", "csv", "xlsx")
def _on_request(draft: Draft) -> None:
    for record in _priced(draft, 0.2):
        record.cells[_price(draft)] = draft.rng.choice(("POA", "Call for price", "TBD", "0", "on request"))
        record.typed.pop(_price(draft), None)
        record.product.price = None


@_noise("price ranges", "csv", "xlsx")
def _ranges(draft: Draft) -> None:
    for record in _priced(draft, 0.2):
        low = record.product.price
        text = dialects.money(low, draft.dialect), dialects.money(low * 2, draft.dialect)
        record.cells[_price(draft)] = draft.rng.choice(("{} - {}", "{}–{}", "from {}", "{} to {}")).format(*text)
        record.typed.pop(_price(draft), None)
        record.product.price, record.product.prices = None, (low,)


@_noise("words beside prices", "csv", "xlsx")
def _words(draft: Draft) -> None:
    form = draft.rng.choice(("{}/ea", "{} inc VAT", "US {}", "{} each", "ca. {}", "{} *", "{} / pc"))
    for record in _priced(draft, draft.rng.choice((0.2, 1.0))):
        if form.startswith("US") and draft.dialect.currency != "USD":
            continue
        record.cells[_price(draft)] = form.format(dialects.money(record.product.price, draft.dialect))
        record.typed.pop(_price(draft), None)


@_noise("several currencies", "csv", "xlsx", fits=lambda draft: draft.dialect.marked in ("before", "after", "code"))
def _currencies(draft: Draft) -> None:
    for record in _priced(draft, draft.rng.choice((0.05, 0.4))):
        other = draft.rng.choice([code for code in SIGNS if code != draft.dialect.currency])
        amount = dialects.number(record.product.price, draft.dialect)
        record.cells[_price(draft)] = draft.rng.choice((f"{other} {amount}", f"{amount} {SIGNS[other]}"))
        record.typed.pop(_price(draft), None)
        record.product.currency = other


@_noise("several currencies in their column", fits=_has("currency"))
def _currency_column(draft: Draft) -> None:
    for record in _priced(draft, 0.3):
        record.product.currency = draft.rng.choice([code for code in SIGNS if code != draft.dialect.currency])
        record.cells[draft.at("currency")] = record.product.currency


@_noise("three decimals", fits=lambda draft: draft.dialect.thousands != "mark")
def _three(draft: Draft) -> None:
    for record in draft.goods:
        record.product.price = round(draft.rng.uniform(1, 60), 3)
        text = f"{record.product.price:.3f}".replace(".", draft.dialect.decimal)
        record.cells[_price(draft)] = text
        if draft.dialect.typed:
            record.typed[_price(draft)] = record.product.price


@_noise("thousands only", "csv", "xlsx", fits=_plain_price)
def _thousands(draft: Draft) -> None:
    for record in draft.goods:
        record.product.price = float(draft.rng.randint(1000, 9999))
        group = "," if draft.dialect.decimal == "." else "."
        record.cells[_price(draft)] = f"{record.product.price:,.0f}".replace(",", group)
        if draft.dialect.typed:
            record.typed[_price(draft)] = record.product.price


@_noise("a few prices with the other decimal sign", "csv", "xlsx", fits=lambda draft: draft.dialect.places == 2)
def _other_sign(draft: Draft) -> None:
    for record in _priced(draft, 0.05):
        other = "," if draft.dialect.decimal == "." else "."
        form = draft.rng.choice(("{:.2f}", "{:.3f}"))
        record.product.price = round(draft.rng.uniform(1, 90), 2 if form == "{:.2f}" else 3)
        record.cells[_price(draft)] = form.format(record.product.price).replace(".", other)
        record.typed.pop(_price(draft), None)


@_noise("round prices", "csv", fits=lambda draft: draft.dialect.marked != "before")
def _round(draft: Draft) -> None:
    form = draft.rng.choice(("{},-", "{}.-", "{},–", "{}"))
    if draft.dialect.delimiter in form and draft.dialect.quoting == "none":
        form = "{}"
    for record in _priced(draft, 0.3):
        record.product.price = float(draft.rng.randint(1, 900))
        record.cells[_price(draft)] = form.format(int(record.product.price))


@_noise("dates for prices", "csv", "xlsx")
def _dates(draft: Draft) -> None:
    for record in _priced(draft, 0.1):
        record.cells[_price(draft)] = draft.rng.choice(("12.May", "2024-05-12", "12.05.2024", "05/12/24", "Jan 50"))
        record.typed.pop(_price(draft), None)
        record.product.price = None


@_noise("errors of formulas", "csv", "xlsx")
def _errors(draft: Draft) -> None:
    for record in _priced(draft, 0.2):
        record.cells[_price(draft)] = draft.rng.choice(("#DIV/0!", "#N/A", "#REF!", "#VALUE!"))
        record.typed.pop(_price(draft), None)
        record.product.price = None


@_noise("negative prices", "csv", "xlsx")
def _negative(draft: Draft) -> None:
    for record in _priced(draft, 0.1):
        record.cells[_price(draft)] = "-" + dialects.money(record.product.price, draft.dialect)
        record.typed.pop(_price(draft), None)
        record.product.price = None


@_noise("scientific notation", "csv", fits=lambda draft: draft.dialect.decimal == "." and draft.dialect.marked == "")
def _scientific(draft: Draft) -> None:
    for record in _priced(draft, 0.1):
        record.product.price = float(draft.rng.randint(2, 99)) * 1000
        record.cells[_price(draft)] = f"{record.product.price:.1E}"


@_noise("numbers kept as text", "xlsx", "parquet")
def _as_text(draft: Draft) -> None:
    for record in _priced(draft, 0.4):
        record.typed.pop(_price(draft), None)
        if draft.dialect.kind == "parquet":
            record.typed = {}


@_noise("ids as numbers", "xlsx", "parquet", fits=_has("id"))
def _typed_ids(draft: Draft) -> None:
    for i, record in enumerate(draft.goods):
        record.product.id = str(700_000 + 13 * i)
        record.typed[draft.at("id")] = int(record.product.id)
        record.cells[draft.at("id")] = record.product.id


@_noise("quantities in prices", "csv", "xlsx")
def _quantity(draft: Draft) -> None:
    for record in _priced(draft, 0.1):
        record.cells[_price(draft)] = "3 for " + dialects.money(record.product.price, draft.dialect)
        record.typed.pop(_price(draft), None)


_WHOLE_LINES = (
    *("commas in unquoted titles", "prices split at an unquoted decimal comma"),
    *("prices split at an unquoted comma of thousands", "quotes in quoted cells, not doubled"),
    *("a quote that is never closed", "delimiters escaped with a backslash", "whole lines in quotes"),
    "aligned with spaces behind each delimiter",
)
_WIDTHS = (
    *("rows cut short", "rows too long", "trailing delimiters"),
    *("a row number in front that the header has not", "a delimiter lost in the header"),
)
_LAST = (*_WHOLE_LINES, *_WIDTHS)
"""Noises after which a record is no longer one cell for each column; the others come before them."""


def apply(draft: Draft, names: tuple[str, ...]) -> tuple[str, ...]:
    """Adds noises one after the other; the names of those that this table can have."""
    added = []
    for name in sorted(names, key=lambda name: _LAST.index(name) if name in _LAST else -1):
        noise = NOISES[name]
        # A line that was made as a whole hides what later noises would do to its cells.
        is_open = all(record.raw is None and len(record.cells) == len(draft.columns) for record in draft.goods)
        if draft.dialect.kind in noise.kinds and is_open and noise.fits(draft):
            noise.apply(draft)
            added.append(name)
    return tuple(added)

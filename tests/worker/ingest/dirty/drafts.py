"""A table before it is written: records of cells, which of them are products, and what the file will be."""

import gzip
import io
from dataclasses import dataclass, field
from random import Random

import polars as pl
import xlsxwriter

from tests.worker.ingest.dirty import dialects, products
from tests.worker.ingest.dirty.dialects import Dialect
from tests.worker.ingest.dirty.products import FIELDS, HEADERS, Product

_EXTRA: dict[str, tuple[str, ...]] = {
    "Stock": (),
    "Weight (kg)": (),
    "Rating": (),
    "EAN": ("id",),
    "URL": (),
    "Unit": (),
    "Country of origin": (),
    "Created at": (),
    "Cost price": (),
    "Sale price": (),
    "VAT %": (),
    "Color": (),
    "Width_mm": (),
    "In stock since": (),
    "Status": (),
    "Notes": (),
}
"""Header of a column that means nothing to us -> the fields that it may be taken for all the same."""

_TEXTLIKE = ("title", "description", "category", "brand", "id")


@dataclass
class Column:
    name: str
    field: str = ""  # "" = it means nothing to us
    also: tuple[str, ...] = ()  # fields that it may be taken for as well


@dataclass
class Record:
    cells: list[str]
    product: Product | None = None
    raw: str | None = None  # the line as it stands, instead of the cells
    line: int = 0  # 1-based, once it is written
    typed: dict[int, object] = field(default_factory=dict)  # position -> what a workbook or Parquet file has there


@dataclass
class Draft:
    """A table that noise is still added to."""

    dialect: Dialect
    columns: list[Column]
    records: list[Record]
    header: Record | None
    rng: Random
    recoded: bool = False  # UTF-8 read as cp1252 and written as UTF-8 again
    cover: bool = False  # a sheet stands in front

    def at(self, field: str) -> int | None:
        return next((i for i, column in enumerate(self.columns) if column.field == field), None)

    @property
    def goods(self) -> list[Record]:
        return [record for record in self.records if record.product]

    @property
    def is_text(self) -> bool:
        return self.dialect.kind == "csv"

    def some(self, share: float = 0.3) -> list[Record]:
        """Some of the products' records, at least one."""
        goods = self.goods
        return self.rng.sample(goods, max(1, round(share * len(goods))))


def start(dialect: Dialect, rows: int, rng: Random) -> Draft:
    """A clean table of new products."""
    drawn = products.draw(rows, dialect.language, dialect.currency, dialect.places, rng)
    wanted = {
        "all": FIELDS,
        "few": ("id", "title", "price", *rng.sample(("description", "category", "brand"), 1)),
        "least": ("title", "price"),
    }[dialect.columns]
    words = HEADERS[dialect.language]
    columns = [Column(rng.choice(words[each]), each) for each in FIELDS if each in wanted]
    if dialect.marked == "header":
        columns[-1].name += f" ({dialect.currency})"
    if dialect.marked == "column":
        columns.append(Column("Currency", "currency"))
    columns += [Column(name, "", _EXTRA[name]) for name in rng.sample(sorted(_EXTRA), dialect.extra)]
    if dialect.order == "mixed":
        rng.shuffle(columns)
    records = []
    for i, product in enumerate(drawn):
        _fit(product, dialect)
        for each in ("id", "description", "category", "brand"):
            if each not in wanted:
                setattr(product, each, "")
        record = Record([_cell(column, product, dialect, i, rng) for column in columns], product)
        price = next(n for n, column in enumerate(columns) if column.field == "price")
        if dialect.typed:
            record.typed[price] = product.price
        records.append(record)
    header = Record([column.name for column in columns]) if dialect.header else None
    return Draft(dialect, columns, [*([header] if header else []), *records], header, rng)


def _fit(product: Product, dialect: Dialect) -> None:
    """Takes out of a product's texts what its file can't hold: letters of another script, and where nothing is quoted
    what only quotes could hold."""
    for each in _TEXTLIKE:
        text = getattr(product, each)
        if dialect.kind == "csv":
            text = text.encode(dialect.encoding, "ignore").decode(dialect.encoding).removeprefix("\ufeff")
        if dialect.quoting == "none" and dialect.delimiter:
            text = text.replace(dialect.delimiter, " ").replace(dialect.quote, "")
        setattr(product, each, " ".join(text.split()))


def _cell(column: Column, product: Product, dialect: Dialect, row: int, rng: Random) -> str:
    if column.field == "price":
        return dialects.money(product.price or 0, dialect)
    if column.field == "currency":
        return product.currency
    if column.field:
        return str(getattr(product, column.field))
    amount = product.price or 1
    cells = {
        "Stock": lambda: str(rng.randint(0, 40)),
        "Weight (kg)": lambda: dialects.number(rng.uniform(0.1, 9), dialect),
        "Rating": lambda: f"{rng.uniform(1, 5):.1f}".replace(".", dialect.decimal),
        "EAN": lambda: str(4_000_000_000_000 + 7919 * row),
        "URL": lambda: f"https://shop.example/p/{product.id or row}",
        "Unit": lambda: rng.choice(("PC", "PC", "SET")),
        "Country of origin": lambda: rng.choice(("DE", "CN", "Italy")),
        "Created at": lambda: f"20{rng.randint(18, 25)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        "In stock since": lambda: f"{rng.randint(1, 28):02}.{rng.randint(1, 12):02}.20{rng.randint(18, 25)}",
        "Cost price": lambda: dialects.money(amount * 0.61, dialect),
        "Sale price": lambda: dialects.money(amount * 0.85, dialect) if rng.random() < 0.3 else "",
        "VAT %": lambda: rng.choice(("19", "7")),
        "Color": lambda: rng.choice(("red", "white", "oak")),
        "Width_mm": lambda: str(rng.randint(20, 2000)),
        "Status": lambda: rng.choice(("active", "active", "draft")),
        "Notes": lambda: "new" if rng.random() < 0.1 else "",
    }
    text = cells[column.name]()
    if dialect.quoting == "none" and dialect.delimiter:
        text = text.replace(dialect.delimiter, " ")
    return text


def written(draft: Draft) -> bytes:
    """The bytes of the file; sets the line of every record."""
    if draft.dialect.kind == "xlsx":
        return _workbook(draft)
    return _parquet(draft) if draft.dialect.kind == "parquet" else _text(draft)


def _text(draft: Draft) -> bytes:
    dialect, line, lines = draft.dialect, 1, []
    for record in draft.records:
        text = (
            record.raw if record.raw is not None else dialect.delimiter.join(_quoted(c, dialect) for c in record.cells)
        )
        record.line = line
        text = text.replace("\n", dialect.newline)
        line += 1 + text.count(dialect.newline)
        lines.append(text)
    whole = dialect.newline.join(lines) + dialect.newline
    if draft.recoded:
        whole = whole.encode().decode("cp1252", "replace")
    data = whole.encode(dialect.encoding, "replace")
    return gzip.compress(data) if dialect.gzip else data


def _quoted(cell: str, dialect: Dialect) -> str:
    quote = dialect.quote
    special = any(sign in cell for sign in (dialect.delimiter, quote, "\n", "\r")) or cell != cell.strip()
    if dialect.quoting == "none" or (dialect.quoting == "minimal" and not special):
        return cell
    if dialect.escape:
        return quote + cell.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote
    return in_quotes(cell, quote)


def in_quotes(cell: str, quote: str = '"') -> str:
    return quote + cell.replace(quote, quote * 2) + quote


def _workbook(draft: Draft) -> bytes:
    buffer = io.BytesIO()
    options = {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        if draft.cover:
            front = book.add_worksheet("Cover")
            front.write_row(0, 0, ["Price list"])
            front.write_row(2, 0, ["For our customers"])
        sheet = book.add_worksheet("Products")
        for row, record in enumerate(draft.records):
            record.line = row + 1
            for place, cell in enumerate([record.raw] if record.raw is not None else record.cells):
                value = record.typed.get(place, cell)
                if value not in ("", None):
                    sheet.write(row, place, value)
    return buffer.getvalue()


def _parquet(draft: Draft) -> bytes:
    goods = draft.goods
    data = {}
    for place, column in enumerate(draft.columns):
        name = column.name
        while name in data:
            name += "_2"
        data[name] = [record.typed.get(place, record.cells[place]) for record in goods]
    for line, record in enumerate(goods, start=1):
        record.line = line
    buffer = io.BytesIO()
    pl.DataFrame(data, strict=False).write_parquet(buffer)
    return buffer.getvalue()

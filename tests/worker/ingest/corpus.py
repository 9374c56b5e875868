"""Broken and odd files, each with what must come out of it: the table that ingest and upload tests walk through."""

import gzip
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
import xlsxwriter

Item = tuple[str, str, float | None]
"""external_id, title, price"""


@dataclass(frozen=True)
class Case:
    name: str
    file_name: str
    data: bytes
    items: list[Item] = field(default_factory=list)
    rejects: dict[int, str] = field(default_factory=dict)  # line -> what the reason contains; complete
    error: str = ""  # a part of the sentence, when the file can't be read at all
    more: dict[str, list[str]] = field(default_factory=dict)  # other columns of the items, complete
    mapping: dict[str, str] = field(default_factory=dict)  # what a user changes in the proposed mapping
    header_line: int | None = 1


HEAD = "id,title,price"
LAMP, MUG, RUG = ("a1", "Desk lamp", 12.5), ("a2", "Blue mug", 7.0), ("a3", "Wool rug", 99.99)
THREE: list[Item] = [LAMP, MUG, RUG]
ROWS = ["a1,Desk lamp,12.50", "a2,Blue mug,7", "a3,Wool rug,99.99"]


def lines(*rows: str, end: str = "\n", encoding: str = "utf-8") -> bytes:
    return (end.join(rows) + end).encode(encoding)


def workbook(*sheets: tuple[str, Sequence[Sequence[object]]], hidden: Sequence[str] = ()) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for i, row in enumerate(rows):
                for j, value in enumerate(row):
                    if value is not None:
                        sheet.write(i, j, value)
    return buffer.getvalue()


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def priced(*cells: str, delimiter: str = "\t", title: str = "Thing") -> bytes:
    """A file whose only oddity are its prices."""
    rows = [delimiter.join([f"p{i}", f"{title} {i}", cell]) for i, cell in enumerate(cells)]
    return lines(delimiter.join(["id", "title", "price"]), *rows)


def things(*prices: float | None) -> list[Item]:
    return [(f"p{i}", f"Thing {i}", price) for i, price in enumerate(prices)]


PLAIN = lines(HEAD, *ROWS)

DELIMITERS = [
    Case(f"delimiter {name}", "t.csv", lines(*(row.replace(",", sign) for row in [HEAD, *ROWS])), THREE)
    for name, sign in [("semicolon", ";"), ("tab", "\t"), ("pipe", "|"), ("caret", "^"), ("unit separator", "\x1f")]
] + [
    Case("comma", "t.csv", PLAIN, THREE),
    Case("sep line of Excel", "t.csv", lines("sep=;", "id;title;price", "a1;Lamp, big;1,5"), [("a1", "Lamp, big", 1.5)], header_line=2),
    Case("semicolons and decimal commas", "t.csv", lines("id;title;price", "a1;Desk lamp;12,50", "a2;Blue mug;7,00"), [LAMP, MUG]),
    Case("semicolons, commas in every title", "t.csv", lines("id;title;price", "a1;Lamp, red;5", "a2;Mug, blue;6"), [("a1", "Lamp, red", 5.0), ("a2", "Mug, blue", 6.0)]),
    Case("one column", "t.txt", lines("title", "Desk lamp", "Blue mug, large", "Rug, wool, red, 2 m"), [("", "Desk lamp", None), ("", "Blue mug, large", None), ("", "Rug, wool, red, 2 m", None)]),
    Case("one column with blank lines", "t.txt", lines("title", "", "Desk lamp", "   ", "Blue mug", ""), [("", "Desk lamp", None), ("", "Blue mug", None)]),
]

LINE_ENDS = [
    Case("CRLF", "t.csv", lines(HEAD, *ROWS, end="\r\n"), THREE),
    Case("CR", "t.csv", lines(HEAD, *ROWS, end="\r"), THREE),
    Case("CR CR LF", "t.csv", lines(HEAD, *ROWS, end="\r\r\n"), THREE),
    Case("mixed LF and CRLF", "t.csv", f"{HEAD}\r\n{ROWS[0]}\n{ROWS[1]}\r\n{ROWS[2]}\n".encode(), THREE),
    Case("LF file with CR rows behind it", "t.csv", f"{HEAD}\n{ROWS[0]}\n{ROWS[1]}\r{ROWS[2]}\r".encode(), THREE),
    Case("no line end at the end", "t.csv", PLAIN[:-1], THREE),
    Case("lone CR inside a cell", "t.csv", lines(HEAD, "a1,Desk\rlamp,12.5", ROWS[1]), [LAMP, MUG]),
    Case("blank lines everywhere", "t.csv", lines("", "", HEAD, "", ROWS[0], "", "  ", ROWS[1], "", ROWS[2], "", ""), THREE, header_line=3),
    Case("CRLF inside quotes", "t.csv", lines(HEAD, '"a1","Desk\r\nlamp","12.50"', *ROWS[1:], end="\r\n"), THREE),
]

QUOTES = [
    Case("everything quoted", "t.csv", lines(*('"' + row.replace(",", '","') + '"' for row in [HEAD, *ROWS])), THREE),
    Case("single quotes", "t.csv", lines(*("'" + row.replace(",", "','") + "'" for row in [HEAD, *ROWS])), THREE),
    Case("delimiter, quote and line end in quotes", "t.csv", lines(HEAD, 'a1,"A ""big"" lamp,\nred",5', ROWS[1]), [("a1", 'A "big" lamp, red', 5.0), MUG]),
    Case("backslash escapes", "t.csv", lines(HEAD, r'a1,"A \"big\" lamp, red",5', r'a2,"Mug \"x\" y",6'), [("a1", 'A "big" lamp, red', 5.0), ("a2", 'Mug "x" y', 6.0)]),
    Case("inch sign in an unquoted cell", "t.csv", lines(HEAD, 'a1,TV 15" black,5', 'a2,"Mug, blue",6'), [("a1", 'TV 15" black', 5.0), ("a2", "Mug, blue", 6.0)]),
    Case("spaces before quotes", "t.csv", lines("id, title, price", 'a1, "Lamp, red", 5', 'a2, "Mug, blue", 6'), [("a1", "Lamp, red", 5.0), ("a2", "Mug, blue", 6.0)]),
    Case("unclosed quote at the beginning of a cell", "t.csv", lines(HEAD, ROWS[0], 'b1,"Lost quote,5', *ROWS[1:]), THREE, {3: "never closed"}),
    Case("unclosed quote in the last line", "t.csv", lines(HEAD, *ROWS, 'b1,"Lost quote,5'), THREE, {5: "never closed"}),
    Case("unclosed quote before quoted rows", "t.csv", lines(HEAD, '"b1,Lost,5', *('"' + row.replace(",", '","') + '"' for row in ROWS)), THREE, {2: "never closed"}),
    Case("two unclosed quotes", "t.csv", lines(HEAD, 'b1,"Lost,5', ROWS[0], 'b2,"Lost,5', *ROWS[1:]), THREE, {2: "never closed", 4: "never closed"}),
    Case("unclosed quote, then 3,000 good rows", "t.csv", lines(HEAD, 'b1,"Lost,5', *(f"x{i},Cup {i},3.50" for i in range(3000))), [(f"x{i}", f"Cup {i}", 3.5) for i in range(3000)], {2: "never closed"}),
    Case("text behind a closing quote", "t.csv", lines(HEAD, 'a1,"Desk" lamp,12.5', ROWS[1]), [LAMP, MUG]),
    Case("quotes first seen late", "t.csv", lines(HEAD, *(f"x{i},Cup {i},3.50" for i in range(40_000)), 'y,"Rug, ""red""",4'), [*((f"x{i}", f"Cup {i}", 3.5) for i in range(40_000)), ("y", 'Rug, "red"', 4.0)]),
    Case("ragged row over two lines", "t.csv", lines(HEAD, ROWS[0], '"b1","over\ntwo"', ROWS[1]), [LAMP, MUG], {3: "2 cells instead of 3"}),
    Case("empty cells in quotes", "t.csv", lines(HEAD, '"","Desk lamp",""', 'a2,"Blue mug",7'), [("", "Desk lamp", None), MUG]),
]

ENCODINGS = [
    Case(f"encoding {encoding}", "t.csv", f"{HEAD}\nä1,Crème brûlée – 5 €,12.50\n".encode(encoding), [("ä1", "Crème brûlée – 5 €", 12.5)])
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252")
] + [
    Case("UTF-16 big endian with mark", "t.csv", b"\xfe\xff" + f"{HEAD}\na1,Crème,5\n".encode("utf-16-be"), [("a1", "Crème", 5.0)]),
    Case("UTF-16 without mark", "t.csv", f"{HEAD}\na1,Crème,5\n".encode("utf-16-le"), [("a1", "Crème", 5.0)]),
    Case("UTF-16, tabs, CRLF: Unicode text of Excel", "t.txt", "id\ttitle\tprice\r\na1\tCrème, dûr\t12,50\r\n".encode("utf-16"), [("a1", "Crème, dûr", 12.5)]),
    Case("UTF-32", "t.csv", f"{HEAD}\na1,Crème,5\n".encode("utf-32"), [("a1", "Crème", 5.0)]),
    Case("cp1252 far down", "t.csv", lines(HEAD, *(f"x{i},Cup {i},3.50" for i in range(60_000)), "y,Crème,4", encoding="cp1252"), [*((f"x{i}", f"Cup {i}", 3.5) for i in range(60_000)), ("y", "Crème", 4.0)]),
    Case("broken UTF-8 in one row", "t.csv", lines(HEAD, "a1,Crème brûlée äöüß éèêë,5") + b"b1,bad \xff byte,5\n" + lines(ROWS[1]), [("a1", "Crème brûlée äöüß éèêë", 5.0), MUG], {3: "bytes that are no text"}),
    Case("NUL bytes in one row", "t.csv", lines(HEAD, ROWS[0], "b1,bad \0 byte,5", *ROWS[1:]), THREE, {3: "NUL"}),
    Case("UTF-16 cut in the middle of a character", "t.csv", f"{HEAD}\na1,Lamp,5\na2,Mug,61".encode("utf-16")[:-1], [("a1", "Lamp", 5.0)], {3: "bytes that are no text"}),
    Case("emoji, Chinese, Arabic", "t.csv", lines(HEAD, "a1,灯 💡,5", "a2,كوب,6"), [("a1", "灯 💡", 5.0), ("a2", "كوب", 6.0)]),
    Case("mark in the middle of the file", "t.csv", PLAIN + b"\xef\xbb\xbfa4,Vase,4\n", [*THREE, ("a4", "Vase", 4.0)]),
]

HEADERS = [
    Case("preamble", "t.csv", lines("Export of shop.example", "", "created 2024-05-01, by Ann", HEAD, *ROWS), THREE, header_line=4),
    Case("preamble as wide as the table", "t.csv", lines("Price list 2024,,", ",,", HEAD, *ROWS), THREE, header_line=3),
    Case("comment lines", "t.csv", lines("# made by a machine", "# do not edit", HEAD, *ROWS), THREE, header_line=3),
    Case("footer", "t.csv", lines(HEAD, *ROWS, "3 rows exported"), THREE, {5: "1 cell instead of 3"}),
    Case("header repeated", "t.csv", lines(HEAD, ROWS[0], HEAD, *ROWS[1:], HEAD), THREE, {3: "repeated", 6: "repeated"}),
    Case("header twice at the top", "t.csv", lines(HEAD, HEAD, *ROWS), THREE, {2: "repeated"}),
    Case("no header", "t.csv", lines("a1,Desk lamp with shade,12.50", "a2,Blue mug for tea,7", "a3,Wool rug,99.99"), [("a1", "Desk lamp with shade", 12.5), ("a2", "Blue mug for tea", 7.0), RUG], header_line=None),
    Case("preamble and no header", "t.csv", lines("Our prices", "a1,Desk lamp with shade,12.50", "a2,Blue mug for tea,7.00"), [("a1", "Desk lamp with shade", 12.5), ("a2", "Blue mug for tea", 7.0)], header_line=None),
    Case("column names used twice", "t.csv", lines("id,title,price,price", "a1,Desk lamp,12.5,9", "a2,Blue mug,7,6"), [LAMP, MUG]),
    Case("column without a name", "t.csv", lines(",title,price", "a1,Desk lamp,12.5", "a2,Blue mug,7"), [LAMP, MUG]),
    Case("row names of R", "t.csv", lines('"title","price"', '"1","Desk lamp",12.5', '"2","Blue mug",7'), [("1", "Desk lamp", 12.5), ("2", "Blue mug", 7.0)]),
    Case("header in quotes over two lines", "t.csv", lines('id,"product\ntitle",price', *ROWS), THREE),
    Case("header in capitals with units", "t.csv", lines("SKU;PRODUCT_NAME;Price (EUR)", "a1;Desk lamp;12,50"), [LAMP]),
    Case("German header", "t.csv", lines("Artikelnummer;Bezeichnung;Warengruppe;Hersteller;Preis in €", "a1;Desk lamp;Licht;Osram;1.012,50"), [("a1", "Desk lamp", 1012.5)], more={"category": ["Licht"], "brand": ["Osram"]}),
    Case("French header", "t.csv", lines("référence;désignation;marque;prix TTC", "a1;Desk lamp;Bic;12,50"), [LAMP], more={"brand": ["Bic"]}),
    Case("Spanish header", "t.csv", lines("código;nombre;descripción;precio", "a1;Desk lamp;De mesa;12,50"), [LAMP], more={"description": ["De mesa"]}),
    Case("Polish header", "t.csv", lines("indeks;nazwa;kategoria;cena", "a1;Desk lamp;Dom;12,50 zł"), [LAMP], more={"category": ["Dom"]}),
    Case("unknown words in the header", "t.csv", lines("aa,bb,cc", "k1,Desk lamp with shade,$12.50", "k2,Blue mug for tea,$7.00"), [("k1", "Desk lamp with shade", 12.5), ("k2", "Blue mug for tea", 7.0)]),
    Case("price column chosen by the user", "t.csv", lines("id,title,price,sale", "a1,Desk lamp,99,12.5", "a2,Blue mug,99,7"), [LAMP, MUG], mapping={"price": "sale"}),
]  # fmt: skip

SHAPES = [
    Case("ragged rows", "t.csv", lines(HEAD, ROWS[0], "b1,Short", ROWS[1], "b2,Long,5,6,7", ROWS[2], "b3"), THREE, {3: "2 cells instead of 3", 5: "5 cells instead of 3", 7: "1 cell instead of 3"}),
    Case("trailing delimiter in the rows only", "t.csv", lines(HEAD, *(row + "," for row in ROWS)), THREE),
    Case("trailing delimiter everywhere", "t.csv", lines(HEAD + ",", *(row + "," for row in ROWS)), THREE),
    Case("rows of delimiters", "t.csv", lines(HEAD, *ROWS, ",,", ",,"), THREE, {5: "every cell is empty", 6: "every cell is empty"}),
    Case("no title in some rows", "t.csv", lines(HEAD, ROWS[0], "b1,,5", "b2,   ,5", "b3,nan,5", ROWS[1]), [LAMP, MUG], {3: "no title", 4: "no title", 5: "no title"}),
    Case("no price column", "t.csv", lines("id,title", "a1,Desk lamp", "a2,Blue mug"), [("a1", "Desk lamp", None), ("a2", "Blue mug", None)]),
    Case("a cell of 3 MB", "t.csv", lines(HEAD, ROWS[0], "b1," + "x" * 3_000_000 + ",5", ROWS[1]), [LAMP, MUG], {3: "longer than 100,000"}),
    Case("a line of 20 MB", "t.csv", lines(HEAD, ROWS[0], "b1," + "x" * 20_000_000 + ",5", ROWS[1]), [LAMP, MUG], {3: "longer than"}),
    Case("a quoted cell of 200,000 lines", "t.csv", lines(HEAD, ROWS[0]) + b'b1,"' + b"x\n" * 200_000 + b'",5\n' + lines(ROWS[1]), [LAMP, MUG], {3: "never closed", **{i: "1 cell" for i in range(4, 200_003)}, 200_003: ""}),
    Case("white space and entities", "t.csv", lines(HEAD, "  a1 , Desk&nbsp;\u00a0 lamp\u200b ,\u00a012.50 ", "a2,Blue &amp; mug &quot;x&quot;,7"), [LAMP, ("a2", 'Blue & mug "x"', 7.0)]),
    Case("formulas stay text", "t.csv", lines(HEAD, '=1+1,"=cmd|\' /C calc\'!A0",5'), [("=1+1", "=cmd|' /C calc'!A0", 5.0)]),
    Case("everything at once", "t.csv", b"\xef\xbb\xbf" + lines("Report;;", "", "id;title;price", 'a1;"Desk lamp";"12,50 €"', "", "b1;Short", "id;title;price", 'a2;"Blue\nmug";7,00', 'b2;"Lost;5', "b3;;5", "b4;Vase;call us", "a3;Wool rug;99,99", "Total;;119,49", end="\r\n"), THREE, {6: "2 cells", 7: "repeated", 10: "never closed", 11: "no title", 12: "'call us' is not a number", 14: "no title"}, header_line=3),
    Case("only rejects", "t.csv", lines(HEAD, "a1,Desk lamp,call", "a2,Blue mug,ask"), [], {2: "'call'", 3: "'ask'"}, mapping={"price": "price"}),
]  # fmt: skip

PRICES = [
    Case("currency before", "t.tsv", priced("$12.50", "US$ 7", "€ 9.99", "£3", "¥1200", "CHF 5.50", "USD 4", "₹ 99"), things(12.5, 7.0, 9.99, 3.0, 1200.0, 5.5, 4.0, 99.0)),
    Case("currency behind", "t.tsv", priced("12,50 €", "7 zł", "9,99 EUR", "3,00 kr", "5,50 CHF", "12,5 Kč", "8,- Kč"), things(12.5, 7.0, 9.99, 3.0, 5.5, 12.5, 8.0)),
    Case("Brazil", "t.tsv", priced("R$ 1.234,50", "R$ 12,90", "R$ 7,00"), things(1234.5, 12.9, 7.0)),
    Case("English thousands", "t.tsv", priced("1,234.50", "1,234", "12.5", "1,234,567.89"), things(1234.5, 1234.0, 12.5, 1234567.89)),
    Case("German thousands", "t.tsv", priced("1.234,50", "1.234", "12,5", "1.234.567,89"), things(1234.5, 1234.0, 12.5, 1234567.89)),
    Case("Swiss thousands", "t.tsv", priced("1'234.50", "1’299.–", "CHF 1'000'000"), things(1234.5, 1299.0, 1e6)),
    Case("thousands with spaces", "t.tsv", priced("1 234,50", "1\u00a0234,50 €", "1\u202f234 567,00"), things(1234.5, 1234.5, 1234567.0)),
    Case("Indian thousands", "t.tsv", priced("Rs. 1,23,456.00", "₹1,00,000", "Rs.500/-"), things(123456.0, 100000.0, 500.0)),
    Case("1.234 in a column of points", "t.tsv", priced("1.234", "12.5", "7.25"), things(1.234, 12.5, 7.25)),
    Case("1.234 in a column without a hint", "t.tsv", priced("1.234", "2.500", "900"), things(1234.0, 2500.0, 900.0)),
    Case("1,234 in a column of commas", "t.tsv", priced("1,234", "12,5", "7,25"), things(1.234, 12.5, 7.25)),
    Case("missing prices", "t.tsv", priced("5", "", "n/a", "NULL", "-", "nan", " ", "#N/A"), things(5.0, *[None] * 7)),
    Case("refused prices", "t.tsv", priced("5", "call us", "10 - 20", "10–20 €", "-5", "(5.00)", "0", "0.00", "$1.2k", "50%", "99¢", "9999999999", "1,2,3", "from $10", "12⁹⁹", "6"), [("p0", "Thing 0", 5.0), ("p15", "Thing 15", 6.0)], {3: "'call us' is not a number", 4: "range", 5: "range", 6: "negative", 7: "negative", 8: "price is 0", 9: "price is 0", 10: "not a number", 11: "not a number", 12: "not a number", 13: "too large", 14: "not a number", 15: "not a number", 16: "not a number"}),
    Case("scientific prices and full-width digits", "t.tsv", priced("1.5E+02", "1e3", "１２．５０"), things(150.0, 1000.0, 12.5)),
]  # fmt: skip

SHEET: list[list[object]] = [["id", "title", "price"], ["a1", "Desk lamp", 12.5], ["a2", "Blue mug", 7], ["a3", "Wool rug", 99.99]]
FRAME = pl.DataFrame({"id": ["a1", "a2", "a3"], "title": ["Desk lamp", "Blue mug", "Wool rug"], "price": [12.5, 7.0, 99.99]})

CONTAINERS = [
    Case("gzip", "t.csv.gz", gzip.compress(PLAIN), THREE),
    Case("gzip of UTF-16 with CRLF", "t.csv.gz", gzip.compress(lines(HEAD, *ROWS, end="\r\n", encoding="utf-16")), THREE),
    Case("gzip in two members", "t.csv.gz", gzip.compress(PLAIN) + gzip.compress(b"a4,Vase,4\n"), [*THREE, ("a4", "Vase", 4.0)]),
    Case("gzip named .csv", "t.csv", gzip.compress(PLAIN), THREE),
    Case("gzip with an unclosed quote and NUL bytes", "t.csv.gz", gzip.compress(lines(HEAD, ROWS[0], 'b1,"Lost,5', "b2,\0,5", *ROWS[1:])), THREE, {3: "never closed", 4: "NUL"}),
    Case("workbook", "t.xlsx", workbook(("Products", SHEET)), THREE),
    Case("workbook with preamble and gaps", "t.xlsx", workbook(("P", [["Price list"], [], *SHEET[:2], [], *SHEET[2:]])), THREE, header_line=3),
    Case("workbook without a header", "t.xlsx", workbook(("P", [["a1", "Desk lamp with shade", 12.5], ["a2", "Blue mug for tea", 7]])), [("a1", "Desk lamp with shade", 12.5), ("a2", "Blue mug for tea", 7.0)], header_line=None),
    Case("workbook, empty and hidden sheets first", "t.xlsx", workbook(("Empty", []), ("Secret", SHEET[:2]), ("P", SHEET), hidden=["Secret"]), THREE),
    Case("workbook, prices as text", "t.xlsx", workbook(("P", [SHEET[0], ["a1", "Desk lamp", "12,50 €"], ["a2", "Blue mug", 7], ["b1", "Vase", "ask"], [None, None, 5], [1, "Cup", None]])), [LAMP, MUG, ("1", "Cup", None)], {4: "'ask'", 5: "no title"}),
    Case("workbook, header repeated, wide preamble", "t.xlsx", workbook(("P", [["Shop", None, None, None, "x"], *SHEET, SHEET[0]])), THREE, {6: "repeated"}, header_line=2),
    Case("Parquet", "t.parquet", parquet(FRAME), THREE, header_line=None),
    Case("Parquet with nulls, NaN and zero", "t.parquet", parquet(pl.DataFrame({"id": [1, 2, 3, 4, 5], "title": ["Lamp", None, "Mug", "Rug", "Cup"], "price": [1.5, 2.0, float("nan"), None, 0.0]})), [("1", "Lamp", 1.5), ("3", "Mug", None), ("4", "Rug", None)], {2: "no title", 5: "price is 0"}, header_line=None),
    Case("Parquet with typed columns", "t.parquet", parquet(pl.DataFrame({"title": ["Lamp", "Mug"], "tags": [["a", "b"], []], "price": [12, 7], "category": pl.Series(["x", "y"], dtype=pl.Categorical)})), [("", "Lamp", 12.0), ("", "Mug", 7.0)], header_line=None, more={"category": ["x", "y"]}),
    Case("Parquet with prices as text", "t.parquet", parquet(pl.DataFrame({"title": ["Lamp", "Mug", "Cup"], "price": ["1.234,50 €", "7,00", "ask"]})), [("", "Lamp", 1234.5), ("", "Mug", 7.0)], {3: "'ask'"}, header_line=None),
]  # fmt: skip

BROKEN_SHEET = workbook(("P", SHEET))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

UNREADABLE = [
    Case("empty file", "t.csv", b"", error="empty"),
    Case("empty gzip", "t.csv.gz", gzip.compress(b""), error="empty"),
    Case("only blank lines", "t.csv", b"\n\n  \n\n", error="no text"),
    Case("only a mark", "t.csv", b"\xef\xbb\xbf", error="no text"),
    Case("only a header", "t.csv", lines(HEAD), error="no rows"),
    Case("header and blank lines", "t.csv", lines(HEAD, "", "", ""), error="no rows"),
    Case("random bytes", "t.csv", bytes((i * 7919 + i // 256 * 31) % 256 for i in range(5000)), error="not text"),
    Case("zeros", "t.csv", bytes(5000), error="not text"),
    Case("image", "t.csv", b"\x89PNG\r\n\x1a\n" + bytes(100), error="an image"),
    Case("PDF", "t.csv", b"%PDF-1.7 ...", error="a PDF"),
    Case("web page", "t.csv", b"<!DOCTYPE html><html><body>Sign in</body></html>", error="web page"),
    Case("JSON", "t.csv", b'[{"title": "Lamp", "price": 5}]', error="JSON"),
    Case("cut gzip", "t.csv.gz", gzip.compress(PLAIN * 50)[:-20], error="cut off"),
    Case("damaged gzip", "t.csv.gz", gzip.compress(PLAIN * 50)[:30] + b"\xff" * 60, error="gzip file is damaged"),
    Case("gzip of a workbook", "t.xlsx.gz", gzip.compress(BROKEN_SHEET), error="unpack"),
    Case("gzip bomb", "t.csv.gz", gzip.compress(bytes(80 << 20)), error="far more"),
    Case("ZIP of a CSV", "t.zip", zipped("t.csv", PLAIN), error="ZIP archive"),
    Case("workbook cut in half", "t.xlsx", BROKEN_SHEET[: len(BROKEN_SHEET) // 2], error="broken"),
    Case("workbook without content", "t.xlsx", zipped("xl/workbook.xml", b"<oops"), error="broken"),
    Case("workbook without rows", "t.xlsx", workbook(("P", [])), error="no rows"),
    Case("workbook with a password", "t.xlsx", OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), error="password"),
    Case("old Excel", "t.xls", OLE + bytes(600), error="old Excel"),
    Case("cut Parquet", "t.parquet", parquet(FRAME)[:-30], error="broken or cut"),
    Case("Parquet without rows", "t.parquet", parquet(FRAME.clear()), error="no rows"),
]  # fmt: skip

CASES: list[Case] = [*DELIMITERS, *LINE_ENDS, *QUOTES, *ENCODINGS, *HEADERS, *SHAPES, *PRICES, *CONTAINERS, *UNREADABLE]
"""Every case; those with `error` can't be read at all."""

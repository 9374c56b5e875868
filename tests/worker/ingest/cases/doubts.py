"""Files in which nothing is certain, or only nearly: what is told of them, and what is mended."""

from tests.worker.ingest.cases.base import HEAD, LAMP, ROWS, THREE, Case, Item, lines, workbook

_CENTS = ["a1,Desk lamp,12.50", "a2,Blue mug,7.25", "a3,Wool rug,99.99"]
_CENT_ITEMS: list[Item] = [LAMP, ("a2", "Blue mug", 7.25), ("a3", "Wool rug", 99.99)]
_PAIR: list[Item] = [("", "Desk lamp", 12.5), ("", "Blue mug", 7.25)]
_BRANDED = ["title,brand,price", "Desk lamp,Acme,12.50", "Blue mug,Bodum,7.25"]
_RUSSIAN = ["Артикул;Название;Цена", "a1;Настольная лампа;12.50", "a2;Кружка;7.25"]

_SIGNS = [
    Case("a price of thousands among prices with cents", "t.csv", lines(HEAD, *_CENTS, 'a4,Chair,"76,622"'),
         [*_CENT_ITEMS, ("a4", "Chair", 76622.0)],
         told=["'76,622' on line 5 is read as thousands (76622)", "decimal comma it would be 76.622"]),
    Case("a price of thousands among thousands without a mark", "t.csv",
         lines("id;title;price", "a1;Desk lamp;1905,12", "a2;Mug;7", "a3;Rug;9", "a4;Chair;1.299", "a5;Bed;2.499"),
         [("a1", "Desk lamp", 1905.12), ("a2", "Mug", 7.0), ("a3", "Rug", 9.0), ("a4", "Chair", 1299.0),
          ("a5", "Bed", 2499.0)], told=["2 prices (lines 5 and 6), '1.299' the first, are read as thousands"]),
    Case("one price alone tells the sign of many", "t.csv",
         lines("id;title;price", "a0;Mug;9,5", "b0;Rug;12", "c0;Bed;99",
               *(f"a{i};Cup {i};2{i}.95{i}" for i in range(1, 8))),
         [("a0", "Mug", 9.5), ("b0", "Rug", 12.0), ("c0", "Bed", 99.0),
          *((f"a{i}", f"Cup {i}", float(f"2{i}95{i}")) for i in range(1, 8))],
         told=["because of '9,5' on line 2 alone"]),
]  # fmt: skip
_LINES = [
    Case("whole lines in quotes without quotes inside", "t.csv", lines(*(f'"{line}"' for line in [HEAD, *ROWS])), THREE,
         told=["the whole line stands in quotes"]),
    Case("whole lines in quotes at tabs", "t.tsv",
         lines(*(f'"{line}"'.replace(",", "\t") for line in [HEAD, *ROWS])), THREE),
    Case("whole lines in quotes without a header", "t.csv",
         lines('"Desk lamp;12,50"', '"Blue mug;7,25"', '"Wool rug;99,99"'),
         [*_PAIR, ("", "Wool rug", 99.99)], header_line=None, mapping={"title": "column_1", "price": "column_2"}),
    Case("titles in quotes with commas are one column", "t.csv", lines("title", '"Lamp, red"', '"Rug, 3"', '"Mug"'),
         [("", "Lamp, red", None), ("", "Rug, 3", None), ("", "Mug", None)]),
    Case("one cell in single quotes with a quote in it", "t.csv",
         lines("title,brand,price", "Desk lamp,'O''Hara',12.50", "Blue mug,Bodum,7.25"), _PAIR,
         more={"brand": ["O'Hara", "Bodum"]}),
    Case("one cell in single quotes with an escaped quote", "t.csv",
         lines("title|brand|price", r"Desk lamp|'O\'Hara'|12.50", "Blue mug|Bodum|7.25"), _PAIR,
         more={"brand": ["O'Hara", "Bodum"]}),
    Case("single quotes around cells of several lines", "t.csv",
         lines("title,price", "'Desk\nlamp',12.50", "'Blue\nmug',7.25"), _PAIR),
    Case("an apostrophe at the beginning is no quote", "t.csv",
         lines("title,price", "'t Hart lamp,12.50", "Blue mug,7.25"),
         [("", "'t Hart lamp", 12.5), ("", "Blue mug", 7.25)]),
    Case("a delimiter with a blank cuts titles without a header", "t.csv",
         lines("Desk lamp; red;12,50", "Blue mug; red;7,25", "Wool rug; red;9,90"),
         [*_PAIR, ("", "Wool rug", 9.9)], header_line=None, told=["All cells of 'column_2' begin with a blank"]),
]  # fmt: skip
_ROWS = [
    Case("headings between products", "t.csv",
         lines(_BRANDED[0], "Lighting,,", _BRANDED[1], "Kitchen,,", _BRANDED[2], "Rug,Acme,9", "Bed,Acme,8"),
         [("", "Lighting", None), _PAIR[0], ("", "Kitchen", None), _PAIR[1], ("", "Rug", 9.0), ("", "Bed", 8.0)],
         told=["Line 2 and line 4 have one filled cell ('Lighting', 'Kitchen')"]),
    Case("a heading in a workbook", "t.xlsx",
         lambda: workbook(("A", [["title", "brand", "price"], ["Lamps"], ["Desk lamp", "Acme", 12.5],
                                 ["Blue mug", "Bodum", 7.25]])),
         [("", "Lamps", None), *_PAIR], told=["Line 2 has one filled cell ('Lamps')"]),
    Case("notes without a mark at the end", "t.csv", lines(*_BRANDED, "Prices with VAT,,", "End of report,,"),
         [*_PAIR, ("", "Prices with VAT", None), ("", "End of report", None)],
         told=["Lines 4 to 5 have one filled cell", "headings or notes"]),
    Case("a table of another kind below a gap", "t.csv",
         lines(*_BRANDED, "", "Zone,Days,Fee", "Germany,2,4.90", "France,4,9.90"),
         [*_PAIR, ("", "Germany", 4.9), ("", "France", 9.9)], {5: "not a number"},
         told=["lines 5 to 7, below a blank line, begins like a table"]),
    Case("a table of another kind below a gap, without prices", "t.xlsx",
         lambda: workbook(("A", [["title", "price"], ["Desk lamp", 12.5], ["Blue mug", 7.25], [], ["Zone", "Days"],
                                 ["Germany", 2]])),
         [*_PAIR, ("", "Germany", 2.0)], {5: "not a number"}, told=["lines 5 to 6, below a blank line"]),
    Case("more products below a gap", "t.csv", lines(HEAD, *ROWS[:2], "", ROWS[2]), THREE),
    Case("notes above more of them than rows", "t.csv",
         lines("Acme Ltd.", "Price list, May", "Mail: sales@shop.example", "title,brand,price", "Desk lamp,Acme,12.50"),
         [("", "Desk lamp", 12.5)], header_line=4, told=["3 lines before the table"]),
    Case("notes above a table without a header", "t.csv",
         lines("Acme Ltd.", "Price list", "May", "Mail us", "a1,Desk lamp,12.50", "a2,Blue mug,7", "a3,Wool rug,99.99"),
         THREE, header_line=None, told=["4 lines before the table"]),
    Case("the name of the delimiter below notes", "t.csv",
         lines("Acme Ltd.", "sep=;", "id;title;price", "a1;Desk lamp;12.50"),
         [LAMP], header_line=3, told=["2 lines before the table"]),
    Case("an error of a formula is no name of a column", "t.csv", lines("Desk lamp,#N/A", "Blue mug,7.25"),
         [("", "Desk lamp", None), ("", "Blue mug", 7.25)], header_line=None,
         mapping={"title": "column_1", "price": "column_2"}),
    Case("a range is no name of a column", "t.csv", lines("Desk lamp,12.50 - 14.50", "Blue mug,7.25", "Wool rug,99.99"),
         [("", "Blue mug", 7.25), ("", "Wool rug", 99.99)], {1: "range"}, header_line=None,
         mapping={"title": "column_1", "price": "column_2"}),
]  # fmt: skip
_NAMES = [
    Case("texts below the name of the price", "t.csv",
         lines("id,title,brand,price,unit,remarks", *(f"r-{i},A{i},Cup {i},Acme,{i}.95,PC" for i in range(1, 5))),
         [(f"r-{i}", "Acme", i + 0.95) for i in range(1, 5)], unsure=("price",),
         mapping={"id": "id", "title": "price", "price": "unit"}),
    Case("a header of Russian words tells the encoding", "t.csv", lines(*_RUSSIAN, encoding="cp1251"),
         [("a1", "Настольная лампа", 12.5), ("a2", "Кружка", 7.25)], told=["read as cp1251, because its header"]),
    Case("a header of Russian words in KOI8", "t.csv", lines(*_RUSSIAN, encoding="koi8-r"),
         [("a1", "Настольная лампа", 12.5), ("a2", "Кружка", 7.25)], told=["read as koi8-r"]),
    Case("a header of Japanese words tells the encoding", "t.csv",
         lines("商品名,価格", "机の上のランプ,12.50", "青いマグカップ,7.25", encoding="shift_jis"),
         [("", "机の上のランプ", 12.5), ("", "青いマグカップ", 7.25)], told=["read as cp932"]),
]  # fmt: skip

DOUBTS = [*_SIGNS, *_LINES, *_ROWS, *_NAMES]

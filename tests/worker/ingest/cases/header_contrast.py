"""Header lines of unknown words, numbers, years or gaps, told from rows by contrast; and files without one."""

from tests.worker.ingest.cases.base import HEAD, LAMP, MUG, ROWS, RUG, THREE, Case, Item, lines, workbook

LONG: list[Item] = [
    ("a1", "Desk lamp with shade", 12.5),
    ("a2", "Blue mug for tea", 7.0),
    ("a3", "Wool rug, woven", 99.99),
]
_UNKNOWN = {"id": "qx", "title": "wv", "price": "zz"}

HEADER_CONTRAST = [
    Case(
        "header of unknown words and years",
        "t.csv",
        lines("xcode;xtext;2022;2023;2024", "a1;Desk lamp;11,50;12,00;12,50", "a2;Blue mug;6,10;6,90;7,00"),
        [LAMP, MUG],
        mapping={"id": "xcode", "title": "xtext", "price": "2024"},
    ),
    Case(
        "header of years beside known words",
        "t.csv",
        lines("sku,name,2023,2024", "a1,Desk lamp,12,12.5", "a2,Blue mug,6,7", "a3,Wool rug,95,99.99"),
        THREE,
        mapping={"price": "2024"},
    ),
    Case(
        "header of numbers from 0, as data frames are written",
        "t.csv",
        lines("0,1,2", *ROWS),
        THREE,
        mapping={"id": "0", "title": "1", "price": "2"},
    ),
    Case(
        "header of numbers from 1",
        "t.csv",
        lines("1;2;3", "a1;Desk lamp;12,50", "a2;Blue mug;7,00"),
        [LAMP, MUG],
        mapping={"id": "1", "title": "2", "price": "3"},
    ),
    Case(
        "rows that begin with the numbers 1, 2, 3 are no header",
        "t.csv",
        lines("1,2,3", "4,5,6", "7,8,9"),
        [("", "1", 3.0), ("", "4", 6.0), ("", "7", 9.0)],
        header_line=None,
        mapping={"id": "", "title": "column_1", "price": "column_3", "category": "", "brand": ""},
    ),
    Case(
        "header with blanks",
        "t.csv",
        lines("id,,title,,,price,", "a1,,Desk lamp,x,,12.50,", "a2,,Blue mug,y,,7,", "a3,,Wool rug,z,,99.99,"),
        THREE,
        mapping={"id": "id", "title": "title", "price": "price", "category": "", "brand": ""},
    ),
    Case(
        "unknown header with blanks",
        "t.csv",
        lines("qx,,wv,zz,,", "a1,0,Desk lamp,12.50,0,0", "a2,0,Blue mug,7,0,0", "a3,0,Wool rug,99.99,0,0"),
        THREE,
        mapping=_UNKNOWN,
        wide=True,
    ),
    Case(
        "unknown words above rows of one kind",
        "t.csv",
        lines("qx;wv;zz;flag;kind", "a1;Desk lamp;12,50;Y;HAWA", "a2;Blue mug;7,00;Y;HAWA", "a3;Wool rug;99,99;Y;HAWA"),
        THREE,
        mapping=_UNKNOWN,
    ),
    Case(
        "header after a preamble as wide as the table, its cells filled",
        "t.csv",
        lines("Shop,Lamps & more,2024-05-01", "Contact,Ann,555-1234", HEAD, *ROWS),
        THREE,
        header_line=3,
    ),
    Case(
        "unknown header after a preamble of facts",
        "t.csv",
        lines(
            "Report;price list;;",
            "Date;2024-05-01;;",
            ";;;",
            "qx;wv;zz;ww",
            *(f"{i};Lamp no. {i};{i},50;PC" for i in range(1, 6)),
        ),
        [(str(i), f"Lamp no. {i}", i + 0.5) for i in range(1, 6)],
        header_line=4,
        mapping=_UNKNOWN,
    ),
    Case(
        "names for machines below names for people",
        "t.csv",
        lines(
            "Article number,Article name,Gross price,Stock",
            "article_no,article_name,gross_price,stock_qty",
            "a1,Desk lamp,12.50,4",
            "a2,Blue mug,7,9",
            "a3,Wool rug,99.99,1",
        ),
        THREE,
        header_line=2,
        mapping={"id": "article_no", "title": "article_name", "price": "gross_price"},
    ),
    Case(
        "groups of columns above their names",
        "t.csv",
        lines(
            "Product,,Money,", "id,title,price,tax", "a1,Desk lamp,12.50,19", "a2,Blue mug,7,19", "a3,Wool rug,99.99,7"
        ),
        THREE,
        header_line=2,
    ),
    Case(
        "a first product whose price is on request is a row",
        "t.csv",
        lines(
            "b1,Oak bench,see list", "a1,Desk lamp with shade,12.50", "a2,Blue mug for tea,7.00", "a3,Wool rug,99.99"
        ),
        [LONG[0], LONG[1], RUG],
        {1: "'see list'"},
        header_line=None,
        mapping={"price": "column_3", "category": "", "brand": ""},
    ),
    Case(
        "wide rows without a header",
        "t.csv",
        lines(
            *(
                f"a{i},Lamp with shade {i},TRUE,deny,0,Acme,{i}.50,kg,https://x.example/{i}.jpg,,1,active"
                for i in range(1, 6)
            )
        ),
        [(f"a{i}", f"Lamp with shade {i}", i + 0.5) for i in range(1, 6)],
        header_line=None,
        mapping={"id": "column_1", "title": "column_2", "price": "column_7", "category": "", "brand": "column_6"},
    ),
    Case(
        "rows of words without a header, one brand twice",
        "t.csv",
        lines("Desk lamp,Acme,12.50", "Blue mug,Acme,7.00", "Wool rug,Bolt,9.00"),
        [("", "Desk lamp", 12.5), ("", "Blue mug", 7.0), ("", "Wool rug", 9.0)],
        header_line=None,
        mapping={"id": "", "title": "column_1", "brand": "column_2"},
    ),
    Case(
        "header in Chinese without a word of ours",
        "t.csv",
        lines("款号,款式描述,吊牌价格,库存", "a1,台灯,12.50,4", "a2,杯子,7,9", "a3,地毯,99.99,1", encoding="utf-8"),
        [("a1", "台灯", 12.5), ("a2", "杯子", 7.0), ("a3", "地毯", 99.99)],
        mapping={"id": "款号", "title": "款式描述", "price": "吊牌价格"},
    ),
    Case(
        "header in Greek",
        "t.csv",
        lines("Κωδικός;Περιγραφή είδους;Τιμή λιανικής;Απόθεμα", "a1;Desk lamp;12,50;4", "a2;Blue mug;7,00;9"),
        [LAMP, MUG],
        mapping={"id": "Κωδικός", "title": "Περιγραφή είδους", "price": "Τιμή λιανικής"},
    ),
    Case(
        "header in Arabic",
        "t.csv",
        lines("الرمز,الاسم,السعر,المخزون", "a1,Desk lamp,12.50,4", "a2,Blue mug,7.00,9"),
        [LAMP, MUG],
        mapping={"id": "الرمز", "title": "الاسم", "price": "السعر"},
    ),
    Case(
        "workbook, unknown header after a preamble and gaps",
        "t.xlsx",
        workbook(
            (
                "P",
                [
                    ["Price list", None, "2024"],
                    [],
                    ["qx", "wv", "zz", "pc"],
                    ["a1", "Desk lamp", 12.5, 1],
                    ["a2", "Blue mug", 7, 1],
                ],
            )
        ),
        [LAMP, MUG],
        header_line=3,
        mapping=_UNKNOWN,
    ),
    Case(
        "workbook, header of years that are numbers",
        "t.xlsx",
        workbook(
            (
                "P",
                [
                    ["xcode", "xtext", 2023, 2024],
                    ["a1", "Desk lamp", 12, 12.5],
                    ["a2", "Blue mug", 6, 7],
                    ["a3", "Wool rug", 95, 99.99],
                ],
            )
        ),
        THREE,
        mapping={"id": "xcode", "title": "xtext", "price": "2024"},
    ),
]

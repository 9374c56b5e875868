"""Files whose header is missing, repeated, late, foreign or ragged."""

from tests.worker.ingest.cases.base import HEAD, LAMP, MUG, ROWS, RUG, THREE, Case, lines

HEADERS = [
    Case(
        "preamble",
        "t.csv",
        lines("Export of shop.example", "", "created 2024-05-01, by Ann", HEAD, *ROWS),
        THREE,
        header_line=4,
    ),
    Case("preamble as wide as the table", "t.csv", lines("Price list 2024,,", ",,", HEAD, *ROWS), THREE, header_line=3),
    Case("comment lines", "t.csv", lines("# made by a machine", "# do not edit", HEAD, *ROWS), THREE, header_line=3),
    Case("footer", "t.csv", lines(HEAD, *ROWS, "3 rows exported"), THREE, {5: "1 cell instead of 3"}),
    Case(
        "header repeated", "t.csv", lines(HEAD, ROWS[0], HEAD, *ROWS[1:], HEAD), THREE, {3: "repeated", 6: "repeated"}
    ),
    Case("header twice at the top", "t.csv", lines(HEAD, HEAD, *ROWS), THREE, {2: "repeated"}),
    Case(
        "no header",
        "t.csv",
        lines("a1,Desk lamp with shade,12.50", "a2,Blue mug for tea,7", "a3,Wool rug,99.99"),
        [("a1", "Desk lamp with shade", 12.5), ("a2", "Blue mug for tea", 7.0), RUG],
        header_line=None,
    ),
    Case(
        "preamble and no header",
        "t.csv",
        lines("Our prices", "a1,Desk lamp with shade,12.50", "a2,Blue mug for tea,7.00"),
        [("a1", "Desk lamp with shade", 12.5), ("a2", "Blue mug for tea", 7.0)],
        header_line=None,
    ),
    Case(
        "column names used twice",
        "t.csv",
        lines("id,title,price,price", "a1,Desk lamp,12.5,9", "a2,Blue mug,7,6"),
        [LAMP, MUG],
    ),
    Case("column without a name", "t.csv", lines(",title,price", "a1,Desk lamp,12.5", "a2,Blue mug,7"), [LAMP, MUG]),
    Case(
        "row names of R",
        "t.csv",
        lines('"title","price"', '"1","Desk lamp",12.5', '"2","Blue mug",7'),
        [("1", "Desk lamp", 12.5), ("2", "Blue mug", 7.0)],
        told=["first column has no name"],
    ),
    Case("header in quotes over two lines", "t.csv", lines('id,"product\ntitle",price', *ROWS), THREE),
    Case("header in capitals with units", "t.csv", lines("SKU;PRODUCT_NAME;Price (EUR)", "a1;Desk lamp;12,50"), [LAMP]),
    Case(
        "German header",
        "t.csv",
        lines("Artikelnummer;Bezeichnung;Warengruppe;Hersteller;Preis in €", "a1;Desk lamp;Licht;Osram;1.012,50"),
        [("a1", "Desk lamp", 1012.5)],
        more={"category": ["Licht"], "brand": ["Osram"]},
    ),
    Case(
        "French header",
        "t.csv",
        lines("référence;désignation;marque;prix TTC", "a1;Desk lamp;Bic;12,50"),
        [LAMP],
        more={"brand": ["Bic"]},
    ),
    Case(
        "Spanish header",
        "t.csv",
        lines("código;nombre;descripción;precio", "a1;Desk lamp;De mesa;12,50"),
        [LAMP],
        more={"description": ["De mesa"]},
    ),
    Case(
        "Polish header",
        "t.csv",
        lines("indeks;nazwa;kategoria;cena", "a1;Desk lamp;Dom;12,50 zł"),
        [LAMP],
        more={"category": ["Dom"]},
    ),
    Case(
        "unknown words in the header",
        "t.csv",
        lines("aa,bb,cc", "k1,Desk lamp with shade,$12.50", "k2,Blue mug for tea,$7.00"),
        [("k1", "Desk lamp with shade", 12.5), ("k2", "Blue mug for tea", 7.0)],
    ),
    Case(
        "price column chosen by the user",
        "t.csv",
        lines("id,title,price,sale", "a1,Desk lamp,99,12.5", "a2,Blue mug,99,7"),
        [LAMP, MUG],
        mapping={"price": "sale"},
    ),
]

"""Files with quotes inside quoted cells, and lines that stand in quotes as a whole."""

from tests.worker.ingest.cases.base import HEAD, LAMP, MUG, ROWS, THREE, Case, lines

TOLD = "quotes inside quoted cells"

INNER_QUOTES = [
    Case("inches in a quoted cell", "t.csv", lines(HEAD, '"a1","TV 32" LED","5"', *ROWS[1:2]),
         [("a1", 'TV 32" LED', 5.0), MUG], told=[TOLD]),
    Case("inches at the end of a quoted cell", "t.csv",
         lines("title,description,price", '"Round table 48"","Oak, solid",120', '"Chair","Ash, soft",30'),
         [("", 'Round table 48"', 120.0), ("", "Chair", 30.0)], more={"description": ["Oak, solid", "Ash, soft"]},
         told=[TOLD]),
    Case("inches at the end of the last cell", "t.csv",
         lines("id,price,title", '"a1","5","TV 32"""', '"a2","6","TV 40""', '"a3","7","Mug"'),
         [("a1", 'TV 32"', 5.0), ("a2", 'TV 40"', 6.0), ("a3", "Mug", 7.0)]),
    Case("an apostrophe in single quotes", "t.csv",
         lines("'id','title','price'", "'a1','It won't do','5'", "'a2','Blue mug','7'"),
         [("a1", "It won't do", 5.0), MUG], told=[TOLD]),
    Case("apostrophes and delimiters in single quotes", "t.csv",
         lines("'id';'title';'price'", "'a1';'Men's shirt; red';'5'", "'a2';'Kids' hat';'7'"),
         [("a1", "Men's shirt; red", 5.0), ("a2", "Kids' hat", 7.0)], told=[TOLD]),
    Case("two names in quotes inside a quoted cell", "t.csv",
         lines(HEAD, '"a1","The "Big" and "Small" lamp","5"', '"a2","Blue mug","7"'),
         [("a1", 'The "Big" and "Small" lamp', 5.0), MUG], told=[TOLD]),
    Case("quotes around the first word of a cell that stands in none", "t.csv",
         lines(HEAD, 'a1,"Deluxe" lamp,5', 'a2,"Mug, blue",6'),
         [("a1", '"Deluxe" lamp', 5.0), ("a2", "Mug, blue", 6.0)], told=[TOLD]),
    Case("inches in a cell over two lines", "t.csv", lines(HEAD, '"a1","TV 32" LED,\nblack","5"', ROWS[1]),
         [("a1", 'TV 32" LED, black', 5.0), MUG]),
    Case("inches in a cell, then a quote that is never closed", "t.csv",
         lines(HEAD, 'b1,"TV 32" LED,5,x', *ROWS), THREE, {2: "never closed"}),
    Case("escaped quotes around a word without quotes around the cell", "t.csv",
         lines(HEAD, r"a1,\"Deluxe\" lamp,10.99", ROWS[1]), [("a1", '"Deluxe" lamp', 10.99), MUG]),
    Case("blanks behind a closing quote", "t.csv", lines(HEAD, '"a1" ,"Desk lamp"  ,12.5', ROWS[1]), [LAMP, MUG]),
    Case("every line in quotes", "t.csv",
         lines('"id,title,price"', '"1,""Lamp, 1"",19.99"', '"a2,Blue mug,7"'),
         [("1", "Lamp, 1", 19.99), MUG], told=["whole line stands in quotes"]),
    Case("lines with quotes in quotes, others not", "t.csv",
         lines("id,title,price", '"1,""Lamp, 1"",19.99"', "a2,Blue mug,7"),
         [("1", "Lamp, 1", 19.99), MUG], told=["whole line stands in quotes"]),
    Case("a quoted line that is no row", "t.csv", lines(HEAD, *ROWS, '"Prices, with tax"'), THREE, {5: "1 cell"}),
]  # fmt: skip

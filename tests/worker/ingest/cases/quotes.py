"""Files with quoting of every kind, broken quoting included."""

from tests.worker.ingest.cases.base import HEAD, LAMP, MUG, ROWS, THREE, Case, lines

QUOTES = [
    Case("everything quoted", "t.csv", lines(*('"' + row.replace(",", '","') + '"' for row in [HEAD, *ROWS])), THREE),
    Case("single quotes", "t.csv", lines(*("'" + row.replace(",", "','") + "'" for row in [HEAD, *ROWS])), THREE),
    Case(
        "delimiter, quote and line end in quotes",
        "t.csv",
        lines(HEAD, 'a1,"A ""big"" lamp,\nred",5', ROWS[1]),
        [("a1", 'A "big" lamp, red', 5.0), MUG],
    ),
    Case(
        "backslash escapes",
        "t.csv",
        lines(HEAD, r'a1,"A \"big\" lamp, red",5', r'a2,"Mug \"x\" y",6'),
        [("a1", 'A "big" lamp, red', 5.0), ("a2", 'Mug "x" y', 6.0)],
    ),
    Case(
        "backslash escapes without quotes around the cell",
        "t.csv",
        lines(HEAD, r"a1,\"Deluxe\" lamp,10.99", "a2,Chair,5", r'a3,"Mug \"x\" y",6', r"a4,TV 15\" black,7"),
        [("a1", '"Deluxe" lamp', 10.99), ("a2", "Chair", 5.0), ("a3", 'Mug "x" y', 6.0), ("a4", 'TV 15" black', 7.0)],
    ),
    Case(
        "backslashes that escape nothing beside some that do",
        "t.csv",
        lines(HEAD, r'a1,"Mug \"x\" y",6', r"a2,C:\temp \"a\",5", r'a3,"D:\new \"b\"",4', r"a4,\\server,3"),
        [("a1", 'Mug "x" y', 6.0), ("a2", r'C:\temp "a"', 5.0), ("a3", r'D:\new "b"', 4.0), ("a4", r"\server", 3.0)],
    ),
    Case(
        "a row over lines in which a cell is too large for the csv module, when read from its second line on",
        "t.csv",
        lines(HEAD, ROWS[0], 'b1,"', '",' + "y" * 100_000 + ',"' + "z" * 100_000 + '"', *ROWS[1:]),
        THREE,
        {3: "4 cells instead of 3"},
    ),
    Case(
        "inch sign in an unquoted cell",
        "t.csv",
        lines(HEAD, 'a1,TV 15" black,5', 'a2,"Mug, blue",6'),
        [("a1", 'TV 15" black', 5.0), ("a2", "Mug, blue", 6.0)],
    ),
    Case(
        "spaces before quotes",
        "t.csv",
        lines("id, title, price", 'a1, "Lamp, red", 5', 'a2, "Mug, blue", 6'),
        [("a1", "Lamp, red", 5.0), ("a2", "Mug, blue", 6.0)],
    ),
    Case(
        "unclosed quote at the beginning of a cell",
        "t.csv",
        lines(HEAD, ROWS[0], 'b1,"Lost quote,5', *ROWS[1:]),
        THREE,
        {3: "never closed"},
    ),
    Case(
        "unclosed quote in the last line", "t.csv", lines(HEAD, *ROWS, 'b1,"Lost quote,5'), THREE, {5: "never closed"}
    ),
    Case(
        "unclosed quote before quoted rows",
        "t.csv",
        lines(HEAD, '"b1,Lost,5', *('"' + row.replace(",", '","') + '"' for row in ROWS)),
        THREE,
        {2: "never closed"},
    ),
    Case(
        "two unclosed quotes",
        "t.csv",
        lines(HEAD, 'b1,"Lost,5', ROWS[0], 'b2,"Lost,5', *ROWS[1:]),
        THREE,
        {2: "never closed", 4: "never closed"},
    ),
    Case(
        "unclosed quote, then 3,000 good rows",
        "t.csv",
        lines(HEAD, 'b1,"Lost,5', *(f"x{i},Cup {i},3.50" for i in range(3000))),
        [(f"x{i}", f"Cup {i}", 3.5) for i in range(3000)],
        {2: "never closed"},
    ),
    Case(
        "text behind a closing quote",
        "t.csv",
        lines(HEAD, 'a1,"Desk" lamp,12.5', ROWS[1]),
        [("a1", '"Desk" lamp', 12.5), MUG],
    ),
    Case(
        "quotes first seen late",
        "t.csv",
        lines(HEAD, *(f"x{i},Cup {i},3.50" for i in range(40_000)), 'y,"Rug, ""red""",4'),
        [*((f"x{i}", f"Cup {i}", 3.5) for i in range(40_000)), ("y", 'Rug, "red"', 4.0)],
    ),
    Case(
        "ragged row over two lines",
        "t.csv",
        lines(HEAD, ROWS[0], '"b1","over\ntwo"', ROWS[1]),
        [LAMP, MUG],
        {3: "2 cells instead of 3"},
    ),
    Case(
        "empty cells in quotes",
        "t.csv",
        lines(HEAD, '"","Desk lamp",""', 'a2,"Blue mug",7'),
        [("", "Desk lamp", None), MUG],
    ),
]

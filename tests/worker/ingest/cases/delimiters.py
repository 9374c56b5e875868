"""Files whose cells are separated in unusual ways, and files with unusual line ends."""

from tests.worker.ingest.cases.base import HEAD, LAMP, MUG, PLAIN, ROWS, THREE, Case, lines

DELIMITERS = [
    Case(f"delimiter {name}", "t.csv", lines(*(row.replace(",", sign) for row in [HEAD, *ROWS])), THREE)
    for name, sign in [("semicolon", ";"), ("tab", "\t"), ("pipe", "|"), ("caret", "^"), ("unit separator", "\x1f")]
] + [
    Case("comma", "t.csv", PLAIN, THREE),
    Case(
        "sep line of Excel",
        "t.csv",
        lines("sep=;", "id;title;price", "a1;Lamp, big;1,5"),
        [("a1", "Lamp, big", 1.5)],
        header_line=2,
    ),
    Case(
        "semicolons and decimal commas",
        "t.csv",
        lines("id;title;price", "a1;Desk lamp;12,50", "a2;Blue mug;7,00"),
        [LAMP, MUG],
    ),
    Case(
        "semicolons, commas in every title",
        "t.csv",
        lines("id;title;price", "a1;Lamp, red;5", "a2;Mug, blue;6"),
        [("a1", "Lamp, red", 5.0), ("a2", "Mug, blue", 6.0)],
    ),
    Case(
        "one column",
        "t.txt",
        lines("title", "Desk lamp", "Blue mug, large", "Rug, wool, red, 2 m"),
        [("", "Desk lamp", None), ("", "Blue mug, large", None), ("", "Rug, wool, red, 2 m", None)],
    ),
    Case(
        "one column with blank lines",
        "t.txt",
        lines("title", "", "Desk lamp", "   ", "Blue mug", ""),
        [("", "Desk lamp", None), ("", "Blue mug", None)],
    ),
]


LINE_ENDS = [
    Case("CRLF", "t.csv", lines(HEAD, *ROWS, end="\r\n"), THREE),
    Case("CR", "t.csv", lines(HEAD, *ROWS, end="\r"), THREE),
    Case("CR CR LF", "t.csv", lines(HEAD, *ROWS, end="\r\r\n"), THREE),
    Case("mixed LF and CRLF", "t.csv", f"{HEAD}\r\n{ROWS[0]}\n{ROWS[1]}\r\n{ROWS[2]}\n".encode(), THREE),
    Case("LF file with CR rows behind it", "t.csv", f"{HEAD}\n{ROWS[0]}\n{ROWS[1]}\r{ROWS[2]}\r".encode(), THREE),
    Case("no line end at the end", "t.csv", PLAIN[:-1], THREE),
    Case("lone CR inside a cell", "t.csv", lines(HEAD, "a1,Desk\rlamp,12.5", ROWS[1]), [LAMP, MUG]),
    Case(
        "blank lines everywhere",
        "t.csv",
        lines("", "", HEAD, "", ROWS[0], "", "  ", ROWS[1], "", ROWS[2], "", ""),
        THREE,
        header_line=3,
    ),
    Case("CRLF inside quotes", "t.csv", lines(HEAD, '"a1","Desk\r\nlamp","12.50"', *ROWS[1:], end="\r\n"), THREE),
]

"""Files in many encodings, and files with bytes that are no text."""

from tests.worker.ingest.cases.base import HEAD, MUG, PLAIN, ROWS, THREE, Case, lines

ENCODINGS = [
    Case(
        f"encoding {encoding}",
        "t.csv",
        f"{HEAD}\nä1,Crème brûlée – 5 €,12.50\n".encode(encoding),
        [("ä1", "Crème brûlée – 5 €", 12.5)],
    )
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252")
] + [
    Case(
        "UTF-16 big endian with mark",
        "t.csv",
        b"\xfe\xff" + f"{HEAD}\na1,Crème,5\n".encode("utf-16-be"),
        [("a1", "Crème", 5.0)],
    ),
    Case("UTF-16 without mark", "t.csv", f"{HEAD}\na1,Crème,5\n".encode("utf-16-le"), [("a1", "Crème", 5.0)]),
    Case(
        "UTF-16, tabs, CRLF: Unicode text of Excel",
        "t.txt",
        "id\ttitle\tprice\r\na1\tCrème, dûr\t12,50\r\n".encode("utf-16"),
        [("a1", "Crème, dûr", 12.5)],
    ),
    Case("UTF-32", "t.csv", f"{HEAD}\na1,Crème,5\n".encode("utf-32"), [("a1", "Crème", 5.0)]),
    Case(
        "cp1252 far down",
        "t.csv",
        lines(HEAD, *(f"x{i},Cup {i},3.50" for i in range(60_000)), "y,Crème,4", encoding="cp1252"),
        [*((f"x{i}", f"Cup {i}", 3.5) for i in range(60_000)), ("y", "Crème", 4.0)],
    ),
    Case(
        "broken UTF-8 in one row",
        "t.csv",
        lines(HEAD, "a1,Crème brûlée äöüß éèêë,5") + b"b1,bad \xff byte,5\n" + lines(ROWS[1]),
        [("a1", "Crème brûlée äöüß éèêë", 5.0), MUG],
        {3: "bytes that are no text"},
    ),
    Case("NUL bytes in one row", "t.csv", lines(HEAD, ROWS[0], "b1,bad \0 byte,5", *ROWS[1:]), THREE, {3: "NUL"}),
    Case(
        "UTF-16 cut in the middle of a character",
        "t.csv",
        f"{HEAD}\na1,Lamp,5\na2,Mug,61".encode("utf-16")[:-1],
        [("a1", "Lamp", 5.0)],
        {3: "bytes that are no text"},
    ),
    Case(
        "emoji, Chinese, Arabic",
        "t.csv",
        lines(HEAD, "a1,灯 💡,5", "a2,كوب,6"),
        [("a1", "灯 💡", 5.0), ("a2", "كوب", 6.0)],
    ),
    Case("mark in the middle of the file", "t.csv", PLAIN + b"\xef\xbb\xbfa4,Vase,4\n", [*THREE, ("a4", "Vase", 4.0)]),
]

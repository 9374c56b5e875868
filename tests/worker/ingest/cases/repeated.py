"""Files in which the same line stands many times in a row, as item or as reject."""

import gzip
from collections.abc import Sequence

from tests.worker.ingest.cases.base import HEAD, LAMP, MUG, ROWS, RUG, THREE, Case, Item, lines, workbook

EMPTY, WIDTH, TITLE = "every cell is empty", "wrong number of cells", "no title"
VASE: Item = ("v1", "Vase", 3.0)
MANY = 100  # more than it takes for lines to be read once
FILL = [f'g{i},"Good thing {i}",{i + 1}.50' for i in range(600)]
"""Rows enough to say what the columns mean, whatever comes behind them."""

FILLED: list[Item] = [(f"g{i}", f"Good thing {i}", i + 1.5) for i in range(600)]


def case(
    name: str,
    rows: Sequence[str],
    items: list[Item],
    rejects: dict[int, str] | None = None,
    *,
    end: str = "\n",
    encoding: str = "utf-8",
) -> Case:
    """Rows and lines of rejects counted from the header on, as if the rows before these were not there."""
    data = lines(HEAD, *FILL, *rows, end=end, encoding=encoding)
    below = {line + len(FILL): reason for line, reason in (rejects or {}).items()}
    return Case(name, "t.csv", data, [*FILLED, *items], below)


def between(name: str, line: str, reason: str, *, count: int = MANY, end: str = "\n", encoding: str = "utf-8") -> Case:
    """The same line `count` times between good ones."""
    rejects = dict.fromkeys(range(3, 3 + count), reason)
    return case(name, [ROWS[0], *[line] * count, *ROWS[1:]], THREE, rejects, end=end, encoding=encoding)


REPEATED = [
    between("many rows of delimiters", ",,", EMPTY),
    between("many rows of delimiters and blanks", " , ,", EMPTY),
    between("many rows with cells too few", "x", WIDTH),
    between("many rows with a cell too many", "x,y,1,2", WIDTH),
    between("many rows of one cell", "Total", WIDTH),
    between("many rows without a title", "x,,5", TITLE),
    between("many rows with words for a price", "x,Lamp,lots", "'lots' is not a number"),
    between("many repeated headers", HEAD, "repeated"),
    between("many rows whose quote is never closed", 'x,"Lamp,5', "never closed"),
    between("many rows with NUL bytes", "x,La\0mp,5", "NUL"),
    between("many rows of delimiters, Windows lines", ",,", EMPTY, end="\r\n"),
    between("many rows of delimiters in UTF-16", ",,", EMPTY, encoding="utf-16"),
    between("many accented rows without a price", "é,Lämpchen,häufig", "'häufig' is not a number"),
    between("few equal rejects", "x", WIDTH, count=3),
    case(
        "many equal rows are as many items",
        [ROWS[0], *["v1,Vase,3"] * MANY, ROWS[1]],
        [LAMP, *[VASE] * MANY, MUG],
    ),
    case(
        "many equal rows whose last cell was left out are padded",
        [ROWS[0], *["v1,Vase"] * MANY, ROWS[1]],
        [LAMP, *[("v1", "Vase", None)] * MANY, MUG],
    ),
    case(
        "runs of equal items and of equal rejects by turns",
        [*["v1,Vase,3"] * 100, *[",,"] * 100, *["v1,Vase,3"] * 100, *["x"] * 100, ROWS[2]],
        [*[VASE] * 200, RUG],
        dict.fromkeys(range(102, 202), EMPTY) | dict.fromkeys(range(302, 402), WIDTH),
    ),
    case(
        "two rejects by turns",
        [ROWS[0], *[",,", "x"] * 200, ROWS[1]],
        [LAMP, MUG],
        dict.fromkeys(range(3, 403, 2), EMPTY) | dict.fromkeys(range(4, 403, 2), WIDTH),
    ),
    case(
        "blank lines between equal rejects",
        [ROWS[0], *[",,", ""] * 200, ROWS[1]],
        [LAMP, MUG],
        dict.fromkeys(range(3, 403, 2), EMPTY),
    ),
    case("many blank lines", [ROWS[0], *[""] * 1000, ROWS[1]], [LAMP, MUG]),
    case(
        "rejects of one length that differ in their last byte",
        [ROWS[0], *[f"x,Lamp,a{i % 10}" for i in range(300)], ROWS[1]],
        [LAMP, MUG],
        {3 + i: f"'a{i % 10}' is not a number" for i in range(300)},
    ),
    case(
        "equal rows of several lines each",
        [*['v1,"Vase\nblue",3'] * 200, *['x,"Vase\nblue",lots'] * 100, ROWS[0]],
        [*[("v1", "Vase blue", 3.0)] * 200, LAMP],
        dict.fromkeys(range(402, 602, 2), "'lots' is not a number"),
    ),
    Case(
        "equal rejects to the end of a file without a last line end",
        "t.csv",
        lines(HEAD, *FILL, *[",,"] * MANY).removesuffix(b"\n"),
        FILLED,
        dict.fromkeys(range(602, 602 + MANY), EMPTY),
    ),
    case(
        "equal rejects from the first row on",
        [*[",,"] * MANY, *ROWS],
        THREE,
        dict.fromkeys(range(2, 2 + MANY), EMPTY),
    ),
    Case(
        "one column, many equal rows",
        "t.csv",
        lines("title", "Desk lamp", *["Vase"] * MANY, *['""'] * 300, "Blue mug"),
        [("", "Desk lamp", None), *[("", "Vase", None)] * MANY, ("", "Blue mug", None)],
        dict.fromkeys(range(3 + MANY, 303 + MANY), EMPTY),
    ),
    Case(
        "equal rejects over the borders of blocks, packed",
        "t.csv.gz",
        lambda: gzip.compress(lines(HEAD, *FILL, *["x,Lamp,a price nobody knows"] * 330_000, ROWS[1])),
        [*FILLED, MUG],
        dict.fromkeys(range(602, 330_602), "is not a number"),
        mapping={"id": "id"},
    ),
    Case(
        "a workbook with many rows without a title",
        "t.xlsx",
        lambda: workbook(
            ("P", [["id", "title", "price"], ["a1", "Desk lamp", 12.5], ["a2", "Blue mug", 7], *[["x", None, 5]] * 70])
        ),
        [LAMP, MUG],
        dict.fromkeys(range(4, 74), TITLE),
        mapping={"id": "id", "title": "title", "price": "price"},
    ),
]

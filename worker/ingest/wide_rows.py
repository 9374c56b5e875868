"""Reads tables whose rows have more cells than the header has names."""

from collections.abc import Sequence

from worker.ingest.header import Layout, Row
from worker.ingest.open_table import clean

_SHOWN = 8  # columns of the example
_LONGEST = 40


def reading(layout: Layout, rows: Sequence[Row]) -> str:
    """The way such rows are read, in words without a full stop, with the first of them as the example; "" = there are
    none.

    `rows` are those of the sample that would be loaded. A cell cut in two (19,50) and a column that the header forgot
    look the same, and both move every cell behind them: a person has to say that the reading is right.
    """
    named = len(layout.header)
    while named and not layout.header[named - 1].strip():
        named -= 1
    beyond = [row for row in rows if any(cell.strip() for cell in row.cells[named:])]
    # Where the header has room for the column, as in every sheet, a few notes behind the table move nothing.
    has_room = len(layout.header) == len(layout.columns)
    if layout.header_line is None or not beyond or (has_room and 2 * len(beyond) <= len(rows)):
        return ""
    return sentence(layout, layout.columns, beyond[0], len(beyond), len(rows))


def sentence(layout: Layout, columns: Sequence[str], row: Row, beyond: int, rows: int) -> str:
    """How a row with more cells than there are names is read. beyond: of `rows` that were looked at, so many are."""
    named = len(layout.header)
    while named and not layout.header[named - 1].strip():
        named -= 1
    pairs = zip(columns, row.cells, strict=True)
    shown = [f"{column} = {_short(cell)}" for column, cell in pairs if cell.strip()]
    more = " …" if len(shown) > _SHOWN else ""
    which = "all" if beyond == rows else f"{beyond:,} of the first {rows:,}"
    return clean(
        f"The header names {named} column{'s' * (named != 1)}, but {which} rows have more cells, so that line "
        f"{row.line} is read as {', '.join(shown[: _SHOWN - 1] + shown[-1:] if more else shown)}{more}"
    )


def _short(cell: str) -> str:
    text = " ".join(cell.split())
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"

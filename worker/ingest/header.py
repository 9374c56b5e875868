"""The header of a table: its place, what stands before it, and the table's width."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from worker.ingest import column_synonyms, prices

_SEARCHED = 100
"""Rows in which the header is looked for: preambles are shorter."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int  # 1-based, where it begins
    cells: list[str]
    lines: int = 1
    text: str = ""
    numbers: frozenset[int] = frozenset()  # positions of the cells that the file itself calls numbers
    note: str = ""  # what was irregular in its quoting and is mended

    @property
    def is_blank(self) -> bool:
        return not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Layout:
    header_line: int | None
    skip_lines: int  # lines before the first row of data
    preamble: list[str]
    columns: list[str]
    rows: list[Row]  # of data, as far as the sample goes; they may have any number of cells
    header: Sequence[str] = ()  # its cells as they stand


def usual_width(rows: Sequence[Row]) -> int:
    widths = Counter(len(row.cells) for row in rows if not row.is_blank)
    # Preambles and footers are narrow, so width counts as well as number.
    return max(widths, key=lambda width: (widths[width] * (width > 1), widths[width])) if widths else 0


def layout(rows: Sequence[Row]) -> Layout:
    """The layout with the header that is found without help."""
    position = _find(rows)
    if position is not None:
        return at_line(rows, rows[position].line)
    width = usual_width(rows)
    # A line of one cell above a table is no row of it; one with too few or too many is, and will be a reject.
    first = next((i for i, row in enumerate(rows) if len(row.cells) > (width > 1) and not row.is_blank), 0)
    return without_header(rows, first)


def at_line(rows: Sequence[Row], line: int) -> Layout:
    """The layout whose header is the row that begins at (or covers) this line."""
    before = [row for row in rows if row.line + row.lines <= line]
    header = next((row for row in rows if row.line + row.lines > line), None)
    data = list(rows[len(before) + 1 :])
    cells = header.cells if header else []
    skip = header.line + header.lines - 1 if header else line
    preamble = [row.text for row in before if row.text.strip()]
    return Layout(line if header else None, skip, preamble, _columns(cells, data), data, cells)


def without_header(rows: Sequence[Row], first: int) -> Layout:
    """The layout without a header: all rows from the one with index `first` on are data."""
    data = list(rows[first:])
    skip = data[0].line - 1 if data and first else 0
    columns = [f"column_{i + 1}" for i in range(usual_width(data))]
    return Layout(None, skip, [row.text for row in rows[:first] if row.text.strip()], columns, data)


def after_preamble(rows: Sequence[Row], preamble: int) -> int:
    """Index of the first row behind this many rows that are not blank."""
    position = 0
    while preamble and position < len(rows):
        preamble -= bool(rows[position].text.strip())
        position += 1
    return position


def _find(rows: Sequence[Row]) -> int | None:
    width = usual_width(rows)
    for i, row in enumerate(rows[:_SEARCHED]):
        filled = [cell for cell in row.cells if cell.strip()]
        known = sum(map(column_synonyms.is_known, filled))
        if not filled or len(filled) < 0.6 * len(row.cells) or (width > 1 and len(row.cells) < 2):
            continue
        fits = len(row.cells) == width
        if not fits and known < 2:  # two words that name columns are a header whatever the rows below look like
            continue
        if _looks_like_header(filled, known) and (known or _differs(row, rows[i + 1 :])):
            return i
        if fits:
            return None
    return None


def _looks_like_header(filled: Sequence[str], known: int) -> bool:
    numbers = sum(map(prices.is_bare, filled))
    if numbers and known < 2:
        return False
    if known:
        return all(len(cell) <= 200 for cell in filled) and 3 * known >= len(filled) - 3
    return all(len(cell.strip()) <= 40 for cell in filled) and len(set(filled)) == len(filled)


def _differs(row: Row, below: Sequence[Row]) -> bool:
    """Whether a row of unknown words stands out from the rows below it."""
    data = [other for other in below[:300] if len(other.cells) == len(row.cells)]
    if not data:
        return False
    for i, cell in enumerate(row.cells):
        column = [other.cells[i].strip() for other in data if other.cells[i].strip()]
        if not column:
            continue
        if prices.share_of_prices(column) >= 0.8:
            return True
        if cell.strip() in column:
            return False
        if median(map(len, column)) > 2 * len(cell.strip()) + 10:
            return True
    # Nothing tells: most files have a header, and words without digits are likelier one than data.
    return not any(c.isdigit() for cell in row.cells for c in cell) and all(len(c.split()) <= 3 for c in row.cells)


def _is_surplus_meant(same: Sequence[Row], data: Sequence[Row], width: int) -> bool:
    """Whether there are columns without a name. Empty ones behind a last delimiter, or ones that nearly every row has.

    Else it is delimiters in unquoted text that make rows wide, and those rows are better rejected than shifted.
    """
    rows = sum(not row.is_blank for row in data)
    return len(same) >= 0.95 * rows or not any(cell.strip() for row in same for cell in row.cells[width:])


def _columns(cells: Sequence[str], data: Sequence[Row]) -> list[str]:
    """The columns' names: unique, not empty, as many as the rows have cells where that is clear."""
    header = [" ".join(cell.split()) for cell in cells]
    width = usual_width(data)
    same = [row for row in data if len(row.cells) == width]
    if width > len(header) and same:
        numbers = [row.cells[0].strip() for row in same]
        if width == len(header) + 1 and numbers == [str(i + 1) for i in range(len(numbers))]:
            header = ["", *header]  # R writes row names without a name for their column
        elif _is_surplus_meant(same, data, len(header)):
            header += [""] * (width - len(header))
    elif 0 < width < len(header) and not any(header[width:]):
        header = header[:width]
    return unique(header)


def unique(header: Sequence[str]) -> list[str]:
    """Names of columns that are not empty and differ."""
    names: list[str] = []
    taken: set[str] = set()
    for i, name in enumerate(header):
        unique, number = name or f"column_{i + 1}", 2
        while unique in taken:
            unique, number = f"{name or f'column_{i + 1}'}_{number}", number + 1
        taken.add(unique)
        names.append(unique)
    return names

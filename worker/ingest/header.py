"""The header of a table: its place, what stands before it, and the table's width."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from worker.ingest import header_contrast

_SEARCHED = 100
"""Rows in which the header is looked for: preambles are shorter."""

_COMPARED = 40
"""Rows below a line that it is compared with."""

_MOST_HEADER_ROWS = 3

_FEW = (
    3  # whole rows above a header that may be notes; below more of them it has to be sure, for they are likelier data
)
_MOST_UNDECIDED = 15
"""Whole rows in a row that are like a header as little as like the data below."""


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
    """Index of the header: the first row that stands out from those below it, or the last of several such in a row
    (labels for people above names for machines, groups above columns)."""
    width = usual_width(rows)
    usual = median([_filled(row) for row in rows[: 2 * _SEARCHED] if len(row.cells) == width] or [0])
    undecided = 0
    for i, row in enumerate(rows[:_SEARCHED]):
        if row.is_blank or (width > 1 and len(row.cells) < 2):
            continue
        contrast = header_contrast.between(row.cells, _cells_below(rows, i))
        fits = len(row.cells) == width
        if fits and _filled(row) >= 0.6 * usual:
            is_header = contrast.is_header and (undecided < _FEW or contrast.is_sure)
            if is_header or (not undecided and contrast.may_be_header):
                return _last_of(rows, i, contrast)
            if contrast.against:
                return None  # a row of data: what stands above it was none
            undecided += 1
            if undecided > _MOST_UNDECIDED:
                return None
        # Two words that name columns are a header whatever the rows below look like.
        elif contrast.is_sure and (contrast.known >= 2 or len(row.cells) >= width):
            return _last_of(rows, i, contrast)
    return None


def _last_of(rows: Sequence[Row], first: int, contrast: header_contrast.Contrast) -> int:
    """Index of the last row of a header that begins here."""
    last = first
    for i in range(first + 1, min(first + 1 + _MOST_HEADER_ROWS, len(rows))):
        below = header_contrast.between(rows[i].cells, _cells_below(rows, i))
        is_fuller = _filled(rows[i]) > _filled(rows[last]) or below.known >= contrast.known + 2
        names = is_fuller or (below.is_for_machines and not contrast.is_for_machines)
        same = rows[i].cells == rows[last].cells
        if same or not names or not below.is_sure or below.score < 0.6 * contrast.score:
            break
        last, contrast = i, below
    return last


def _filled(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)


def _cells_below(rows: Sequence[Row], i: int) -> list[list[str]]:
    """The cells of the rows below one, without those that repeat it."""
    return [row.cells for row in rows[i + 1 : i + 1 + _COMPARED] if not row.is_blank and row.cells != rows[i].cells]


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

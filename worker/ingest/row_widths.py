"""Finds what explains that rows of a text have another number of cells than the header has names."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from worker.ingest import column_synonyms, header, row_mends, wide_rows
from worker.ingest.header import Layout, Row
from worker.ingest.item_rules import is_header
from worker.ingest.open_table import clean
from worker.ingest.row_mends import Mending, Way

_NEARLY_ALL = 0.95


@dataclass(frozen=True, slots=True)
class Explained:
    layout: Layout  # its rows are mended
    mending: Mending | None = None
    question: str | None = None  # what a person has to confirm, "" = nothing; None = nothing explains the wide rows
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Option:
    """One explanation of a table all of whose rows are one cell wider than the header."""

    names: list[str]
    is_sure: bool
    why: str
    mending: Mending | None = None


def explain(layout: Layout, delimiter: str) -> Explained:
    """The layout with its rows mended where that is certain, and what to tell or to ask about it."""
    if not delimiter or not layout.columns:
        return Explained(layout)
    rows = [row for row in layout.rows if not row.is_blank and not is_header(row.cells, layout.columns)]
    named = len(layout.header)
    wide = [row for row in rows if any(cell.strip() for cell in row.cells[named:])]
    if layout.header_line is None or not named or len(wide) < _NEARLY_ALL * len(rows) or not wide:
        return _some_rows(layout, rows, delimiter)
    names = list(map(_tidy, layout.header))
    by_name = Mending(named, delimiter, row_mends.kinds_of(rows, names), tuple(names), pads=True)
    ways: tuple[Way, ...] = ("escape", "blank")
    for way in ways:
        mending = replace(by_name, ways=(way,))
        if all(mending.apply(row.cells) for row in wide) and (way == "escape" or not _begin_blank(rows, named)):
            return _mended(replace(layout, columns=header.unique(names)), mending)
    options = list(_options(names, wide, by_name)) if header.usual_width(wide) == named + 1 else []
    sure = [option for option in options if option.is_sure]
    if not options:
        return _some_rows(layout, rows, delimiter)
    option = (sure or options)[0]
    columns = header.unique(option.names)
    kinds = row_mends.kinds_of(rows, columns)
    mending = option.mending or Mending(len(columns), delimiter, kinds, tuple(columns), pads=True)
    found = _mended(replace(layout, columns=columns), mending)
    if len(sure) == 1:
        return replace(found, question="", warnings=(*found.warnings, *([f"{option.why}."] * (not option.mending))))
    example = next(row for row in wide if len(row.cells) == named + 1)
    shown = mending.apply(example.cells) if option.mending else None
    cells = shown[0] if shown else example.cells
    asked = wide_rows.sentence(layout, columns, replace(example, cells=cells), len(wide), len(rows))
    return replace(found, question=clean(f"{asked}: {option.why[0].lower()}{option.why[1:]}"), warnings=())


def _options(names: list[str], wide: Sequence[Row], by_name: Mending) -> Iterator[_Option]:
    """What may explain rows with one cell more than there are names, the likeliest first."""
    rows = [row.cells for row in wide if len(row.cells) == len(names) + 1]
    at_end = _holds([*names, ""], rows)
    if by_name.delimiter == ",":
        for place, name in enumerate(names):
            mending = replace(by_name, ways=("number",), place=place)
            if column_synonyms.score(name, "price") > 0 and all(mending.apply(cells) for cells in rows):
                tails = [cells[place + 1] for cells in rows]
                why = f"{by_name.sign.capitalize()} in the middle of '{name}' is taken for part of the number"
                yield _Option(names, row_mends.are_certainly_cut(tails), why, mending)
    for place, name in enumerate(names):
        for pair in _two_names(name):
            split = [*names[:place], *pair, *names[place + 1 :]]
            if _holds(split, rows):
                yield _Option(
                    split, is_sure=True, why=f"'{name}' in the header are two names: a comma is missing there"
                )
                return
    if _holds(["", *names], rows) and not at_end:
        counts = _is_counter([cells[0] for cells in rows])
        yield _Option(["", *names], counts, "The first column has no name in the header, and every name moves by one")
    if at_end:
        yield _Option([*names, ""], is_sure=False, why="The last column has no name in the header")


def _holds(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the columns that bear names of prices and titles hold such."""
    for i, name in enumerate(names):
        numbers = sum(row_mends.is_number(cells[i]) for cells in rows) / len(rows)
        if column_synonyms.score(name, "price") > 0 and numbers < 0.5:
            return False
        title = column_synonyms.score(name, "title")
        if title > 0.5 and title > column_synonyms.score(name, "id") and numbers > 0.5:
            return False
    return True


def _two_names(name: str) -> Iterator[list[str]]:
    """The ways in which a name of the header is two known ones."""
    if not column_synonyms.is_known(name):
        for at in range(2, len(name) - 1):
            pair = [re.sub(r"^\W+|\W+$", "", part) for part in (name[:at], name[at:])]
            if all(len(part) > 1 and column_synonyms.is_known(part) for part in pair):
                yield pair


def _is_counter(cells: Sequence[str]) -> bool:
    """Whether these count the rows: 1, 2, 3 or row1, row2."""
    parts = [re.fullmatch(r"(\D{0,20})(\d{1,9})", cell.strip()) for cell in cells]
    if len(parts) < 2 or not all(parts) or len({part[1] for part in parts if part}) > 1:
        return False
    numbers = [int(part[2]) for part in parts if part]
    return numbers[0] in (0, 1) and all(b == a + 1 for a, b in pairwise(numbers))


def _begin_blank(rows: Sequence[Row], width: int) -> bool:
    """Whether blanks follow delimiters in rows that have the right number of cells."""
    return any(_begins_blank(cell) for row in rows if len(row.cells) == width for cell in row.cells[1:])


def _some_rows(layout: Layout, rows: Sequence[Row], delimiter: str) -> Explained:
    """Mends the rows that are not as the others."""
    width = len(layout.columns)
    kinds = row_mends.kinds_of(rows, layout.columns)
    has_header = layout.header_line is not None
    mending = Mending(width, delimiter, kinds, tuple(layout.columns), pads=has_header)
    wide = [row.cells for row in rows if len(row.cells) > width]
    full = [row.cells for row in rows if len(row.cells) == width]
    ways: list[Way] = ["escape"] * any(_ends_escaped(cells) for cells in wide)
    if not _begin_blank(rows, width):
        ways.append("blank")
    place = _cut_column(mending, wide, full)
    if place >= 0:
        ways.append("number")
    elif len(full) >= 2:
        ways.append("text")
    found = _mended(layout, replace(mending, ways=tuple(ways), place=place))
    told = [*found.warnings, *filter(None, [_cut_behind_blank(layout, full)])]
    return replace(found, question=_too_short(layout, rows) or None, warnings=tuple(told))


def _cut_behind_blank(layout: Layout, full: Sequence[list[str]]) -> str:
    """That texts without a header were perhaps cut: all cells of one column begin with a blank, as behind a delimiter
    in a sentence, and no others do."""
    if layout.header_line is not None:
        return ""
    columns = list(zip(*full, strict=True))
    begin = [i for i, cells in enumerate(columns) if any(map(_begins_blank, cells))]
    if len(begin) != 1 or not begin[0]:
        return ""
    filled = [cell for cell in columns[begin[0]] if cell]
    if not all(map(_begins_blank, filled)) or len(filled) < 0.9 * len(full):
        return ""
    name, before = layout.columns[begin[0]], layout.columns[begin[0] - 1]
    return (
        f"All cells of '{name}' begin with a blank, and no others do: they may be the rest of the texts in '{before}', "
        "cut at a delimiter that stands in them without quotes."
    )


def _begins_blank(cell: str) -> bool:
    return cell[:1] == " " and bool(cell.strip())


def _ends_escaped(cells: Sequence[str]) -> bool:
    return any(cell.endswith("\\") for cell in cells[:-1])


def _cut_column(mending: Mending, wide: Sequence[list[str]], full: Sequence[list[str]]) -> int:
    """The column whose numbers a comma cuts in all rows that are too long; -1 = there is none for certain."""
    if mending.delimiter != "," or len(wide) < 2:
        return -1
    for place, kind in enumerate(mending.kinds):
        way = replace(mending, ways=("number",), place=place)
        if kind == "number" and all(way.apply(cells) for cells in wide):
            whole = [cells[place] for cells in full]
            if row_mends.are_certainly_cut([cells[place + 1] for cells in wide]) and not any(
                "," in cell for cell in whole
            ):
                return place
    return -1


def _too_short(layout: Layout, rows: Sequence[Row]) -> str:
    """The question put by rows that end before the price that the header names, while another column holds numbers."""
    width = header.usual_width(rows)
    if layout.header_line is None or not 1 < width < len(layout.columns):
        return ""
    missing = [name for name in layout.columns[width:] if column_synonyms.score(name, "price") > 0]
    short = [row for row in rows if len(row.cells) == width]
    for i, name in enumerate(layout.columns[:width]):
        is_open = column_synonyms.score(name, "price") == 0 and column_synonyms.score(name, "id") == 0
        if missing and is_open and sum(row_mends.is_number(row.cells[i]) for row in short) >= 0.8 * len(short):
            return clean(
                f"The header names {len(layout.columns)} columns, but {len(short):,} of the first {len(rows):,} rows "
                f"have {width} cells, so that '{missing[0]}' is empty and '{name}' = {short[0].cells[i]}"
            )
    return ""


def _mended(layout: Layout, mending: Mending) -> Explained:
    rows: list[Row] = []
    done: Counter[str] = Counter()
    for row in layout.rows:
        mended = None if len(row.cells) == mending.width or row.is_blank or row.lines > 1 else mending.apply(row.cells)
        if mended:
            done[mended[1]] += 1
        elif row.note:
            done[row.note] += 1
        rows.append(replace(row, cells=mended[0]) if mended else row)
    count = sum(not row.is_blank for row in rows)
    warnings = [clean(f"{done[what]:,} of the first {count:,} rows are mended: {what}.") for what in done]
    return Explained(replace(layout, rows=rows), mending, "", tuple(warnings))


def _tidy(name: str) -> str:
    return " ".join(name.split())

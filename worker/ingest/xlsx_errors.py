"""The cells of a workbook without a value to read: errors such as #DIV/0!, and formulas whose result is not stored."""

import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from worker import amounts
from worker.ingest import xlsx_grid

_ERROR = re.compile(
    rb'<(?:\w+:)?c (?=[^<>]*\bt="e")(?:[^<>]*?\br="([A-Z]+[0-9]+)")?[^<>]*>.*?<(?:\w+:)?v>([^<]*)<', re.DOTALL
)
_NO_RESULT = re.compile(  # an empty text that is stored is a result: t="str"
    rb'<(?:\w+:)?c(?![^<>]*\bt="str")(?:[^<>]*?\br="([A-Z]+[0-9]+)")?[^<>]*>\s*'
    rb"<(?:\w+:)?f(?:[^<>]*/>|[^<>]*>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*"
    rb"</(?:\w+:)?c>"
)
_NOT_STORED = "no stored result"


def warnings_of(path: Path, sheet: str) -> list[str]:
    """Sentences on the cells of a sheet that are read as empty, although something stands there."""
    with zipfile.ZipFile(path) as archive:
        parts = [part for part, name in xlsx_grid.sheets_of(archive).items() if name == sheet]
        found = [cell for part in parts if part in archive.namelist() for cell in _cells(archive, part)]
    said = []
    errors = [(reference, error) for reference, error in found if error != _NOT_STORED]
    if errors:
        kinds = Counter(error for _, error in errors)
        listed = amounts.listed([f"{error} {count:,}" for error, count in sorted(kinds.items())])
        said.append(f"{_told(errors, f'an error ({listed})')}.")
    formulas = [(reference, error) for reference, error in found if error == _NOT_STORED]
    if formulas:
        advice = "save the file in a spreadsheet program to have the results in it"
        said.append(f"{_told(formulas, 'a formula without a stored result')}; {advice}.")
    return said


def _told(cells: Sequence[tuple[str, str]], what: str) -> str:
    count, first = len(cells), cells[0][0] or "unnamed"
    hold, are = ("holds", "It is") if count == 1 else ("hold", "They are")
    places = f", {first} the first" if count > 1 else f" ({first})"
    return f"{amounts.count(count, 'cell')} of the sheet {hold} {what}{places}. {are} read as empty{_columns(cells)}"


def _columns(cells: Sequence[tuple[str, str]]) -> str:
    """Where they stand: " (column C 3, column D 1)"."""
    counts: dict[str, int] = {}
    for reference, _ in cells:
        letters = reference.rstrip("0123456789")
        counts[letters] = counts.get(letters, 0) + 1
    if "" in counts:
        return ""
    most = sorted(counts, key=lambda letters: -counts[letters])[:5]
    return f" ({', '.join(f'column {letters} {counts[letters]:,}' for letters in most)})"


def _cells(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, str]]:
    """Reference, and the error or _NOT_STORED, of each such cell, in the order of the sheet."""
    tail = b""
    for block in xlsx_grid.blocks_of(archive, part):
        data = tail + block
        cut = data.rfind(b"</row>") + 1 or data.rfind(b"<")
        data, tail = data[:cut], data[cut:]
        yield from _in(data)
    yield from _in(tail)


def _in(data: bytes) -> Iterator[tuple[str, str]]:
    found = []
    if b't="e"' in data:
        found += [(m.start(), m[1], m[2].decode("ascii", "replace")) for m in _ERROR.finditer(data)]
    if b"<f" in data or b":f" in data:
        found += [(m.start(), m[1], _NOT_STORED) for m in _NO_RESULT.finditer(data)]
    for _, reference, error in sorted(found):
        yield (reference or b"").decode("ascii"), error

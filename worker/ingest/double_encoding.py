"""Text that was encoded twice ("CafÃ©" for "Café") or lost letters: found and told, never changed."""

import re
from collections.abc import Iterable

from worker.ingest.header import Row

# What the bytes of UTF-8 look like when they are read as cp1252: a first letter, and what follows it.
_FOLLOWS = (
    "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u2013-\u2026\u2030\u2039\u203a\u20ac\u2122"
)
_TWICE = re.compile(f"[\u00c2-\u00c5\u00ce-\u00d1\u00e2\u00e3][{_FOLLOWS}]{{1,2}}")
_MEANT = re.compile("[\u00a1-\u017f\u0370-\u04ff\u2010-\u2044\u20a0-\u20bf\u2122\u3040-\u30ff]")
_SHOWN = 30


def once(text: str) -> str:
    """The text with what was encoded twice as it was meant."""
    return _TWICE.sub(lambda found: _meant(found[0]) or found[0], text)


def _meant(piece: str) -> str:
    raw = b"".join(_byte(character) for character in piece)
    for length in (len(raw), 2):  # a letter of two bytes may stand in front of a mark of its own
        try:
            letter = raw[:length].decode()
        except UnicodeDecodeError:
            continue
        if len(letter) == 1 and _MEANT.fullmatch(letter):
            return letter + piece[length:]
    return ""


def _byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:  # five bytes that cp1252 leaves out
        return character.encode("latin-1", "replace")


def told(rows: Iterable[Row]) -> str:
    """How many cells look encoded twice, with the first as the example; "" = none does."""
    count, total, example = 0, 0, ""
    for row in rows:
        total += 1
        for cell in row.cells:
            if _TWICE.search(cell) and once(cell) != cell:
                count += 1
                example = example or cell
    if not count:
        return ""
    found = next(found for found in _TWICE.finditer(example) if _meant(found[0]))
    start = example.rfind(" ", 0, found.start()) + 1
    piece = example[start : start + _SHOWN]
    cells = "1 cell looks" if count == 1 else f"{count:,} cells look"
    are = "it is" if count == 1 else "they are"
    return (
        f"{cells} encoded twice in the first {total:,} rows, such as {piece!r} for {once(piece)!r}; {are} loaded like "
        "this: export the file again as UTF-8 to put it right."
    )


def lost(rows: Iterable[Row]) -> str:
    """How many cells hold the sign for a letter that another program could not read; "" = none does."""
    cells = [cell for row in rows for cell in row.cells if "\ufffd" in cell]
    if not cells:
        return ""
    holds = "1 cell holds" if len(cells) == 1 else f"{len(cells):,} cells hold"
    start = max(0, cells[0].index("\ufffd") - _SHOWN // 2)
    return (
        f"{holds} \ufffd where characters were lost before the file came here, such as "
        f"{cells[0][start : start + _SHOWN]!r}; export the file again as UTF-8 to have them."
    )

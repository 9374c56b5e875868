"""Tidies the text of a cell.

White space of every kind becomes one space, nothing stands at the ends, invisible characters go, HTML is read as what
it shows, and HTML entities are what they stand for (shops export &amp;quot; and people search for "). Letters, emoji
and case stay as they are.
"""

import html
import re

import polars as pl

from worker.ingest import markup

_INVISIBLE = "\u200b\u200e\u200f\u2060\ufeff\u00ad"
_WHITE = r"[\s\x00-\x1f\x7f-\u{9f}]+"
_REFERENCE = "&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_ODD = rf"^ | $|  |[\s\x00-\x1f\x7f-\u{{9f}}{_INVISIBLE}&&[^ ]]|{_REFERENCE}"
_ENTITY = re.compile(_REFERENCE)

MISSING = ["-", "--", "---", "–", "—", "n/a", "n.a.", "#n/a", "nan", "null", "none", "(null)", "\\n"]
"""Cells, in lower case, that programs write where a table has nothing."""


def tidy(cells: pl.Series) -> pl.Series:
    """The tidy texts of a column of strings; only the cells that need it are touched."""
    odd = cells.str.contains(_ODD) | cells.str.contains("<", literal=True)
    if odd.any():
        changed = _without_tags(cells.filter(odd))
        entity = changed.str.contains("&", literal=True)
        if entity.any():
            read = pl.Series([_ENTITY.sub(_unescaped, cell) for cell in changed.filter(entity)], dtype=pl.String)
            # Feeds write tags as entities, too.
            changed = changed.scatter(entity.arg_true(), _without_tags(read))
        changed = changed.str.replace_all(rf"[{_INVISIBLE}]", "").str.replace_all(_WHITE, " ").str.strip_chars(" ")
        cells = cells.scatter(odd.arg_true(), changed)
    short = cells.str.len_bytes() <= 6
    if short.any():
        few = cells.filter(short)
        nothing = few.str.to_lowercase().is_in(MISSING)
        if nothing.any():
            cells = cells.scatter(short.arg_true(), few.set(nothing, ""))
    return cells


def _without_tags(cells: pl.Series) -> pl.Series:
    tagged = markup.tagged(cells)
    if not tagged.any():
        return cells
    plain = pl.Series([markup.plain_text(cell) for cell in cells.filter(tagged)], dtype=pl.String)
    return cells.scatter(tagged.arg_true(), plain)


def _unescaped(match: re.Match[str]) -> str:
    return html.unescape(match[0])

"""Texts whose cells no single sign separates: recognised, and refused with a sentence."""

import re

from db.errors import UnreadableFile
from worker.ingest import column_synonyms, csv_dialect
from worker.ingest.csv_dialect import Dialect

_KEY = re.compile(r"\s*([^\W\d][\w ()/-]{0,30}?)\s*[:=](?:\s|(?=\S))")
_LOOKED_AT = 500  # lines


def separated(text: str, detected: Dialect) -> Dialect:
    """The dialect as detected, or with the blanks that separate cells. Raises UnreadableFile for a text that is no
    table of separated cells."""
    lines = [line for line in text.split("\n", _LOOKED_AT)[:_LOOKED_AT] if line.strip()]
    if _is_one_value_a_line(lines):
        raise UnreadableFile(
            "The file has one value on each line, with its name in front, instead of one product; save it as a table, "
            "with a column for each name."
        )
    first = lines[0].strip() if lines else ""
    if len(next(iter(csv_dialect.sample_rows(first, detected)), [])) != 1 or column_synonyms.is_known(first):
        return detected
    if _names(re.split(r"\s{2,}", first)) >= 2:
        raise UnreadableFile(
            "The columns of the file are aligned with spaces, which leaves open where cells begin; save it as CSV "
            "or as a workbook."
        )
    if len(lines) > 1 and _names(first.split(" ")) >= max(2, 0.6 * len(first.split(" "))):
        spaced = Dialect(" ", detected.quote, detected.escape)
        width, share = csv_dialect.shape(text, spaced)
        if share < 0.9 or width != len(first.split(" ")):
            raise UnreadableFile(
                "Single spaces seem to separate the cells, but they stand inside cells too; save the file as CSV or as "
                "a workbook."
            )
        return spaced
    return detected


def _names(cells: list[str]) -> int:
    return sum(column_synonyms.is_known(cell) for cell in cells)


def _is_one_value_a_line(lines: list[str]) -> bool:
    keys = [match[1].casefold() for line in lines if (match := _KEY.match(line))]
    different = set(keys)
    known = sum(map(column_synonyms.is_known, different))
    if len(keys) < 3 or len(keys) < 0.7 * len(lines) or known < 2 or known < 0.3 * len(different):
        return False
    return len(different) <= 0.6 * len(keys) or known >= 3

"""The currency that a number format shows beside a number: what a reader of the workbook sees and its cells lack."""

import re
import zipfile
from xml.parsers import expat

from worker.amounts import currencies
from worker.ingest import xlsx_grid

_STYLES = "xl/styles.xml"
_BRACKET = re.compile(r"\[\$([^\]-]*)(?:-([0-9A-Fa-f]+))?\]")
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|([$€£¥]|[^\x00-\x7f])')
_PADDING = re.compile(r"[_*].")
_CODES = {
    "409": "USD", "540A": "USD", "1009": "CAD", "C0C": "CAD", "C09": "AUD", "1409": "NZD", "C04": "HKD",
    "1004": "SGD", "4809": "SGD", "404": "TWD", "80A": "MXN", "340A": "CLP", "240A": "COP", "2C0A": "ARS",
    "411": "JPY", "804": "CNY", "41D": "SEK", "81D": "SEK", "414": "NOK", "814": "NOK", "406": "DKK",
    "40F": "ISK", "439": "INR", "4009": "INR", "420": "PKR",
}  # fmt: skip
"""Locale that Excel notes beside a sign which several currencies share -> the currency of that locale."""


def mark_of(number_format: str) -> str:
    """The mark or code of a currency that a format shows, "" = none: "[$€-407]", "£"#,##0.00, [$$-1009] (CAD)."""
    shown = number_format
    if bracket := _BRACKET.search(number_format):
        mark, locale = bracket[1].strip(), (bracket[2] or "").lstrip("0").upper()
        if len(currencies.MARKS.get(mark.casefold(), ())) > 1 and locale in _CODES:
            return _CODES[locale]
        if currencies.mark_in(mark):
            return mark
        shown = _BRACKET.sub("", number_format)
    positive = re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', shown, maxsplit=1)[0]
    literals = (found[1] or found[2] or found[3] for found in _LITERAL.finditer(_PADDING.sub("", positive)))
    return currencies.mark_in(" ".join(map(str.strip, filter(None, literals))))


def marks_of(archive: zipfile.ZipFile) -> dict[int, str]:
    """Number of a cell's style -> mark of the currency that it shows, of those that show one."""
    if _STYLES not in archive.namelist():
        return {}
    formats: dict[str, str] = {}
    styles: list[str] = []
    inside = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        tag = tag.rpartition(":")[2]
        if tag == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif tag == "cellXfs":
            inside = True
        elif tag == "xf" and inside:
            styles.append(attributes.get("numFmtId", ""))

    def end(tag: str) -> None:
        nonlocal inside
        inside = inside and tag.rpartition(":")[2] != "cellXfs"

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    xlsx_grid.parse(archive, _STYLES, parser)
    marks = {number: mark_of(code) for number, code in formats.items()}
    return {i: marks[number] for i, number in enumerate(styles) if marks.get(number)}

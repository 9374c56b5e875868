"""Opens a CSV file or one of its many relatives."""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from db.errors import UnreadableFile
from worker.files.formats import Compression
from worker.ingest import (
    csv_careful,
    csv_dialect,
    csv_encoding,
    csv_rows,
    header,
    limits,
    not_items,
    row_widths,
    text_layouts,
)
from worker.ingest.file_kind import open_bytes
from worker.ingest.header import Row
from worker.ingest.open_table import Table, clean
from worker.ingest.types import Cells, Inspection

_FIRST = 10  # rows among which a line that names the delimiter is looked for
# Not 1 and 31, which some exports put between cells.
_CONTROLS = dict.fromkeys([0, *range(2, 9), 11, 12, *range(14, 31), 127, ord(csv_encoding.MARK)])


def open_text(path: Path, compression: Compression, forced: dict[str, Any]) -> Table:
    """Opens a text; `forced` holds fields of Inspection that are not to be detected. Raises UnreadableFile."""
    warnings = []
    name = forced.get("encoding")
    if name is None:
        with open_bytes(path, compression) as stream:
            guess = csv_encoding.detect(stream)
        name = guess.encoding
        warnings += [guess.warning] * bool(guess.warning)
    csv_encoding.check(name)
    text, is_whole = _head(path, compression, name)
    _refuse_binary(text)
    newline = forced.get("newline") or csv_dialect.newline_of(text)
    data = csv_encoding.unify(text.encode("utf-8", "replace"), newline)
    if is_whole:
        data += b"" if data.endswith(b"\n") else b"\n"
    else:
        data = data[: data.rfind(b"\n") + 1]
    if not data.strip():
        raise UnreadableFile("The file has no text in it." if is_whole else "The first line of the file has no end.")
    chosen = _dialect(data.decode(), forced)
    if "delimiter" not in forced:
        chosen = text_layouts.separated(data.decode(), chosen)
    for sign in (chosen.delimiter, chosen.quote, chosen.escape):
        if len(sign) > 1 or not sign.isascii() or sign in ("\n", "\r"):
            raise UnreadableFile(f"{sign!r} can't separate or quote cells; choose one ASCII character.")
    if chosen.quote and chosen.quote == chosen.delimiter:
        raise UnreadableFile("The delimiter and the quote must be two different characters.")
    sample = _rows(data, chosen)
    explained = row_widths.explain(_layout(sample, data, chosen, forced), chosen.delimiter)
    layout, mending = explained.layout, explained.mending
    inspection = Inspection(
        kind="csv",
        compression=compression,
        encoding=name,
        delimiter=chosen.delimiter,
        quote=chosen.quote,
        escape=chosen.escape,
        skip_space=chosen.skip_space,
        newline=newline,
        warnings=[*warnings, *explained.warnings],
    )

    def cells(wanted: Sequence[int]) -> Iterator[Cells]:
        del wanted  # a line is read as a whole
        with open_bytes(path, compression) as stream:
            blocks = csv_encoding.blocks(stream, name, newline)
            others = not_items.OtherTables(layout.columns, chosen.delimiter)
            for part in csv_rows.cells(blocks, chosen, len(layout.columns), layout.skip_lines, mending):
                yield part if layout.header_line is None else others.mark(part)

    def odd_records() -> Iterator[pl.DataFrame]:
        with open_bytes(path, compression) as stream:
            blocks = csv_encoding.blocks(stream, name, newline)
            yield from csv_rows.odd_records(blocks, chosen, len(layout.columns), layout.skip_lines, mending)

    return Table(inspection, layout, cells, odd_records, explained.question)


def _dialect(text: str, forced: dict[str, Any]) -> csv_dialect.Dialect:
    signs = {field: forced[field] for field in ("delimiter", "quote", "escape", "skip_space") if field in forced}
    return csv_dialect.Dialect(**signs) if len(signs) == 4 else replace(csv_dialect.detect(text), **signs)


def _head(path: Path, compression: Compression, name: str) -> tuple[str, bool]:
    """The beginning of the text, and whether that is all of it."""
    decoder = codecs.getincrementaldecoder(name)("pricewright.mark")
    with open_bytes(path, compression) as stream:
        raw = stream.read(limits.SAMPLE_BYTES)
        is_whole = not stream.read(1)
    return decoder.decode(raw, is_whole).removeprefix("\ufeff"), is_whole


def _refuse_binary(text: str) -> None:
    strange = len(text) - len(text.translate(_CONTROLS))
    if strange > 0.04 * len(text):
        raise UnreadableFile(
            "This is not text: the file is binary, damaged, or in another encoding than the one chosen "
            "(in a terminal: --encoding shift_jis, gb18030, big5, …)."
        )


def _rows(data: bytes, chosen: csv_dialect.Dialect, width: int = 0) -> list[Row]:
    rows: list[Row] = []
    position, line = 0, 1
    while position < len(data) and len(rows) < limits.SAMPLE_ROWS:
        record = csv_careful.record(data, position, chosen, width, final=True)
        if record is None:
            break
        raw = clean(data[position : record.end - 1].decode("utf-8", "replace"))
        # A blank line is one empty cell whatever the csv module calls it.
        rows.append(Row(line, [clean(cell) for cell in record.cells] or [""], record.lines, raw, note=record.note))
        position, line = record.end, line + record.lines
    return rows


def _layout(sample: list[Row], data: bytes, chosen: csv_dialect.Dialect, forced: dict[str, Any]) -> header.Layout:
    # Once the width is known, a forgotten quote in the sample no longer swallows rows.
    sample = _rows(data, chosen, header.usual_width(sample))
    named = next((i + 1 for i, row in enumerate(sample[:_FIRST]) if re.fullmatch(r"(?i)sep=.?", row.text)), 0)
    body, above = sample[named:], [row.text for row in sample[:named] if row.text.strip()]
    if "header_line" not in forced:
        layout = header.layout(body)
    elif forced["header_line"] is None:
        layout = header.without_header(body, header.after_preamble(body, forced.get("preamble", 0) - len(above)))
    else:
        layout = header.at_line(body, forced["header_line"])
    if not named:
        return layout
    skip = layout.skip_lines or sample[named - 1].line
    return replace(layout, skip_lines=skip, preamble=[*above, *layout.preamble])

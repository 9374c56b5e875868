"""A text with prices is the text that was uploaded, byte by byte, with cells behind its rows that read back."""

import gzip
import io
import re
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from db.errors import UnreadableFile, UserError
from tests.worker.ingest.corpus import CASES
from tests.worker.pricing.priced_file.said import PLAIN, inspected, priced
from worker.ingest import csv_dialect, csv_encoding, csv_rows, read, repeated_lines
from worker.ingest.open_table import Table
from worker.ingest.read import Inspection
from worker.pricing.priced_file import csv_file, raw_lines
from worker.pricing.priced_file.appended import names_beside

SHARP = st.text(st.sampled_from(list("ab é\"'\\,;\t=\n\r1.")), max_size=6)
QUOTED = SHARP.map(lambda text: '"' + text.replace('"', '""') + '"')
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be", "utf-32-le", "cp037", "shift_jis", "gb18030")


def lines_in(text: str, newline: str) -> list[tuple[str, str]]:
    """The lines of a text and what ends them, told apart by another way than the writer's."""
    ends = r"\r*\n|\r" if newline == "\r" else r"\r*\n"
    parts = re.split(f"({ends})", text)
    found = list(zip(parts[0::2], [*parts[1::2], ""], strict=True))
    return found if found[-1] != ("", "") else found[:-1]


def text_of(data: bytes, encoding: str) -> str:
    # Bytes that are no text come through as they are, so that equal texts are equal bytes.
    return data.decode(encoding, "surrogateescape" if "16" not in encoding and "32" not in encoding else "strict")


def check(tmp_path, data: bytes, inspection: Inspection, mapping: dict[str, str]) -> None:
    out, said = priced(tmp_path, data, inspection, mapping)
    if inspection.compression:
        data, out = gzip.decompress(data), gzip.decompress(out)
    if stray := len(data) % raw_lines.code_of(inspection.encoding, "", data[:4]).size:
        assert out[-stray:] == data[-stray:]
        data, out = data[:-stray], out[:-stray]
    before = lines_in(text_of(data, inspection.encoding), inspection.newline)
    after = lines_in(text_of(out, inspection.encoding), inspection.newline)
    assert len(before) == len(after)
    added = []
    for number, ((hers, end), (now, its_end)) in enumerate(zip(before, after, strict=True), 1):
        if now == hers:
            assert its_end == end
            continue
        added.append(number)
        # A return at the very end of a text is a line end to everybody but the reader.
        tail = "" if end or inspection.newline == "\r" else "\r" * (len(hers) - len(hers.rstrip("\r")))
        assert now.startswith(hers.removesuffix(tail))
        assert now.endswith(tail)
        assert its_end == end
    table = read.open_as(tmp_path / "source", inspection)
    assert len(added) == len(said) + (table.layout.header_line is not None)
    reads_back(data, out, inspection, table, said)


def reads_back(data: bytes, out: bytes, inspection: Inspection, table: Table, said: pl.DataFrame) -> None:
    """Read as the upload was read, but with five more columns, each row has her cells and what was said of it."""
    columns = len(table.layout.columns)
    odd = pl.concat([pl.DataFrame(schema=csv_rows.ODD_RECORDS), *table.odd_records()])
    span, joined = csv_file.span_of(table.layout, odd), set(odd.filter("is_mended")["line"])
    dialect = csv_dialect.of(inspection)
    before = cells_of(data, inspection, table, dialect, columns)
    if not dialect.delimiter:
        used = {sign for (cell,) in before.values() for sign in cell}
        dialect = replace(dialect, delimiter=next(sign for sign in ",;\t|\x1f" if sign not in used))
    after = cells_of(out, inspection, table, dialect, span + 5)
    sign = "," if "," in inspection.decimals.values() else "."
    for line in said.iter_rows(named=True):
        number = line["line"]
        if number in before and number not in after:
            # Where a quote opens a cell of several lines and is closed nowhere surely, what stands behind decides.
            assert any("\n" in cell and inspection.quote in cell for cell in before[number])
            continue
        if number in before:
            assert after[number][:columns] == before[number]
        elif number not in after:
            assert line["flag"] != "ok"  # it has more cells than there are columns, or nobody can count them
            continue
        price, low, high, flag, reason = after[number][span:]
        assert (flag, high) == (line["flag"], "")
        if flag == "ok":
            assert number in joined or not any(after[number][columns:span])
            assert [price, low] == [f"{line[name]:.2f}".replace(".", sign) for name in ("price", "low")]
            assert reason == ""
        else:
            assert (price, low) == ("", "")
            # Where nothing is quoted, what stands between cells can't stand in one.
            assert reason == (PLAIN if inspection.quote else PLAIN.replace(dialect.delimiter, " "))


def cells_of(
    data: bytes, inspection: Inspection, table: Table, dialect: csv_dialect.Dialect, width: int
) -> dict[int, tuple[str, ...]]:
    """Line -> cells of the rows of that width, as the reader finds them."""
    blocks = csv_encoding.blocks(io.BytesIO(data), inspection.encoding, inspection.newline)
    found: dict[int, tuple[str, ...]] = {}
    for cells in map(repeated_lines.spread, csv_rows.cells(blocks, dialect, width, table.layout.skip_lines)):
        found |= dict(zip(cells.lines.tolist(), cells.frame.rows(), strict=True))
    return found


@st.composite
def texts(draw):
    """A table of two or three columns as bytes, with its encoding: quoted anyhow, ragged, broken, with blank lines."""
    delimiter = draw(st.sampled_from(",;\t"))
    ends = draw(st.sampled_from([["\n"], ["\r\n"], ["\n", "\r\n", "\r\r\n"]]))
    row = st.lists(SHARP | QUOTED, min_size=1, max_size=4).map(delimiter.join) | st.sampled_from(["", "  ", "\0", '"'])
    rows = draw(st.lists(row, min_size=1, max_size=10))
    header = draw(st.sampled_from([["title", "price"], ["title", "title", "low"], ["", "title", "Flag "], ["title"]]))
    head = [delimiter.join(header)]
    text = "".join(
        line + draw(st.sampled_from(ends)) for line in [*draw(st.lists(st.just("Our list"), max_size=2)), *head, *rows]
    )
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    encoding = draw(st.sampled_from(ENCODINGS))
    data = text.encode(encoding, "replace")
    if encoding == "utf-8" and draw(st.booleans()):
        data += b"\xff,\xe2\x82\n"
    line = None if draw(st.booleans()) else text.split("title")[0].count("\n") + 1
    return data, {
        "encoding": encoding,
        "delimiter": delimiter,
        "quote": draw(st.sampled_from(['"', '"', ""])),
        "header_line": line,
    }


@pytest.mark.slow
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(texts())
def test_every_line_is_there_byte_by_byte_and_what_is_appended_reads_back(tmp_path, made):
    data, forced = made
    try:
        inspection = inspected(tmp_path, data, **forced)
    except UnreadableFile:
        assume(False)
    try:
        check(tmp_path, data, inspection, {"title": inspection.columns[0]})
    except UserError as error:  # a line in quotes as a whole has no end of its cells to write at
        assume("Whole lines" not in str(error))
        raise


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    st.text(st.sampled_from("a\r\né"), min_size=1, max_size=12),
    st.sampled_from(ENCODINGS),
    st.sampled_from(["\n", "\r"]),
    st.sampled_from([1, 3, 4, 50]),
)
def test_lines_are_counted_as_the_reader_counts_them(text, encoding, newline, size):
    data = text.encode(encoding, "replace")
    code = raw_lines.code_of(encoding, newline, data[:4])
    read_lines = b"".join(csv_encoding.blocks(io.BytesIO(data), encoding, newline)).split(b"\n")
    blocks = list(raw_lines.blocks(io.BytesIO(data), code, size))
    assert b"".join(block for block, _ in blocks) == data
    assert sum(len(ends) for _, ends in blocks) == len(read_lines) - (read_lines[-1] == b"")


READABLE = [case for case in CASES if not case.error and not case.stops]


@pytest.mark.slow
@pytest.mark.parametrize("case", READABLE, ids=lambda case: case.name)
def test_odd_files_come_back(case, tmp_path):
    inspection = inspected(tmp_path, case.data, case.file_name)
    mapping = inspection.mapping | case.mapping
    if case.decimal:
        inspection = inspection.model_copy(update={"decimals": {mapping["price"]: case.decimal}})
    if inspection.kind == "csv":
        try:
            check(tmp_path, case.data, inspection, mapping)
        except UserError:
            assert stands_in_quotes(tmp_path, inspection)
    else:
        out, said = priced(tmp_path, case.data, inspection, mapping)
        after = inspected(tmp_path, out, case.file_name, header_line=inspection.header_line, sheet=inspection.sheet)
        assert len(said) == len(case.items) + len(case.rejects)
        assert after.columns[: len(inspection.columns)] == inspection.columns


def stands_in_quotes(tmp_path, inspection: Inspection) -> bool:
    """Whether a whole line stands in quotes, so that nothing can be written beside its cells."""
    table = read.open_as(tmp_path / "source", inspection)
    list(table.cells([0]))
    return any(odd["is_wrapped"].any() for odd in table.odd_records())


def lines_out(tmp_path, data: bytes, name: str = "t.csv", **forced) -> list[str]:
    inspection = inspected(tmp_path, data, name, **forced)
    out, _ = priced(tmp_path, data, inspection, inspection.mapping)
    return out.decode(inspection.encoding).split("\n")


def test_a_price_is_written_as_her_prices_are(tmp_path):
    data = b'"titel";"preis"\r\n"Lampe, rot";"3,50"\r\n\r\n"Becher";"1.204,00"'
    header, lamp, blank, mug = lines_out(tmp_path, data)
    assert header == '"titel";"preis";price;low;high;flag;reason\r'
    assert lamp == '"Lampe, rot";"3,50";2,26;1,13;;ok;\r'
    assert blank == "\r"
    assert mug == '"Becher";"1.204,00";4,26;2,13;;ok;'


def test_an_open_quote_is_closed_behind_its_line_and_rows_that_are_too_short_are_filled_up(tmp_path):
    _, lamp, short, wide, lost, rug = lines_out(tmp_path, b'title,price\nLamp,3\nMug\na,b,c\n"Lost,4\nRug,5')
    assert lamp == "Lamp,3,2.26,1.13,,ok,"
    assert short.startswith("Mug,,,,,for a person,")
    assert wide.startswith("a,b,c,,,,for a person,")
    assert lost.startswith('"Lost,4",,,,,for a person,')
    assert rug == "Rug,5,6.26,3.13,,ok,"


def test_a_header_one_name_short_as_r_writes_it_stays_one_short(tmp_path):
    header, lamp, _ = lines_out(tmp_path, b'"title","price"\n"1","Lamp",3\n"2","Mug",4')
    assert header.count(",") + 1 == lamp.count(",")


def test_names_give_way_to_hers(tmp_path):
    assert names_beside(["title"]) == ["price", "low", "high", "flag", "reason"]
    names = names_beside(["Title", " FLAG "])
    assert names[0] == "pricewright_price"
    assert not set(names) & set(names_beside(["Flag", *names]))


def test_an_encoding_that_hides_line_ends_is_refused(tmp_path):
    data = "title,price\nLamp,3\nMug,4\n".encode("utf-7").replace(b"Lamp", b"La+AAo-mp")
    inspection = inspected(tmp_path, data, encoding="utf-7", delimiter=",", quote='"')
    with pytest.raises(UserError, match="save the table as UTF-8"):
        priced(tmp_path, data, inspection, inspection.mapping)
    assert not (tmp_path / "target").exists()

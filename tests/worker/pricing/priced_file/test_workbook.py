"""A workbook with prices has every cell, format and sheet that it had, and five columns more."""

import io
import re
import zipfile

import fastexcel
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worker.pricing.priced_file.said import PLAIN, inspected, priced

SHEET = "xl/worksheets/sheet1.xml"
CELL = st.none() | st.sampled_from(["Lamp", "", "a & <b>", "é", 3.5, 12, 0, True]) | st.text("ab <&", max_size=4)


def cells(data: bytes, sheet: str = "Prices") -> list[tuple[str | None, ...]]:
    read = fastexcel.read_excel(data).load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
    return [tuple(cell or "" for cell in row) for row in read.to_polars().rows()]


def a_book(rows, *, first: int = 0, left: int = 0, blank_at: int | None = None) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"strings_to_formulas": False}) as book:
        euro, bold = book.add_format({"num_format": "0.00 €"}), book.add_format({"bold": True})
        sheet = book.add_worksheet("Prices")
        for i, row in enumerate([("title", "price"), *rows]):
            for j, value in enumerate(row):
                if value is not None:
                    sheet.write(first + i, left + j, value, bold if i == 0 else euro if j == 1 else None)
            if blank_at is not None:
                sheet.write_blank(first + i, blank_at, None, bold)
        other = book.add_worksheet("Other")
        other.write(0, 0, "stays")
        other.write_formula(0, 1, "=1+1", None, 2)
    return buffer.getvalue()


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8),
    first=st.integers(0, 3),
    left=st.integers(0, 2),
    blank_at=st.none() | st.integers(5, 9),
)
def test_every_cell_stays_and_what_is_appended_reads_back(tmp_path, rows, first, left, blank_at) -> None:
    data = a_book([("Rug", 5, None), *rows], first=first, left=left, blank_at=blank_at)
    before = cells(data)
    inspection = inspected(tmp_path, data, "t.xlsx", header_line=first + 1)
    out, said = priced(tmp_path, data, inspection, {"title": "title", "price": "price"})
    after = cells(out)
    width = max(map(len, before))
    assert [row[:width] for row in after] == before
    expected = {line["line"]: line for line in said.iter_rows(named=True)}
    for number, row in enumerate(after, 1):
        line = expected.get(number)
        if number == first + 1:
            assert row[width:][-1] == "pricewright_reason"
        elif line is None:
            assert not any(row[width:])
        elif line["flag"] == "ok":
            assert [float(row[width]), float(row[width + 1])] == [round(line[name], 2) for name in ("price", "low")]
            assert row[width + 2 : width + 4] == ("", "ok")
        else:
            assert row[width:] == ("", "", "", "for a person", PLAIN)
    was, now = zipfile.ZipFile(io.BytesIO(data)), zipfile.ZipFile(io.BytesIO(out))
    assert was.namelist() == now.namelist()
    assert [name for name in was.namelist() if was.read(name) != now.read(name)] == [SHEET]


def test_prices_look_like_hers_and_the_rest_of_the_sheet_is_the_same_to_the_byte(tmp_path) -> None:
    data = a_book([("Lamp", 3.5), ("Mug", 4)])
    inspection = inspected(tmp_path, data, "t.xlsx")
    out, _ = priced(tmp_path, data, inspection, inspection.mapping)
    was, now = (zipfile.ZipFile(io.BytesIO(each)).read(SHEET) for each in (data, out))
    style = re.search(rb'r="B2"( s="\d+")', was)[1]
    assert b'<c r="C2"' + style + b"><v>2.26</v></c>" in now
    without = re.sub(rb'<c r="[C-G]\d+".*?</c>', b"", now)
    assert re.sub(rb'spans="\d+:\d+"|ref="[A-Z\d:]+"', b"", without) == re.sub(
        rb'spans="\d+:\d+"|ref="[A-Z\d:]+"', b"", was
    )
    assert b'<dimension ref="A1:G3"/>' in now


def changed(data: bytes, change) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as was, zipfile.ZipFile(buffer, "w") as now:
        for name in was.namelist():
            part = was.read(name)
            now.writestr(name, change(part) if name == SHEET else part)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        lambda part: re.sub(rb'(<c|<row) r="[A-Z]*\d+"', rb"\1", part),
        lambda part: re.sub(rb"<(/?)(row|c|v|sheetData|worksheet)\b", rb"<\1x:\2", part).replace(
            b"xmlns=", b"xmlns:x="
        ),
        lambda part: part.replace(b"</row>", b"<extLst/></row>"),
        lambda part: re.sub(rb"(<row[^>]*)>", rb'\1  ht="15">', part),
    ],
    ids=["no references", "a prefix", "more in a row", "more on a row"],
)
def test_what_rare_programs_write_can_be_added_to(tmp_path, change) -> None:
    data = changed(a_book([("Lamp", 3.5), ("Mug", 4)]), change)
    inspection = inspected(tmp_path, data, "t.xlsx", sheet="Prices", header_line=1)
    out, _ = priced(tmp_path, data, inspection, {"title": inspection.columns[0]})
    assert [row[2:] for row in cells(out)[1:]] == [("2.26", "1.13", "", "ok", ""), ("3.26", "1.63", "", "ok", "")]


@pytest.mark.slow
def test_what_stands_far_away_stays_where_it_is(tmp_path) -> None:
    far = {"E900000": "a note", "CV1048576": "another"}
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("Prices")
        for i, row in enumerate([("title", "price"), ("Lamp", 3.5), ("Mug", 4)]):
            sheet.write_row(i, 0, row)
        for place, text in far.items():
            sheet.write(place, text)
    data = buffer.getvalue()
    inspection = inspected(tmp_path, data, "t.xlsx")
    out, said = priced(tmp_path, data, inspection, inspection.mapping)
    assert said["line"].to_list() == [2, 3, 900_000, 1_048_576]
    part = zipfile.ZipFile(io.BytesIO(out)).read(SHEET)
    assert b'<c r="F2"><v>2.26</v></c>' in part  # five free columns, past the note in E
    note = re.search(rb'<row r="900000".*?</row>', part)[0]
    assert re.findall(rb'r="([A-Z]+)900000"', note) == [b"E", b"I", b"J"]

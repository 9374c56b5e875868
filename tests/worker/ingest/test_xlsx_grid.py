"""Stray cells never make a sheet too large to be read, and a sheet that is too large is refused before it is built."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.errors import UnreadableFile
from tests.worker.ingest.cases.base import workbook, workbook_part
from worker.ingest import limits, read, xlsx_grid
from worker.progress import Silent

SHEET_XML = "xl/worksheets/sheet1.xml"
TABLE: list[list[object]] = [["title", "price"], *[[f"Lamp {i}", i + 0.5] for i in range(50)]]

few = settings(max_examples=40, suppress_health_check=list(HealthCheck))


def with_cells(*references: str) -> bytes:
    """The table, and cells with a number anywhere else."""
    rows = "".join(f'<row r="{name.lstrip(LETTERS)}"><c r="{name}"><v>7</v></c></row>' for name in references)
    return workbook_part(
        workbook(("P", TABLE)), SHEET_XML, lambda xml: xml.replace(b"</sheetData>", rows.encode() + b"</sheetData>")
    )


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read_back(path: Path) -> tuple[list[str], dict[int, str], list[str]]:
    """Titles; line -> reason of the rejects; warnings."""
    inspection = read.inspect(path, "t.xlsx")
    found = list(read.batches(path, inspection, {"title": "title", "price": "price"}, Silent()))
    titles = [title for batch in found for title in batch.items["title"]]
    reasons = {line: reason for batch in found for line, _, reason, _ in batch.rejects.rows()}
    return titles, reasons, inspection.warnings


@pytest.mark.slow
@few
@given(places=st.lists(st.tuples(st.integers(1, 16_384), st.integers(70, 1_048_576)), min_size=1, max_size=3))
@example(places=[(1, 71), (705, 70)])  # the stray one above a line that stays
def test_a_table_with_up_to_three_cells_anywhere_below_it_is_read(places, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("t") / "stored"
    rows = {row: column for column, row in places}
    path.write_bytes(with_cells(*(f"{letters(column)}{row}" for row, column in sorted(rows.items()))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_GRID", 50_000)  # else the largest that are built take seconds each
        titles, reasons, warnings = read_back(path)
    assert titles[:50] == [f"Lamp {i}" for i in range(50)]
    strays = any("far away" in reason for reason in reasons.values())
    assert strays == any("far away from the table" in warning for warning in warnings)
    assert len(titles) + len(reasons) == 50 + len(rows)


def letters(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = LETTERS[rest] + text
    return text


def test_the_warning_names_the_cell_and_cells_without_a_value_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(with_cells("XFD1048576"))
    titles, reasons, warnings = read_back(path)
    assert len(titles) == 50
    assert reasons == {1_048_576: "this stands far away from the table"}
    assert warnings == ["The cell XFD1048576 stands far away from the table and is left out."]
    path.write_bytes(
        workbook_part(with_cells("XFD1048576"), SHEET_XML, lambda xml: xml.replace(b'576"><v>7</v>', b'576">'))
    )
    assert read_back(path)[1:] == ({}, [])


def test_a_stray_cell_of_another_sheet_is_not_told_of(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    two = workbook(("P", TABLE), ("Q", TABLE))
    far = b'<row r="1048576"><c r="XFD1048576"><v>7</v></c></row></sheetData>'
    path.write_bytes(
        workbook_part(two, "xl/worksheets/sheet2.xml", lambda xml: xml.replace(b"</sheetData>", far)),
    )
    titles, reasons, warnings = read_back(path)
    assert (len(titles), reasons) == (50, {})
    assert warnings[0] == (
        "The workbook has 2 sheets; only 'P' (51 rows, 2 columns) is read, not 'Q' (51 rows, 2 columns)."
    )
    assert not any("far away" in warning for warning in warnings)


FAR = b'<row r="1048576"><c r="XFD1048576"><v>7</v></c></row>'


@pytest.mark.parametrize(
    "far",
    [
        FAR,
        FAR.replace(b"<c ", b"<c\n"),
        FAR.replace(b'"', b"'"),
        FAR.replace(b"<c ", b'<c s="0" '),
        FAR.replace(b"<v>7</v>", b"<is><t>x</t></is>"),
    ],
)
def test_however_a_sheet_is_written_its_size_is_found(far: bytes, tmp_path: Path) -> None:
    path = tmp_path / "stored"
    data = workbook_part(
        workbook(("P", TABLE)), SHEET_XML, lambda xml: xml.replace(b"</sheetData>", far + b"</sheetData>")
    )
    path.write_bytes(data)
    assert list(xlsx_grid.fit(path).strays.values()) == [["XFD1048576"]]


def test_cells_without_a_reference_are_counted_too(tmp_path: Path) -> None:
    row = b'<row r="1048576">' + b"<c><v>7</v></c>" * 20_000 + b"</row></sheetData>"
    path = tmp_path / "stored"
    path.write_bytes(workbook_part(workbook(("P", TABLE)), SHEET_XML, lambda xml: xml.replace(b"</sheetData>", row)))
    with pytest.raises(UnreadableFile, match="20,102 cells over 1,048,576 rows and 20,000 columns"):
        xlsx_grid.fit(path)


def test_a_bomb_is_refused_before_it_is_unpacked_as_a_whole(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(limits, "MAX_WORKBOOK", 10 << 20)
    path = tmp_path / "stored"
    path.write_bytes(workbook_part(workbook(("P", TABLE)), SHEET_XML, lambda xml: xml + bytes(30 << 20)))
    assert path.stat().st_size < 100_000
    with pytest.raises(UnreadableFile, match="save it as CSV"):
        read.inspect(path, "t.xlsx")
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo(SHEET_XML).file_size > limits.MAX_WORKBOOK

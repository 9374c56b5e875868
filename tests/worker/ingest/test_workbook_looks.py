"""What a workbook says beside its values is told, and a stray cell never costs memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.ingest.cases.base import Case, workbook
from tests.worker.ingest.cases.containers import SHEET
from tests.worker.ingest.cases.workbooks import WORKBOOKS
from worker.ingest import read, xlsx_formats, xlsx_sheet
from worker.ingest.types import Inspection

BY_NAME = {case.name: case for case in WORKBOOKS}


def look(case: Case, folder: Path, **forced: object) -> Inspection:
    path = folder / "stored"
    path.write_bytes(case.data)
    return read.inspect(path, case.file_name, forced)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "workbook, cover sheet first",
            "The workbook has 2 sheets; only 'Products' (4 rows, 3 columns) is read, not 'Cover' (4 rows, 2 columns).",
        ),
        (
            "workbook, products only on a hidden sheet",
            "The workbook has 2 sheets; only 'Data' (4 rows, 3 columns, hidden) is read, not 'Cover' (empty).",
        ),
        (
            "workbook, two like tables",
            "'2023' looks like a table of products too; choose the sheet if another one is meant.",
        ),
        (
            "workbook, categories merged down",
            "The merged cell A2:A3 counts in every row and column that it covers.",
        ),
        ("workbook, hidden row and column", "Row 3 is hidden in the workbook and read like the others."),
        (
            "workbook, hidden row and column",
            "The column 'x' is hidden in the workbook and read like the others.",
        ),
        ("workbook, filtered rows", "2 rows, 3 the first, are hidden in the workbook and read like the others."),
        (
            "workbook, stray cell at J1048576",
            "The cell J1048576 stands far away from the table and is left out.",
        ),
    ],
)
def test_what_may_surprise_is_told(name: str, sentence: str, tmp_path: Path) -> None:
    assert sentence in look(BY_NAME[name], tmp_path).warnings


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("workbook, euros by format", "EUR"),
        ("workbook, pounds by format", "GBP"),
        ("workbook, zloty by format", "PLN"),
        ("workbook, accounting format", "EUR"),
        ("workbook, Canadian dollars by format", "CAD"),
        ("workbook, Swedish crowns by format", "SEK"),
        ("workbook, code by format", "CHF"),
        ("workbook, format without a currency", None),
    ],
)
def test_a_format_that_shows_a_currency_tells_it(name: str, code: str | None, tmp_path: Path) -> None:
    known = look(BY_NAME[name], tmp_path).currencies.get("price")
    assert (known and known["code"]) == code
    assert not (known and known["is_open"])


@pytest.mark.parametrize(
    ("shown", "mark"),
    [
        ("0.00", ""),
        ("[$-409]d mmm yyyy", ""),
        ("yyyy-mm-dd", ""),
        ("[Red]0.00", ""),
        ('0 "pcs"', ""),
        ("$#,##0.00", "$"),
        ("\\$#,##0.00_);(\\$#,##0.00)", "$"),
        ("[$$-409]#,##0.00", "USD"),
        ("[$$-C09]#,##0.00", "AUD"),
        ("[$¥-804]#,##0", "CNY"),
        ("[$USD] #,##0.00", "USD"),
        ('#,##0.00;"£"-#,##0.00', ""),
    ],
)
def test_the_mark_in_a_number_format(shown: str, mark: str) -> None:
    assert xlsx_formats.mark_of(shown) == mark


def test_all_sheets_are_listed_and_any_can_be_chosen(tmp_path: Path) -> None:
    case = BY_NAME["workbook, two like tables"]
    assert look(case, tmp_path).sheets == [("2024", "4 rows, 3 columns"), ("2023", "3 rows, 3 columns")]
    assert look(case, tmp_path).sheet == "2024"
    assert look(case, tmp_path, sheet="2023").sheet == "2023"


def test_merged_cells_that_cover_each_other_end(tmp_path: Path) -> None:
    """A file can say ten thousand times that one cell covers the whole sheet."""
    import polars as pl

    frame = pl.DataFrame({"c0": ["x"] * 1000, "c1": ["y"] * 1000})
    merges = [xlsx_sheet.Merge(1, 1_048_576, 1, 16_384)] * 10_000
    (filled,), _ = xlsx_sheet.fill_across((frame,), xlsx_sheet.Look(merges=merges), 0)
    assert filled["c1"].unique().to_list() == ["x"]


IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from worker.ingest import read
from worker.progress import Silent
import polars, fastexcel
polars.DataFrame({"a": ["x"]}).filter(polars.col("a") == "x")
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1000 << 20),) * 2)
path = Path(sys.argv[1])
look = read.inspect(path, "t.xlsx")
items = sum(len(batch.items) for batch in read.batches(path, look, look.mapping, Silent()))
print(items, look.warnings)
"""


@pytest.mark.stack
@pytest.mark.parametrize("place", ["CV1048576", "XFD1048576", "D1048576", "A1048576"])
def test_a_stray_cell_is_read_in_little_memory(place: str, tmp_path: Path) -> None:
    """With 1 GB of addresses more than the libraries take; the rectangle around the cell would take up to 800 GB."""
    from tests.worker.ingest.cases.workbooks import _stray

    path = tmp_path / "stored"
    path.write_bytes(_stray(place))
    assert path.stat().st_size < 10_000
    done = subprocess.run(
        [sys.executable, "-c", IN_LITTLE_MEMORY, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("3 ")
    assert "far away" in done.stdout


def test_a_sheet_without_rows_that_is_chosen_says_so(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(workbook(("P", SHEET), ("Empty", [])))
    with pytest.raises(Exception, match="The sheet 'Empty' has no rows"):
        read.inspect(path, "t.xlsx", {"sheet": "Empty"})
    with pytest.raises(Exception, match="no sheet 'Q'; it has 'P' and 'Empty'"):
        read.inspect(path, "t.xlsx", {"sheet": "Q"})

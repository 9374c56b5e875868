"""What leaves the house is complete, and safe to open in a spreadsheet."""

import io

import fastexcel
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UserError
from worker.pricing import export

HOSTILE = ["\n=1", "＝1+1", "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)))
def test_no_text_cell_begins_like_a_formula(texts):
    frame = export.neutralised(pl.DataFrame({"title": texts}, schema={"title": pl.String}))
    assert not any(text[:1] in "=+-@\t\r\n＝＋－＠" for text in frame["title"] if text)


def test_harmless_cells_and_numbers_stay_as_they_are():
    frame = pl.DataFrame({"title": ["Lamp", "", None, "a=b"], "price": [-1.0, 2.0, None, 3.0]})
    assert export.neutralised(frame).equals(frame)


def test_csv_reads_back_with_every_row_and_accents():
    frame = pl.DataFrame({"title": ["Café, “9” m²", 'quote " here', "two\nlines"] * 500, "price": [1.5] * 1500})
    assert pl.read_csv(io.BytesIO(export.to_csv(frame))).equals(frame)


@pytest.mark.parametrize("text", HOSTILE)
def test_xlsx_holds_text_where_a_formula_was_tried(text):
    book = fastexcel.read_excel(export.to_xlsx(pl.DataFrame({"title": [text], "price": [2.0]})))
    cell = book.load_sheet(0, dtypes="string").to_polars()["title"][0]
    assert cell.startswith("'")


def test_parquet_keeps_the_exact_text():
    frame = pl.DataFrame({"title": HOSTILE})
    assert pl.read_parquet(io.BytesIO(export.to_parquet(frame))).equals(frame)


def test_an_unknown_ending_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(UserError, match="ends in .csv, .parquet, .xlsx"):
        export.write(pl.DataFrame({"a": [1]}), tmp_path / "x.docx")

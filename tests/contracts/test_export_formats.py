"""The table of export formats: every entry is written, offered on the page and named by the command line."""

import io
from collections.abc import Callable

import fastexcel
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from worker.pricing import export

FRAME = pl.DataFrame({"title": ["Lamp", "Mug"], "price": [12.5, 3.0]})
READERS: dict[str, Callable[[bytes], pl.DataFrame]] = {
    ".csv": lambda data: pl.read_csv(io.BytesIO(data)),
    ".xlsx": lambda data: fastexcel.read_excel(data).load_sheet(0).to_polars(),
    ".parquet": lambda data: pl.read_parquet(io.BytesIO(data)),
}


@pytest.mark.parametrize("ending", export.FORMATS)
def test_a_file_of_every_format_reads_back(ending, tmp_path) -> None:
    file = tmp_path / f"prices{ending.upper()}"
    export.write(FRAME, file)
    assert READERS[ending](file.read_bytes()).equals(FRAME)
    assert ending in export.ENDINGS


def _page() -> None:
    import polars as pl

    from dashboard.shared import widgets

    widgets.downloads("prices", lambda: pl.DataFrame({"a": [1]}))


def test_the_page_has_a_button_for_each() -> None:
    at = AppTest.from_function(_page, default_timeout=60).run()
    assert not at.exception
    buttons = [each.proto.label for each in at.get("download_button")]
    assert buttons == [form.label for form in export.FORMATS.values()]
    assert len(set(buttons)) == len(buttons)
    assert set(export.SHEETS) <= set(export.FORMATS)
    assert all("/" in form.mime for form in export.FORMATS.values())

"""The table of file formats: every entry is known by its bytes, opened, offered on the page and named in sentences."""

import gzip
import io
from pathlib import Path
from typing import get_args

import polars as pl
import pytest

from dashboard.shared import words
from db.errors import UnreadableFile
from worker.cli import tables
from worker.files import formats
from worker.files.formats import FORMATS, Kind
from worker.ingest import file_kind, read
from worker.ingest.types import FIELDS
from worker.pricing.priced_file.write import WRITERS

FRAME = pl.DataFrame({"title": ["Lamp", "Mug", "Pan"], "price": ["12.50", "3.00", "20.00"]})

every_format = pytest.mark.parametrize("kind", FORMATS)


def written(kind: Kind) -> bytes:
    buffer = io.BytesIO()
    {"csv": FRAME.write_csv, "xlsx": FRAME.write_excel, "parquet": FRAME.write_parquet}[kind](buffer)
    return buffer.getvalue()


def test_every_kind_has_its_entry_its_opener_and_its_writer() -> None:
    assert set(FORMATS) == set(get_args(Kind)) == set(read.OPENERS) == set(WRITERS)
    endings = [ending for each in FORMATS.values() for ending in each.endings]
    assert len(set(endings)) == len(endings)


@every_format
def test_a_file_is_known_by_its_bytes_and_read_whatever_it_is_called(tmp_path: Path, kind: Kind) -> None:
    file = tmp_path / "a table"
    file.write_bytes(written(kind))
    assert file_kind.kind_of(file) == (kind, "")
    inspection = read.inspect(file, "a table")
    assert inspection.kind == kind
    assert inspection.columns == FRAME.columns
    assert bool(inspection.encoding) is FORMATS[kind].is_text


@every_format
def test_gzip_is_read_of_those_that_may_come_in_it_and_refused_in_a_sentence_of_others(
    tmp_path: Path, kind: Kind
) -> None:
    file = tmp_path / "packed"
    file.write_bytes(gzip.compress(written(kind)))
    if FORMATS[kind].is_gzipped:
        assert file_kind.kind_of(file) == (kind, "gzip")
        assert read.inspect(file, "packed").columns == FRAME.columns
    else:
        with pytest.raises(UnreadableFile, match="unpack it"):
            file_kind.kind_of(file)


@every_format
def test_a_format_is_offered_and_named(kind: Kind) -> None:
    entry = FORMATS[kind]
    assert set(entry.endings) <= set(formats.UPLOADED)
    assert all(name in formats.ON_PAGES for name in entry.page_names)
    assert all(name in formats.IN_TERMINAL for name in entry.names)
    assert entry.names[0] in formats.TO_SAVE_AS
    for ending in entry.endings:
        assert formats.without_ending(f"shop v1.2.{ending.upper()}") == "shop v1.2"
        assert formats.without_ending(f"shop.{ending}.gz") == "shop"
        assert formats.without_ending(f".{ending}") == f".{ending}"


def test_the_names_of_an_items_fields_are_those_of_the_reader() -> None:
    assert set(words.FIELDS) == set(FIELDS) == set(tables.FIELDS)

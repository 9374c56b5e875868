"""Whatever is written is read back the same, and no row is ever lost or counted twice."""

import csv
import gzip
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.errors import MappingError, UnreadableFile
from tests.worker.ingest.cases.base import PLAIN, THREE, lines
from worker.ingest import csv_careful, csv_encoding, csv_rows, limits, read, repeated_lines
from worker.ingest.csv_dialect import Dialect
from worker.ingest.row_mends import Kind, Mending
from worker.progress import Cancelled, Silent

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WILD = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0\r\ufdd0\ufeff"),
    min_size=0,
    max_size=12,
)
SHARP = st.text(st.sampled_from(list('ab ,;\t|"\n\\')), max_size=10)
CELL = WILD | SHARP


def stored(folder: Path, data: bytes) -> Path:
    path = folder / "stored"
    path.write_bytes(data)
    return path


def both(path: Path, inspection: read.Inspection, mapping: dict[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    batches = list(read.batches(path, inspection, mapping, Silent()))
    return pl.concat([b.items for b in batches]), repeated_lines.rejects_of(pl.concat([b.rejects for b in batches]))


@pytest.mark.slow
@quick
@given(
    table=st.integers(2, 5).flatmap(
        lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=1, max_size=12)
    ),
    delimiter=st.sampled_from(",;\t|"),
    quote=st.sampled_from("\"'"),
    newline=st.sampled_from(["\n", "\r\n"]),
    size=st.sampled_from([1, 3, 7, 50, 1 << 20]),
)
def test_written_tables_are_read_back_cell_by_cell(
    table: list[list[str]], delimiter: str, quote: str, newline: str, size: int
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quotechar=quote, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows(table)
    dialect = Dialect(delimiter, quote)
    stream = io.BytesIO(buffer.getvalue().encode())
    found = list(csv_rows.cells(csv_encoding.blocks(stream, "utf-8", "\n", size), dialect, len(table[0]), 0))
    found = [repeated_lines.spread(cells) for cells in found]
    assert [row for cells in found for row in cells.frame.rows()] == [tuple(row) for row in table]
    assert not [reject for cells in found for reject in cells.rejects]


@quick
@given(
    text=st.text(st.sampled_from(list('ab,"\\\n\r ')), max_size=80),
    size=st.sampled_from([1, 5, 1 << 20]),
    escape=st.sampled_from(["", "\\"]),
    width=st.sampled_from([2, 3]),
    mends=st.booleans(),
)
def test_fast_and_careful_reading_agree_on_any_text(text: str, size: int, escape: str, width: int, mends: bool) -> None:
    """The fast path on blocks of any size against the careful one, record by record, on the whole."""
    dialect, data = Dialect(escape=escape), csv_encoding.unify(text.encode(), "\n")
    kinds: tuple[Kind, ...] = ("code", "text", "")
    kinds, names = kinds[:width], ("id", "title", "price")[:width]
    mending = Mending(width, ",", kinds, names, ("escape", "blank", "text"), pads=True) if mends else None
    whole = data if data.endswith(b"\n") else data + b"\n"
    expected, rejected, position, line = [], [], 0, 1
    while data and position < len(whole):
        record = csv_careful.record(whole, position, dialect, width, final=True)
        assert record is not None
        raw = whole[position : record.end - 1]
        mended = mending.apply(record.cells) if mending and not record.reason and record.lines == 1 else None
        if not record.reason and len(record.cells) != width and mended:
            expected.append((line, *mended[0]))
        elif record.reason or len(record.cells) != width:
            rejected += [line] if raw.strip(b" \r") else []
        else:
            expected.append((line, *record.cells))
        position, line = record.end, line + record.lines
    blocks = csv_encoding.blocks(io.BytesIO(data), "utf-8", "\n", size)
    found = list(csv_rows.cells(blocks, dialect, width, 0, mending))
    found = [repeated_lines.spread(cells) for cells in found]
    read_back = [(int(n), *row) for cells in found for n, row in zip(cells.lines, cells.frame.rows(), strict=True)]
    assert read_back == expected
    runs = [reject for cells in found for reject in cells.rejects]
    assert sorted(line for run in runs for line in range(run.line, run.line + run.count)) == rejected


@pytest.mark.slow
@quick
@given(
    titles=st.lists(
        st.text(st.characters(codec="cp1252", categories=["L", "N"]), min_size=1, max_size=9), min_size=5, max_size=30
    ),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    delimiter=st.sampled_from(",;\t|"),
    packed=st.booleans(),
)
def test_a_plain_table_survives_any_encoding_line_end_and_delimiter(
    titles: list[str], codec: str, newline: str, delimiter: str, packed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = [["id", "title", "price"], *([f"k{i}", f"über {t}", f"{i + 1}.25"] for i, t in enumerate(titles))]
    data = newline.join(delimiter.join(row) for row in table).encode(codec)
    path = stored(tmp_path_factory.mktemp("t"), gzip.compress(data) if packed else data)
    inspection = read.inspect(path, "t.csv")
    items, rejects = both(path, inspection, inspection.mapping)
    assert items.select("line", "external_id", "title", "price").rows() == [
        (i + 2, f"k{i}", f"über {title}", i + 1.25) for i, title in enumerate(titles)
    ]
    assert rejects.is_empty()


@pytest.mark.slow
@quick
@given(
    body=st.lists(
        st.sampled_from(
            ["a,b,5", "a,b", "a,b,c,d", 'a,"b\nc",6', 'a,"b,7', "", " ", ",,", "a,b,x", 'a,b"c,8', '"a"b,c,9']
        ),
        max_size=40,
    ),
    size=st.sampled_from([3, 64, 1 << 20]),
)
def test_every_row_is_an_item_or_a_reject_whatever_the_block_size(
    body: list[str], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = stored(tmp_path_factory.mktemp("t"), lines("id,title,price", "k,First,1", *body))
    inspection = read.inspect(path, "t.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_encoding.blocks, "__defaults__", (size,))
        items, rejects = both(path, inspection, {"title": "title", "price": "price"})
    taken = sorted([*items["line"], *rejects["line"]])
    assert len(set(taken)) == len(taken)
    # A row with a quote may span lines; without one every line that is not blank counts once.
    if not any('"' in row for row in body):
        assert len(taken) == 1 + sum(bool(row.strip()) for row in body)
    assert len(items) >= 1 + body.count("a,b,5") * all('"' not in row for row in body)


def test_a_changed_delimiter_is_trusted_and_columns_follow_from_it(tmp_path: Path) -> None:
    path = stored(tmp_path, lines("id;title,long;price", "a1;Lamp,red;5", "a2;Mug,blue;6"))
    inspection = read.inspect(path, "t.csv").model_copy(update={"delimiter": ","})
    items, _ = both(path, inspection, {"title": "long;price"})
    assert items["title"].to_list() == ["red;5", "blue;6"]
    assert read.inspect(path, "t.csv", {"delimiter": ","}).columns == ["id;title", "long;price"]


def test_a_changed_header_line_is_trusted(tmp_path: Path) -> None:
    path = stored(tmp_path, lines("id,title,price", "sku,name,cost", "a1,Lamp,5"))
    inspection = read.inspect(path, "t.csv").model_copy(update={"header_line": 2})
    items, rejects = both(path, inspection, {"title": "name", "price": "cost", "id": "sku"})
    assert items.select("line", "external_id", "title", "price").rows() == [(3, "a1", "Lamp", 5.0)]
    assert rejects.is_empty()


def test_a_header_taken_away_becomes_data(tmp_path: Path) -> None:
    path = stored(tmp_path, PLAIN)
    inspection = read.inspect(path, "t.csv").model_copy(update={"header_line": None})
    items, rejects = both(path, inspection, {"title": "column_2", "price": "column_3"})
    assert len(items) == 3
    assert rejects.rows() == [(1, "id,title,price", "price 'price' is not a number")]


def test_a_changed_encoding_is_trusted(tmp_path: Path) -> None:
    path = stored(tmp_path, "id,title\na1,Żółw\n".encode("cp1250"))
    inspection = read.inspect(path, "t.csv")
    assert inspection.encoding == "cp1252"
    assert any("cp1252" in warning for warning in inspection.warnings)
    items, _ = both(path, inspection.model_copy(update={"encoding": "cp1250"}), {"title": "title"})
    assert items["title"].to_list() == ["Żółw"]
    with pytest.raises(UnreadableFile, match="no text encoding"):
        both(path, inspection.model_copy(update={"encoding": "klingon"}), {"title": "title"})


def test_an_unknown_column_is_a_mapping_error(tmp_path: Path) -> None:
    path = stored(tmp_path, PLAIN)
    with pytest.raises(MappingError, match="no column 'name'"):
        both(path, read.inspect(path, "t.csv"), {"title": "name"})


def test_preview_preamble_and_warnings_show_what_was_found(tmp_path: Path) -> None:
    path = stored(tmp_path, lines("Our list", "", "id,title,price", "a1,Lamp,5", "Mug", "id,title,price"))
    inspection = read.inspect(path, "t.csv")
    assert inspection.preamble == ["Our list"]
    assert inspection.preview[0] == ["a1", "Lamp", "5"]
    assert inspection.mapping == {"id": "id", "title": "title", "price": "price"}
    assert (inspection.decimals, inspection.undecided) == ({}, {})
    assert any("repeated on line 6" in warning for warning in inspection.warnings)
    assert any("another number of cells" in warning for warning in inspection.warnings)


def test_progress_hears_of_every_row_and_can_stop_the_reading(tmp_path: Path) -> None:
    class Watch(Silent):
        rows = 0

        def advance(self, n: int = 1) -> None:
            self.rows += n
            if self.rows > 1000:
                raise Cancelled

    path = stored(tmp_path, PLAIN)
    watch = Watch()
    list(read.batches(path, read.inspect(path, "t.csv"), {"title": "title"}, watch))
    assert watch.rows == len(THREE)
    watch.rows = 1000
    with pytest.raises(Cancelled):
        list(read.batches(path, read.inspect(path, "t.csv"), {"title": "title"}, watch))


@pytest.mark.slow
def test_a_large_file_comes_in_blocks(tmp_path: Path) -> None:
    path = stored(tmp_path, lines("id,title,price", *(f"x{i},Thing {'y' * 200},5" for i in range(60_000))))
    sizes = [len(b.items) for b in read.batches(path, read.inspect(path, "t.csv"), {"title": "title"}, Silent())]
    assert sum(sizes) == 60_000
    assert max(sizes) * 200 < 2 * limits.BLOCK_BYTES


def test_real_catalogue_is_read_completely() -> None:
    path = Path(__file__).parents[4] / "shared" / "data" / "amazon_items.csv.gz"
    if not path.exists():
        pytest.skip("the real catalogue is not on this machine")
    inspection = read.inspect(path, path.name)
    items, rejects = both(path, inspection, inspection.mapping)
    assert (len(items), len(rejects)) == (3853, 0)
    assert items["price"].null_count() == 0
    assert set(inspection.mapping) == set(read.FIELDS) - {"weight", "side", "date", "quantity", "currency"}

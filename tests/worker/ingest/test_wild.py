"""Whatever the bytes are: one sentence, or every row once, as an item or as a reject with its line and reason."""

import gzip
import io
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.errors import UserError
from tests.worker.ingest.cases.base import arrow_parquet, workbook
from worker.ingest import limits, read, repeated_lines
from worker.progress import Silent

wild = settings(max_examples=80, suppress_health_check=list(HealthCheck))

PIECES = [
    *("a", "b", "1", "10.99", "12,5", ",", ";", "\t", "|", " ", "\n", "\r", "\r\n", "\0", "\x1e", "\x1f", "\x85"),
    *(
        '"',
        "'",
        "\\",
        '\\"',
        '""',
        '"a,b"',
        ',"',
        '",',
        "\\N",
        "\ufdd0",
        "\ufeff",
        "\u2028",
        "&amp;",
        "&#0;",
        "&#xd800;",
    ),
    *("id", "title", "price", "1,Lamp,5\n", '2,"Mug",6\n', "y" * 300),
]
CELLS = ["", "a", "Lamp", 12.5, 7, True, None, "=1+1", "#REF!", "x" * 400]


def read_back(path: Path) -> list[read.Batch]:
    inspection = read.inspect(path, "t")
    assert read.Inspection.model_validate_json(inspection.model_dump_json()) == inspection
    mapping = {"title": inspection.columns[0]} | inspection.mapping
    return list(read.batches(path, inspection, mapping, Silent()))


def check(data: bytes, folder: Path) -> None:
    path = folder / "stored"
    path.write_bytes(data)
    try:
        found = read_back(path)
    except UserError:
        return
    items, rejects = (
        pl.concat([each.items for each in found]),
        repeated_lines.rejects_of(pl.concat([each.rejects for each in found])),
    )
    taken = [*items["line"], *rejects["line"]]
    assert len(set(taken)) == len(taken)
    assert all(rejects["reason"])
    texts = [
        *rejects["raw"],
        *items.select(pl.concat_str(pl.col(pl.String).exclude("side"), separator=" ")).to_series(),
    ]
    assert not any(text is None or "\0" in text for text in texts)


@pytest.mark.slow
@wild
@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=60),
    head=st.sampled_from(["id,title,price\n", "id;title;price\r\n", "title\n", "a\tb\r", "sep=;\n", ""]),
    codec=st.sampled_from(["utf-8", "utf-16", "utf-32", "cp1252"]),
    broken=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=4),
    cut=st.none() | st.integers(3, 200),
)
def test_any_text(pieces, head, codec, broken, cut, tmp_path_factory) -> None:
    data = bytearray((head + "".join(pieces)).encode(codec, "replace"))
    for place, value in broken:
        if data:
            data[place % len(data)] = value
    check(gzip.compress(bytes(data))[:cut] if cut else bytes(data), tmp_path_factory.mktemp("t"))


TABLE = arrow_parquet(
    title=pa.array(["Lamp", "Mug", None] * 20),
    price=pa.array([1.5, 2.0, None] * 20),
    tags=pa.array([["a"], [], None] * 20),
    code=pa.array(["x", "y", None] * 20).dictionary_encode(),
)


@wild
@given(places=st.lists(st.tuples(st.integers(0, len(TABLE) - 1), st.integers(0, 255)), min_size=1, max_size=5))
@example(places=[(290, 0)])  # the codes of a dictionary point beyond it
def test_any_parquet(places, tmp_path_factory) -> None:
    data = bytearray(TABLE)
    for place, value in places:
        data[place] = value
    check(bytes(data), tmp_path_factory.mktemp("t"))


TYPES = [
    *(pa.int8(), pa.int64(), pa.uint64(), pa.float16(), pa.float64(), pa.date32(), pa.time32("ms"), pa.time64("ns")),
    *(pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns", "UTC"), pa.duration("ms"), pa.binary(8)),
    *(pa.decimal128(18, 4), pa.decimal256(18, 4), pa.binary(), pa.string()),
]


@pytest.mark.slow
@wild
@given(kind=st.sampled_from(TYPES), cells=st.lists(st.none() | st.binary(min_size=8, max_size=8), max_size=5))
def test_any_values_of_any_type(kind, cells, tmp_path_factory) -> None:
    """Eight bytes mean something in every type, and in some something that does not exist."""
    size = 0 if kind in (pa.binary(), pa.string()) else kind.byte_width
    array = pa.array([cell and (cell * 4)[: size or 8] for cell in cells], pa.binary(size or -1))
    array = pa.Array.from_buffers(kind, len(cells), array.buffers())
    try:
        data = arrow_parquet(title=pa.array(["Lamp"] * len(cells)), description=array)
    except pa.ArrowInvalid:  # a number of too many digits is not even written
        return
    check(data, tmp_path_factory.mktemp("t"))


CHANGES = [
    *((b't="s"', b't="e"'), (b't="s"', b't="b"'), (b't="s"', b't="d"'), (b"<v>", b"<v>-"), (b"<v>0", b"<v>99")),
    *((b'r="A1"', b'r="A0"'), (b'r="A1"', b'r="AAAAAA1"'), (b'r="B2"', b'r="2"'), (b'r="1"', b'r="x"')),
    *((b'r="A2"', b'r="A1"'), (b'r="B1"', b'r="ZZ99999"'), (b"</v>", b""), (b"<c ", b"<x:c "), (b"UTF-8", b"UTF-16")),
    *((b"<sheetData>", b"<sheetData/>"), (b"<v>", b"<f>1+1</f><v>"), (b"12.5", b"1E999"), (b"12.5", b"")),
]


@pytest.mark.slow
@wild
@given(
    rows=st.lists(st.lists(st.sampled_from(CELLS), max_size=5), min_size=1, max_size=6),
    part=st.integers(0, 20),
    changes=st.lists(st.sampled_from(CHANGES), max_size=3),
    places=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=3),
)
def test_any_workbook(rows, part, changes, places, tmp_path_factory) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(("P", [["id", "title", "price"], *rows])))) as old:
        names = old.namelist()
        with zipfile.ZipFile(buffer, "w") as new:
            for name in names:
                data = old.read(name)
                if name.startswith("xl/worksheets/"):
                    for before, after in changes:
                        data = data.replace(before, after)
                if name == names[part % len(names)]:
                    broken = bytearray(data)
                    for place, value in places:
                        broken[place % len(broken)] = value
                    data = bytes(broken)
                new.writestr(name, data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_GRID", 10_000)  # else the largest that are built take seconds each
        check(buffer.getvalue(), tmp_path_factory.mktemp("t"))


@pytest.mark.parametrize("names", [["", "b"], ["a", "a"]])
def test_columns_without_a_name_of_their_own(names, tmp_path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=names), buffer)
    check(buffer.getvalue(), tmp_path)

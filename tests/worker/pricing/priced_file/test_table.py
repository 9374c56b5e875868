"""A Parquet file with prices has its own columns, values, types and metadata, and prices in full."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worker.pricing.priced_file.said import HOSTILE, inspected, priced

NAMES = ["pricewright_price", "pricewright_low", "pricewright_high", "pricewright_flag", "pricewright_reason"]


def stored(table: pa.Table, **options) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    titles=st.lists(st.none() | st.text("ab é\n\0", max_size=3), min_size=1, max_size=9),
    size=st.integers(1, 5),
    compression=st.sampled_from(["none", "zstd", "snappy"]),
)
def test_every_value_stays_and_what_is_appended_reads_back(tmp_path, titles, size, compression) -> None:
    n = len(titles)
    table = pa.table(
        {
            "title": pa.array(["Rug", *titles]).dictionary_encode(),
            "price": pa.array([Decimal("1.50"), *[None] * n], pa.decimal128(9, 2)),
            "seen": pa.array([datetime(2026, 1, 2, tzinfo=UTC)] * (n + 1), pa.timestamp("ms", "Europe/Paris")),
            "day": [date(2026, 1, 2)] * (n + 1),
            "tags": pa.array([["x", None], *[None] * n], pa.list_(pa.string())),
            "code": pa.array([b"\xff\0"] * (n + 1)),
        }
    ).replace_schema_metadata({"from": "a shop"})
    data = stored(table, row_group_size=size, compression=compression)
    inspection = inspected(tmp_path, data, "t.parquet")
    out, said = priced(tmp_path, data, inspection, {"title": "title", "price": "price"})
    after = pq.read_table(io.BytesIO(out))
    assert after.schema.metadata == table.schema.metadata
    assert after.select(table.column_names).equals(pq.read_table(io.BytesIO(data)))
    assert after.column_names == [*table.column_names, *NAMES]
    lines = after.select(NAMES).to_pylist()
    for line in said.iter_rows(named=True):
        row = lines[line["line"] - 1]
        reason = HOSTILE if line["flag"] != "ok" else ""
        assert list(row.values()) == [line["price"], line["low"], None, line["flag"], reason]
    assert len(said) == len(lines)

"""Equal lines that follow each other are one reject with a count, and no line is lost or moved by that."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.ingest.cases.base import HEAD, ROWS, lines
from tests.worker.ingest.cases.repeated import FILL
from worker.ingest import read, repeated_lines
from worker.ingest.types import BATCH_ITEMS, BATCH_REJECTS, Batch
from worker.progress import Silent


def rejects_of(path: Path, data: bytes) -> list[tuple[int, int]]:
    """First line and count of each reject."""
    path.write_bytes(data)
    inspection = read.inspect(path, "t.csv")
    found = read.batches(path, inspection, {"id": "id", "title": "title", "price": "price"}, Silent())
    return [run for batch in found for run in batch.rejects.select("line", "count").rows()]


@pytest.mark.slow
@pytest.mark.parametrize("line", [",,", "x", "x,,5", "x,Lamp,lots", 'x,"Lamp,5', HEAD])
def test_a_run_longer_than_a_block_is_one_reject(line: str, tmp_path: Path) -> None:
    count = (5 << 20) // (len(line) + 1) if '"' not in line else 5_000
    data = lines(HEAD, *FILL, *FILL, *FILL, *FILL, *[line] * count, ROWS[0])
    assert rejects_of(tmp_path / "t", data) == [(2 + 4 * len(FILL), count)]


def test_another_reject_or_an_item_ends_a_run(tmp_path: Path) -> None:
    data = lines(HEAD, *[",,"] * 100, ROWS[0], *[",,"] * 3, "x", "x", ROWS[1], ROWS[2])
    assert rejects_of(tmp_path / "t", data) == [(2, 100), (103, 3), (106, 2)]


RUNS = st.lists(st.tuples(st.sampled_from(["v1,Vase,3", ",,", "x", "x,,5", ""]), st.integers(1, 130)), max_size=6)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_every_line_of_any_runs_is_where_it_was(tmp_path_factory: pytest.TempPathFactory, runs) -> None:
    body = [line for line, count in runs for _ in range(count)]
    path = tmp_path_factory.mktemp("t") / "t"
    path.write_bytes(lines(HEAD, *ROWS, *body))
    inspection = read.inspect(path, "t.csv", {"delimiter": ",", "header_line": 1})
    found = list(read.batches(path, inspection, {"id": "id", "title": "title", "price": "price"}, Silent()))
    items = pl.concat([batch.items for batch in found])
    rejects = pl.concat([batch.rejects for batch in found])
    assert items["line"].to_list() == [2, 3, 4, *(i + 5 for i, line in enumerate(body) if line.startswith("v1"))]
    rejected = [(i + 5, line) for i, line in enumerate(body) if line and not line.startswith("v1")]
    assert repeated_lines.rejects_of(rejects).select("line", "raw").rows() == rejected
    assert len(rejects) <= len(runs)


@given(st.lists(st.sampled_from(["", "a", "b", "ab"]), max_size=200))
def test_repeats_are_lines_like_the_one_before(texts: list[str]) -> None:
    buffer = "".join(f"{text}\n" for text in texts).encode()
    ends = np.flatnonzero(np.frombuffer(buffer, np.uint8) == 10)
    starts = np.array([0, *(ends[:-1] + 1)][: len(ends)], dtype=np.int64)
    same = repeated_lines.repeats(buffer, starts, ends, np.arange(len(ends)))
    assert all(texts[i] == texts[i - 1] for i in np.flatnonzero(same))
    assert repeated_lines.counts_of(same).sum() == len(texts)


def test_long_runs_are_found_and_short_ones_left() -> None:
    texts = ["a"] * 100 + ["b"] * 3 + ["cc"] * 10
    buffer = "".join(f"{text}\n" for text in texts).encode()
    ends = np.flatnonzero(np.frombuffer(buffer, np.uint8) == 10)
    same = repeated_lines.repeats(buffer, np.array([0, *(ends[:-1] + 1)]), ends, np.arange(len(ends)))
    assert repeated_lines.counts_of(same).tolist() == [100, 3, *[1] * 10]


def test_runs_are_joined_over_batches_in_the_order_of_the_file() -> None:
    def batch(*runs: tuple[int, str, str, int]) -> Batch:
        return Batch(pl.DataFrame(schema=BATCH_ITEMS), pl.DataFrame(list(runs), schema=BATCH_REJECTS, orient="row"))

    made = [
        batch((2, "x", "why", 3)),
        batch(),
        batch((5, "x", "why", 2), (8, "x", "why", 1)),
        batch((9, "y", "why", 1)),
    ]
    found = pl.concat([each.rejects for each in repeated_lines.joined_batches(made)])
    assert found.rows() == [(2, "x", "why", 5), (8, "x", "why", 1), (9, "y", "why", 1)]

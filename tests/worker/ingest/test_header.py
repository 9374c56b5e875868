"""A header is found by its contrast with the rows, whatever its words are, and rows without one are not robbed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.ingest import header
from worker.ingest.header import Row

WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöüéñø _", min_size=2, max_size=20).filter(
    lambda word: len(word.strip()) >= 2 and word.isprintable()
)
CELLS = {
    "price": st.floats(0.5, 900).map(lambda price: f"{price:.2f}"),
    "count": st.integers(0, 500).map(str),
    "code": st.integers(100, 99_999).map(lambda n: f"AB-{n}"),
    "day": st.integers(1, 28).map(lambda day: f"2024-03-{day:02}"),
    "link": st.integers(1, 999).map(lambda n: f"https://img.example/{n}.jpg"),
    "text": st.sampled_from(["Oak bench", "Blue mug", "Wool rug with a fringe", "Lamp"]),
    "flag": st.sampled_from(["TRUE", "FALSE"]),
    "": st.just(""),
}


@st.composite
def tables(draw) -> tuple[list[str], list[list[str]]]:
    """A header of words that nobody knows, and rows of which two columns at least are no words."""
    kinds = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=30))
    kinds += [draw(st.sampled_from(["price", "code", "day"])), "price", "text"]
    kinds = draw(st.permutations(kinds))
    names = draw(st.lists(WORDS, min_size=len(kinds), max_size=len(kinds), unique_by=str.casefold))
    count = draw(st.integers(3, 12))
    return names, [[draw(CELLS[kind]) for kind in kinds] for _ in range(count)]


def rows_of(*cells: list[str]) -> list[Row]:
    return [Row(i + 1, row, text="\t".join(row)) for i, row in enumerate(cells)]


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(tables())
def test_a_header_of_unknown_words_is_found_and_rows_alone_have_none(table) -> None:
    names, rows = table
    assert header.layout(rows_of(names, *rows)).header_line == 1
    assert header.layout(rows_of(["A list"], [], names, *rows)).header_line == 3
    alone = header.layout(rows_of(*rows))
    assert (alone.header_line, alone.skip_lines, len(alone.rows)) == (None, 0, len(rows))


@pytest.mark.parametrize("width", [3, 40, 1500])
def test_a_wide_or_long_beginning_without_contrast_is_decided_at_once(width: int) -> None:
    rows = [[f"Words of cell {i} {j}" for j in range(width)] for i in range(200)]
    assert header.layout(rows_of(*rows)).header_line is None

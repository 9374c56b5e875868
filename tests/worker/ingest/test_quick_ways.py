"""What is read in a quicker way gives the same as the plain way: UTF-8, letter groups of titles, odd lines."""

import codecs
import io
import re

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from worker.ingest import csv_encoding, not_items, similarity_tokens
from worker.ingest.csv_encoding import MARK

BYTES = st.lists(
    st.one_of(
        st.binary(max_size=4),
        st.sampled_from(["é".encode(), "–".encode(), "😀".encode(), MARK.encode(), b"a,b\n", b"\xe2\x80"]),
    ),
    max_size=12,
).map(b"".join)


@given(BYTES, st.integers(1, 9))
def test_blocks_of_utf8_are_those_of_the_decoder(data, size):
    read = b"".join(csv_encoding.blocks(io.BytesIO(data), "utf-8", "\n", size))
    text = codecs.decode(data, "utf-8", "pricewright.mark").removeprefix("\ufeff")
    assert read == csv_encoding.unify(text.encode(), "\n")


@given(BYTES)
def test_broken_characters_are_counted_as_the_decoder_does(data):
    text = codecs.decode(data, "utf-8", "pricewright.mark")
    invalid, beyond = csv_encoding._invalid_utf8(data[:5], io.BytesIO(data[5:]))
    assert (invalid, beyond) == (text.count(MARK), sum(byte > 127 for byte in data))


WORDS = st.sampled_from(["Red", "xl", "m²", "5", "lamp", "weiß", "–", "größe", "a", "S", "灯具", "²l"])
TITLES = st.lists(st.lists(WORDS, max_size=5).map(" ".join), min_size=1, max_size=8)


def plain_groups(title):
    """The four-byte groups of a title, word by word."""
    plain = re.sub(r"[^\w]+|_", " ", title.lower()).strip()
    bare = pl.Series([plain]).str.replace_all(similarity_tokens._VARIANT, "").str.strip_chars(" ")[0]
    words = bare if len(bare) >= 3 else plain
    padded = f"  {words.replace(' ', '  ')}   ".encode()
    groups = [padded[i : i + 4] for i in range(len(padded) - 3)]
    kept = [each for i, each in enumerate(groups) if i == 0 or b"  " not in each]
    return [int.from_bytes(each, "little") for each in kept]


@given(TITLES)
def test_letter_groups_are_those_of_each_title_by_itself(titles):
    codes, offsets = similarity_tokens.grams(pl.Series(titles, dtype=pl.String))
    parts = np.split(codes, offsets[1:])
    assert [part.tolist() for part in parts] == [plain_groups(title) for title in titles]


CELLS = st.lists(st.tuples(*[st.sampled_from(["---", "--", "-", "", "Lamp", " ", "=="])] * 3), min_size=1, max_size=6)


@given(CELLS)
def test_drawn_lines_are_those_whose_every_cell_is_drawn(rows):
    frame = pl.DataFrame(rows, schema=["a", "b", "c"], orient="row")
    lines = [not set("".join(row)) - set("-= ") and bool(re.search("--|==", "|".join(row))) for row in rows]
    drawn = [i for i, is_line in enumerate(lines) if is_line]
    assert not_items.drawn(frame) == drawn

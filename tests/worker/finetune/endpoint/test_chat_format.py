"""Our reading reads what a model behind an endpoint is taught to answer, and the question is the one asked later."""

import json

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from worker.finetune.endpoint import chat_format
from worker.llm.base import Prompt
from worker.llm.endpoint import requests
from worker.llm.price_reading import parse_price

WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
EXAMPLES = st.lists(
    st.fixed_dictionaries(
        {
            "row": st.integers(0, 99),
            "system": WORDS,
            "shared": WORDS,
            "text": WORDS,
            "ask": WORDS,
            "price": st.floats(0.01, 99_999, allow_nan=False),
        }
    ),
    min_size=1,
    max_size=5,
)


@given(EXAMPLES)
def test_a_line_is_the_question_as_it_is_asked_and_a_price_that_is_read_back(rows):
    lines = list(chat_format.lines(pl.DataFrame(rows)))

    assert len(lines) == len(rows)
    for row, line in zip(rows, lines, strict=True):
        assert line.endswith("\n")
        assert line.count("\n") == 1
        messages = json.loads(line)["messages"]
        asked = Prompt(row["shared"], row["text"], row["ask"], row["system"])
        assert messages[:-1] == requests.messages(asked)
        assert messages[-1]["role"] == "assistant"
        read = parse_price(messages[-1]["content"])
        assert read is not None
        assert abs(read - row["price"]) <= (0.5 if row["price"] >= 1 else 1)
        assert read == int(read) > 0


def test_halves_are_rounded_up_and_nothing_is_free():
    assert [chat_format.answer(price) for price in (0.01, 0.5, 1.49, 24.5, 25.5, 1234.0)] == [
        "1",
        "1",
        "1",
        "25",
        "26",
        "1234",
    ]


@given(EXAMPLES)
def test_tokens_are_counted_per_line_with_what_a_chat_wraps_around(rows):
    counted = chat_format.tokens(pl.DataFrame(rows))
    assert len(counted) == len(rows)
    for row, tokens in zip(rows, counted, strict=True):
        longer = chat_format.tokens(pl.DataFrame([row | {"text": row["text"] + "a word more " * 20}]))
        assert longer[0] > tokens > 0

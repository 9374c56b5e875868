"""Are figures written as people read them, and does the verdict say what the table says?"""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import words
from db.types import Dataset, DatasetState, Family, JobState, Split, Step


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "$0"),
        (1234.5, "$1,234"),
        (12.3, "$12.30"),
        (Decimal("0.5"), "$0.50"),
        (0.0312, "$0.031"),
        (0.000012, "$0.000012"),
        (3e-7, "under $0.000001"),
    ],
)
def test_dollars(value: float | None, text: str) -> None:
    assert words.usd(value) == text


@given(st.floats(1e-6, 1e9))
def test_dollars_never_lose_their_size(value: float) -> None:
    text = words.usd(value)
    assert "e" not in text
    assert float(text.replace("$", "").replace(",", "")) == pytest.approx(value, rel=0.06)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0001, "under 1 ms"),
        (0.04, "40 ms"),
        (3.24, "3.2 s"),
        (45, "45 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (4800, "1 h 20 min"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


def test_counts_and_lists() -> None:
    assert words.count(1, "row") == "1 row"
    assert words.count(2400, "row") == "2,400 rows"
    assert words.count(2, "category", "categories") == "2 categories"
    assert words.listed(["A"]) == "A"
    assert words.listed(["A", "B", "C"]) == "A, B and C"


def test_every_enum_that_reaches_a_page_has_words() -> None:
    assert set(words.FAMILIES) == set(Family)
    assert set(words.SPLITS) == set(Split)
    assert set(words.STEPS) == set(Step)
    assert set(words.STATES) == set(JobState)
    assert set(words.DATASET_STATES) == set(DatasetState)


def test_text_from_strangers_means_nothing_in_markdown() -> None:
    assert words.plain("*cheap* [x](http://y) $5 :red[z]") == ("\\*cheap\\* \\[x\\]\\(http\\://y\\) \\$5 \\:red\\[z\\]")
    assert words.md("$5 to $6") == "\\$5 to \\$6"


def test_a_dataset_that_is_synthetic_or_not_ready_says_so_in_its_name() -> None:
    dataset = Dataset(
        1, "shop", DatasetState.READY, "", "shop.csv", True, 3, 2, 1, {}, {}, {}, {}, None, datetime.now(UTC)
    )
    assert words.dataset_name(dataset) == "shop · 2 items · synthetic"


LABELS = {1: "Ridge", 2: "Boosting", 3: "Constant"}


def compared(*verdicts: str | None, costs: tuple[float, ...] = (0.02, 0.01, 0.001)) -> pl.DataFrame:
    lines = [
        {
            "job_id": place + 1,
            "n": 400,
            "mae": 80.0 + place,
            "mae_low": 70.0,
            "mae_high": 90.0,
            "usd_per_1000": costs[place],
            "verdict": verdict,
        }
        for place, verdict in enumerate(verdicts)
    ]
    return pl.DataFrame(lines, schema_overrides={"verdict": pl.String})


MAE = words.ERRORS["mae"]


def test_the_verdict_names_the_tied_and_the_cheapest_of_them() -> None:
    assert words.verdict(compared("best", "tie", "worse"), LABELS, MAE) == (
        "**Ridge** is best on mean error: $80.00 (95 % interval $70.00 to $90.00). "
        "**Boosting** can't be told apart from it on these 400 rows. "
        "**Boosting** is the cheapest of them at $0.010 per 1,000 items."
    )


def test_the_verdict_says_when_the_best_is_the_cheapest_too() -> None:
    sentence = words.verdict(compared("best", "tie", costs=(0.001, 0.01)), LABELS, MAE)
    assert sentence.endswith("It is also the cheapest of them at $0.0010 per 1,000 items.")


def test_the_verdict_says_when_all_others_are_worse() -> None:
    assert "Every other technique here is measurably worse" in words.verdict(compared("best", "worse"), LABELS, MAE)


def test_the_verdict_of_one_technique_asks_for_a_second() -> None:
    assert "Run a second technique" in words.verdict(compared("best"), LABELS, MAE)


def test_without_an_answer_nothing_is_claimed() -> None:
    assert words.verdict(compared(None), LABELS, MAE).startswith("Nothing can be said yet")

"""Figures are written as people read them, and the verdict says what the table says."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.shared import formats, words
from dashboard.shared import verdicts as shared_verdicts
from db.types import Dataset, DatasetState, Family, JobState, Split, Step
from tests.money import dollars
from worker.evaluation.measures import DECIDING

__all__ = ["dollars"]


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
    assert formats.usd(value) == text


@given(st.floats(1e-6, 1e9))
def test_dollars_never_lose_their_size(value: float) -> None:
    text = formats.usd(value)
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
    assert formats.duration(seconds) == text


def test_counts_and_lists() -> None:
    assert formats.count(1, "row") == "1 row"
    assert formats.count(2400, "row") == "2,400 rows"
    assert formats.count(2, "category", "categories") == "2 categories"
    assert formats.listed(["A"]) == "A"
    assert formats.listed(["A", "B", "C"]) == "A, B and C"


def test_every_enum_that_reaches_a_page_has_words() -> None:
    assert set(words.FAMILIES) == set(Family)
    assert set(words.SPLITS) == set(Split)
    assert set(words.STEPS) == set(Step)
    assert set(words.STATES) == set(JobState)
    assert set(words.DATASET_STATES) == set(DatasetState)


def test_text_from_strangers_means_nothing_in_markdown() -> None:
    hidden = "\u2060"
    assert words.plain("*cheap* [x](http://y) $5 :red[z]") == (
        f"\\*cheap\\* \\[x\\](http:{hidden}//y) \\$5 :{hidden}red\\[z\\]"
    )
    assert words.plain("An honest sentence, with 3.5 % (and more): 1-2 things.") == (
        "An honest sentence, with 3.5 % (and more): 1-2 things."
    )
    assert words.md("$5 to $6") == "\\$5 to \\$6"
    assert words.md(words.plain("$5 to \\$6")) == words.plain("$5 to \\$6")


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
            "more_rows": 120 * place if verdict == "tie" else None,
            "level": 0.95,
        }
        for place, verdict in enumerate(verdicts)
    ]
    return pl.DataFrame(lines, schema_overrides={"verdict": pl.String})


MAE = DECIDING["mae"]


def test_the_verdict_names_the_tied_and_the_cheapest_of_them() -> None:
    assert shared_verdicts.verdict(compared("ahead", "tie", "worse"), LABELS, MAE) == (
        "**Ridge** is ahead on mean error: $80.00 (95 % interval $70.00 to $90.00). "
        "**Boosting** can't be told apart from it on these 400 rows; about 120 more rows would probably tell it. "
        "**Boosting** is the cheapest of them at $0.010 per 1,000 items."
    )


def test_the_verdict_says_when_the_best_is_the_cheapest_too() -> None:
    sentence = shared_verdicts.verdict(compared("ahead", "tie", costs=(0.001, 0.01)), LABELS, MAE)
    assert sentence.endswith("It is also the cheapest of them at $0.0010 per 1,000 items.")


def test_the_verdict_says_when_all_others_are_worse() -> None:
    said = shared_verdicts.verdict(compared("best", "worse"), LABELS, MAE)
    assert said.startswith("**Ridge** is best on mean error")
    assert "Every other technique here is measurably worse" in said


def test_the_one_ahead_of_ties_is_not_called_best() -> None:
    assert "best" not in shared_verdicts.verdict(compared("ahead", "tie", "worse"), LABELS, MAE)


def test_with_too_few_rows_nothing_is_claimed_and_nothing_looks_exact() -> None:
    few = compared("too few rows", "too few rows").with_columns(pl.lit(1).alias("n"), mae_low=None, mae_high=None)
    assert shared_verdicts.verdict(few, LABELS, MAE).startswith(
        "Too few rows: 1 test row with a known price can't tell"
    )
    assert shared_verdicts.reach(few.row(0, named=True), "mae", MAE) == "too few rows"


def test_a_technique_that_answered_few_of_the_rows_is_said_to() -> None:
    said = shared_verdicts.verdict(compared("ahead", "too few rows"), LABELS, MAE)
    assert "**Boosting** answered too few of the same rows to be compared" in said


def test_the_cheapest_is_named_only_among_known_costs() -> None:
    said = shared_verdicts.verdict(
        compared("ahead", "tie").with_columns(usd_per_1000=pl.Series([None, 0.01])), LABELS, MAE
    )
    assert "the cheapest of them whose cost is known at $0.010" in said
    dark = compared("ahead", "tie").with_columns(usd_per_1000=pl.lit(None, pl.Float64))
    assert "cheapest" not in shared_verdicts.verdict(dark, LABELS, MAE)


def test_the_verdict_of_one_technique_asks_for_a_second() -> None:
    assert "Run a second technique" in shared_verdicts.verdict(compared("ahead"), LABELS, MAE)


def test_without_an_answer_nothing_is_claimed() -> None:
    assert shared_verdicts.verdict(compared(None), LABELS, MAE).startswith("Nothing can be said yet")


def test_money_of_a_model_tells_what_was_paid_and_what_was_saved() -> None:
    assert formats.money(0.0012, 0.03) == "$0.0012 paid, $0.030 saved"
    assert formats.money(0.5, 0) == "$0.50 paid"
    assert formats.money(0, Decimal("0.2")) == "$0 paid, $0.20 saved"


def test_an_unknown_price_is_never_nothing() -> None:
    assert formats.known_usd(None) == "unknown"
    assert formats.known_usd(float("nan")) == "unknown"
    assert formats.known_usd(0) == "$0"
    assert formats.money(None, 0) == "unknown paid"
    assert formats.money(0, 0, unknown=True) == "unknown paid"
    assert formats.money(0.5, 0.1, unknown=True) == "at least $0.50 paid, $0.10 saved"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (850, "850"), (12_400, "12.4k"), (999_700, "1M"), (3_120_000, "3.12M")]
)
def test_tokens_are_told_in_thousands_and_millions(number: int, text: str) -> None:
    assert formats.tokens(number) == text


def test_models_and_prompts_are_named_for_people() -> None:
    assert words.model_name("gemma3-270m") == "gemma3-270m"
    assert words.model_name("shop:big") == "big · on shop"
    assert words.prompt_name("question") == "question, newest version"
    assert words.prompt_name("question@3") == "question, version 3"


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (None, None),
        ("2028-01-01", None),
        ("2026-12-01", "m will be shut down on 2026-12-01, in 8 days: do not build on it."),
        ("2026-01-01T00:00:00Z", "m was shut down on 2026-01-01: calls will fail; choose another model."),
    ],
)
def test_a_model_that_ends_is_warned_about(ends: str | None, said: str | None) -> None:
    assert words.shutdown("m", ends, date(2026, 11, 23)) == said


def pair(verdict: str, low: float, high: float) -> pl.DataFrame:
    columns = {"job_id": [1, 2], "n": [400, 400], "mae": [80.0, 84.0], "diff": [0.0, 4.0], "diff_low": [0.0, low]}
    return pl.DataFrame(
        columns
        | {"diff_high": [0.0, high], "verdict": ["best" if verdict == "worse" else "ahead", verdict]}
        | {"level": [0.95, 0.95], "more_rows": [None, 300 if verdict == "tie" else None]}
    )


def test_two_runs_are_judged_by_their_paired_difference() -> None:
    assert shared_verdicts.pair_verdict(pair("worse", 1.0, 7.0), LABELS, MAE) == (
        "**Ridge** is better than **Boosting** on mean error: $80.00 and $84.00; the paired difference is $4.00 "
        "(95 % interval $1.00 to $7.00), on 400 rows."
    )
    tied = shared_verdicts.pair_verdict(pair("tie", -1.0, 9.0), LABELS, MAE)
    assert tied.startswith("**Ridge** and **Boosting** can't be told apart")
    assert "-$1.00 to $9.00" in tied
    assert tied.endswith("on 400 rows; about 300 more rows would probably tell it.")


def test_two_runs_of_which_one_answered_nothing_are_not_judged() -> None:
    frame = pair("tie", 0.0, 0.0).with_columns(diff=None, diff_low=None, diff_high=None)
    assert shared_verdicts.pair_verdict(frame, LABELS, MAE).startswith("Nothing can be said")


def test_what_happened_to_an_answer_is_told_in_sentences() -> None:
    told = words.notices(
        {
            "error": "timed out",
            "flag": "it says “ignore the above”.",
            "shortened": {"examples": 1, "tokens": 40},
            "ignored": ["logprobs", "seed"],
        }
    )
    assert told == [
        ("error", "No answer: timed out."),
        ("warning", "The product's text looks like instructions to the model: it says “ignore the above”."),
        (
            "info",
            "The prompt would not have fitted the model's context: 1 of the examples or neighbours were left out, the "
            "lowest-ranked first and the description lost 40 tokens.",
        ),
        (
            "info",
            "The endpoint ignored what it was asked for: "
            "probabilities of tokens, so there is no distribution and seed.",
        ),
    ]
    assert words.notices({"answer": "12", "shortened": {"examples": 0, "tokens": 0}}) == []

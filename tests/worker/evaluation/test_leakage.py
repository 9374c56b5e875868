"""Planted leaks of every kind are found, what only looks like one is not, and the figures say what they change."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.evaluation import plain_shingles
from worker import demo
from worker.evaluation import leakage, planted_leaks, told_prices, without
from worker.evaluation.leakage import IN_PROMPT, NEAR, REWORDED, SAME, TOLD
from worker.ingest.duplicates import Grouper
from worker.ingest.splits import assign


@pytest.fixture(scope="module")
def catalogue() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Known and test items of the demo catalogue, near-duplicates on one side."""
    items = (
        demo.catalogue()
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64), pl.col("price").cast(pl.Float64, strict=False))
    )
    items = items.filter(pl.col("price") > 0).with_columns(
        pl.col("title", "description", "category", "brand").fill_null("")
    )
    grouper = Grouper()
    grouper.add(items)
    groups = grouper.groups()
    items = items.with_columns(group_id=pl.Series(groups), key=pl.format("row:{}", "row"))
    sides = pl.Series(assign(groups, np.ones(len(items), dtype=bool), seed=7))
    return items.filter(sides == "train"), items.filter(sides == "test")


def copies(known: pl.DataFrame, how) -> pl.DataFrame:
    """Test rows that leaked; other rows than those that calibrate."""
    return how(known.sample(150, seed=99), 42).with_columns(row=10_000 + pl.int_range(150, dtype=pl.Int64))


def found(known, test, planted):
    asked = pl.concat([test, planted.select(test.columns)])
    return leakage.near(asked, known, planted_leaks.nearly(leakage.sample(known, 0), 0))


def test_copies_that_differ_in_case_and_punctuation_are_the_same(catalogue):
    known, test = catalogue
    planted = copies(known, planted_leaks.same)
    suspects = leakage.same(pl.concat([test, planted.select(test.columns)]), known)
    met = planted.join(suspects, on="row")
    assert len(met) == len(planted)
    texts = dict(zip(known["key"], leakage.text_of(known)))
    assert all(texts[key] == texts[other] for key, other in met.select("key", "known").iter_rows())
    assert set(suspects["kind"]) == {SAME}


def test_copies_with_lost_and_new_words_are_found_and_accidents_are_told(catalogue):
    known, test = catalogue
    planted = copies(known, planted_leaks.nearly)
    suspects, limit = found(known, test, planted)
    assert len(planted.join(suspects, on="row")) >= 0.95 * len(planted)
    assert limit.found >= 0.9
    others = suspects.filter(pl.col("row") < 10_000)
    # What is told of accidents holds for the test rows that did not leak: three standard errors of both counts.
    share = len(others) / len(test)
    spread = np.sqrt(0.25 / len(test) + 0.25 / leakage.SAMPLE)
    assert abs(share - limit.by_accident) < 3 * spread


def a_table(random: np.random.Generator, rows: int, words: int, length: int) -> pl.DataFrame:
    """Texts of words as unevenly frequent as in real ones, some of them so frequent that they tell nothing."""
    shares = 1 / np.arange(1, words + 1)
    lines = [
        " ".join(f"w{word}" for word in random.choice(words, random.integers(0, length + 1), p=shares / shares.sum()))
        for _ in range(rows)
    ]
    frame = pl.DataFrame({"title": pl.Series(lines, dtype=pl.String), "row": pl.int_range(rows, eager=True)})
    return frame.with_columns(description=pl.lit(""), group_id="row", key=pl.format("row:{}", "row"))


@pytest.mark.slow
@given(
    seed=st.integers(0, 2**32 - 1),
    known=st.integers(0, 120),
    asked=st.integers(0, 120),
    leaked=st.integers(0, 20),
    words=st.sampled_from([12, 60, 500]),
    length=st.sampled_from([3, 12, 25]),
)
@settings(max_examples=40, deadline=None)
def test_what_is_kept_of_known_items_finds_what_is_found_without(seed, known, asked, leaked, words, length):
    random = np.random.default_rng(seed)
    source, other = a_table(random, known, words, length), a_table(random, asked, words, length)
    planted = planted_leaks.nearly(source.sample(min(leaked, known), seed=1), 3)
    texts = leakage.text_of(pl.concat([other, planted, source.head(2)]))
    calibrating = planted_leaks.nearly(leakage.sample(source, 0), 0)
    kept = leakage.Known.from_parts(leakage.Known.of(source, calibrating).to_parts())
    places, scores, limit = kept.near(texts)
    plain_places, plain_scores, plain_limit = plain_shingles.near(texts, source, calibrating)
    assert places.tolist() == plain_places.tolist()
    assert scores.tolist() == pytest.approx(plain_scores.tolist(), abs=1e-6)
    assert limit.value == pytest.approx(plain_limit.value, abs=1e-6)
    assert (limit.planted, limit.found, limit.by_accident) == (
        plain_limit.planted, plain_limit.found, plain_limit.by_accident
    )  # fmt: skip


def test_what_is_kept_of_real_texts_finds_the_copies_that_were_planted(catalogue):
    known, test = catalogue
    planted = [copies(known, how).select(test.columns) for how in (planted_leaks.same, planted_leaks.nearly)]
    asked = pl.concat([test, planted[0], planted[1].with_columns(pl.col("row") + 1000)])
    calibrating = planted_leaks.nearly(leakage.sample(known, 0), 0)
    kept = leakage.Known.from_parts(leakage.Known.of(known, calibrating).to_parts())
    near, _ = leakage.near(asked, known, calibrating)
    at_once = leakage.merged([leakage.same(asked, known), near]).select("kind", "row").sort("row")
    assert kept.copies(asked).sort("row").rows() == at_once.rows()
    found = kept.copies(asked).filter(pl.col("row") >= 10_000)
    assert len(found) >= 0.95 * 300
    assert set(found["kind"]) == {SAME, NEAR}


def test_words_that_become_common_beside_another_table_tell_nothing():
    """What is kept was computed when "free shipping today" was rare; the new table has it in each row."""
    lines = [f"free shipping today {' '.join(f'k{i}x{j}' for j in range(8))}" for i in range(15)]
    known = pl.DataFrame({"title": lines, "row": range(15)})
    known = known.with_columns(description=pl.lit(""), group_id="row", key=pl.format("row:{}", "row"))
    calibrating = planted_leaks.nearly(leakage.sample(known, 0), 0)
    kept = leakage.Known.of(known, calibrating)
    asking = pl.Series([f"free shipping today {' '.join(f'a{i}x{j}' for j in range(8))}" for i in range(100)])
    few, many = kept.near(asking.head(1))[1], kept.near(pl.concat([asking, known["title"]]))[1]
    assert few[0] == 0  # the planted copies count too
    assert many[:100].max() == 0
    assert many[100:].min() == 1


def test_a_row_without_a_twin_is_no_suspect():
    known = pl.DataFrame(
        {
            "key": ["row:0", "row:1"],
            "title": ["oak table round", "steel chair"],
            "description": ["", ""],
            "group_id": [0, 1],
        }
    )
    test = pl.DataFrame({"row": [5, 6], "title": ["garden hose", ""], "description": ["green rubber", ""]})
    suspects, _ = leakage.near(test, known, planted_leaks.nearly(known))
    assert suspects.is_empty()
    assert leakage.same(test, known).is_empty()


def test_without_known_items_nothing_is_similar():
    known = pl.DataFrame(schema={"key": pl.String, "title": pl.String, "description": pl.String, "group_id": pl.Int64})
    test = pl.DataFrame({"row": [5], "title": ["garden hose"], "description": ["green"]})
    suspects, limit = leakage.near(test, known, known)
    assert suspects.is_empty()
    assert limit.planted == 0


def test_what_is_near_by_meaning_counts_from_the_calibrated_similarity_on():
    planted = pl.DataFrame({"score": np.linspace(0.8, 1.0, 101), "is_right": [True] * 101})
    limit = leakage.threshold(REWORDED, planted, [0.5, 0.6, 0.9, 0.95])
    assert limit.value == pytest.approx(0.806)
    assert limit.found == pytest.approx(0.97, abs=0.01)
    assert limit.by_accident == 0.5
    alike = pl.DataFrame({"row": [1, 2], "known": ["b", "c"], "score": [0.9, 0.7]})
    assert leakage.reworded(alike, limit).select("row", "known").rows() == [(1, "b")]


def test_of_what_is_found_by_meaning_the_one_with_the_same_rare_words_is_most_alike():
    known = pl.DataFrame({"title": ["charger for acme x9", "charger for bolt z4", "charger for cord k2"]})
    asking = pl.DataFrame({"row": [7], "title": ["Acme X9 charger"]})
    neighbours = pl.DataFrame(
        {
            "row": [7, 7],
            "neighbour": ["z4", "x9"],
            "similarity": [0.92, 0.9],
            "title": [known["title"][1], known["title"][0]],
        }
    )
    alike = leakage.likeness(neighbours, asking, known)
    assert alike["known"].to_list() == ["x9"]
    assert alike["score"][0] > 0.8


def test_no_threshold_lies_so_low_that_everything_is_a_copy():
    planted = pl.DataFrame({"score": [0.0] * 50, "is_right": [False] * 50})
    assert leakage.threshold(NEAR, planted, []).value == leakage.LEAST[NEAR]


def test_a_title_in_a_prompt_is_found_and_a_short_one_is_not():
    test = pl.DataFrame(
        {"row": [1, 2, 3], "title": ["Acme Drill 500 W!", "Lamp", "Oak table"], "description": [""] * 3}
    )
    suspects = leakage.in_prompts(test, {"mine@2": "Example: the acme drill 500 w costs $80. A lamp costs $5."})
    assert suspects.select("kind", "row", "evidence").rows() == [(IN_PROMPT, 1, "mine@2")]


def test_told_prices_are_found_in_all_their_forms(catalogue):
    known, _ = catalogue
    planted = copies(known, planted_leaks.told)
    assert len(told_prices.told(planted)) >= 0.95 * len(planted)


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("only $19.99 today", 19.99), ("19.99", 19.99), ("19,99 €", 19.99), ("1999 cents", 19.99), ("$1,299", 1299.5),
        ("1,299.00 here", 1299.0), ("$ 20", 20.0), ("20 USD", 20.0), ("was 100.00", 100.0),
    ],
)  # fmt: skip
def test_a_text_tells_its_price(text, price):
    item = pl.DataFrame({"row": [0], "title": [text], "description": [""], "price": [price]})
    assert len(told_prices.told(item)) == 1


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("100 pieces", 100.0), ("model 20", 20.0), ("19.99 inches wide", 19.99), ("5.50 kg", 5.5), ("$19.98", 19.99),
        ("119.99", 19.99), ("a lamp", 19.99), ("99", 19.99), ("12.50 x 3", 12.5), ("version 2.0", 2.0),
    ],
)  # fmt: skip
def test_a_number_that_only_equals_a_price_tells_nothing(text, price):
    item = pl.DataFrame({"row": [0], "title": [text], "description": [""], "price": [price]})
    assert told_prices.told(item).is_empty()


def test_accidents_are_counted_by_prices_of_other_items():
    prices = [10.0 + cent / 100 for cent in range(100)]
    every = " ".join(f"{price:.2f}" for price in prices)
    items = pl.DataFrame({"row": range(100), "title": [every] * 100, "description": [""] * 100, "price": prices})
    assert told_prices.by_accident(items) == pytest.approx(100, rel=0.01)
    assert told_prices.by_accident(items.with_columns(title=pl.lit("plain"))) == 0


def test_of_copies_a_row_has_only_the_most_telling():
    def suspect(kind, row, known, score):
        return {"kind": kind, "row": row, "known": known, "score": score, "evidence": ""}

    frame = pl.DataFrame(
        [
            suspect(NEAR, 1, "a", 1.0),
            suspect(SAME, 1, "a", 1.0),
            suspect(TOLD, 1, None, 1.0),
            suspect(REWORDED, 2, "b", 0.9),
        ],
        schema=leakage.SUSPECTS,
    )
    assert leakage.merged([frame]).select("kind", "row").rows() == [(SAME, 1), (REWORDED, 2), (TOLD, 1)]


def predictions(off: np.ndarray) -> pl.DataFrame:
    """One job, with errors off (n,) in $ at a truth of $100."""
    n = len(off)
    usual = {"job_id": 1, "truth": 100.0, "status": "ok", "usd": 0.0, "saved_usd": 0.0, "seconds": 0.0}
    frame = pl.DataFrame({"row": range(n), "group_id": range(n), "price": 100.0 + off})
    return frame.with_columns(**{k: pl.lit(v) for k, v in usual.items()}, tokens_in=pl.lit(0), tokens_out=pl.lit(0))


def test_leaving_out_rows_that_were_too_easy_raises_the_error_for_sure():
    random = np.random.default_rng(0)
    off = random.exponential(10, 200)
    off[:40] = 0.0
    line = without.table(predictions(off), range(40)).row(0, named=True)
    assert (line["n"], line["n_without"]) == (200, 160)
    assert line["mae_without"] == pytest.approx(off[40:].mean())
    assert 0 < line["change_low"] < line["change"] < line["change_high"]


@pytest.mark.slow
def test_leaving_out_rows_like_all_others_is_called_a_change_as_often_as_promised():
    random = np.random.default_rng(1)
    missed = 0
    for seed in range(200):
        line = without.table(predictions(random.exponential(10, 120)), range(30), 200, seed).row(0, named=True)
        missed += not line["change_low"] <= 0 <= line["change_high"]
    assert missed <= 22  # 5 % of 200 and four standard errors


def test_no_interval_is_made_where_nothing_is_left_out_or_too_little_is_left():
    off = np.ones(30)
    assert without.table(predictions(off), []).row(0, named=True)["change_low"] is None
    assert without.table(predictions(off), range(25)).row(0, named=True)["change_low"] is None


def test_runs_of_one_technique_are_one_line_and_their_spread_is_in_its_interval():
    random = np.random.default_rng(2)
    off = random.exponential(10, 200)
    # Of the first run the left out rows are easy, of the second they are hard.
    first, second = np.where(np.arange(200) < 40, 0, off), np.where(np.arange(200) < 40, 40, off)
    runs = pl.concat([predictions(first), predictions(second).with_columns(job_id=pl.lit(2))])
    line = without.table(runs, range(40), repeats={2: 1}).row(0, named=True)
    assert (line["job_id"], line["repeats"], line["n"]) == (1, 2, 200)
    assert line["mae"] == pytest.approx((first.mean() + second.mean()) / 2)
    assert line["change"] == pytest.approx((first[40:].mean() + second[40:].mean() - first.mean() - second.mean()) / 2)
    assert line["change_low"] < 0 < line["change_high"]
    alone = without.table(runs.filter(pl.col("job_id") == 2), range(40)).row(0, named=True)
    assert alone["change_high"] < 0

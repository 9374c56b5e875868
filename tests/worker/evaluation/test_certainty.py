"""A promised hit rate is kept as often as it says, on rows for a person there is a reason, and refusals are honest."""

import numpy as np
import polars as pl
import pytest

from worker.evaluation import certainty, hand_over
from worker.evaluation.certainty import SURE
from worker.evaluation.measures import hit


def priced(n: int, seed: int, *, sure: float = 0.5, noise: tuple[float, float] = (0.08, 0.8)) -> pl.DataFrame:
    """Rows of which a share is nearly right, and whose spread tells which."""
    random = np.random.default_rng(seed)
    price = np.exp(random.normal(4, 1, n))
    own = np.where(random.random(n) < sure, *noise)
    truth = price * np.exp(random.normal(0, own))
    return pl.DataFrame(
        {
            "job_id": 1, "row": np.arange(n), "group_id": np.arange(n), "truth": truth, "price": price,
            "low": price * np.exp(-own), "high": price * np.exp(own), "status": ["ok"] * n, "category": ["Lamps"] * n,
        }
    )  # fmt: skip


def test_sure_rows_are_kept_and_the_others_are_for_a_person_with_a_reason() -> None:
    known = certainty.learn(priced(600, 1), 0.2)
    assert known is not None
    fresh = known.intervals.around(priced(400, 2)).with_columns(
        price=pl.when(pl.col("row") > 0).then(pl.col("price")),
        status=pl.when(pl.col("row") > 0).then(pl.lit("ok")).otherwise(pl.lit("unparsed")),
    )
    promise = known.promise(0.8)
    divided = hand_over.divide(fresh, known, promise, unlike=[1, 2, 3])
    assert divided["reason"][:4].to_list() == [hand_over.NO_ANSWER, *[hand_over.UNLIKE] * 3]
    assert 0.35 < (divided["reason"] == "").mean() < 0.65
    found = hand_over.realised(divided, 0.2)
    assert found.share >= 0.8
    assert found.low < found.share < found.high
    surer = hand_over.realised(divided, 0.2, level=0.999)
    assert surer.low < found.low < found.high < surer.high
    segment = hand_over.segments(divided, 0.2, level=0.999).row(0, named=True)
    assert (segment["low"], segment["high"]) == (surer.low, surer.high)
    assert (hand_over.divide(fresh, known, None)["reason"] != "").all()


def test_what_can_not_be_promised_is_refused_and_the_most_is_told() -> None:
    known = certainty.learn(priced(600, 3, sure=0.0), 0.2)
    assert known.promise(0.9) is None
    assert 0.05 < known.most() < 0.4
    assert known.promise(known.most()) is not None


@pytest.mark.parametrize("rows", [0, certainty.FEWEST - 1])
def test_too_few_rows_promise_nothing(rows: int) -> None:
    assert certainty.learn(priced(rows, 4), 0.2) is None


def test_copies_certify_once() -> None:
    copies = priced(400, 5).with_columns(group_id=pl.col("row") // 20)
    assert certainty.learn(copies, 0.2) is None


@pytest.mark.slow
def test_a_promise_is_broken_in_at_most_one_of_ten_draws() -> None:
    """The true hit rate of what is kept, over draws of the calibration rows; the standard error is 2 points."""
    world = priced(20_000, 6)
    broken = 0
    for seed in range(200):
        known = certainty.learn(priced(200, 100 + seed), 0.2)
        promise = known.promise(0.85)
        if promise is not None:
            fresh = known.intervals.around(world)
            hits = fresh.select(hit(0.2)).to_series().to_numpy()
            broken += hits[known.score(fresh) >= promise.limit].mean() < 0.85
    assert broken / 200 <= 1 - SURE + 0.04


def test_the_curve_falls_and_its_segments_count_all_rows() -> None:
    known = certainty.learn(priced(600, 7), 0.2)
    fresh = known.intervals.around(priced(500, 8))
    lines = hand_over.curve(fresh, known)
    assert dict(lines.schema) == hand_over.CURVE
    assert lines["realised"][5] > lines["realised"][-1]
    assert lines["share"][-1] == 1.0
    divided = hand_over.divide(fresh, known, known.promise(0.8))
    for by in ("", "band", "category"):
        assert hand_over.segments(divided, 0.2, by=by)["rows"].sum() == 500


def test_rows_that_all_hit_have_no_interval_that_resampling_could_tell() -> None:
    known = certainty.learn(priced(600, 7), 0.2)
    fresh = known.intervals.around(priced(500, 8).with_columns(truth=pl.col("price")))
    found = hand_over.realised(hand_over.divide(fresh, known, known.promise(0.8)), 0.2)
    assert (found.share, found.low, found.high) == (1.0, None, None)


def test_the_most_in_steps_is_the_highest_multiple_that_is_promised() -> None:
    known = certainty.learn(priced(600, 7), 0.2)
    most = known.most(5)
    assert round(100 * most) % 5 == 0
    assert known.promise(most) is not None
    assert all(known.promise(wish / 100) is None for wish in range(round(100 * most) + 5, 100, 5))


def test_copies_of_rows_make_what_was_realised_no_surer() -> None:
    known = certainty.learn(priced(600, 7), 0.2)
    rows = known.intervals.around(priced(300, 9))
    promise = known.promise(0.8)
    alone, copied = (
        hand_over.realised(hand_over.divide(frame, known, promise), 0.2) for frame in (rows, pl.concat([rows] * 3))
    )
    assert copied.share == alone.share
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high), abs=0.01)

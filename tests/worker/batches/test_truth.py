"""Real prices that come later: known answers, how often an alarm is false, and what to do when a promise broke."""

import io
from dataclasses import fields
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from db import datasets, jobs, predictions
from db.engine import begin
from db.errors import NotReady
from db.types import BatchState, DatasetState, JobState, Pricer, PricerBatch, Split
from tests.builders import a_catalogue
from tests.money import dollars
from tests.worker.batches.conftest import Watched
from tests.worker.conftest import drain
from worker.amounts import DOLLARS
from worker.batches import actions, months, truth
from worker.evaluation import promise, real_prices

__all__ = ["dollars"]


def frame(errors: np.ndarray, *, price: float = 100.0, width: float = 50.0) -> pl.DataFrame:
    """Answered rows whose prices are off by these ($), with intervals of a width on either side."""
    n = len(errors)
    return pl.DataFrame(
        {"row": np.arange(n), "group_id": np.arange(n), "truth": np.full(n, price), "price": price + errors}
    ).with_columns(low=pl.col("price") - width, high=pl.col("price") + width, status=pl.lit("ok"), category=pl.lit(""))


def judged(here: pl.DataFrame, promised: pl.DataFrame, level: float = 0.95) -> truth.Truth:
    prices = here.select("row", price="truth")
    matched = real_prices.Matched(prices, "id", 0, 0, 0, 0)
    return truth.of(
        matched, prices, here, promised, level, file_name="real.csv", unreadable=0, kept_as="", money=DOLLARS
    )


def with_truth(came: truth.Truth) -> PricerBatch:
    plain = dict.fromkeys((field.name for field in fields(PricerBatch)), 0)
    return PricerBatch(**plain | {"truth": came.model_dump(mode="json")})  # type: ignore[arg-type]


def test_a_promise_that_broke_is_told_with_both_figures() -> None:
    random = np.random.default_rng(1)
    off, usual = random.normal(0, 40, 400), random.normal(0, 10, 400)
    came = judged(frame(off), frame(usual))
    kept = came.kept()
    assert kept is not None
    assert (kept.here, kept.promised) == pytest.approx((abs(off).mean(), abs(usual).mean()))
    first, second = truth.alarms(came)
    assert first.startswith(f"The promise broke: mean error ${abs(off).mean():.2f} instead of the promised ")
    assert f"worse than promised by ${abs(off).mean() - abs(usual).mean():.2f} ($" in first
    assert "95 % interval" in first
    assert second.startswith(f"The intervals are too narrow: low to high held {(abs(off) <= 50).mean():.0%} (")


def test_one_that_was_kept_or_bettered_raises_no_alarm() -> None:
    random = np.random.default_rng(2)
    promised = frame(random.normal(0, 20, 300), width=33)
    assert truth.alarms(judged(frame(random.normal(0, 20, 300), width=33), promised)) == []
    better = judged(frame(random.normal(0, 5, 300), width=33), promised)
    assert truth.alarms(better) == []
    assert "better than promised by $" in " ".join(truth.sentences(better))


def test_of_few_rows_nothing_is_said_that_they_do_not_show() -> None:
    came = judged(frame(np.full(4, 300.0)), frame(np.zeros(200)))
    assert truth.alarms(came) == []
    assert "too few rows to say whether it is as promised" in " ".join(truth.sentences(came))


def test_what_is_told_of_several_batches_goes_by_the_level() -> None:
    off = frame(np.random.default_rng(5).normal(0, 20, 60), width=25)
    assert truth.alone([with_truth(judged(off, off))]) == ""
    assert "of 40 that are as promised" in truth.alone([with_truth(judged(off, off))] * 2)
    said = truth.alone([with_truth(judged(off, off, level=0.8))] * 2)
    assert "of 10 that are as promised" in said
    assert "80 % intervals" in said


def test_how_sure_the_held_share_is_goes_by_the_level() -> None:
    off = frame(np.random.default_rng(6).normal(0, 20, 200), width=25)
    usual, less = judged(off, off), judged(off, off, level=0.8)
    assert usual.covered_low is not None
    assert less.covered_low is not None
    assert usual.covered_low < less.covered_low < (less.covered or 0)


@pytest.mark.slow
def test_kept_promises_seldom_seem_broken() -> None:
    """Both samples come from one distribution: alarms of the error are as rare as their interval says, 2.5 %; 200 tries
    give more than 13 with a probability below 0.1 %."""
    random = np.random.default_rng(3)
    false = 0
    for _ in range(200):
        here, promised = (frame(random.standard_t(5, 80) * 10) for _ in "ab")
        kept = promise.kept(promised, here, "mae", n_boot=400)
        false += kept.low is not None and kept.low > 0
    assert false <= 13


@pytest.fixture
def priced(watched: Watched) -> PricerBatch:
    """A batch of 60 rows with ids, none like another one."""
    letters = np.random.default_rng(4).choice(list("abcdefghijklmnop"), (60, 8, 5))
    words = [" ".join("".join(word) for word in row) for row in letters]
    table = a_catalogue(60, seed=4).with_columns(sku=pl.format("S-{}", "row"), title=pl.Series(words))
    table = table.with_columns(description=pl.col("title"))
    table.drop("row", "price").write_csv(watched.inbox / "may.csv")
    watched.run()
    return actions.get(1)


def bring(batch: PricerBatch, sent: list[int], table: pl.DataFrame, **how: object) -> truth.Truth:
    stream = io.BytesIO(table.write_csv().encode())
    job_id = actions.attach_truth(batch.id, "real.csv", stream, **how)  # type: ignore[arg-type]
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
    if job.state is not JobState.DONE:
        raise NotReady(job.error or "")
    came = truth.parse(actions.get(batch.id).truth)
    assert came is not None
    return came


def real(times: float = 1.0) -> pl.DataFrame:
    table = a_catalogue(60, seed=4)
    return table.select(pl.format("S-{}", "row").alias("sku"), (pl.col("price") * times).alias("sold for price"))


@pytest.mark.slow
def test_half_of_the_real_prices_and_then_the_rest(priced: PricerBatch, sent: list[int]) -> None:
    table = pl.concat([real()[:30], pl.DataFrame({"sku": ["X-1"], "sold for price": [5.0]})])
    came = bring(priced, sent, table)
    assert (came.rows, came.of, came.unknown, came.by) == (30, 60, 1, "id")
    with begin() as session:
        answers = predictions.of_job(session, priced.job_id or 0)[:30]
    off = (answers["price"] - a_catalogue(60, seed=4)["price"][:30]).abs().mean()
    assert came.measures["mae"]["here"] == pytest.approx(off)
    came = bring(priced, sent, real()[30:])
    assert (came.rows, came.unknown) == (60, 0)
    (month,) = months.of(actions.every())
    assert (month.batches, month.rows, month.with_truth) == (1, 60, 1)
    assert month.real.startswith("$")


@pytest.mark.slow
def test_a_file_of_ours_is_not_taken_for_real_prices(priced: PricerBatch, sent: list[int], watched: Watched) -> None:
    ours = pl.read_csv(watched.out / "may-priced.csv")
    with pytest.raises(NotReady, match="can't be told which column holds the real prices"):
        bring(priced, sent, ours)
    came = bring(priced, sent, ours.with_columns(paid=real()["sold for price"]), columns={"price": "paid"})
    assert (came.rows, came.measures["mae"]["here"] > 0) == (60, True)


@pytest.mark.slow
def test_real_prices_in_another_currency_are_refused(priced: PricerBatch, sent: list[int]) -> None:
    table = real().with_columns(pl.format("{} €", pl.col("sold for price")))
    with pytest.raises(NotReady, match="has prices in EUR, and .* has them in USD: convert"):
        bring(priced, sent, table)
    mixed = table.with_columns(pl.when(pl.int_range(pl.len()) < 50).then(pl.col("sold for price").str.replace("€", "$"))
                               .otherwise("sold for price").alias("sold for price"))  # fmt: skip
    came = bring(priced, sent, mixed)
    assert (came.rows, came.unreadable, came.currency) == (50, 10, "USD")


@pytest.mark.slow
def test_a_broken_promise_leads_to_rows_to_learn_from(priced: PricerBatch, sent: list[int], pricer: Pricer) -> None:
    came = bring(priced, sent, real(times=4))
    assert truth.alarms(came)
    ways = actions.remedies(actions.get(priced.id))
    assert list(ways) == ["learn"]  # the technique reads no knowledge base
    assert ways["learn"].usd is not None
    assert "Join the 60 real prices to things and learn anew" in ways["learn"].sentence()
    joined = actions.join_truth(priced.id)
    drain(sent)
    with begin() as session:
        whole = datasets.get(session, joined)
        assert whole.state is DatasetState.READY
        assert whole.items == 360
        assert whole.splits[Split.UNPRICED] == 0
        prices = datasets.whole_items(session, joined)["price"]
    assert prices.tail(60).to_list() == pytest.approx((a_catalogue(60, seed=4)["price"] * 4).to_list())
    assert actions.join_truth(priced.id) == joined
    assert pricer.source_id in whole.joined_from


def test_only_a_priced_batch_has_real_prices(watched: Watched, priced: PricerBatch) -> None:
    (watched.inbox / "bad.csv").write_bytes(b"")
    watched.run()
    with pytest.raises(NotReady, match="has no prices that real ones could be set beside: it is aside"):
        actions.attach_truth(2, "real.csv", io.BytesIO(b"a"))
    with pytest.raises(NotReady, match="has no real prices"):
        actions.join_truth(priced.id)


def test_a_file_brought_by_hand_is_a_batch_once_its_job_is_done(
    watched: Watched, pricer: Pricer, sent: list[int]
) -> None:
    from worker.pricers import actions as pricers

    with begin() as session:
        table = datasets.create(session, name="new", sha256="2" * 64, file_name="new.csv")
        items = a_catalogue(5, seed=8).with_columns(
            price=pl.lit(None, pl.Float64), line=pl.col("row") + 2, external_id=pl.lit(""), split=pl.lit("unpriced"),
            group_id=pl.col("row"),
        )  # fmt: skip
        datasets.add_items(session, table, items)
        splits = {str(side): 0 for side in Split} | {str(Split.UNPRICED): 5}
        datasets.change(session, table, state=DatasetState.READY, items=5, rows_in=5, splits=splits)
    job_id = pricers.start(pricer, table)
    made = actions.record(pricer, job_id)
    assert (made.state, made.folder) == (BatchState.PRICING, "")
    assert actions.record(pricer, job_id).id == made.id
    actions.settle()
    assert actions.get(made.id).state is BatchState.PRICING
    drain(sent)
    actions.settle()
    done = actions.get(made.id)
    assert (done.state, done.rows, done.flagged) == (BatchState.PRICED, 5, 0)
    assert isinstance(done.usd, Decimal)

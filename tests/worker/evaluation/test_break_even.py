"""Total costs and where they cross: known answers, and intervals that hold as often as they say."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from worker.evaluation import resampling
from worker.evaluation.break_even import Crossing, Totals, Way, rounded

NAMES = {1: "Prompt", 2: "Fine-tuned"}


def totals(*ways: Way, months: int = 12, **how: Any) -> Totals:
    return Totals(ways, resampling.alone(len(ways[0].per_item)), months, **({"n_boot": 400} | how))


def sure(key: int, once: float, per_item: float, monthly: float = 0.0, n: int = 50) -> Way:
    return Way(key, once, monthly, np.full(n, per_item))


def test_a_total_is_paid_once_monthly_and_by_item() -> None:
    table = totals(sure(1, 5.0, 0.01, 2.0), months=3).at([100.0, 1000.0])
    assert table["usd"].to_list() == pytest.approx([5 + 6 + 3, 5 + 6 + 30])
    assert table["usd_low"].to_list() == pytest.approx([14, 41])


def test_what_costs_more_at_first_and_less_by_item_pays_from_some_volume_on() -> None:
    (crossing,) = totals(sure(1, 0.0, 0.010), sure(2, 12.0, 0.008)).crossings()
    assert (crossing.better, crossing.other) == (2, 1)
    assert (crossing.items, crossing.low, crossing.high) == pytest.approx((500, 500, 500))  # 12 / 0.002 / 12


def test_hosting_counts_every_month_so_months_do_not_matter_to_it() -> None:
    for months in (1, 24):
        (crossing,) = totals(sure(1, 0.0, 0.010), sure(2, 0.0, 0.008, monthly=4.0), months=months).crossings()
        assert crossing.items == pytest.approx(2000)


def test_what_costs_more_at_first_and_by_item_never_pays() -> None:
    assert totals(sure(1, 0.0, 0.01), sure(2, 5.0, 0.02)).crossings() == []
    assert totals(sure(1, 1.0, 0.01), sure(2, 1.0, 0.01)).crossings() == []


def test_an_interval_is_paired_what_makes_an_item_dear_for_both_cancels_out() -> None:
    dear = np.random.default_rng(1).gamma(1, 0.01, 300)
    (crossing,) = totals(Way(1, 0.0, 0.0, dear + 0.002), Way(2, 12.0, 0.0, dear)).crossings()
    assert (crossing.low, crossing.items, crossing.high) == pytest.approx((500, 500, 500))


def test_a_saving_that_is_not_sure_may_never_pay() -> None:
    random = np.random.default_rng(2)
    ways = [Way(key, once, 0.0, random.gamma(1, cost, 60)) for key, once, cost in ((1, 0.0, 0.0105), (2, 5.0, 0.01))]
    ways[0] = Way(1, 0.0, 0.0, ways[0].per_item - ways[0].per_item.mean() + ways[1].per_item.mean() + 0.0005)
    (crossing,) = totals(*ways).crossings()
    assert crossing.high == float("inf")
    assert "or more, perhaps never)." in crossing.sentence(NAMES)


def test_too_few_items_give_no_interval_and_the_sentence_says_so() -> None:
    few = totals(sure(1, 0.0, 0.01, n=5), sure(2, 12.0, 0.008, n=5))
    (crossing,) = few.crossings()
    assert (crossing.low, crossing.high) == (None, None)
    assert few.has_no_doubt
    assert few.at([1.0])["usd_low"].to_list() == [None, None]
    assert "too few items to say how sure that is" in crossing.sentence(NAMES)


def test_what_was_timed_in_one_go_has_no_interval_nor_what_hangs_on_its_time() -> None:
    timed = Way(2, 12.0, 0.0, np.full(50, 0.008), is_timed_at_once=True)
    dear = Way(1, 0.0, 0.0, np.linspace(0.009, 0.011, 50))
    table = totals(dear, timed)
    (crossing,) = table.crossings()
    assert (crossing.low, crossing.high) == (None, None)
    assert "nobody knows" in crossing.sentence(NAMES)
    assert table.at([1.0])["usd_low"].is_null().to_list() == [False, True]
    next_to_free = Way(2, 12.0, 0.0, np.full(50, 1e-6), is_timed_at_once=True)
    (crossing,) = totals(dear, next_to_free).crossings()
    assert crossing.low is not None
    assert crossing.usd == pytest.approx(12.0, rel=1e-3)  # what both cost there


def test_a_sentence_gives_the_volume_and_its_interval() -> None:
    said = Crossing(2, 1, 41_234.0, 32_999.0, 54_501.0).sentence(NAMES)
    assert said == "Fine-tuned is cheaper than Prompt from 41,000 items a month on (95 % interval 33,000 to 55,000)."
    assert [rounded(each) for each in (0.2, 7.4, 128.0, 1_049_000.0)] == ["1", "7", "130", "1,000,000"]


@pytest.mark.slow
def test_intervals_of_crossings_hold_in_about_95_of_100_cases() -> None:
    random = np.random.default_rng(7)
    held = []
    for seed in range(300):
        shared = random.gamma(2, 0.004, 200)
        ways = Way(1, 0.0, 0.0, shared + random.gamma(2, 0.001, 200)), Way(2, 12.0, 0.0, shared * 0.9)
        (crossing,) = totals(*ways, n_boot=300, seed=seed).crossings()
        truth = 12 / 12 / (0.002 + 0.1 * 0.008)
        held.append(crossing.low <= truth <= crossing.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.035)


def test_no_ways_are_an_empty_table() -> None:
    empty = Totals((), resampling.alone(0), 12)
    assert empty.at([1.0]).equals(pl.DataFrame(schema=empty.at([1.0]).schema))
    assert empty.crossings() == []


def test_all_intervals_are_of_the_level_that_was_asked_for_and_say_so() -> None:
    random = np.random.default_rng(8)
    ways = Way(1, 0.0, 0.0, random.gamma(2, 0.004, 200)), Way(2, 12.0, 0.0, random.gamma(2, 0.002, 200))
    usual, sure = totals(*ways), totals(*ways, level=0.99)
    for (_, low, high), (_, sure_low, sure_high) in zip(usual.per_item(), sure.per_item()):
        assert sure_low < low < high < sure_high
    (one,), (other,) = usual.crossings(), sure.crossings()
    assert other.low < one.low < one.high < other.high
    assert ("95 % interval" in one.sentence(NAMES), "99 % interval" in other.sentence(NAMES)) == (True, True)

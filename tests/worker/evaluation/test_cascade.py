"""Cascades on made-up members whose doubt is known: who is asked, what a budget buys, what the curve promises."""

import json

import numpy as np
import pytest

from worker.evaluation import cascade
from worker.evaluation.cascade import Aim, Answers, Chain

CHEAP, DEAR = 0.000_1, 0.01  # dollars a row


def shop(n: int, *, seed: int = 0, knows: float = 1.0) -> tuple[Answers, np.ndarray]:
    """A cheap member that is wrong on half of the rows, a dear one that is right.

    The cheap one's interval is wide where it is wrong; `knows`: on which share of the rows it says so rightly.
    """
    random = np.random.default_rng(seed)
    truth = np.exp(random.normal(4, 0.5, n))
    hard = random.random(n) < 0.5
    cheap = np.where(hard, truth * np.exp(random.normal(0, 0.8, n)), truth * np.exp(random.normal(0, 0.02, n)))
    told = np.where(random.random(n) < knows, hard, random.random(n) < 0.5)
    reach = np.where(told, 2.0, 1.05)
    dear = truth * np.exp(random.normal(0, 0.02, n))
    price = np.stack([cheap, dear], axis=1)
    low, high = np.stack([cheap / reach, dear / 1.05], axis=1), np.stack([cheap * reach, dear * 1.05], axis=1)
    usd = np.tile([CHEAP, DEAR], (n, 1))
    return Answers(price, low, high, usd), truth


def said(chain: Chain, answers: Answers, truth) -> tuple[float, float]:
    """Mean error and cost per 1,000, asking one by one: an independent way to the same figures."""
    off, usd = [], 0.0
    for row in range(len(truth)):
        heard: list[float] = []
        for stage, member in enumerate(chain.members):
            usd += answers.usd[row, member]
            mine = [column[row : row + 1, member] for column in answers[:3]]
            heard += [mine[0][0]] if np.isfinite(mine[0][0]) else []
            if not chain.goes_on(stage, *mine)[0]:
                break
        price = 0.0
        if heard:
            price = heard[-1] if chain.keeps == "last" else float(np.exp(np.mean(np.log(heard))))
        off.append(abs(price - truth[row]))
    return float(np.mean(off)), 1000 * usd / len(truth)


def equals(n: int, seed: int = 0) -> tuple[Answers, np.ndarray]:
    """Two members that are wrong by as much as each other, one as often up as the other down, at nearly one cost."""
    random = np.random.default_rng(seed)
    truth = np.exp(random.normal(4, 0.5, n))
    price = truth[:, None] * np.exp(random.normal(0, 0.5, (n, 2)))
    return Answers(price, price / 2, price * 2, np.tile([CHEAP, 2 * CHEAP], (n, 1))), truth


def test_the_mean_is_kept_where_members_know_different_things_and_the_last_where_one_knows_better():
    answers, truth = equals(400)
    learned = cascade.learn(answers, truth, Aim())
    assert (learned.chain.members, learned.chain.keeps) == ((0, 1), "mean")
    new, goal = equals(4_000, seed=1)
    error, _ = said(learned.chain, new, goal)
    assert error < 0.85 * min(loss for loss, _ in cascade.alone(new, goal))
    answers, truth = shop(400)
    assert cascade.learn(answers, truth, Aim(usd_per_1000=6)).chain.keeps == "last"


def test_a_row_keeps_the_mean_of_the_answers_that_came_and_old_chains_the_last():
    none, two, eight = (np.array([value]) for value in (np.nan, 2.0, 8.0))
    once, never = np.array([1]), np.array([0])
    assert cascade.heard("mean", two, once, eight) == pytest.approx(4.0)
    assert cascade.heard("mean", two, once, none) == pytest.approx(2.0)
    assert cascade.heard("mean", none, never, eight) == pytest.approx(8.0)
    assert cascade.heard("last", two, once, eight) == 8.0
    stored = {"members": [0, 1], "limits": [None], "width": "ratio"}  # by a version that knew no other way
    assert Chain.from_json(stored).keeps == "last"


def test_half_the_budget_buys_nearly_all_of_the_accuracy_where_doubt_is_known():
    answers, truth = shop(600)
    learned = cascade.learn(answers, truth, Aim(usd_per_1000=1000 * (CHEAP + 0.6 * DEAR)))
    assert learned.chain.members == (0, 1)
    assert learned.shares == pytest.approx((0.5, 0.5), abs=0.1)
    (cheap, _), (dear, _) = cascade.alone(answers, truth)
    assert learned.mae < dear + 0.1 * (cheap - dear)
    assert learned.usd_per_1000 <= 1000 * (CHEAP + 0.65 * DEAR)
    new, goal = shop(3_000, seed=1)
    error, usd = said(learned.chain, new, goal)
    assert error < 0.2 * cheap
    assert usd == pytest.approx(learned.usd_per_1000, rel=0.15)


def test_an_error_is_reached_at_the_least_cost():
    answers, truth = shop(600)
    (cheap, _), (dear, _) = cascade.alone(answers, truth)
    learned = cascade.learn(answers, truth, Aim(mae=(cheap + dear) / 2))
    error, usd = said(learned.chain, answers, truth)
    assert error <= (cheap + dear) / 2
    assert 1000 * CHEAP < usd < 1000 * 0.6 * DEAR
    assert learned.sentence == ""


def test_what_can_t_be_reached_is_said():
    answers, truth = shop(200)
    assert "as low as $0.01" in cascade.learn(answers, truth, Aim(mae=0.01)).sentence
    broke = cascade.learn(answers, truth, Aim(usd_per_1000=0.000_001))
    assert "the cheapest answers" in broke.sentence
    assert broke.chain.members == (0,)


def test_without_an_aim_the_cheapest_that_is_not_shown_to_be_worse_is_taken():
    answers, truth = shop(400)
    same = answers._replace(price=answers.price[:, [1, 1]], low=answers.low[:, [1, 1]], high=answers.high[:, [1, 1]])
    assert cascade.learn(same, truth, Aim()).chain.members == (0,)
    assert 1 in cascade.learn(answers, truth, Aim()).chain.members  # here the dear one is worth it


def test_the_cheaper_is_asked_first_and_who_costs_nobody_knows_what_last():
    answers, truth = shop(300)
    turned = Answers(*(column[:, ::-1] for column in answers))
    assert cascade.learn(turned, truth, Aim(usd_per_1000=6)).chain.members == (1, 0)
    unknown = answers._replace(usd=np.where([True, False], np.nan, answers.usd))
    learned = cascade.learn(unknown, truth, Aim(usd_per_1000=1e6))
    assert learned.chain.members == (1,)  # no budget holds what is unknown
    assert cascade.alone(unknown, truth)[0][1] is None


def test_all_limits_at_once_say_what_one_chain_after_the_other_says():
    answers, truth = shop(90)
    third = shop(90, seed=5)[0]
    answers = Answers(*(np.hstack([column, more[:, :1] * 1.1]) for column, more in zip(answers, third)))
    answers.price[::7, 0] = np.nan
    answers.price[::11, 1] = np.nan
    answers.low[::5, 2] = np.nan
    made = cascade._policies(answers, truth, [0, 2, 1])
    for place in np.random.default_rng(0).choice(len(made.chains), 60, replace=False):
        error, usd = said(made.chains[place], answers, truth)
        assert made.loss[place] == pytest.approx(error)
        assert 1000 * made.usd[place] == pytest.approx(usd)


@pytest.mark.parametrize("width", cascade.WIDTHS)
def test_no_answer_and_a_wide_interval_go_on_and_an_answer_without_an_interval_stays(width):
    price, low, high = np.array([1.0, np.nan, 1.0]), np.array([0.5, 0.5, np.nan]), np.array([2.0, 2.0, 2.0])
    for limit, goes_on in ((np.inf, [False, True, False]), (1.0, [True, True, False]), (0.0, [True, True, False])):
        chain = Chain((0, 1), (limit,), width)
        assert chain.goes_on(0, price, low, high).tolist() == goes_on
        assert not chain.goes_on(1, price, low, high).any()


def test_of_members_without_intervals_the_first_that_has_an_answer_is_kept():
    """And the next ones cost nothing: the member's answers can't be told apart, so none is doubted."""
    answers, truth = shop(60)
    silent = answers._replace(low=np.full_like(answers.low, np.nan), high=np.full_like(answers.high, np.nan))
    silent.price[:6, 0] = np.nan
    for rows in (cascade.FEWEST - 1, len(truth)):
        learned = cascade.learn(silent.take(range(rows)), truth[:rows], Aim(usd_per_1000=1000 * (CHEAP + 0.2 * DEAR)))
        assert learned.chain.members == (0, 1)
        _, usd = said(learned.chain, silent, truth)
        assert usd == pytest.approx(1000 * (CHEAP + 0.1 * DEAR))


def test_limits_that_let_all_rows_go_on_are_kept_as_they_are():
    """The dear one is better wherever it answers; the cheap one stands in for it elsewhere."""
    answers, truth = shop(200)
    answers.price[:, 0] *= 1.3
    answers.price[:60, 1] = np.nan
    chain = cascade.learn(answers, truth, Aim(usd_per_1000=1e6)).chain
    assert chain.members == (0, 1)
    kept = Chain.from_json(json.loads(json.dumps(chain.as_json())))
    assert said(kept, answers, truth) == said(chain, answers, truth)


def test_the_chain_of_a_fold_is_one_that_its_rows_and_their_copies_had_no_part_in():
    answers, truth = shop(200)
    groups = np.arange(200) // 4
    learned = cascade.learn(answers, truth, Aim(usd_per_1000=6), groups)
    for fold, chain in enumerate(learned.crossed):
        out = learned.folds == fold
        assert not set(groups[out]) & set(groups[~out])
        turned = answers._replace(price=np.where(out[:, None], answers.price[::-1], answers.price))
        assert (
            cascade.learn(turned, np.where(out, truth[::-1], truth), Aim(usd_per_1000=6), groups).crossed[fold] == chain
        )


def test_a_chain_survives_being_kept_and_json_knows_no_infinity():
    chain = Chain((2, 0, 1), (np.inf, 3.5), "ratio")
    assert chain.as_json()["limits"] == [None, 3.5]
    assert Chain.from_json(chain.as_json()) == chain


def test_too_few_rows_choose_nothing():
    answers, truth = shop(cascade.FEWEST - 1)
    learned = cascade.learn(answers, truth, Aim())
    assert learned.chain == Chain((0, 1), (np.inf,))
    assert learned.mae is None
    assert learned.curve == ()


def test_the_curve_falls_from_the_cheapest_to_the_dearest_and_starts_and_ends_there():
    answers, truth = shop(500)
    curve = cascade.learn(answers, truth, Aim()).curve
    assert [point.usd_per_1000 for point in curve] == sorted({point.usd_per_1000 for point in curve})
    assert all(point.low <= point.mae <= point.high for point in curve)
    (cheap, _), (dear, _) = cascade.alone(answers, truth)
    assert curve[0].mae == pytest.approx(cheap)
    assert curve[-1].mae == pytest.approx(dear, abs=0.5)


@pytest.mark.slow
def test_what_the_curve_promises_holds_on_other_rows():
    """Where doubt says little, the best of a thousand policies on the same rows looks better than it is; the curve is
    measured on rows that chose nothing, so its promise must not be too low on average."""
    promised, kept = [], []
    for seed in range(8):
        answers, truth = shop(150, seed=seed, knows=0.2)
        aim = Aim(usd_per_1000=1000 * (CHEAP + 0.5 * DEAR))
        learned = cascade.learn(answers, truth, aim)
        new, goal = shop(1_500, seed=100 + seed, knows=0.2)
        promised.append(learned.mae)
        kept.append(said(learned.chain, new, goal)[0])
    gaps = np.array(promised) - np.array(kept)
    assert gaps.mean() > -2 * gaps.std(ddof=1) / np.sqrt(len(gaps))

"""Rows of another kind are told apart from those that intervals were learned on, and rows of the same kind are not."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from worker.demo import catalogue
from worker.evaluation import drift, support
from worker.evaluation.conformal import UNLIKE
from worker.progress import Silent


def shop(n: int, seed: int) -> pl.DataFrame:
    frame = catalogue(n, seed=seed).select("title", "description", "category", "brand")
    return frame.with_columns(pl.all().fill_null(""), group_id=pl.int_range(pl.len()) + 10_000 * seed)


@pytest.mark.slow
def test_rows_of_the_same_kind_are_not_told_apart() -> None:
    found = [drift.told_apart(shop(200, seed), shop(200, seed + 100)) for seed in range(4)]
    assert all(each is not None and each["low"] < 0.55 for each in found)
    assert sum(each["share"] for each in found if each) / 4 == pytest.approx(0.5, abs=0.05)


def test_rows_of_another_kind_are() -> None:
    every = shop(800, 1)
    names = every["category"].unique().sort().to_list()
    half = pl.col("category").is_in(names[: len(names) // 2])
    found = drift.told_apart(every.filter(half), every.filter(~half))
    assert found is not None
    assert found["low"] > UNLIKE


def test_copies_of_a_product_are_no_kind() -> None:
    """Each group stands on one side only, so a memory of its words would tell the sides apart."""
    one, other = (pl.concat([shop(50, seed)] * 4) for seed in (3, 4))
    found = drift.told_apart(one, other)
    assert found is not None
    assert found["low"] < UNLIKE


def test_few_rows_say_nothing() -> None:
    assert drift.told_apart(shop(drift.FEWEST - 1, 5), shop(100, 6)) is None


@pytest.mark.slow
def test_the_rows_that_are_unlike_are_named_and_those_that_are_like_are_not() -> None:
    """Every other row is of categories that no calibration row has."""
    every = shop(2_400, 7).with_columns(row=pl.int_range(pl.len()) + 50_000)
    names = every["category"].unique().sort().to_list()
    strange = pl.col("category").is_in(names[len(names) // 2 :])
    usual = every.filter(~strange)
    calibrating, like = usual[: len(usual) // 2], usual[len(usual) // 2 :]
    planted = every.filter(strange)[: len(like)]
    priced = pl.concat([like, planted]).sample(fraction=1.0, shuffle=True, seed=1)
    found = drift.told_apart(calibrating, priced)
    assert found is not None
    assert found["low"] > UNLIKE
    named = set(drift.unlike(calibrating, priced))
    assert len(named & set(planted["row"])) >= 0.8 * len(planted)
    assert len(named & set(like["row"])) <= 0.1 * len(like)
    assert named <= set(priced["row"])


@pytest.mark.slow
def test_of_rows_that_are_alike_about_one_in_twenty_is_named() -> None:
    shares = []
    for seed in (8, 9, 10):
        priced = shop(400, seed + 100).with_columns(row=pl.int_range(pl.len()))
        shares.append(len(drift.unlike(shop(400, seed), priced)) / len(priced))
    assert 0.02 < sum(shares) / len(shares) < 0.09


def test_of_rows_that_are_alike_the_nominal_share_is_far() -> None:
    """Whatever the distribution of similarities, ties included, and however few rows there are."""
    rng = np.random.default_rng(5)
    draws: list[tuple[Callable[[int], npt.NDArray[np.float64]], float]] = [
        (lambda n: rng.beta(2, 5, n), 0.006),
        (lambda n: rng.integers(0, 40, n) / 40, 0.0),
        (lambda n: np.where(rng.random(n) < 0.02, 0.0, rng.random(n)), 0.0),
    ]
    for draw, least in draws:
        named = [
            len(drift.far(draw(size), pl.DataFrame({"row": range(400), "similarity": draw(400)}))) / 400
            for size in (99, 150, 333, 800)
            for _ in range(120)
        ]
        assert least <= np.mean(named) <= drift.FALSE_ALARM + 3 * np.std(named) / len(named) ** 0.5
    few = pl.DataFrame({"row": [1], "similarity": [-1.0]})
    assert drift.far(rng.random(98), few) == []
    assert drift.far(rng.random(99), few) == [1]
    assert drift.far(np.empty(0), few) == []


@pytest.mark.slow
def test_single_rows_of_another_kind_are_far_where_the_whole_is_alike() -> None:
    every = (
        shop(2_600, 11)
        .with_columns(row=pl.int_range(pl.len()), price=pl.lit(10.0))
        .sample(fraction=1, seed=1, shuffle=True)
    )
    train, calibrating, like = every[:1_200], every[1_200:1_800], every[1_800:]
    letters = np.random.default_rng(1).choice(list("abcdefgh"), (20, 8, 6))
    strange = like[:20].with_columns(
        pl.Series("title", [" ".join(map("".join, words)) for words in letters]),
        description=pl.lit(""), category=pl.lit(""), brand=pl.lit(""), row=pl.int_range(20) + 90_000,
    )  # fmt: skip
    priced = pl.concat([like, strange])
    whole = drift.told_apart(calibrating, priced)
    assert whole is not None
    assert whole["low"] < UNLIKE
    learned = support.Known.of(train)
    known = learned.of_rows(calibrating, Silent())["similarity"].to_numpy()
    named = drift.far(known, learned.of_rows(priced, Silent()))
    assert set(strange["row"]) <= set(named)
    assert len(set(named) & set(like["row"])) <= 0.025 * len(like)

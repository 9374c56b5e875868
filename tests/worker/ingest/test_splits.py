"""Groups stay whole, shares come out as asked, and the same seed gives the same split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.types import Split
from worker.ingest import splits


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=200), st.integers(0, 10))
def test_a_group_is_never_on_two_sides_and_rows_without_price_are_unpriced(
    rows: list[tuple[int, bool]], seed: int
) -> None:
    groups = np.array([g for g, _ in rows], dtype=np.int64)
    priced = np.array([p for _, p in rows], dtype=bool)
    sides = splits.assign(groups, priced, seed)
    assert (sides[~priced] == Split.UNPRICED).all()
    assert (sides[priced] != Split.UNPRICED).all()
    for g in set(groups[priced].tolist()):
        assert len(set(sides[priced & (groups == g)])) == 1
    if len(set(groups[priced].tolist())) >= 10:
        assert {Split.TRAIN, Split.VALIDATION, Split.TEST} <= set(sides.tolist())
    assert (splits.assign(groups, priced, seed) == sides).all()


def test_shares_of_rows_come_out_as_asked() -> None:
    groups = np.repeat(np.arange(4000), np.arange(4000) % 4 + 1)
    sides = splits.assign(groups, np.ones(len(groups), dtype=bool), 7)
    shares = [np.mean(sides == side) for side in (Split.TRAIN, Split.VALIDATION, Split.TEST)]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.002)


def test_another_seed_gives_another_split() -> None:
    groups, priced = np.arange(500), np.ones(500, dtype=bool)
    assert (splits.assign(groups, priced, 1) != splits.assign(groups, priced, 2)).any()


def test_a_big_group_teaches() -> None:
    groups = np.concatenate([np.zeros(100, dtype=np.int64), np.arange(1, 901)])
    for seed in range(20):
        assert splits.assign(groups, np.ones(1000, dtype=bool), seed)[0] == Split.TRAIN


def test_nothing_priced_and_nothing_at_all_are_fine() -> None:
    assert splits.assign(np.arange(3), np.zeros(3, dtype=bool), 0).tolist() == [Split.UNPRICED] * 3
    assert len(splits.assign(np.empty(0, dtype=np.int64), np.empty(0, dtype=bool), 0)) == 0


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="do not go with"):
        splits.assign(np.arange(3), np.ones(2, dtype=bool), 0)
    with pytest.raises(ValueError, match="leave nothing"):
        splits.assign(np.arange(3), np.ones(3, dtype=bool), 0, train=0.9, validation=0.1)

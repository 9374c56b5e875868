"""Every prompt goes through exactly once, within the limits, beside others of its kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.llm.local.batches import WORTH_SHARING, Tokens, batches

pytestmark = pytest.mark.model

shared = st.sampled_from([(), (1,), (1, 2, 3)])
own = st.lists(st.integers(0, 9), min_size=1, max_size=40).map(tuple)
prompts = st.lists(st.builds(Tokens, shared, own), max_size=60)


@given(prompts, st.integers(1, 200), st.integers(1, 16))
def test_every_prompt_once_complete_and_within_the_limits(given_: list[Tokens], budget: int, largest: int) -> None:
    made = list(batches(given_, budget, largest))
    assert sorted(i for batch in made for i in batch.where) == list(range(len(given_)))
    for batch in made:
        assert len(batch.where) <= largest
        longest = max(map(len, batch.own))
        assert len(batch.own) == 1 or longest * len(batch.own) <= budget
        for i, tokens in zip(batch.where, batch.own, strict=True):
            assert batch.shared + tokens == given_[i].shared + given_[i].own


def test_neighbours_have_similar_lengths() -> None:
    lengths = [5, 100, 6, 99, 7, 98, 8, 97]
    made = list(batches([Tokens((), (1,) * n) for n in lengths], 400, 4))
    assert [sorted(map(len, batch.own)) for batch in made] == [[5, 6, 7, 8], [97, 98, 99, 100]]


def test_a_beginning_that_few_share_is_not_computed_apart() -> None:
    few = [Tokens((1, 2), (3,))] * (WORTH_SHARING - 1)
    many = [Tokens((4, 5), (6,))] * WORTH_SHARING
    made = list(batches([*few, *many], 1000, 100))
    assert {batch.shared: batch.own[0] for batch in made} == {(4, 5): (6,), (): (1, 2, 3)}

"""The optimiser sees every example once an epoch, in batches that fit, in an order that can be repeated."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.llm.base import Prompt
from worker.llm.local.tokenizer import Tokenizer
from worker.specs.price_bounds import Bounds
from worker.training.batch_plan import plan, price_samples, rooms, text_samples

pytestmark = pytest.mark.model

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=200)


@given(LENGTHS, st.integers(50, 2000), st.integers(1, 3), st.integers(0, 9))
def test_every_sample_comes_once_an_epoch_in_batches_that_fit(lengths, budget, epochs, seed):
    batches = plan(lengths, budget, epochs, seed)

    assert Counter(i for batch in batches for i in batch) == dict.fromkeys(range(len(lengths)), epochs)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget


@given(LENGTHS, st.integers(0, 9))
def test_the_order_is_the_seeds_and_a_longer_training_begins_as_a_shorter_one(lengths, seed):
    longer, shorter = plan(lengths, 500, 2, seed), plan(lengths, 500, 1, seed)

    assert longer == plan(lengths, 500, 2, seed)
    assert longer[: len(shorter)] == shorter


def test_each_epoch_and_each_seed_has_an_order_of_its_own():
    one, two = plan([9] * 64, 90, 1, 0), plan([9] * 64, 90, 1, 1)

    assert one != two
    assert plan([9] * 64, 90, 2, 0)[len(one) :] != one


def test_half_an_epoch_is_half_of_its_batches():
    assert len(plan([100] * 64, 400, 1.5, 0)) == 16 + 8


def test_batches_of_equally_long_texts_are_not_sorted_by_price(tokenizer):
    prices = [float(9 * 10 ** (row % 3)) for row in range(300)]
    asked = [Prompt("", "red", "\nPrice: $")] * len(prices)
    samples = price_samples(tokenizer, asked, prices, answers=True, bounds=Bounds(1, 999))
    batches = [batch for batch in plan(rooms(samples), 160, 1, 0) if len(batch) >= 10]

    assert len(batches) > 10
    # All prices of a batch with as many digits as each other: once in 3^9 batches, by chance.
    assert all(len({prices[i] for i in batch}) > 1 for batch in batches)
    assert max(len(batch) * max(len(samples[i]) for i in batch) for batch in batches) <= 160


@pytest.fixture(scope="module")
def tokenizer(base):
    return Tokenizer(base)


def test_an_answer_is_the_price_in_whole_dollars_and_the_end_of_the_line(tokenizer):
    prompts = [Prompt("A lamp\n", "red", "\n\nPrice: $")] * 3
    samples = price_samples(tokenizer, prompts, [19.6, 0.2, 5000.0], answers=True, bounds=Bounds(1, 999))

    assert [tokenizer.text(list(s.ids[-s.answer :])) for s in samples] == ["20\n", "1\n", "999\n"]
    assert tokenizer.text(list(samples[0].ids[: -samples[0].answer])) == "A lamp\nred\n\nPrice: $"
    assert [s.price for s in samples] == [19.6, 0.2, 5000.0]


def test_without_answers_only_the_prompt_is_read(tokenizer):
    [sample] = price_samples(tokenizer, [Prompt("", "red", "\nPrice: $")], [12.0], answers=False, bounds=Bounds(1, 99))

    assert sample.answer == 0
    assert tokenizer.text(list(sample.ids)) == "red\nPrice: $"


def test_general_text_weighs_the_same_however_long_it_is(tokenizer):
    samples = text_samples(tokenizer, ["It rained.", "It rained all day and all night, and nobody came.", ""], 64)

    assert len(samples) == 2
    weights = [sample.weight * sample.answer for sample in samples]
    assert weights == pytest.approx([weights[0]] * 2)

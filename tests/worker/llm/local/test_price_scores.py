"""The distribution over prices is the model's own, however items are batched and branches are cut."""

import numpy as np
import pytest
import torch

from tests.worker.llm.tiny import DIGITS, VOCABULARY, encode, network
from worker.llm.local.batches import Batch
from worker.llm.local.network import Network
from worker.llm.local.price_scores import Walk, score
from worker.llm.local.price_trie import price_trie
from worker.specs.price_bounds import Bounds

pytestmark = pytest.mark.model

PROMPTS: list[tuple[int, ...]] = [(3, 4, 5, 21), (30, 31, 32, 33, 34, 35, 36, 37, 38, 21), (7, 21), (25, 3, 9, 9, 21)]
SHARED = (1, 5, 6, 7, 8, 9, 23, 24, 25)
EXACT = {"cover": 1.0, "widest": 10_000}


def likelihood(net: Network, prompt: tuple[int, ...], answer: str, *, ends: bool) -> float:
    path = [*prompt, *encode([answer])[0]]
    with torch.inference_mode():
        chances = net.model(torch.tensor([path])).logits[0].double().softmax(-1)
    first = len(prompt) - 1
    steps = [float(chances[first + i, token]) for i, token in enumerate(path[len(prompt) :])]
    last = 1 - float(chances[-1, [*DIGITS, VOCABULARY[","]]].sum()) if ends else 1.0
    return float(np.prod(steps)) * last


def by_hand(net: Network, prompt: tuple[int, ...], top: int) -> np.ndarray:
    """One plain forward pass per price, no cache, no tree: the chain rule over the digits and the end."""
    full = len(str(top))
    out = [likelihood(net, prompt, str(price), ends=len(str(price)) < full) for price in range(1, top + 1)]
    return np.array(out) / sum(out)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["llama", "gemma"])
def test_scores_equal_one_plain_pass_per_price(kind: str) -> None:
    trie = price_trie(encode, VOCABULARY, Bounds(1, 99))
    ours = network(kind)
    plain = network(kind, "eager")
    for shared in ((), SHARED):
        found, _ = score(ours, Batch(shared, [0, 1, 2, 3], PROMPTS), trie, Bounds(1, 99), **EXACT)  # type: ignore[arg-type]
        for row, prompt in zip(found, PROMPTS, strict=True):
            np.testing.assert_allclose(row, by_hand(plain, (*shared, *prompt), 99), rtol=1e-4, atol=1e-7)


@pytest.mark.slow
def test_three_digits_and_a_wide_fused_attention_agree_with_the_plain_way() -> None:
    trie = price_trie(encode, VOCABULARY, Bounds(1, 999))
    long = (
        3,
        *range(22, 40),
        *range(22, 40),
        *range(22, 40),
        *range(22, 40),
        21,
    )  # enough queries for the fused kernel
    found, _ = score(network(), Batch((), [0], [long]), trie, Bounds(1, 999), **EXACT)  # type: ignore[arg-type]
    expected = by_hand(network(attention="eager"), long, 999)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("kind", ["llama", "gemma"])
def test_an_answer_does_not_depend_on_its_neighbours_in_the_batch(kind: str) -> None:
    trie = price_trie(encode, VOCABULARY, Bounds(1, 999))
    net = network(kind)
    together, _ = score(net, Batch(SHARED, [0, 1, 2, 3], PROMPTS), trie, Bounds(1, 999))
    for i, prompt in enumerate(PROMPTS):
        alone, _ = score(net, Batch(SHARED, [0], [prompt]), trie, Bounds(1, 999))
        np.testing.assert_allclose(alone[0], together[i], atol=1e-6)


def test_cutting_unlikely_branches_moves_little_mass_and_reads_fewer_nodes() -> None:
    trie = price_trie(encode, VOCABULARY, Bounds(1, 999))
    net = network()
    batch = Batch(SHARED, [0, 1, 2, 3], PROMPTS)
    exact, all_nodes = score(net, batch, trie, Bounds(1, 999), **EXACT)  # type: ignore[arg-type]
    cut, few_nodes = score(net, batch, trie, Bounds(1, 999), cover=0.9, widest=40)
    assert all_nodes == 99
    assert few_nodes < 60
    assert (np.abs(cut - exact).sum(1) / 2 < 0.1).all()


def test_beginnings_that_were_not_read_end_oftener_than_the_likely_ones() -> None:
    """A beginning of two digits is likely for the sake of the prices of three digits behind it."""
    trie = price_trie(encode, VOCABULARY, Bounds(1, 999))
    n = len(trie.more)  # ten digits and the comma
    of_second_digits = np.random.default_rng(0).dirichlet(np.ones(10), size=9)

    def dear(cover: float, widest: int) -> float:
        """The mass of three digits where the log-odds of an end fall with the log mass of a beginning."""
        walk = Walk(trie, 1)
        first, second, third = (np.zeros((1, width, n + 1)) for width in (1, 9, 90))
        first[:, :, 1:10] = 1 / 9
        second[:, :, :10] = of_second_digits
        walk.step(np.zeros((1, 1), dtype=np.int64), first)
        walk.step(np.arange(9)[None], second)
        picked = walk.pick(cover, widest)
        mass = np.take_along_axis(walk.mass, np.maximum(picked, 0), 1)
        third = third[:, : picked.shape[1]]
        third[:, :, n] = 1 / (1 + 90 * mass)  # even odds for the average one
        third[:, :, :10] = (1 - third[:, :, [n]]) / 10
        walk.step(picked, third)
        return float(walk.distribution(Bounds(1, 999))[0, 99:].sum())

    exact, few = dear(1.0, 90), dear(0.9, 24)
    assert few == pytest.approx(exact, abs=0.02)


def test_prices_above_the_highest_get_nothing_and_the_rest_sums_to_one() -> None:
    found, _ = score(
        network(), Batch((), [0, 1], PROMPTS[:2]), price_trie(encode, VOCABULARY, Bounds(1, 250)), Bounds(1, 250)
    )
    assert found.shape == (2, 250)
    np.testing.assert_allclose(found.sum(1), 1)


def test_thousands_count_with_and_without_a_comma() -> None:
    bounds = Bounds(1, 9999)
    trie = price_trie(encode, VOCABULARY, bounds)
    found, _ = score(network(), Batch((), [0], PROMPTS[:1]), trie, bounds, **EXACT)  # type: ignore[arg-type]
    plain = network(attention="eager")
    both = likelihood(plain, PROMPTS[0], "1299", ends=False) + likelihood(plain, PROMPTS[0], "1,299", ends=False)
    seven = likelihood(plain, PROMPTS[0], "7", ends=True)
    np.testing.assert_allclose(found[0, 1298] / found[0, 6], both / seven, rtol=1e-3)


@pytest.mark.parametrize("top", [9, 10])
def test_small_ranges_work(top: int) -> None:
    found, _ = score(
        network(), Batch((), [0], PROMPTS[:1]), price_trie(encode, VOCABULARY, Bounds(1, top)), Bounds(1, top)
    )
    np.testing.assert_allclose(found.sum(1), 1)


def test_a_tokenizer_with_one_token_per_number_is_scored_in_one_pass() -> None:
    numbers = {str(i): i for i in range(1, 21)}
    trie = price_trie(lambda texts: [[{"$": 39}[t[0]], *([numbers[t[1:]]] if t[1:] else [])] for t in texts],
                      {**numbers, "$": 39}, Bounds(1, 9))  # fmt: skip
    found, scored = score(network(), Batch((), [0], PROMPTS[:1]), trie, Bounds(1, 9))
    with torch.inference_mode():
        chances = network(attention="eager").model(torch.tensor([PROMPTS[0]])).logits[0, -1].softmax(-1)[1:10]
    assert scored == 0
    np.testing.assert_allclose(found[0], (chances / chances.sum()).numpy(), rtol=1e-4)

"""A packaged model prices items the same way in any order and company, and as plain `generate` would."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from db.errors import NotReady
from worker.llm.base import LEVELS, Prompt, Readout
from worker.llm.local.model import Limits, LocalModel
from worker.progress import Cancelled, Silent
from worker.specs.price_bounds import Bounds

pytestmark = pytest.mark.model

TOLERANCE = 1e-5  # of a probability; sums in another order differ by some 3e-6
TEXTS = [
    "Steel garden spade with ash handle",
    "4K television, 55 inch, OLED panel, four HDMI ports, renewed, with remote control and wall mount",
    "Pack of 3 cotton socks",
    "Robot vacuum cleaner with mopping, maps the flat, empties itself, works with voice assistants" * 3,
    "Pencil",
    "Cordless drill 18 V, two batteries, case",
]
OPENING = "A product from an online shop\n\n"
ASK = "\n\nPrice: $"


def prompts(texts: list[str], shared: str = OPENING) -> list[Prompt]:
    return [Prompt(shared, text, ASK) for text in texts]


@contextmanager
def one_by_one(model: LocalModel) -> Iterator[None]:
    usual, model.limits = model.limits, Limits(tokens=1, items=1)
    try:
        yield
    finally:
        model.limits = usual


@contextmanager
def library_attention(model: LocalModel) -> Iterator[None]:
    model.network.model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.network.model.set_attn_implementation("folded")


@pytest.fixture(scope="module")
def model() -> LocalModel:
    """fp32, so that a difference is a mistake and not a rounding."""
    return LocalModel("smollm2-135m", dtype=torch.float32)


@pytest.fixture(scope="module")
def asked() -> list[Prompt]:
    return prompts(TEXTS)


def test_an_answer_depends_neither_on_order_nor_on_batch(model: LocalModel, asked: list[Prompt]) -> None:
    together = model.distributions(asked, Bounds(1, 999), Silent())
    np.testing.assert_allclose(together.sum(1), 1)
    backwards = model.distributions(asked[::-1], Bounds(1, 999), Silent())[::-1]
    np.testing.assert_allclose(backwards, together, atol=TOLERANCE)
    with one_by_one(model):
        alone = model.distributions(asked, Bounds(1, 999), Silent())
    np.testing.assert_allclose(alone, together, atol=TOLERANCE)
    few = model.distributions(asked[:2], Bounds(1, 999), Silent())  # too few to share their beginning
    np.testing.assert_allclose(few, together[:2], atol=TOLERANCE)


def generated(model: LocalModel, prompt: Prompt, tokens: int) -> str:
    [read] = model.tokenizer.prompts([prompt])
    ids = torch.tensor([[*read.shared, *read.own]])
    with library_attention(model):
        out = model.network.model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False, pad_token_id=0
        )
    return str(model.tokenizer.inner.decode(out[0, ids.shape[1] :], skip_special_tokens=True))


def test_greedy_text_is_what_generate_writes(model: LocalModel, asked: list[Prompt]) -> None:
    readings = model.price(asked, Readout(greedy=True), Silent())
    for prompt, reading in zip(asked[:3], readings, strict=False):
        assert reading.evidence["answer"]
        assert generated(model, prompt, 10).startswith(reading.evidence["answer"])
        assert not reading.statistics


def test_long_answers_of_a_batch_are_those_of_generate_also_when_some_end_early(model: LocalModel) -> None:
    asked = [
        Prompt("List three things.\n", text, "\n\n1.")
        for text in ("In a garden", "In a kitchen with a large window", "At sea", "Sums: 1 + 1 = 2", "Nothing")
    ]
    written = model.write(asked, 24, Silent())
    for prompt, answer in zip(asked, written, strict=True):
        assert answer.text == generated(model, prompt, 24)
        assert answer.spent.tokens_out <= 24
        assert answer.spent.seconds > 0
        assert answer.error is None


def test_a_reading_carries_statistics_quantiles_tokens_and_evidence(model: LocalModel, asked: list[Prompt]) -> None:
    readings = model.price(asked, Readout(bounds=Bounds(1, 500)), Silent())
    assert len(readings) == len(asked)
    for prompt, tokens, reading in zip(asked, model.tokenizer.prompts(asked), readings, strict=True):
        assert reading.price is None
        assert set(reading.statistics) == {"median", "mean", "log-mean", "mode"}
        assert len(reading.quantiles) == len(LEVELS)
        assert list(reading.quantiles) == sorted(reading.quantiles)
        assert reading.quantiles[2] == reading.statistics["median"]
        assert 1 <= reading.quantiles[0] <= reading.quantiles[-1] <= 500
        likeliest = reading.evidence["likeliest"]
        assert float(next(iter(likeliest))) == reading.statistics["mode"]
        assert 0 < sum(likeliest.values()) <= 1 + 1e-6
        assert reading.spent.tokens_in == len(tokens) == sum(model.count([prompt.shared, prompt.text, prompt.ask]))
        assert reading.spent.tokens_out > 0
        assert reading.spent.seconds > 0
        assert reading.spent.usd is None


def test_no_price_below_the_lowest_that_is_considered(model: LocalModel, asked: list[Prompt]) -> None:
    for reading in model.price(asked, Readout(bounds=Bounds(100, 300)), Silent()):
        assert 100 <= reading.quantiles[0] <= reading.quantiles[-1] <= 300
        assert all(100 <= int(dollars) <= 300 for dollars in reading.evidence["likeliest"])
    whole = model.distributions(asked, Bounds(1, 300), Silent())[:, 99:]
    part = model.distributions(asked, Bounds(100, 300), Silent())
    np.testing.assert_allclose(part[:, 99:], whole / whole.sum(1, keepdims=True), atol=1e-12)


def test_a_system_message_is_read_first_on_lines_of_its_own(model: LocalModel) -> None:
    with_system = [Prompt(OPENING, text, ASK, system="You know prices.") for text in TEXTS]
    by_hand = prompts(TEXTS, "You know prices.\n\n" + OPENING)
    np.testing.assert_array_equal(
        model.distributions(with_system, Bounds(1, 99), Silent()), model.distributions(by_hand, Bounds(1, 99), Silent())
    )


def test_a_prompt_longer_than_the_model_reads_gets_a_reason_and_its_neighbours_an_answer(model: LocalModel) -> None:
    asked = prompts(["spade", "word " * (model.context + 1), "rake"])
    first, long, last = model.price(asked, Readout(), Silent())
    assert first.statistics
    assert last.statistics
    assert long.error
    assert "8,182 at most" in long.error
    assert long.spent.tokens_in == 0


def test_a_model_here_calls_no_functions_and_says_so(model: LocalModel, asked: list[Prompt]) -> None:
    with pytest.raises(NotReady, match="smollm2-135m is a model on this machine that can't call functions"):
        model.price_with_tools(asked, [], 3, Readout(), Silent())


def test_an_instruct_model_speaks(model: LocalModel) -> None:
    assert model.speaks
    assert model.context == 8192


def test_nothing_asked_is_nothing_answered(model: LocalModel) -> None:
    assert model.price([], Readout(), Silent()) == []
    assert model.write([], 5, Silent()) == []


def test_an_empty_product_gets_an_answer_too(model: LocalModel) -> None:
    [reading] = model.price(prompts([""]), Readout(), Silent())
    assert reading.statistics["median"] >= 1


def test_cancelling_stops_at_the_next_batch(model: LocalModel, asked: list[Prompt]) -> None:
    class Stop(Silent):
        seen = 0

        def advance(self, n: int = 1) -> None:
            self.seen += n
            if n:
                raise Cancelled

    stop = Stop()
    with one_by_one(model), pytest.raises(Cancelled):
        model.price(asked, Readout(), stop)
    assert stop.seen == 1


def test_examples_shift_the_answer(model: LocalModel) -> None:
    dear = OPENING + "Old painting\n\nPrice: $900\n\n\n" + OPENING + "Gold ring\n\nPrice: $800\n\n\n" + OPENING
    [cold] = model.price(prompts(TEXTS[:1]), Readout(), Silent())
    [shown] = model.price(prompts(TEXTS[:1], dear), Readout(), Silent())
    assert shown.statistics != cold.statistics


def test_eight_bit_answers_are_near_and_say_so_in_the_signature(model: LocalModel, asked: list[Prompt]) -> None:
    try:
        coarse = LocalModel("smollm2-135m", dtype=torch.float32, precision="int8")
    except NotReady as reason:
        pytest.skip(str(reason))
    assert coarse.signature == model.signature + "-int8"
    exact = model.distributions(asked, Bounds(1, 999), Silent())
    together = coarse.distributions(asked, Bounds(1, 999), Silent())
    assert 0 < np.abs(together - exact).sum(1).mean() / 2 < 0.2  # of the mass lies elsewhere
    with one_by_one(coarse):
        alone = coarse.distributions(asked, Bounds(1, 999), Silent())
    # Rounding to steps amplifies the order of a sum: the stated tolerance is that of worker.llm.local.int8 itself.
    assert np.abs(alone - together).sum(1).max() / 2 < 0.2


@pytest.mark.parametrize(
    ("bounds", "shown"),
    [
        (Bounds(0.01, 9.99), ("0.79", "1.25", "0.99", "1.49")),
        (Bounds(1_000, 999_999), ("250000", "310000", "189000", "275000")),
    ],
)
def test_cents_and_prices_of_six_digits_are_reached(model: LocalModel, bounds: Bounds, shown: tuple[str, ...]) -> None:
    opening = "".join(f"A product from an online shop\n\nThing\n\nPrice: ${price}\n\n\n" for price in shown)
    prompt = Prompt(f"{opening}A product from an online shop\n\n", "Thing", "\n\nPrice: $")
    [reading] = model.price([prompt], Readout(bounds=bounds), Silent())
    known = sorted(map(float, shown))
    assert known[0] / 3 <= reading.statistics["median"] <= known[-1] * 3
    assert reading.statistics["mode"] in bounds.grid()

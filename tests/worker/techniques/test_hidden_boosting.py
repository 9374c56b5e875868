"""Boosting that sees a model's hidden state: what only the model knows reaches the price."""

import numpy as np
import polars as pl

from tests.worker.techniques.memory_index import demo_items, mean_error, unpriced
from tests.worker.techniques.scripted import Scripted
from worker.llm.base import Prompt
from worker.progress import Silent
from worker.specs import HiddenBoostingSpec, LightGBMSpec
from worker.techniques import build

SPEC = HiddenBoostingSpec(trees=150, learning_rate=0.1, text_dims=8)


def _things(n: int) -> pl.DataFrame:
    """Items whose words say nothing of their price."""
    rng = np.random.default_rng(0)
    return demo_items(n).with_columns(
        title=pl.Series([f"thing {number}" for number in rng.permutation(n)]),
        description=pl.lit(""),
        category=pl.lit(""),
        brand=pl.lit(""),
        price=pl.Series(np.exp(rng.uniform(1, 6, n))),
    )


def test_what_only_the_hidden_state_tells_reaches_the_price() -> None:
    items = _things(400)
    known = dict(zip(items["title"], items["price"].log(), strict=True))

    def state(prompt: Prompt) -> list[float]:
        return [known[next(line for line in prompt.text.splitlines() if line in known)], 1.0]

    errors = []
    for spec in (SPEC, LightGBMSpec(trees=150, learning_rate=0.1, text_dims=8)):
        model = Scripted(state=state)
        technique = build(spec, model)  # type: ignore[arg-type]
        technique.load(technique.fit(items[:300], items[300:350], Silent()))
        errors.append(mean_error(items[350:], technique.price(unpriced(items[350:]), Silent())))
    assert errors[0] < errors[1] / 2


def test_the_model_is_that_of_the_adapter_and_reads_each_item_once_for_a_fit() -> None:
    items = demo_items(80)
    model = Scripted()
    spec = SPEC.model_copy(update={"adapter": "abc", "model": "its-own"})
    build(spec, model).fit(items[:50], items[50:], Silent())  # type: ignore[arg-type]
    assert (model.adapter, model.name) == ("abc", "its-own")
    assert len(model.asked) == len(items)
    assert all(prompt.ask.endswith("Price: $") for prompt in model.asked)

"""What a sample of rows says about a bill, beside what the endpoint charged for the rows that were priced later."""

from decimal import Decimal

import polars as pl
import pytest

from db import datasets, jobs
from db.engine import begin
from db.types import DatasetState, Split
from tests.fake_openai.log import Entry
from tests.worker.conftest import drain
from tests.worker.llm.endpoint.calls import hosted
from worker import specs
from worker.demo import catalogue
from worker.pricing import actions as pricing_actions
from worker.specs.what_if import Scenario
from worker.what_if import actions

pytestmark = pytest.mark.stack

SAMPLE, LATER = 60, 240
PRICES = {"input": Decimal("0.4"), "output": Decimal("1.6")}


def a_shop() -> int:
    """Real-looking rows of very different lengths: a sample with prices, and more without."""
    rows = SAMPLE + LATER
    texts = catalogue().sample(rows, shuffle=True, seed=3)
    sides = [str(Split.TEST)] * SAMPLE + [str(Split.UNPRICED)] * LATER
    # Every third text is short: what an item costs differs by several times.
    frame = texts.with_columns(
        pl.int_range(rows).alias("row"),
        pl.int_range(2, rows + 2).alias("line"),
        pl.int_range(rows).alias("group_id"),
        external_id=pl.lit(""),
        split=pl.Series(sides),
        description=pl.when(pl.int_range(rows) % 3 > 0).then("description").otherwise(pl.lit("")),
        price=pl.when(pl.int_range(rows) < SAMPLE).then("price"),
    ).drop("id")
    with begin() as session:
        dataset_id = datasets.create(session, name="shop", sha256="0" * 64, file_name="shop.csv")
        datasets.add_items(session, dataset_id, frame)
        datasets.change(
            session, dataset_id, state=DatasetState.READY, rows_in=rows, items=rows,
            splits={"test": SAMPLE, "unpriced": LATER}, inspection={"columns": []},
        )  # fmt: skip
    return dataset_id


def billed(entries: list[Entry]) -> float:
    """What the endpoint charges for the answers in its own log."""
    paid = [entry for entry in entries if entry.is_paid]
    assert paid
    tokens = (
        sum(entry.tokens_in for entry in paid) * PRICES["input"],
        sum(e.tokens_out for e in paid) * PRICES["output"],
    )
    return float(sum(tokens)) / 1e6


@pytest.mark.parametrize("technique", ["zero-shot", "chained"])
def test_a_sample_foretells_the_bill_of_the_rows_that_follow(database: str, sent: list[int], technique: str) -> None:
    spec = specs.parse({"technique": technique, "model": "e:fast", "min_price": 1, "max_price": 900})
    with hosted(prices=PRICES) as server:
        dataset_id = a_shop()
        (sampled,) = pricing_actions.start(dataset_id, [spec], Split.TEST)
        drain(sent)
        before = len(server.requests)
        answer = actions.ask([sampled], Scenario(items_a_month=LATER, months=1))
        line = actions.report(answer, {sampled: "It"})["ways"][0]
        (later,) = pricing_actions.start(dataset_id, [spec], Split.UNPRICED)
        drain(sent)
        invoice = billed(server.requests[before:])
    with begin() as session:
        assert float(jobs.get(session, later).spent_usd) == pytest.approx(invoice)
    foretold = line["total_usd"] - line["once_usd"]
    print(f"foretold ${foretold:.6f}, billed ${invoice:.6f}: {foretold / invoice - 1:+.1%}")
    assert foretold == pytest.approx(invoice, rel=0.1)

"""What a sample of rows says about a bill, beside what the test endpoint charged for the rows priced later."""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from benchmarks.stack import fresh_stack
from db import datasets, endpoints, jobs, rates
from db.engine import begin
from db.types import DatasetState, Endpoint, Split
from tests.fake_openai.log import Entry
from tests.fake_openai.server import Handle
from worker import specs
from worker.demo import catalogue
from worker.pricing import actions as pricing_actions
from worker.specs.what_if import Scenario
from worker.what_if import actions

SAMPLE, LATER = 60, 240
PRICES = {"input": Decimal("0.4"), "output": Decimal("1.6")}
TECHNIQUES = ("zero-shot", "chained")


class Bill(NamedTuple):
    """Dollars for the rows that were priced later."""

    foretold: float
    billed: float  # by the endpoint's own log
    booked: float  # by us


def a_shop(sample: int = SAMPLE, later: int = LATER) -> int:
    """A dataset of very different texts: a sample with prices, and more rows without."""
    rows = sample + later
    # Every third text is short: what an item costs differs by several times.
    frame = (
        catalogue()
        .sample(rows, shuffle=True, seed=3)
        .with_columns(
            pl.int_range(rows).alias("row"),
            pl.int_range(2, rows + 2).alias("line"),
            pl.int_range(rows).alias("group_id"),
            external_id=pl.lit(""),
            split=pl.Series([str(Split.TEST)] * sample + [str(Split.UNPRICED)] * later),
            description=pl.when(pl.int_range(rows) % 3 > 0).then("description").otherwise(pl.lit("")),
            price=pl.when(pl.int_range(rows) < sample).then("price"),
        )
        .drop("id")
    )
    with begin() as session:
        dataset_id = datasets.create(session, name="shop", sha256="0" * 64, file_name="shop.csv")
        datasets.add_items(session, dataset_id, frame)
        datasets.change(
            session, dataset_id, state=DatasetState.READY, rows_in=rows, items=rows,
            splits={"test": sample, "unpriced": later}, inspection={"columns": []},
        )  # fmt: skip
    return dataset_id


def replay(server: Handle, dataset_id: int, technique: str, work: Callable[[], None]) -> Bill:
    """Prices the sample, foretells the bill of the rest, prices the rest. The endpoint `e` leads to the server;
    `work` does all that is waiting."""
    with begin() as session:
        later = datasets.get(session, dataset_id).splits[Split.UNPRICED]
    spec = specs.parse({"technique": technique, "model": "e:fast", "min_price": 1, "max_price": 900})
    (sampled,) = pricing_actions.start(dataset_id, [spec], Split.TEST)
    work()
    before = len(server.requests)
    answer = actions.ask([sampled], Scenario(items_a_month=later, months=1))
    line = actions.report(answer, {sampled: technique})["ways"][0]
    (rest,) = pricing_actions.start(dataset_id, [spec], Split.UNPRICED)
    work()
    with begin() as session:
        booked = float(jobs.get(session, rest).spent_usd)
    return Bill(line["total_usd"] - line["once_usd"], billed(server.requests[before:]), booked)


def billed(entries: list[Entry]) -> float:
    """What the endpoint charges for the answers in its own log."""
    paid = [entry for entry in entries if entry.is_paid]
    into, out = sum(entry.tokens_in for entry in paid), sum(entry.tokens_out for entry in paid)
    return float(into * PRICES["input"] + out * PRICES["output"]) / 1e6


def main() -> None:
    from tests.fake_openai.server import endpoint
    from worker import app, running
    from worker.llm.endpoint import client

    sent: list[int] = []

    def keep(chunk_id: int, queue: object) -> None:
        del queue
        sent.append(chunk_id)

    def work() -> None:
        while sent:
            running.run_chunk(sent.pop(0))

    with fresh_stack(worker=False), endpoint() as server:
        app.send = running.send = keep  # type: ignore[attr-defined]
        with begin() as session:
            endpoints.add(session, Endpoint("e", server.base_url))
            rates.set_tariff(session, "e", "fast", PRICES)
        try:
            print(f"{SAMPLE} rows foretell the bill of {LATER}; goal: within 10 %")
            for technique in TECHNIQUES:
                bill = replay(server, a_shop(), technique, work)
                off = bill.foretold / bill.billed - 1
                print(
                    f"{technique:>10}: foretold ${bill.foretold:.6f}, billed ${bill.billed:.6f}, {off:+.1%}", flush=True
                )
        finally:
            client.stop()


if __name__ == "__main__":
    main()

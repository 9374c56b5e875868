"""The Rates page says what jobs are reckoned with, since when, and leads to where prices are entered."""

from decimal import Decimal

from db import endpoints, rates
from db.engine import begin
from db.types import Endpoint, Queue
from tests.dashboard.conftest import Open, is_well, labels, texts


def test_before_anything_was_priced_the_rates_of_the_next_job_are_there(open_page: Open) -> None:
    at = open_page("rates")
    assert is_well(at)
    assert [metric.label for metric in at.metric] == ["An hour on a processor", "An hour on a graphics card"]
    assert "No price of tokens was entered by hand" in texts(at)
    assert not at.dataframe


def test_dated_rates_stand_newest_first(open_page: Open, database: str) -> None:
    with begin() as session:
        rates.for_queue(session, Queue.CPU)
        rates.for_queue(session, Queue.GPU)
        endpoints.add(session, Endpoint("there", "http://127.0.0.1:9/v1"))
        rates.set_tariff(session, "there", "fast", {"input": Decimal("0.5"), "output": Decimal(2)})
    at = open_page("rates")
    assert is_well(at)
    machines, tokens = (each.value for each in at.dataframe)
    assert set(machines["What"]) == {"An hour on a processor", "An hour on a graphics card"}
    assert dict(zip(tokens["kind"], tokens["usd"], strict=True)) == {"In": 0.5, "Out": 2.0}
    assert "Enter a price at its endpoint" in labels(at)

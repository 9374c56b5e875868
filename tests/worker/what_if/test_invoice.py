"""A sample of rows foretells what the endpoint charges for the rows that are priced later, within 10 %."""

import pytest

from benchmarks.invoice import PRICES, TECHNIQUES, a_shop, replay
from tests.worker.conftest import drain
from tests.worker.llm.endpoint.calls import hosted

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_sample_foretells_the_bill_of_the_rows_that_follow(database: str, sent: list[int], technique: str) -> None:
    with hosted(prices=PRICES) as server:
        bill = replay(server, a_shop(), technique, lambda: drain(sent))
    assert bill.billed > 0
    assert bill.booked == pytest.approx(bill.billed)
    assert bill.foretold == pytest.approx(bill.billed, rel=0.1)

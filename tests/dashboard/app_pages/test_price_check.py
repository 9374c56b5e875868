"""The Price check page lists suspects, takes decisions by row, and makes a version that says what it gained."""

import pytest

from db import datasets
from db.engine import begin
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, labels, texts
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from worker.price_check import actions


@pytest.mark.slow
def test_from_the_check_to_the_gain(open_page: Open, database: str, sent: list[int]) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
    at = open_page("price_check", dataset=str(dataset_id))
    assert is_well(at)
    next(button for button in at.button if button.label == "Check the prices").click().run()
    assert is_well(at)
    drain(sent)
    at = open_page("price_check", dataset=str(dataset_id))
    assert is_well(at)
    result = actions.found(1)
    assert result is not None
    first = result.suspects[0].row
    at.button(key=f"price-drop-{dataset_id}-{first}").click().run()
    assert is_well(at)
    assert actions.decisions(dataset_id).select("row", "decision").rows() == [(first, "drop")]
    assert "dropped" in texts(at)
    next(button for button in at.button if button.label == "Make a new version").click().run()
    assert is_well(at)
    with begin() as session:
        version = datasets.all(session)[0]
    assert version.made_from == dataset_id
    drain(sent)
    at = open_page("price_check", dataset=str(version.id))
    assert is_well(at)
    assert "on the same 20 test rows" in texts(at)


def test_a_table_with_few_prices_says_so(open_page: Open, database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 20)
    at = open_page("price_check", dataset=str(dataset_id))
    assert is_well(at)
    assert "too few prices" in texts(at)
    assert "Choose or upload another table" in labels(at)

"""The Results page: predictions are searched and chosen."""

import pytest

from db.engine import begin
from db.types import Split
from tests.dashboard.conftest import Open, is_well, texts
from tests.dashboard.priced import a_finished_job
from worker import specs


@pytest.mark.slow
def test_predictions_are_searched_and_filtered(open_page: Open, priced: int) -> None:
    at = open_page("results")
    assert "20 predictions of 20" in texts(at)
    at.text_input[0].set_value("LAMP acme").run()
    shown = at.dataframe[0].value
    assert 0 < len(shown) < 20
    assert all("Lamp" in title for title in shown["title"])
    at.text_input[0].set_value("nowhere to be found").run()
    assert is_well(at)
    assert "0 predictions of 20" in texts(at)


def test_the_address_chooses_the_job(open_page: Open, priced: int) -> None:
    at = open_page("results", dataset=str(priced), job="1")
    assert "Category median" in texts(at)


def test_rows_without_a_price_can_be_looked_at_too(open_page: Open, priced: int) -> None:
    with begin() as session:
        a_finished_job(session, priced, specs.RidgeSpec(), Split.UNPRICED)
    at = open_page("results")
    assert is_well(at)
    assert "10 predictions of 10" in texts(at)
    assert "truth" not in at.dataframe[0].value.columns

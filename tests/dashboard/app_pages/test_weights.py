"""Weights of rows on the pages: on at first where a column holds them, named in the verdict, off with a switch."""

import pytest
from sqlalchemy import text

from db.engine import begin
from tests.dashboard.conftest import Open, is_well, texts
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from worker.guesses import actions as guess_actions
from worker.leakage import actions as leakage_actions
from worker.saved_verdicts import actions, facts
from worker.verdicts import actions as verdict_actions

pytestmark = pytest.mark.slow  # many pages


@pytest.fixture
def weighted(priced: int) -> int:
    """Test rows that weigh 1 to 5, but for one without a weight."""
    with begin() as session:
        session.execute(text("UPDATE items SET weight = 1 + row % 5"))
        session.execute(text("UPDATE items SET weight = NULL WHERE row = 199"))
        session.execute(
            text(
                """UPDATE datasets SET mapping = '{"title": "name", "weight": "count"}',
                          profile = '{"missing": {"weight": 1}}'"""
            )
        )
    return priced


@pytest.mark.parametrize("page", ["tradeoffs", "compare"])
def test_a_verdict_says_what_it_is_weighted_by_until_that_is_switched_off(
    open_page: Open, weighted: int, page: str
) -> None:
    at = open_page(page)
    assert is_well(at)
    assert "mean error weighted by count" in at.info[0].value
    was = at.info[0].value
    at.toggle(key=f"weighted-{weighted}").set_value(False).run()
    assert is_well(at)
    assert "weighted" not in at.info[0].value
    assert at.info[0].value != was.replace(" weighted by count", ""), "other figures"


def test_a_table_without_weights_has_no_switch(open_page: Open, priced: int) -> None:
    at = open_page("tradeoffs")
    assert not at.toggle
    assert "weighted" not in texts(at)


def test_closer_looks_and_choices_open_with_weights(open_page: Open, weighted: int) -> None:
    at = open_page("tradeoffs")
    for view in ("By price", "Every pair"):
        at.segmented_control[0].set_value(view).run()
        assert is_well(at)
    at.number_input(key="limit-usd").set_value(1000.0).run()
    assert is_well(at)


def test_what_is_saved_and_checked_is_what_is_shown(open_page: Open, weighted: int, sent: list[int]) -> None:
    at = open_page("tradeoffs")
    at.button(key="save-verdict").click().run()
    at.segmented_control[0].set_value("Certainty").run()
    next(button for button in at.button if button.label == "Check the verdict").click().run()
    at.toggle(key=f"weighted-{weighted}").set_value(False).run()
    assert any(button.label == "Check the verdict" for button in at.button), "another question"
    at.button(key="save-verdict").click().run()
    assert [facts.parse(each.facts).weighted_by for each in actions.kept(weighted)] == ["", "count"]
    assert [job.spec["weighted_by"] for job in verdict_actions.of_dataset(weighted)] == ["count"]


def test_rows_without_a_weight_are_told_on_the_data_page(open_page: Open, weighted: int) -> None:
    at = open_page("data", dataset=str(weighted))
    assert is_well(at)
    assert "1 row of 210 is without a positive number in the column count: each weighs 1." in texts(at)


def test_a_game_is_weighted_until_that_is_switched_off(open_page: Open, weighted: int) -> None:
    game = guess_actions.start(weighted, "Ann", seed=1)
    for row in game.rows:
        guess_actions.guess(game.id, row, 30.0)
    at = open_page("guess", game=str(game.id))
    assert is_well(at)
    assert "mean error weighted by count" in at.info[0].value
    at.toggle(key=f"weighted-{weighted}").set_value(False).run()
    assert is_well(at)
    assert "off by" in at.info[0].value
    assert "weighted" not in at.info[0].value


def test_leaks_are_weighted_until_that_is_switched_off(open_page: Open, weighted: int, sent: list[int]) -> None:
    leakage_actions.search(weighted)
    drain(sent)
    at = open_page("leakage", dataset=str(weighted))
    assert is_well(at)
    assert "mean error weighted by count" in texts(at)
    was = at.dataframe[1].value
    at.toggle(key=f"weighted-{weighted}").set_value(False).run()
    assert is_well(at)
    assert "weighted" not in texts(at)
    assert not at.dataframe[1].value.equals(was)

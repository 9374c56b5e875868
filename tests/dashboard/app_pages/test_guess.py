"""The Guess page: a game from its start to its end, robust to reloads, with no price on the screen before the end."""

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from db import datasets
from db.engine import begin
from db.types import Split
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, labels, texts
from worker.guesses import actions


def press(at: AppTest, label: str) -> None:
    next(button for button in at.button if button.label == label).click().run()


@pytest.mark.slow
def test_a_game_is_played_from_its_start_to_its_end(open_page: Open, priced: int) -> None:
    at = open_page("guess")
    assert is_well(at)
    at.text_input[0].set_value("Ann")
    press(at, "Start")
    assert is_well(at)
    (game,) = actions.games(priced)
    assert at.query_params["game"] == str(game.id)
    with begin() as session:
        items = {item["row"]: item for item in datasets.items(session, priced, Split.TEST).iter_rows(named=True)}
    for place, row in enumerate(game.rows):
        assert f"Product {place + 1} of {len(game.rows)}" in texts(at)
        assert items[row]["title"] in [each.value for each in at.subheader]
        assert "rue price" not in texts(at)
        at.text_input(key="guess-price").set_value(f"${items[row]['price'] * 1.01:.2f}")
        press(at, "Next" if place else "Skip")
    assert is_well(at)
    said = texts(at)
    assert "Ann is nearer, by more than chance" in said
    assert "1 row skipped" in said
    assert r"off by \$87\.62" in said or r"off by \$87.62" in said
    table = at.dataframe[0].value.set_index("Who")
    assert table.loc["Ann", "Verdict"] == "you"
    assert table.loc["Ridge on words", "Verdict"] == "you are nearer"
    assert len(at.dataframe[1].value) == len(game.rows)


def test_a_reload_goes_on_where_it_was(open_page: Open, priced: int) -> None:
    game = actions.start(priced, "Ann")
    actions.guess(game.id, game.rows[0], 12.0)
    at = open_page("guess", game=str(game.id))
    assert is_well(at)
    assert "Product 2 of 20" in texts(at)
    at = open_page("guess")  # without the address it is found in the list
    assert any("not ended" in label for label in labels(at))
    at.button(key=f"game-{game.id}").click().run()
    assert "Product 2 of 20" in texts(at)


def test_what_is_no_price_is_told_and_the_product_stays(open_page: Open, priced: int) -> None:
    game = actions.start(priced, "Ann")
    at = open_page("guess", game=str(game.id))
    for typed, said in (("", "press Skip"), ("cheap", "is no price"), ("-4", "more than")):
        at.text_input(key="guess-price").set_value(typed)
        press(at, "Next")
        assert not at.exception
        assert said in texts(at)
        assert "Product 1 of 20" in texts(at)


def test_when_the_time_is_over_the_result_is_shown(open_page: Open, priced: int) -> None:
    game = actions.start(priced, "Ann")
    with begin() as session:
        session.execute(text("UPDATE games SET started_at = started_at - interval '1 hour'"))
    at = open_page("guess", game=str(game.id))
    assert is_well(at)
    assert "Ann guessed no price" in texts(at)
    press(at, "Guess other products")
    assert "Start" in labels(at)
    assert "game" not in at.query_params


def test_a_name_is_asked_for_and_too_few_rows_are_told(open_page: Open) -> None:
    with begin() as session:
        a_dataset(session, 20)
    at = open_page("guess")
    at.text_input[0].set_value(" ")
    press(at, "Start")
    assert "Say who guesses" in texts(at)
    at.text_input[0].set_value("Ann")
    press(at, "Start")
    assert "only 2 test rows" in texts(at)

"""Guess against the machine: blind rows, never twice, against the clock, and an honest comparison at the end."""

import json

import polars as pl
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from db import datasets, jobs, price_decisions
from db.engine import begin
from db.errors import NotFound, NotReady, UserError, WrongState
from db.types import Game, Split
from tests.builders import a_dataset
from tests.dashboard.priced import a_priced_dataset
from tests.databases import Emptied
from worker.advisor import actions as advisor_actions
from worker.cli import main
from worker.guesses import actions
from worker.guesses.actions import YOU, Standing


@pytest.fixture
def priced(database: str, emptied: Emptied) -> int:
    """A dataset whose 40 test rows two techniques priced."""
    return emptied.remembered(_a_priced_one)


def _a_priced_one() -> int:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        a_priced_dataset(session, dataset_id, ("ridge", "zero-shot"))
    return dataset_id


def truths(dataset_id: int) -> dict[int, float]:
    with begin() as session:
        return dict(datasets.items(session, dataset_id, Split.TEST).select("row", "price").iter_rows())


def play(game: Game, factor: float, *, skips: int = 0) -> Standing:
    """Guess every price times a factor, without the first so many."""
    known = truths(game.dataset_id)
    stands = actions.standing(game.id)
    for place, row in enumerate(game.rows):
        stands = actions.guess(game.id, row, None if place < skips else known[row] * factor)
    return stands


def end_time(game: Game, seconds: float) -> None:
    """As if the game had begun so many seconds before its end."""
    with begin() as session:
        session.execute(
            text("UPDATE games SET started_at = clock_timestamp() - make_interval(secs => :ago) WHERE id = :game"),
            {"ago": game.seconds - seconds, "game": game.id},
        )


def test_rows_are_drawn_by_seed_from_the_test_side_and_their_price_is_hidden(priced: int) -> None:
    one, other = (actions.start(priced, name, seed=7) for name in ("Ann", "Ben"))
    assert one.rows == other.rows
    assert len(set(one.rows)) == actions.ROWS
    assert set(one.rows) <= set(truths(priced))
    item = actions.standing(one.id).item
    assert item is not None
    assert "price" not in item
    assert item["row"] == one.rows[0]


def test_nobody_is_asked_a_row_twice_and_at_the_end_there_are_none(priced: int) -> None:
    first = actions.start(priced, "Ann")
    second = actions.start(priced, " Ann ")
    assert not set(first.rows) & set(second.rows)
    assert len(second.rows) == 10
    with pytest.raises(NotReady, match="0 test rows"):
        actions.start(priced, "Ann")
    assert len(actions.start(priced, "Ben").rows) == 30


def test_a_version_with_other_prices_holds_the_same_products(priced: int) -> None:
    first = actions.start(priced, "Ann")
    with begin() as session:
        version = price_decisions.apply(session, priced, "curated")
    assert not set(first.rows) & set(actions.start(version, "Ann").rows)


def test_rows_that_techniques_priced_come_first(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        a_priced_dataset(session, dataset_id, ("ridge",))
        kept = datasets.target_rows(session, dataset_id, Split.TEST, 12)
        session.execute(text("DELETE FROM predictions WHERE NOT row = ANY(:rows)"), {"rows": kept})
    game = actions.start(dataset_id, "Ann")
    assert set(game.rows[:12]) == set(kept)


def test_a_reload_finds_the_game_where_it_was(priced: int) -> None:
    game = actions.start(priced, "Ann", rows=6)
    actions.guess(game.id, game.rows[0], 10.0)
    actions.guess(game.id, game.rows[1], None)
    stands = actions.standing(game.id)
    assert (stands.guessed, stands.skipped, stands.place) == (1, 1, 3)
    assert stands.item is not None
    assert stands.item["row"] == game.rows[2]
    again = actions.guess(game.id, game.rows[0], 99.0)  # sent twice: the first answer stays
    assert again.guessed == 1
    actions.give_up(game.id)
    assert actions.result(game.id).rows["price"].to_list() == [10.0, None]


def test_no_price_is_shown_before_the_end(priced: int) -> None:
    game = actions.start(priced, "Ann", rows=6)
    with pytest.raises(WrongState, match="not over"):
        actions.result(game.id)


def test_what_comes_after_the_time_does_not_count(priced: int) -> None:
    game = actions.start(priced, "Ann", rows=6)
    actions.guess(game.id, game.rows[0], 10.0)
    end_time(game, -actions.GRACE - 1)
    assert actions.guess(game.id, game.rows[1], 10.0).is_over
    assert actions.result(game.id).guessed == 1


def test_what_was_typed_in_time_and_came_a_moment_late_counts(priced: int) -> None:
    game = actions.start(priced, "Ann", rows=6)
    end_time(game, -1)
    assert actions.standing(game.id).is_over
    actions.guess(game.id, game.rows[0], 10.0)
    assert actions.result(game.id).guessed == 1


@pytest.mark.parametrize("price", [0.0, -3.0, float("nan"), float("inf")])
def test_what_is_no_price_is_told(priced: int, price: float) -> None:
    game = actions.start(priced, "Ann", rows=6)
    with pytest.raises(UserError, match="more than"):
        actions.guess(game.id, game.rows[0], price)
    with pytest.raises(UserError, match="not asked"):
        actions.guess(game.id, 0, 5.0)
    with pytest.raises(NotFound):
        actions.standing(99)


def test_a_perfect_guesser_is_better_for_sure_and_stands_beside_every_technique(priced: int) -> None:
    game = actions.start(priced, "Ann", seed=1)  # of some draws, 28 rows can't tell
    assert play(game, 1.001, skips=2).is_over
    found = actions.result(game.id)
    assert (found.guessed, found.skipped) == (28, 2)
    assert found.you is not None
    mean = sum(price for row, price in truths(priced).items() if row in game.rows[2:]) / 28
    assert found.you["mae"] == pytest.approx(0.001 * mean)
    assert set(found.table["n"]) == {28}  # all on the rows that she guessed
    assert found.gaps["verdict"].to_list() == ["better", "better"]
    assert (found.gaps["diff_high"] < 0).all()
    said = " ".join(actions.sentences(found))
    assert "Ann is nearer, by more than chance" in said
    assert "2 rows skipped" in said
    assert "$87.62" in said
    assert "can't be compared with yours" in said


@pytest.mark.slow
def test_a_wild_guesser_is_worse_for_sure_and_one_like_a_technique_is_neither(priced: int) -> None:
    game = actions.start(priced, "Ann", seed=1)
    play(game, 9.0)
    assert set(actions.result(game.id).gaps["verdict"]) == {"worse"}
    with begin() as session:
        ridge = jobs.all(session, priced)[-1].id
        answers = session.execute(text('SELECT "row", price FROM predictions WHERE job_id = :job'), {"job": ridge})
        known = {row.row: row.price for row in answers}
    other = actions.start(priced, "Ben", seed=1)
    for row in other.rows:
        actions.guess(other.id, row, known[row])
    gaps = actions.result(other.id).gaps
    assert gaps.filter(pl.col("second") == ridge)["verdict"].to_list() == ["tie"]


@pytest.mark.slow
def test_a_game_is_no_job_and_stands_in_the_advice(priced: int) -> None:
    with begin() as session:
        before = [job.id for job in jobs.all(session)]
    game = actions.start(priced, "Ann")
    with begin() as session:
        assert advisor_actions.advice(session, priced).you is None
    play(game, 1.5)
    with begin() as session:
        assert [job.id for job in jobs.all(session)] == before
        you = advisor_actions.advice(session, priced).you
    assert you is not None
    assert you.link.names == {"game": str(game.id)}
    found = actions.result(game.id)
    assert found.you is not None
    assert you.value == found.you["mae"]
    assert found.names[YOU] == "Ann"


def test_without_priced_rows_there_is_nothing_to_compare_and_it_is_said(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 100)
    game = actions.start(dataset_id, "Ann", rows=6)
    play(game, 1.2)
    found = actions.result(game.id)
    assert found.you is not None
    assert found.guessed == 6
    assert actions.report(found)["rows"][0]["job"] is None


def test_the_terminal_asks_one_price_after_another(priced: int) -> None:
    words = ["guess", str(priced), "--name", "Ann", "--rows", "6", "--json"]
    answered = CliRunner().invoke(main.app, words, input="12\nabc\n$1,200.50\n\nq\n", catch_exceptions=False)
    assert answered.exit_code == 0
    assert "'abc' is no price" in answered.stderr
    assert "4 of 6" in answered.stderr
    (game,) = actions.games(priced)
    assert [each["price"] for each in json.loads(answered.stdout)["guesses"]] == [12.0, 1200.5, None]
    seen = CliRunner().invoke(main.app, [*words[:2], "--game", str(game.id)], catch_exceptions=False).stdout
    assert "true price" in seen
    assert "Ann" in seen

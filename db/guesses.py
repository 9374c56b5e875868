"""Games in which a person guesses prices, and the guesses: kept apart from jobs and what techniques answered."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from db import engine
from db.errors import NotFound
from db.models import GameRow
from db.types import Game

_GUESSES = {
    "row": pl.Int64,
    "group_id": pl.Int64,  # of near-duplicates
    "weight": pl.Float64,
    "title": pl.String,
    "truth": pl.Float64,
    "price": pl.Float64,  # $; null = skipped
    "seconds": pl.Float64,  # since the guess before it, or the start
}


def _value(row: GameRow) -> Game:
    return Game(
        row.id, row.dataset_id, row.person, row.seed, row.rows, row.seconds, row.started_at, row.ended_at, row.owner
    )


def start(session: Session, dataset_id: int, person: str, seed: int, rows: Sequence[int], seconds: int) -> Game:
    """A game that begins now."""
    made = GameRow(dataset_id=dataset_id, person=person, seed=seed, rows=list(rows), seconds=seconds)
    session.add(made)
    session.flush()
    return _value(made)


def get(session: Session, game_id: int) -> Game:
    """The game with this number. Raises NotFound."""
    row = session.get(GameRow, game_id, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no game {game_id}; start one on the Guess page.")
    return _value(row)


def all(session: Session, dataset_id: int) -> list[Game]:  # noqa: A001 - read as guesses.all
    """Every game on a dataset, newest first."""
    query = select(GameRow).where(GameRow.dataset_id == dataset_id).order_by(GameRow.id.desc())
    return [_value(row) for row in session.scalars(query.execution_options(populate_existing=True))]


def shown(session: Session, dataset_id: int, person: str) -> set[int]:
    """The rows that a person's games held, guessed or not: on this dataset, or on another one that was made of the same
    file, whose rows are the same products."""
    rows = session.scalars(
        text(
            """SELECT DISTINCT unnest(g.rows) FROM games g JOIN datasets d ON d.id = g.dataset_id
               WHERE g.person = :person AND (d.id = :dataset
                   OR d.file_sha256 = (SELECT file_sha256 FROM datasets WHERE id = :dataset))"""
        ),
        {"person": person, "dataset": dataset_id},
    )
    return set(rows)


def now(session: Session) -> datetime:
    """The database's clock, which games are timed by."""
    moment: datetime = session.scalar(text("SELECT clock_timestamp()"))
    return moment


def put(session: Session, game_id: int, row: int, price: float | None) -> bool:
    """Keep a guess ($; None = skipped); False where the row has one, which stays."""
    made = session.scalar(
        text(
            """INSERT INTO guesses (game_id, "row", price, guessed_at) VALUES (:game, :row, :price, clock_timestamp())
               ON CONFLICT (game_id, "row") DO NOTHING RETURNING "row" """
        ),
        {"game": game_id, "row": row, "price": price},
    )
    return made is not None


def answered(session: Session, game_id: int) -> dict[int, float | None]:
    """Row -> what was guessed ($; None = skipped), for those that were asked."""
    rows = session.execute(text('SELECT "row", price FROM guesses WHERE game_id = :game'), {"game": game_id})
    return {row.row: row.price for row in rows}


def of(session: Session, game: Game) -> pl.DataFrame:
    """Every guess of a game beside the true price, in the order in which they were made: row, group_id, weight (of the
    row; 1 where it has none), title, truth, price, seconds."""
    return engine.copy_out(
        session,
        "SELECT g.row, i.group_id, coalesce(i.weight, 1), i.title, i.price, g.price, "
        "extract(epoch FROM g.guessed_at - lag(g.guessed_at, 1, m.started_at) OVER (ORDER BY g.guessed_at, g.row)) "
        "FROM guesses g JOIN games m ON m.id = g.game_id "
        "JOIN items i ON i.dataset_id = m.dataset_id AND i.row = g.row "
        "WHERE g.game_id = %s ORDER BY g.guessed_at, g.row",
        _GUESSES,
        (game.id,),
    ).with_columns(pl.col("title").fill_null(""))


def end(session: Session, game_id: int) -> None:
    """The game is over; one that was over stays as it is."""
    session.execute(
        update(GameRow).where(GameRow.id == game_id, GameRow.ended_at.is_(None)).values(ended_at=func.clock_timestamp())
    )

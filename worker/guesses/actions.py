"""Every verb about guessing against the machine, for pages and the command line alike: start, guess, give up, look."""

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from db import access, adapters, datasets, guesses, jobs
from db.engine import Session, begin
from db.errors import NotReady, UserError, WrongState
from db.types import Dataset, Game, JobKind, PredictionStatus, Split, Verb
from worker import amounts
from worker.datasets import weights
from worker.datasets.actions import ready
from worker.evaluation import compare
from worker.evaluation.measures import DECIDING, USUAL
from worker.evaluation.shared import shared_items
from worker.pricing import comparison, known_prices, repeats

ROWS, SECONDS = 30, 300
FEWEST = 5
"""Rows below which no game is worth starting."""
GRACE = 3.0
"""Seconds after the end in which a guess still counts: it was typed before."""
LONGEST_NAME = 80

YOU = 0
"""The number under which a person stands in a comparison; no job has it."""

COURSE_ERROR, COURSE_ROWS = 87.62, 100
COURSE = (
    "For reference: in a course that teaches this choice (github.com/ed-donner/llm_engineering, “The Price is Right”) "
    f"a person was off by ${COURSE_ERROR} on average, on {COURSE_ROWS} rows of another table. Other products have "
    "other prices, so that figure can't be compared with yours directly."
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a game stands."""

    game: Game
    left: float  # seconds; 0 when it is over
    guessed: int
    skipped: int
    item: dict[str, Any] | None  # row, title, description, category, brand of the one to price; None: it is over

    @property
    def is_over(self) -> bool:
        return self.item is None

    @property
    def place(self) -> int:
        """Of the item, from 1."""
        return self.guessed + self.skipped + 1


@dataclass(frozen=True)
class Result:
    """What came of a game: the person beside every technique, on the rows that she guessed."""

    game: Game
    guessed: int
    skipped: int
    table: pl.DataFrame  # compare.COLUMNS, with the person under YOU; the one ahead first
    gaps: pl.DataFrame  # compare.PAIRS with the person first: positive = she is worse
    names: Mapping[int, str]  # job -> technique; YOU -> the person
    rows: pl.DataFrame  # row, title, truth, price (the person's), best (the price of the technique ahead), seconds
    weighted_by: str  # the column that errors are weighted by; "": none

    @property
    def you(self) -> dict[str, Any] | None:
        """The person's line; None where she guessed nothing."""
        lines = self.table.filter(pl.col("job_id") == YOU)
        return None if lines.is_empty() or lines["mae"][0] is None else lines.row(0, named=True)


def start(dataset_id: int, person: str, *, rows: int = ROWS, seconds: int = SECONDS, seed: int | None = None) -> Game:
    """A game on test rows that the person was never asked before; those that techniques priced come first.

    Raises NotReady where too few are left, UserError for a name that is none.
    """
    name = " ".join(person.split())
    if not name or len(name) > LONGEST_NAME:
        raise UserError(f"Say who guesses, in 1 to {LONGEST_NAME} letters: nobody is asked the same row twice.")
    with begin() as session:
        dataset = ready(session, dataset_id)
        drawn = draw(session, dataset, name, rows, secrets.randbits(31) if seed is None else seed)
        if len(drawn.rows) < FEWEST:
            raise NotReady(
                f"There are only {len(drawn.rows)} test rows with a price that {name} was not asked yet, and a game "
                f"needs {FEWEST}; choose another dataset."
            )
        game = guesses.start(session, dataset_id, name, drawn.seed, drawn.rows, seconds)
        access.act(session, Verb.PLAY, game, dataset=dataset_id)
        return game


@dataclass(frozen=True, slots=True)
class Draw:
    rows: list[int]
    seed: int


def draw(session: Session, dataset: Dataset, person: str, count: int, seed: int) -> Draw:
    """Test rows drawn by a seed, of those that this person was never asked: first among the rows that all compared
    techniques priced, for only those can be compared. No two of one game are near-duplicates."""
    test = datasets.items(session, dataset.id, Split.TEST, details=True).filter(pl.col("price").is_not_null())
    asked = guesses.shown(session, dataset.id, person)
    seen = set(test.filter(pl.col("row").is_in(list(asked)))["group_id"])
    fresh = test.filter(~pl.col("group_id").is_in(list(seen)))
    priced = set(shared_items(known_prices.of_jobs(session, compared(session, dataset)).lines)["row"])
    random = np.random.default_rng(seed)
    order = [int(row) for row in random.permutation(fresh["row"].sort())]
    order.sort(key=lambda row: row not in priced)  # stable: the drawn order stays within both parts
    group_of = dict(fresh.select("row", "group_id").iter_rows())
    one_of_each: dict[int, int] = {}
    for row in order:
        one_of_each.setdefault(group_of[row], row)
    return Draw(list(one_of_each.values())[:count], seed)


def compared(session: Session, dataset: Dataset) -> list[int]:
    """The jobs that a person is set beside: those that Trade-offs compares at first, without what priced few rows."""
    every = jobs.all(session, dataset.id, JobKind.PRICE)
    known = {job.id: job for job in every}
    return comparison.of_like_size(known, comparison.taken(dataset, every))


def standing(game_id: int) -> Standing:
    """Where a game stands; one whose time is over is ended. Raises NotFound."""
    with begin() as session:
        return _standing(session, game_id)


def _standing(session: Session, game_id: int) -> Standing:
    game = guesses.get(session, game_id)
    said = guesses.answered(session, game_id)
    skipped = sum(price is None for price in said.values())
    left = max(0.0, game.seconds - (guesses.now(session) - game.started_at).total_seconds())
    open_rows = [row for row in game.rows if row not in said]
    if game.ended_at is None and (not open_rows or not left):
        guesses.end(session, game_id)
        game = guesses.get(session, game_id)
    if game.ended_at is not None:
        return Standing(game, 0.0, len(said) - skipped, skipped, None)
    items = datasets.items(session, game.dataset_id, Split.TEST)
    item = items.filter(pl.col("row") == open_rows[0]).drop("price").row(0, named=True)
    return Standing(game, left, len(said) - skipped, skipped, item)


def guess(game_id: int, row: int, price: float | None) -> Standing:
    """Guess the price of a row ($), or skip it (None). A row that was answered keeps its first answer; one that comes
    after the end does not count. Raises UserError for what is no price or no row of the game."""
    if price is not None and not (math.isfinite(price) and price > 0):
        raise UserError("A price is more than 0; type one like 24.90, or skip the product.")
    with begin() as session:
        game = guesses.get(session, game_id)
        access.check(Verb.PLAY, game)
        if row not in game.rows:
            raise UserError(f"Row {row} is not asked in game {game_id}.")
        late = (guesses.now(session) - game.started_at).total_seconds() - game.seconds
        is_open = game.ended_at is None or (game.ended_at - game.started_at).total_seconds() >= game.seconds
        if late <= GRACE and is_open:
            guesses.put(session, game_id, row, price)
        return _standing(session, game_id)


def price_of(typed: str) -> float | None:
    """A price, as a person types it, with the sign of its currency or without; None for nothing. Raises UserError for
    what is no number."""
    sign = amounts.money().currency.unit
    text = typed.strip().removeprefix("$").removeprefix(sign).removesuffix(sign).strip()
    text = text.replace(",", "." if re.fullmatch(r"\d+,\d{1,2}", text) else "")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{typed.strip()!r} is no price; type one like 24.90.") from None


def give_up(game_id: int) -> None:
    """End a game before its time; what was guessed counts."""
    with begin() as session:
        access.act(session, Verb.PLAY, guesses.get(session, game_id), given_up="yes")
        guesses.end(session, game_id)


def games(dataset_id: int) -> list[Game]:
    """Every game on a dataset, newest first."""
    with begin() as session:
        return guesses.all(session, dataset_id)


def result(game_id: int, *, weighted: bool = True) -> Result:
    """What came of a game that is over; weighted: by the dataset's column of weights, where there is one. Raises
    WrongState while it goes on: no price is shown before its end."""
    with begin() as session:
        stands = _standing(session, game_id)
        if not stands.is_over:
            raise WrongState(f"Game {game_id} is not over yet; prices are shown at its end.")
        return of_game(session, stands.game, weighted=weighted)


def of_game(session: Session, game: Game, *, weighted: bool = True) -> Result:
    """What came of a game, on the rows that she guessed and every technique priced; weighted: as in `result`."""
    dataset = datasets.get(session, game.dataset_id)
    column = weights.column(dataset) if weighted else ""
    said = guesses.of(session, game)
    hers = said.filter(pl.col("price").is_not_null()).drop([] if column else ["weight"])
    job_ids = compared(session, dataset)
    priced, _ = known_prices.of_jobs(session, job_ids, weighted=bool(column))
    theirs = priced.filter(pl.col("row").is_in(hers["row"].to_list()))
    both = pl.concat([_as_predictions(hers, theirs.schema), theirs], how="diagonal")
    again = repeats.heads([jobs.get(session, job_id) for job_id in job_ids], adapters.all(session))
    table = compare.table(both, level=comparison.level(), repeats=again)
    gaps = compare.every_pair(both, level=comparison.level(), repeats=again).filter(pl.col("first") == YOU)
    ahead = table.filter(pl.col("job_id") != YOU)["job_id"]
    best = theirs.filter(pl.col("job_id") == (ahead[0] if len(ahead) else YOU)).select("row", best="price")
    rows = said.drop("group_id", "weight").join(best, on="row", how="left", maintain_order="left")
    known = [jobs.get(session, job_id) for job_id in job_ids if job_id not in again]
    names = compare.with_runs(table, comparison.labels(session, known)) | {YOU: game.person}
    return Result(game, len(hers), len(said) - len(hers), table, gaps, names, rows, column)


def _as_predictions(hers: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Guesses in the columns that predictions have; what a person costs is unknown."""
    given = hers.with_columns(job_id=pl.lit(YOU, pl.Int64), status=pl.lit(str(PredictionStatus.OK)))
    absent = [pl.lit(0 if kind.is_integer() else None, kind).alias(name) for name, kind in schema.items()]
    kinds = schema if "weight" not in hers.columns else {**schema, "weight": pl.Float64()}
    return given.with_columns(each for each in absent if each.meta.output_name() not in given.columns).select(
        pl.col(name).cast(kind) for name, kind in kinds.items()
    )


def sentences(found: Result) -> list[str]:
    """What came of a game, in words: her own figure, who is nearer for sure, who can't be told apart, and the course's
    figure with its source."""
    you, name = found.you, found.game.person
    if not found.guessed:
        return [f"{name} guessed no price, so there is nothing to compare.", COURSE]
    if you is None:
        return [f"No technique priced the rows that {name} guessed, so there is nothing to compare.", COURSE]
    rows = amounts.count(you["n"], "row")
    figure = amounts.price(you["mae"])
    said = [f"{name} was off by {figure} on average{_ends(you, 'mae')}, on {rows}."]
    if found.weighted_by:
        said[0] = f"{name}'s {DECIDING[USUAL].named(found.weighted_by)} is {figure}{_ends(you, 'mae')}, on {rows}."
    if found.skipped:
        said.append(
            f"{amounts.count(found.skipped, 'row')} skipped: they count for nobody, which flatters whoever skips the "
            "hard ones."
        )
    if found.gaps.is_empty():
        said.append("No technique priced these rows yet.")
    groups = {
        verdict: [found.names[job_id] for job_id in found.gaps.filter(pl.col("verdict") == verdict)["second"]]
        for verdict in ("worse", "better", "tie", "too few rows")
    }
    if groups["worse"]:
        said.append(f"Nearer than {name}, by more than chance: {amounts.listed(groups['worse'])}.")
    if groups["better"]:
        said.append(f"{name} is nearer, by more than chance, than {amounts.listed(groups['better'])}.")
    if groups["tie"]:
        said.append(f"These rows can't tell {name} from {amounts.listed(groups['tie'])}.")
    if groups["too few rows"]:
        said.append(f"Too few rows to tell {name} from {amounts.listed(groups['too few rows'])}.")
    return [*said, COURSE]


def _ends(line: Mapping[str, Any], key: str) -> str:
    low, high = line[f"{key}_low"], line[f"{key}_high"]
    if low is None or high is None:
        return ""
    return f" ({amounts.level(line['level'])} interval {amounts.price(low)} to {amounts.price(high)})"


def report(found: Result) -> dict[str, Any]:
    """The result as JSON."""
    gaps = {line["second"]: line for line in found.gaps.iter_rows(named=True)}
    lines = []
    for line in found.table.iter_rows(named=True):
        gap = gaps.get(line["job_id"], {})
        lines.append(
            {"job": None if line["job_id"] == YOU else line["job_id"], "label": found.names[line["job_id"]]}
            | {name: line[name] for name in ("n", "mae", "mae_low", "mae_high", "median_ape", "within")}
            | {f"you_{name}": gap.get(name) for name in ("diff", "diff_low", "diff_high", "verdict")}
        )
    return {
        "game": found.game.id,
        "dataset": found.game.dataset_id,
        "person": found.game.person,
        "seed": found.game.seed,
        "weighted_by": found.weighted_by,
        "guessed": found.guessed,
        "skipped": found.skipped,
        "rows": lines,
        "guesses": found.rows.to_dicts(),
        "sentences": sentences(found),
        "course": {"mae": COURSE_ERROR, "rows": COURSE_ROWS, "about": COURSE},
    }

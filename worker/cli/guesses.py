"""`pricewright guess DATASET`: type prices of test rows against the clock, then see them beside every technique."""

import sys
from typing import Annotated

import typer
from rich.table import Table

from db.errors import UserError
from worker import amounts
from worker.cli import find
from worker.cli.console import AsJson, err, out, print_json
from worker.cli.options import DatasetName, Unweighted
from worker.evaluation.measures import DECIDING, USUAL
from worker.guesses import actions
from worker.guesses.actions import YOU, Result, Standing
from worker.server.up import running_stack

app = typer.Typer()

_STOP = ("q", "quit", "stop")
_SHOWN = 300  # letters of a description


@app.command()
def guess(
    what: DatasetName,
    name: Annotated[str, typer.Option(help="Who guesses; nobody is asked the same row twice.")] = "Somebody",
    rows: Annotated[int, typer.Option(min=actions.FEWEST, help="How many products.")] = actions.ROWS,
    seconds: Annotated[int, typer.Option(min=1, help="How long it may take.")] = actions.SECONDS,
    seed: Annotated[int | None, typer.Option(help="Draws the products; default: by chance.")] = None,
    game: Annotated[int | None, typer.Option(help="Go on with this game, or see what came of it.")] = None,
    unweighted: Unweighted = False,
    as_json: AsJson = False,
) -> None:
    """Guess the prices of test rows yourself: prices from standard input, one a line; an empty line skips, q ends."""
    with running_stack(worker=False):
        dataset = find.dataset(what)
        if game is not None and game not in {each.id for each in actions.games(dataset.id)}:
            raise UserError(f"{dataset.name} has no game {game}; leave --game out to start one.")
        game_id = game or actions.start(dataset.id, name, rows=rows, seconds=seconds, seed=seed).id
        _play(game_id)
        found = actions.result(game_id, weighted=not unweighted)
    if as_json:
        print_json(actions.report(found))
    else:
        _print(found)


def _play(game_id: int) -> None:
    """Ask for a price after another until the game is over, standard input ends or the person does."""
    stands = actions.standing(game_id)
    if not stands.is_over:
        count, time = len(stands.game.rows), amounts.duration(stands.game.seconds)
        err.print(
            f"Game {game_id}: {count} products, {time}. A price{amounts.unit()}, an empty line to skip, q to end."
        )
    while not stands.is_over:
        _show(stands)
        typed = sys.stdin.readline()
        if not typed or typed.strip().lower() in _STOP:
            actions.give_up(game_id)
            return
        try:
            assert stands.item is not None  # it is not over
            stands = actions.guess(game_id, stands.item["row"], actions.price_of(typed))
        except UserError as error:
            err.print(str(error))


def _show(stands: Standing) -> None:
    item = stands.item or {}
    about = ", ".join(text for text in (item["brand"], item["category"]) if text)
    err.print(f"\n{stands.place} of {len(stands.game.rows)}, {amounts.duration(stands.left)} left: {item['title']}")
    for text in (about, item["description"][:_SHOWN]):
        if text:
            err.print(f"  {text}")
    err.print(f"{amounts.money().prefix}", end="")


def _print(found: Result) -> None:
    gaps = {line["second"]: line for line in found.gaps.iter_rows(named=True)}
    table = Table(box=None, pad_edge=False, caption="you − it: above 0 = your error is larger; all pairs held at once")
    level = amounts.level(found.table["level"][0]) if len(found.table) else ""
    for head in ("who", "rows", DECIDING[USUAL].terminal, level, "you − it", "interval", "you are"):
        table.add_column(head, justify="left" if head in ("who", "you are") else "right")
    for line in found.table.iter_rows(named=True):
        gap = gaps.get(line["job_id"])
        table.add_row(
            found.names[line["job_id"]],
            f"{line['n']:,}",
            _usd(line["mae"]),
            _ends(line["mae_low"], line["mae_high"]),
            "" if gap is None else _usd(gap["diff"]),
            "" if gap is None else _ends(gap["diff_low"], gap["diff_high"]),
            "yourself" if line["job_id"] == YOU else (gap or {}).get("verdict") or amounts.NOTHING,
        )
    out.print(table)
    prices = Table(box=None, pad_edge=False)
    for head in ("product", "your price", "best technique", "true price"):
        prices.add_column(head, justify="left" if head == "product" else "right")
    for line in found.rows.iter_rows(named=True):
        hers = "skipped" if line["price"] is None else amounts.price(line["price"])
        best = amounts.NOTHING if line["best"] is None else amounts.price(line["best"])
        prices.add_row(line["title"][:70], hers, best, amounts.price(line["truth"]))
    out.print(prices)
    if found.weighted_by:
        out.print(f"Errors are weighted by {found.weighted_by}.")
    for sentence in actions.sentences(found):
        out.print(sentence)


def _usd(value: float | None) -> str:
    return amounts.NOTHING if value is None else amounts.plain(value, 2)


def _ends(low: float | None, high: float | None) -> str:
    return amounts.NOTHING if low is None or high is None else f"{_usd(low)} to {_usd(high)}"

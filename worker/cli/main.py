"""The app behind `pricewright`: its verbs, one file per noun, and how an error reaches the terminal."""

import logging
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from db import acting, audit
from db.engine import DatabaseAway, access
from db.errors import OpenQuestion, UserError
from db.servers.permissions import keep_private
from db.settings import settings
from worker.cli import (
    adapters,
    advisor,
    ageing,
    audit_log,
    batches,
    chaos,
    data_need,
    datasets,
    demo,
    endpoints,
    export,
    finetune,
    guesses,
    jobs,
    keeping,
    knowledge,
    leakage,
    notify,
    people,
    price_check,
    pricers,
    pricing,
    prompts,
    race,
    refits,
    report,
    saved_verdicts,
    server,
    storage,
    verdicts,
    what_if,
)  # fmt: skip
from worker.cli.console import tell_error
from worker.people import identity

# The order of `pricewright --help`; a verb that is not named here comes after these.
ORDER = (
    "finetune", "finetune-stop", "finetune-export", "data-need", "up", "load", "price", "race", "cross-fit", "curve",
    "jobs", "pause", "resume", "cancel", "retry", "datasets", "rename", "describe", "archive", "unarchive", "delete",
    "compare", "choose", "verdicts", "recheck", "use", "pricers", "watch", "batches", "truth",
    "report", "export", "advise", "check-verdicts", "ageing", "what-if", "guess",
    "leakage", "check-prices", "decide-price", "curate", "scenarios", "demo", "people", "share",
    "backup", "restore", "storage", "notify", "audit", "health", "doctor", "chaos",
)  # fmt: skip


class _Ordered(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


EXIT_CODES = (
    "Exit codes: 0 done; 1 not done, or nothing came of it, and one sentence on stderr says what to do; 2 wrong usage; "
    "3 somebody has to decide: it is not sure which column of a file means what, and nothing was loaded, or a saved "
    "verdict no longer holds."
)

app = typer.Typer(
    cls=_Ordered,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they may hold keys
    epilog=EXIT_CODES,
    help="Which technique prices my products best for the money?",
)
for _noun in (
    server, storage, notify, datasets, pricing, export, demo, race, refits, jobs, keeping, finetune, data_need, leakage,
    price_check, knowledge, endpoints, prompts, adapters, verdicts, ageing, what_if, advisor, guesses, report,
    saved_verdicts, pricers, batches, people, audit_log, chaos,
):  # fmt: skip
    app.add_typer(_noun.app)


def main() -> None:
    """Entry point. Exit codes: see EXIT_CODES."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    keep_private()
    audit.come_from(lambda: audit.Origin(" ".join(["pricewright", *sys.argv[1:2]])))
    try:
        app()
    except OpenQuestion as error:
        tell_error(str(error))
        sys.exit(3)
    except UserError as error:
        tell_error(str(error))
        sys.exit(1)
    except DatabaseAway as error:
        tell_error(f"The database does not answer ({error}); is it running?")
        sys.exit(1)


@app.callback()
def _closed(context: typer.Context) -> None:
    """Commands reach the database inside running_stack only, and act for whoever is at the terminal."""
    context.with_resource(access(is_open=False))
    if context.invoked_subcommand in _OF_NOBODY:
        return
    is_hosts = context.invoked_subcommand in _OF_THE_HOST and not settings().token
    acting.identify(identity.system_user if is_hosts else identity.of_terminal)
    context.call_on_close(lambda: acting.identify(None))


_OF_NOBODY = ("up", "doctor")  # what they make and look at is the product's own
_OF_THE_HOST = ("people", "backup", "restore")
"""Verbs for which no token is asked: before the first of them there is no token, and who runs them holds all data."""

"""`pricewright audit`: who did what to what, when, from where, with what money."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from db import audit
from db.engine import begin
from db.errors import UserError
from worker import amounts
from worker.cli.console import AsJson, out, print_json
from worker.server.up import running_stack

app = typer.Typer()


@app.command("audit")
def audit_(
    person: Annotated[str | None, typer.Option(help="Only what this person did.")] = None,
    verb: Annotated[str | None, typer.Option(help="Only this, such as dataset.delete.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only about this kind of thing, such as dataset or job.")] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="From this day on (UTC), as 2026-07-01.")] = None,
    most: Annotated[int, typer.Option(min=1, help="So many of the newest.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Say who did what, newest first. Nobody can change or delete it."""
    day = _day(since) if since else None
    with running_stack(worker=False), begin() as session:
        acts = audit.rows(session, person=person, verb=verb, kind=kind, since=day, most=most)
    if as_json:
        print_json(acts.to_dicts())
        return
    table = Table(box=None)
    for head in ("when (UTC)", "who", "did", "to", "with", "money", "from"):
        table.add_column(head, justify="right" if head == "money" else "left")
    for act in acts.iter_rows(named=True):
        thing = " ".join(filter(None, (act["kind"], act["thing"], f"({act['name']})" if act["name"] else "")))
        table.add_row(
            f"{act['at']:%Y-%m-%d %H:%M:%S}", act["person"] or "Pricewright", act["verb"], thing, act["details"],
            amounts.NOTHING if act["usd"] is None else f"${act['usd']:,.2f}",
            " ".join(filter(None, (act["place"], act["address"]))),
        )  # fmt: skip
    out.print(table)


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise UserError(f"{text!r} is no day; write it as 2026-07-01.") from None

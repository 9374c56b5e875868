"""`pricewright people …` and `pricewright share`: tokens that act for people, and who sees what."""

from typing import Annotated, Any

import typer
from rich.table import Table

from db import visibility
from db.errors import UserError
from db.types import Role, Token
from worker.cli import find
from worker.cli.console import AsJson, out, print_json, print_lines, warn
from worker.people import actions
from worker.server.up import running_stack

app = typer.Typer()
people = typer.Typer(
    name="people", no_args_is_help=True, help="Tokens, by which the command line acts for people where they sign in."
)
app.add_typer(people)


@people.command()
def token(
    name: Annotated[str, typer.Argument(help="For whom it acts, as the identity provider calls that person.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.ANALYST,
    days: Annotated[int, typer.Option(help="How long it is good.")] = 90,
    group: Annotated[list[str] | None, typer.Option(help="A group that it belongs to; say it for each.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once: it goes into PRICEWRIGHT_TOKEN."""
    with running_stack(worker=False):
        made, kept = actions.make_token(name, role, days, group or ())
    if as_json:
        print_json(_json(kept) | {"token": made})
        return
    print_lines(made)
    warn(f"Token {kept.id} acts for {kept.person.name} until {kept.expires_at:%Y-%m-%d}; it is not shown again.")


@people.command()
def tokens(as_json: AsJson = False) -> None:
    """List tokens: for whom they act and until when; never the tokens themselves."""
    with running_stack(worker=False):
        every = actions.every_token()
    if as_json:
        print_json([_json(each) for each in every])
        return
    table = Table(box=None)
    for heading in ("token", "person", "role", "groups", "until", "revoked"):
        table.add_column(heading)
    for each in every:
        revoked = f"{each.revoked_at:%Y-%m-%d %H:%M}" if each.revoked_at else ""
        groups = ", ".join(sorted(each.person.groups))
        table.add_row(str(each.id), each.person.name, each.person.role, groups, f"{each.expires_at:%Y-%m-%d}", revoked)
    out.print(table)


@people.command()
def revoke(number: Annotated[int, typer.Argument(help="The number of a token.")], as_json: AsJson = False) -> None:
    """Let a token act no more."""
    with running_stack(worker=False):
        kept = actions.revoke_token(number)
    if as_json:
        print_json(_json(kept))
    else:
        print_lines(f"Token {kept.id} acts no more.")


@app.command()
def share(
    kind: Annotated[str, typer.Argument(help="dataset, prompt or pricer.")],
    what: Annotated[str, typer.Argument(help="Its number or name.")],
    others: Annotated[
        str, typer.Option("--with", help="Names and group:NAME, with commas between; everybody; nobody.")
    ] = "",
    owner: Annotated[str, typer.Option(help="Make it this person's; an admin can.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say who sees a dataset (with its jobs and prices), a prompt or a pricer beside its owner and admins."""
    if kind not in actions.KINDS:
        raise UserError(f"What can be shared is a {', a '.join(actions.KINDS)}; {kind!r} is none of them.")
    if not others and not owner:
        raise UserError("Say with whom: --with anna@example.com,group:buyers, --with everybody or --with nobody.")
    whole = {"everybody": [visibility.EVERYBODY], "nobody": []}
    names = None if not others else whole[others] if others in whole else actions.names_of(others)
    with running_stack(worker=False):
        its_id: int | str = find.dataset(what).id if kind == "dataset" else what
        if owner:
            actions.give(kind, its_id, owner)
        if others:
            actions.share(kind, its_id, names or [])
    if as_json:
        print_json({"kind": kind, "id": its_id, "shared_with": names, "owner": owner or None})
    else:
        print_lines(f"The {kind} is seen by its owner, admins{_also(names)}.")


def _also(names: list[str] | None) -> str:
    if names is None:
        return " and whom it was shared with"
    return f" and {actions.said_of(names) or 'everybody'}" if names else ", and nobody else"


def _json(kept: Token) -> dict[str, Any]:
    about = {"id": kept.id, "name": kept.person.name, "role": kept.person.role, "groups": sorted(kept.person.groups)}
    return about | {"created_at": kept.created_at, "expires_at": kept.expires_at, "revoked_at": kept.revoked_at}

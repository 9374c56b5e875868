"""`pricewright use` and `pricewright pricers …`: what is in use, under which name, and who decided so."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from db import pricers
from db.engine import begin
from db.errors import UserError
from db.types import Pricer, PricerState
from worker.cli.console import AsJson, out, print_json, warn
from worker.evaluation.certainty import TOLERANCES
from worker.pricers import actions, promise
from worker.server.up import running_stack

app = typer.Typer()
noun = typer.Typer(
    name="pricers", no_args_is_help=True, help="Choices in use: their versions, what they promise, who decided so."
)
app.add_typer(noun)

_PERCENT = [round(100 * share) for share in TOLERANCES]

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of a pricer.")]
Version = Annotated[int, typer.Argument(metavar="VERSION", help="Its number, as `pricewright pricers list` has it.")]
Why = Annotated[str, typer.Option(help="The reason; it is kept.")]
Override = Annotated[str, typer.Option(help="Why it is used although the gate objects to its adapter.")]


@app.command("use")
def use_verdict(
    verdict: Annotated[
        int | None, typer.Argument(metavar="[VERDICT]", help="Number of a saved verdict (`pricewright verdicts`).")
    ] = None,
    name: Annotated[str, typer.Option("--as", help="Name of the pricer; one that is there gets a new version.")] = "",
    job: Annotated[int | None, typer.Option("--job", help="Use what this finished job priced with instead.")] = None,
    hit_rate: Annotated[
        float | None,
        typer.Option(
            "--hit-rate",
            min=1,
            max=99,
            help="Percent of prices that are to hit; the others go to a person. Default: "
            "only rows without a price, or unlike what was learned from.",
        ),
    ] = None,
    within: Annotated[
        int | None, typer.Option(help=f"Percent of the true price that a hit may be off: {_PERCENT}.")
    ] = None,
    why: Annotated[str, typer.Option(help="The reason; default: the verdict.")] = "",
    as_json: AsJson = False,
) -> None:
    """Use what a verdict chose: keep it under a name, with its source and its promise. `pricewright price FILE --with
    NAME` prices with it."""
    if not name:
        raise UserError("Give it a name: --as monthly.")
    if within is not None and within not in _PERCENT:
        raise UserError(f"--within must be one of {', '.join(map(str, _PERCENT))}.")
    with running_stack(worker=False):
        made = actions.make(
            name, why, verdict_id=verdict, job_id=job,
            hit_rate=None if hit_rate is None else hit_rate / 100, within=None if within is None else within / 100,
        )  # fmt: skip
        objection, sentence = actions.objection(made), _sentence(made)
    if as_json:
        print_json(asdict(made) | {"objection": objection})
        return
    if objection:
        warn(f"The gate objects: {objection}")
    out.print(f"Pricer {made.name}, version {made.version}, is {made.state}.")
    out.print(f"  {sentence}", soft_wrap=True)
    if made.state is PricerState.IN_USE:
        out.print(f"  Price a file with it: pricewright price FILE --with {shlex.quote(made.name)}", soft_wrap=True)
    else:
        name = shlex.quote(made.name)
        out.print(f"  Put it in use: pricewright pricers use {name} {made.version} --why …", soft_wrap=True)


@noun.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every version of every pricer, the newest first."""
    with running_stack(worker=False):
        every = actions.every()
        table = _table(every)
    if as_json:
        print_json([asdict(each) for each in every])
    elif every:
        out.print(table)
    else:
        out.print("There is no pricer yet; `pricewright use VERDICT --as NAME` makes one.")


def _table(every: Sequence[Pricer]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("pricer", "version", "number", "state", "technique", "error", "$ per 1,000", "best before", "note"):
        table.add_column(name, justify="right" if name in ("version", "number", "error", "$ per 1,000") else "left")
    for each in every:
        table.add_row(each.name, str(each.version), str(each.id), str(each.state), *_figures(each), each.description)
    return table


def _figures(pricer: Pricer) -> tuple[str, str, str, str]:
    promised = promise.parse(pricer.promise)
    cost = "unknown" if promised.usd_per_1000 is None else f"{promised.usd_per_1000:.4f}"
    return actions.technique(pricer), promise.error(promised), cost, str(pricer.best_before or "–")


def _sentence(pricer: Pricer) -> str:
    """What it promises."""
    return promise.sentence(promise.parse(pricer.promise))


@noun.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """What a pricer promises, its versions, and who moved which, when and why."""
    with running_stack(worker=False):
        with begin() as session:
            versions, changes = pricers.versions(session, name), pricers.history(session, name)
        if not versions and not changes:
            raise actions.unknown(name)
        warnings = [each for version in versions for each in _beware(version)]
        promises = {each.id: _sentence(each) for each in versions}
    if as_json:
        about: dict[str, Any] = {"name": name, "versions": [asdict(each) for each in versions]}
        print_json(about | {"history": [asdict(each) for each in changes], "warnings": warnings})
        return
    for sentence in warnings:
        warn(sentence)
    for each in versions:
        out.print(f"Version {each.version} is {each.state}: {actions.technique(each)}", soft_wrap=True)
        out.print(f"  {promises[each.id]}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for column in ("when", "version", "change", "who", "why", "objection that was overridden"):
        table.add_column(column)
    for change in changes:
        moved = f"{change.before} → {change.after}" if change.before else "made"
        table.add_row(
            f"{change.at:%Y-%m-%d %H:%M}", str(change.version), moved, change.who, change.why, change.overrides
        )
    out.print(table)


def _beware(pricer: Pricer) -> list[str]:
    if pricer.state is not PricerState.IN_USE:
        return []
    refusal = actions.refusal(pricer)
    return [*filter(None, [refusal]), *actions.cautions(pricer)]


@noun.command()
def use(name: Name, version: Version, why: Why, override: Override = "", as_json: AsJson = False) -> None:
    """Put a version in use, unless the gate objects; the one that was is retired."""
    with running_stack(worker=False):
        _moved(actions.use(_version(name, version).id, why, override=override), as_json)


@noun.command()
def retire(name: Name, version: Version, why: Why, as_json: AsJson = False) -> None:
    """Take a version out of use, or give a candidate up."""
    with running_stack(worker=False):
        _moved(actions.retire(_version(name, version).id, why), as_json)


@noun.command()
def rollback(name: Name, why: Why, override: Override = "", as_json: AsJson = False) -> None:
    """Bring back the version that was in use before the present one."""
    with running_stack(worker=False):
        _moved(actions.roll_back(name, why, override=override), as_json)


def _version(name: str, number: int) -> Pricer:
    with begin() as session:
        return pricers.version(session, name, number)


def _moved(pricer: Pricer, as_json: bool) -> None:
    if as_json:
        print_json(asdict(pricer))
    else:
        out.print(f"Version {pricer.version} of {pricer.name} is {pricer.state}.")

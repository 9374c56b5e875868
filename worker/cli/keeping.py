"""`pricewright rename`, `describe`, `archive`, `restore`, `delete`: alike for datasets, jobs and
pricers, by their number."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from db.dependents import Dependent
from db.errors import UserError
from worker.cli import find
from worker.cli.console import AsJson, out, print_json
from worker.datasets import actions as dataset_actions
from worker.datasets import dependents
from worker.jobs import actions as job_actions
from worker.pricers import actions as pricer_actions
from worker.server.up import running_stack

app = typer.Typer()


class Kind(StrEnum):
    """What people keep."""

    DATASET = "dataset"
    JOB = "job"
    PRICER = "pricer"


@dataclass(frozen=True, slots=True)
class _Verbs:
    find: Callable[[int], Any]  # raises NotFound
    rename: Callable[[int, str], object]
    describe: Callable[[int, str], object]
    archive: Callable[[int], object] | None  # None: it is retired instead
    restore: Callable[[int], object] | None
    depending: Callable[[int], list[Dependent]]
    delete: Callable[[int], object]


_VERBS = {
    Kind.DATASET: _Verbs(
        lambda its_id: find.dataset(str(its_id)),
        dataset_actions.rename,
        dataset_actions.describe,
        dataset_actions.archive,
        dataset_actions.restore,
        dataset_actions.depending,
        dataset_actions.delete_dataset,
    ),
    Kind.JOB: _Verbs(
        find.job,
        job_actions.rename,
        job_actions.describe,
        job_actions.archive,
        job_actions.restore,
        job_actions.depending,
        job_actions.delete,
    ),
    Kind.PRICER: _Verbs(
        pricer_actions.get,
        pricer_actions.rename,
        pricer_actions.describe,
        None,
        None,
        pricer_actions.depending,
        pricer_actions.delete,
    ),
}

What = Annotated[Kind, typer.Argument(metavar="KIND", help="dataset, job or pricer.")]
Number = Annotated[
    int, typer.Argument(metavar="NUMBER", help="As `pricewright datasets`, `jobs` or `pricers list` lists it.")
]


@app.command()
def rename(kind: What, number: Number, name: Annotated[str, typer.Argument(help='"" = a job has none.')]) -> None:
    """Give a dataset, a job or a pricer another name."""
    _act(kind, number, lambda verbs: verbs.rename(number, name), f"is called {name}" if name else "has no name")


@app.command()
def describe(kind: What, number: Number, text: Annotated[str, typer.Argument(help='"" = none.')]) -> None:
    """Keep a note with a dataset, a job or a version of a pricer."""
    _act(kind, number, lambda verbs: verbs.describe(number, text), f"says: {text}" if text else "says nothing")


@app.command()
def archive(kind: What, number: Number) -> None:
    """Hide a dataset or a job from lists; nothing is deleted."""
    again = f"pricewright restore {kind} {number} offers it again"
    _act(kind, number, lambda verbs: _archivable(verbs.archive)(number), f"is archived; {again}")


@app.command()
def restore(kind: What, number: Number) -> None:
    """Offer an archived dataset or job again."""
    _act(kind, number, lambda verbs: _archivable(verbs.restore)(number), "is offered again")


def _archivable(verb: Callable[[int], object] | None) -> Callable[[int], object]:
    if verb is None:
        raise UserError("A pricer is not archived but retired: pricewright pricers retire NAME VERSION --why …")
    return verb


def _act(kind: Kind, number: int, act: Callable[[_Verbs], object], outcome: str) -> None:
    with running_stack(worker=False):
        act(_VERBS[kind])
    out.print(f"{kind.capitalize()} {number} {outcome}.")


@app.command()
def delete(
    kind: What,
    number: Number,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a dataset, a job or a version of a pricer, after telling what depends on it; without --yes it asks."""
    verbs = _VERBS[kind]
    with running_stack(worker=False):
        name = verbs.find(number).name
        depending = verbs.depending(number)
        if not as_json:
            what = f"{kind.capitalize()} {number}" + (f" ({name})" if name else "")
            out.print(f"{what}: {' '.join(dependents.told(depending))}")
        if not yes:
            if as_json or not sys.stdin.isatty():
                raise UserError(f"Nothing is deleted; pricewright delete {kind} {number} --yes deletes it.")
            typer.confirm("Delete it? This can't be undone.", abort=True)
        verbs.delete(number)
    if as_json:
        print_json({"deleted": number, "kind": kind, "depended": [asdict(each) for each in depending]})
    else:
        out.print(f"{kind.capitalize()} {number} is deleted.")

"""`pricewright rename`, `describe`, `archive`, `unarchive`, `delete`: by the number or name of what is kept."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from db.dependents import Dependent
from db.errors import UserError, WrongState
from worker.cli import find
from worker.cli.console import AsJson, out, print_json
from worker.datasets import actions as dataset_actions
from worker.datasets import dependents
from worker.endpoints import actions as endpoint_actions
from worker.jobs import actions as job_actions
from worker.knowledge import actions as knowledge_actions
from worker.pricers import actions as pricer_actions
from worker.prompts import actions as prompt_actions
from worker.server.up import running_stack

app = typer.Typer()


class Kind(StrEnum):
    """What people keep."""

    DATASET = "dataset"
    JOB = "job"
    ENDPOINT = "endpoint"
    PROMPT = "prompt"
    KNOWLEDGE = "knowledge"
    PRICER = "pricer"


def _number(which: str) -> int:
    if not which.isdecimal():
        raise UserError(f"{which!r} is no number; `pricewright datasets` and `pricewright jobs` list them.")
    return int(which)


Act = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class _Verbs:
    """What can be done to a thing by its key; a sentence: why it can't."""

    key: Callable[[str], Any]  # of what a person calls it
    rename: Callable[[Any, str], object] | str
    describe: Callable[[Any, str], object] | str
    archive: Act | str
    restore: Act | str
    delete: Act
    name: Callable[[Any], str] | None = None  # beside its key
    depending: Callable[[Any], list[Dependent]] | None = None
    needed: Callable[[Any], str] | None = None  # why it can't be deleted; "": it can


_VERBS = {
    Kind.DATASET: _Verbs(
        _number,
        dataset_actions.rename,
        dataset_actions.describe,
        dataset_actions.archive,
        dataset_actions.restore,
        dataset_actions.delete_dataset,
        name=lambda number: find.dataset(str(number)).name,
        depending=dataset_actions.depending,
    ),
    Kind.JOB: _Verbs(
        _number,
        job_actions.rename,
        job_actions.describe,
        job_actions.archive,
        job_actions.restore,
        job_actions.delete,
        name=lambda number: find.job(number).name,
        depending=job_actions.depending,
    ),
    Kind.ENDPOINT: _Verbs(
        str,
        "An endpoint keeps its name: jobs, prices and stored answers name it. Add it again under another one.",
        endpoint_actions.describe,
        endpoint_actions.archive,
        endpoint_actions.restore,
        endpoint_actions.remove,
        depending=endpoint_actions.depending,
        needed=endpoint_actions.needed,
    ),
    Kind.PROMPT: _Verbs(
        str,
        "A prompt keeps its name: jobs name it. Save it under another one.",
        "A prompt has a note with each version: pricewright prompts save NAME FILE --note.",
        prompt_actions.archive,
        prompt_actions.restore,
        prompt_actions.delete,
        needed=prompt_actions.needed,
    ),
    Kind.KNOWLEDGE: _Verbs(
        _number,
        "A knowledge base is called as its dataset: pricewright rename dataset.",
        "A knowledge base is described by its dataset: pricewright describe dataset.",
        "A knowledge base is archived with its dataset: pricewright archive dataset.",
        "A knowledge base is taken back with its dataset: pricewright unarchive dataset.",
        knowledge_actions.delete,
        name=lambda number: find.dataset(str(number)).name,
        depending=knowledge_actions.depending,
        needed=knowledge_actions.needed,
    ),
    Kind.PRICER: _Verbs(
        _number,
        pricer_actions.rename,
        pricer_actions.describe,
        "A pricer is not archived but retired: pricewright pricers retire NAME VERSION --why",
        "A pricer is not unarchived but used again: pricewright pricers use NAME VERSION --why",
        pricer_actions.delete,
        name=lambda number: pricer_actions.get(number).name,
        depending=pricer_actions.depending,
    ),
}

What = Annotated[Kind, typer.Argument(metavar="KIND", help="dataset, job, endpoint, prompt, knowledge or pricer.")]
Which = Annotated[
    str,
    typer.Argument(
        help="The number of a dataset, a job or a pricer, as `pricewright datasets`, `jobs` or `pricers list` lists it "
        "(knowledge: that of its dataset); the name of an endpoint or a prompt."
    ),
]


@app.command()
def rename(kind: What, which: Which, name: Annotated[str, typer.Argument(help='"" = a job has none.')]) -> None:
    """Give a dataset, a job or a pricer another name."""
    outcome = f"is called {name}" if name else "has no name"
    _act(kind, which, lambda verbs: verbs.rename, outcome, name)


@app.command()
def describe(kind: What, which: Which, text: Annotated[str, typer.Argument(help='"" = none.')]) -> None:
    """Keep a note with a dataset, a job, an endpoint or a version of a pricer."""
    _act(kind, which, lambda verbs: verbs.describe, f"says: {text}" if text else "says nothing", text)


@app.command()
def archive(kind: What, which: Which) -> None:
    """Hide a dataset, a job, an endpoint or a prompt from lists; nothing is deleted."""
    again = f"pricewright unarchive {kind} {which} offers it again"
    _act(kind, which, lambda verbs: verbs.archive, f"is archived; {again}")


@app.command()
def unarchive(kind: What, which: Which) -> None:
    """Offer what is archived again."""
    _act(kind, which, lambda verbs: verbs.restore, "is offered again")


def _act(
    kind: Kind, which: str, verb: Callable[[_Verbs], Callable[..., object] | str], outcome: str, *words: str
) -> None:
    verbs = _VERBS[kind]
    act = verb(verbs)
    if isinstance(act, str):
        raise UserError(act)
    with running_stack(worker=False):
        act(verbs.key(which), *words)
    out.print(f"{kind.capitalize()} {which} {outcome}.")


@app.command()
def delete(
    kind: What,
    which: Which,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete something that is kept, after telling what depends on it; without --yes it asks."""
    verbs = _VERBS[kind]
    key = verbs.key(which)
    with running_stack(worker=False):
        name = verbs.name(key) if verbs.name else ""
        depending = verbs.depending(key) if verbs.depending else []
        if why := verbs.needed(key) if verbs.needed else "":
            raise WrongState(why)
        if not as_json:
            what = f"{kind.capitalize()} {which}" + (f" ({name})" if name else "")
            out.print(f"{what}: {' '.join(dependents.told(depending))}")
        if not yes:
            if as_json or not sys.stdin.isatty():
                raise UserError(f"Nothing is deleted; pricewright delete {kind} {which} --yes deletes it.")
            typer.confirm("Delete it? This can't be undone.", abort=True)
        verbs.delete(key)
    if as_json:
        print_json({"deleted": key, "kind": kind, "depended": [asdict(each) for each in depending]})
    else:
        out.print(f"{kind.capitalize()} {which} is deleted.")

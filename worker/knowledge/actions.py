"""Every verb about knowledge bases, for pages and the command line alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from db import access, datasets, dependents, jobs, rates, visibility, workers
from db.dependents import Dependent
from db.engine import Session, begin
from db.errors import NotFound, NotReady, UserError, WrongState
from db.knowledge import bases, changes
from db.types import Job, JobKind, JobState, KnowledgeBase, Queue, Split, Step, Verb
from worker import amounts, app, specs
from worker.datasets import actions, quantities
from worker.datasets.answers import Sign

_SECONDS_PER_ITEM = 0.02  # all-MiniLM-L6-v2 on two ordinary cores, until this installation has measured its own
SHORTEST_SCHEDULE = 60


@dataclass(frozen=True, slots=True)
class IndexEstimate:
    """What bringing a base up to date would take, at today's rates."""

    items: int  # to be embedded
    seconds: float
    usd: Decimal
    is_measured: bool  # rests on this installation's own jobs


def estimate(dataset_id: int) -> IndexEstimate:
    """What `refresh` would take; nothing is started."""
    with begin() as session:
        items = bases.waiting(session, dataset_id)
        measured = bases.measured_seconds(session)
        seconds = items * (measured or _SECONDS_PER_ITEM)
        usd = rates.usd_for(seconds, rates.usd_per_hour(session, _queue(session)))
    return IndexEstimate(items, seconds, usd, measured is not None)


def refresh(dataset_id: int) -> int:
    """Make the dataset's base or bring it up to date; the job's id. One that is at it already is not doubled."""
    with begin() as session:
        running = _unfinished(session, dataset_id)
        return running.id if running else _start(session, dataset_id, {})


def depending(dataset_id: int) -> list[Dependent]:
    """What goes with a dataset's knowledge base. Raises NotReady where there is none."""
    with begin() as session:
        base_of(session, dataset_id)
        return dependents.of_knowledge(session, dataset_id)


def needed(dataset_id: int) -> str:
    """Why a dataset's knowledge base can't be deleted, in a sentence; "" when it can."""
    with begin() as session:
        return _needed(session, dataset_id)


def delete(dataset_id: int) -> None:
    """Delete a dataset's knowledge base with all that files and other datasets brought; what needs one builds it of the
    train side again. Raises NotReady; WrongState while a job is at work with it or a pricer searches it."""
    with begin() as session:
        base = base_of(session, dataset_id)
        access.act(session, Verb.DELETE_KNOWLEDGE, base)
        visibility.see_all(session)
        if why := _needed(session, dataset_id):
            raise WrongState(why)
        bases.drop(session, base.id)


def _needed(session: Session, dataset_id: int) -> str:
    searching = [name for name, kind in specs.SPECS.items() if kind.searches]
    if needing := dependents.needing_knowledge(session, dataset_id, searching):
        users = amounts.counted((each.count, each.noun, each.about) for each in needing)
        return f"The knowledge base of dataset {dataset_id} can't be deleted now, because of {users}."
    return ""


def update(dataset_id: int, name: str, stream: BinaryIO, *, removes: bool = False, sign: Sign | None = None) -> int:
    """Add, change and remove items as a file says, by their ids; the job's id. Its result counts what came of it.

    Every column but the id may be missing: what the file does not say stays as it is. Rows with a true value in a
    column called delete or remove are removed; `removes`: all of the file's ids are. `sign` is the decimal sign of
    prices with two readings; None = as the rest of the file tells, or else as in the dataset's own file.
    """
    with begin() as session:
        access.check(Verb.CHANGE_KNOWLEDGE, datasets.get(session, dataset_id))
    sha256 = actions.store(stream)
    file = {"sha256": sha256, "name": Path(name).name, "removes": removes, "decimal": sign and sign.mark}
    with begin() as session:
        access.act(session, Verb.CHANGE_KNOWLEDGE, datasets.get(session, dataset_id), file=file["name"])
        return _start(session, dataset_id, {"changes": file})


def add_reference(dataset_id: int, reference_id: int) -> int:
    """Add the priced items of another dataset; the job's id. Rows that match the test side stay out."""
    if reference_id == dataset_id:
        raise UserError("A dataset's own train side is in its knowledge base already; choose another dataset.")
    with begin() as session:
        dataset, reference = datasets.get(session, dataset_id), actions.ready(session, reference_id)
        if not any(reference.splits.get(side) for side in (Split.TRAIN, Split.VALIDATION, Split.TEST)):
            raise NotReady(f"{reference.name} has no priced items to learn from.")
        actions.one_currency([dataset, reference])
        quantities.check_alike(session, [dataset, reference])
        access.act(session, Verb.CHANGE_KNOWLEDGE, dataset, reference=reference_id)
        return _start(session, dataset_id, {"reference": reference_id})


def remove(dataset_id: int, keys: Sequence[str]) -> int:
    """Take items out at once: nothing finds them any more, jobs at work included. How many there were."""
    with begin() as session:
        base = base_of(session, dataset_id)
        access.act(session, Verb.CHANGE_KNOWLEDGE, base, removed=len(keys))
        removed = changes.remove(session, base, keys)
    if not removed:
        raise NotFound("None of these ids is in the knowledge base.")
    return removed


def schedule(dataset_id: int, seconds: int | None) -> None:
    """Refresh every so many seconds from now on; None = only when somebody asks."""
    if seconds is not None and seconds < SHORTEST_SCHEDULE:
        raise UserError(f"A knowledge base can be refreshed every {SHORTEST_SCHEDULE} seconds at most.")
    with begin() as session:
        base = base_of(session, dataset_id)
        access.act(session, Verb.CHANGE_KNOWLEDGE, base, schedule=f"{seconds} s" if seconds else "none")
        bases.set_schedule(session, base.id, seconds)


def search(
    dataset_id: int,
    text: str,
    k: int = 10,
    *,
    category: str = "",
    min_similarity: float = 0.0,
    newer_than_days: int = 0,
) -> int:
    """Ask a worker what the base holds for a text; the id of the job whose result is the answer.

    A worker, because only it has the embedding model.
    """
    if not text.strip():
        raise UserError("Type what to search for.")
    with begin() as session:
        base_of(session, dataset_id)
        bases.forget_searches(session)
        wanted = {
            "text": text.strip(),
            "k": k,
            "category": category,
            "min_similarity": min_similarity,
            "newer_than_days": newer_than_days,
        }
        return app.start_job(
            session,
            kind=JobKind.SEARCH,
            dataset_id=dataset_id,
            queue=Queue.INTERACTIVE,
            spec=wanted,
            chunks=[(Step.SEARCH, [])],
        )


def refresh_due() -> list[int]:
    """Start an index job for every base whose schedule says so; the jobs' ids. Never a second one beside a first."""
    with begin() as session:
        started = []
        for dataset_id in bases.due(session):
            bases.forget_idle_refreshes(session, dataset_id)
            started.append(_start(session, dataset_id, {"scheduled": True}))
        return started


def base_of(session: Session, dataset_id: int) -> KnowledgeBase:
    """Raises NotReady when the dataset has none."""
    base = bases.of(session, dataset_id)
    if base is None:
        name = datasets.get(session, dataset_id).name
        raise NotReady(f"{name} has no knowledge base yet; build it first.")
    return base


def _unfinished(session: Session, dataset_id: int) -> Job | None:
    job = jobs.latest(session, dataset_id, JobKind.INDEX)
    return job if job and job.state in (JobState.RUNNING, JobState.PAUSED) else None


def _start(session: Session, dataset_id: int, spec: dict[str, Any]) -> int:
    dataset = actions.ready(session, dataset_id)
    if not dataset.splits.get(Split.TRAIN) and not spec:
        raise NotReady(f"{dataset.name} has no train rows with a price; add priced items from a file first.")
    return app.start_job(
        session,
        kind=JobKind.INDEX,
        dataset_id=dataset_id,
        queue=_queue(session),
        spec=spec,
        chunks=[(Step.INDEX, [])],
    )


def _queue(session: Session) -> Queue:
    """A GPU embeds where one is there."""
    return Queue.GPU if workers.serves(session, Queue.GPU) else Queue.CPU

"""The stages of a batch: looked at, loaded, priced, written, or laid aside with a sentence.

Where a batch stands is in the database and nowhere else. Every stage can be done again from its beginning: whoever was
killed in the middle of one leaves nothing that the next try would double or lose.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from db import datasets, jobs, pricer_batches, pricers
from db.engine import Session, begin
from db.errors import MappingError, NotFound, NotReady, UserError, WrongState
from db.settings import settings
from db.types import BatchState, Dataset, DatasetState, JobKind, JobState, Pricer, PricerBatch
from worker import amounts, specs
from worker.batches import figures, folder
from worker.datasets import actions as dataset_actions
from worker.datasets.answers import Answers
from worker.datasets.mapping import alike
from worker.ingest import column_synonyms
from worker.pricers import actions as pricer_actions
from worker.pricing.priced_file import actions as priced_file

_SURE = 0.5  # a header that is nearly a word which shops use; what only its cells tell is not taken unasked
_TEXTS = ("title", "description", "category", "brand")


class Waits(Exception):
    """A batch can't go on now, through no fault of its file; the text says why."""


def take(name: str, inbox: Path, file: folder.Arrived) -> PricerBatch | None:
    """Take a file for a pricer: its bytes are kept, and a worker is asked to look at it. None: its content was taken
    before, or it has changed. Raises OSError."""
    with file.path.open("rb") as stream:
        sha256 = dataset_actions.store(stream)
    with begin() as session:
        batch = None
        if sha256 == file.sha256:
            batch = pricer_batches.take(
                session, pricer_name=name, file_name=file.name, file_sha256=sha256, folder=str(inbox)
            )
        if batch is None:
            dataset_actions.drop_files(session, sha256)
            return None
        return _looked_at(session, batch)


def take_again(batch: PricerBatch, inbox: Path, file: folder.Arrived) -> PricerBatch:
    """Try a batch anew whose file was moved from aside back into the folder. Raises OSError."""
    with file.path.open("rb") as stream:
        dataset_actions.store(stream)
    with begin() as session:
        plain: dict[str, Any] = dict.fromkeys(("error", "finished_at", "pricer_id", "job_id"))
        pricer_batches.change(
            session, batch.id, state=BatchState.WAITING, target="", folder=str(inbox), file_name=file.name, **plain
        )
        return _looked_at(session, pricer_batches.get(session, batch.id))


def _looked_at(session: Session, batch: PricerBatch) -> PricerBatch:
    dataset_id = dataset_actions.add_within(session, batch.file_name, batch.file_sha256)
    pricer_batches.change(session, batch.id, dataset_id=dataset_id)
    return pricer_batches.get(session, batch.id)


def advance(batch: PricerBatch, out: Path) -> PricerBatch:
    """Do what can be done now for a batch that waits or is being priced; the batch as it is then.

    Raises Waits, OSError where the priced file can't be written.
    """
    try:
        if batch.state is BatchState.WAITING:
            _load(batch, out)
        else:
            _write(batch)
    except UserError as error:
        refuse(batch, str(error))
    with begin() as session:
        return pricer_batches.get(session, batch.id)


def refuse(batch: PricerBatch, sentence: str) -> None:
    """Say that a batch can't be priced, and why."""
    with begin() as session:
        pricer_batches.change(session, batch.id, among=pricer_batches.OPEN, state=BatchState.ASIDE, error=sentence)


def lay_aside(batch: PricerBatch, path: Path | None, out: Path) -> Path:
    """Put the file of a refused batch aside, where it lies then, and forget what was read of it; `path` as
    folder.put_aside takes it. Raises OSError."""
    kept = settings().files_dir / batch.file_sha256
    why = batch.error or ""
    lies = folder.put_aside(path, kept, batch.file_name, batch.file_sha256, why, out, batch.id)
    if batch.dataset_id is not None and batch.job_id is None:
        dataset_actions.delete_dataset(batch.dataset_id)
    with begin() as session:
        pricer_batches.finish(session, batch.id, target=str(lies))
    return lies


def _load(batch: PricerBatch, out: Path) -> None:
    if batch.dataset_id is None:
        raise NotFound("What was read of it was deleted before it was priced.")
    with begin() as session:
        dataset = datasets.get(session, batch.dataset_id)
    if dataset.state is DatasetState.FAILED:
        raise UserError(dataset.error or "It can't be read.")
    if dataset.state not in (DatasetState.INSPECTED, DatasetState.READY):
        return  # a worker is at it
    pricer = _pinned(batch)
    if dataset.state is DatasetState.INSPECTED:
        _check_not_cancelled(dataset)
        mapping = _mapping(dataset, pricer)  # by names that are known: nothing of it is a guess
        dataset_actions.load(dataset.id, mapping, said=Answers(columns=tuple(mapping)))
        return
    if not dataset.items:
        raise UserError(_nothing_in(dataset))
    with begin() as session:
        if not batch.target:
            pricer_batches.change(session, batch.id, target=str(_target(session, batch, dataset, out)))
    try:
        job_id = pricer_actions.start(pricer, dataset.id)
    except NotReady as error:
        raise Waits(str(error)) from error
    with begin() as session:
        pricer_batches.change(session, batch.id, among=[BatchState.WAITING], state=BatchState.PRICING, job_id=job_id)


def _pinned(batch: PricerBatch) -> Pricer:
    """The version that prices a batch, written down before anything is begun with it: a job that was started before a
    kill is then found again, although another version is in use by now. Raises Waits."""
    with begin() as session:
        if batch.pricer_id is not None:
            return pricers.get(session, batch.pricer_id)
        pricer = pricers.in_use(session, batch.pricer_name)
        if pricer is None:
            raise Waits(f"No version of pricer {batch.pricer_name} is in use: put one in use on the Pricers page.")
        pricer_batches.change(session, batch.id, pricer_id=pricer.id)
        return pricer


def _check_not_cancelled(dataset: Dataset) -> None:
    with begin() as session:
        last = jobs.latest(session, dataset.id, JobKind.LOAD)
    if last and last.state is JobState.CANCELLED:
        raise UserError("Loading it was cancelled.")


def _mapping(dataset: Dataset, pricer: Pricer) -> dict[str, str]:
    """Field -> column: as in the dataset that the pricer learned from, by the names of columns; else by names that are
    usual for a field. Raises MappingError for a field that only a person can point at."""
    with begin() as session:
        source = datasets.get(session, pricer.source_id)
        # A dataset that was joined from others has no columns of its own.
        known = datasets.get(session, source.joined_from[0]).mapping if source.joined_from else source.mapping
    columns = list(dataset.inspection["columns"])
    usual = {
        field: column
        for field, column in dataset.mapping.items()
        if field in (*_TEXTS, "id") and column_synonyms.score(column, field) > _SURE
    }
    # Real prices in a file that is to be priced are taken only where they stand under the name that they had.
    mapping = alike(columns, usual, {field: column for field, column in known.items() if column})
    wanted = {"title"} | (set(specs.parse(pricer.spec).reads) & set(known))
    missing = [field for field in _TEXTS if field in wanted and field not in mapping]
    if missing:
        has = ", ".join(columns[:20]) + (" and more" if len(columns) > 20 else "")
        raise MappingError(
            f"It can't be told which column holds the {amounts.listed(missing)}, which {pricer.name} learned "
            f"from in {source.name}; name its columns as they are there (it has {has})."
        )
    return mapping


def _nothing_in(dataset: Dataset) -> str:
    reasons: Mapping[str, int] = dataset.profile.get("reasons", {})
    most = next(iter(reasons), "there are no rows")
    return f"None of its {amounts.count(dataset.rows_in, 'row')} holds a product that can be read: {most}."


def _target(session: Session, batch: PricerBatch, dataset: Dataset, out: Path) -> Path:
    """Where the priced file goes: a name that no other batch has and that nothing lies under. Next month's file may
    bear the name of this month's."""
    plain = out / priced_file.name_of(dataset)
    if plain.exists() or pricer_batches.has_target(session, str(plain)):
        return plain.with_name(f"{batch.id}-{plain.name}")
    return plain


def _write(batch: PricerBatch) -> None:
    """Write the priced file of a batch whose job is done, whole or not at all."""
    if batch.job_id is None:
        raise NotFound("The job that priced it was deleted.")
    with begin() as session:
        job = jobs.get(session, batch.job_id)
        pricer = None if batch.pricer_id is None else pricers.get(session, batch.pricer_id)
    if job.state is JobState.PAUSED:
        raise Waits(f"Job {job.id}, which prices {batch.file_name}, is paused: {job.error or 'resume it to go on.'}")
    if not job.state.is_final:
        return
    if job.state is not JobState.DONE or job.error:
        raise WrongState(job.error or f"Job {job.id}, which was to price it, was {job.state}.")
    target = Path(batch.target)
    draft = target.with_name(f".{batch.id}-{target.name}")
    wish = (pricer.hit_rate, pricer.within) if pricer else (None, None)
    if target.parent.is_dir():
        priced_file.write(job.id, draft, hit_rate=wish[0], within=wish[1])
    folder.publish(draft, target)  # raises OSError where the folder is away, which is no fault of the file
    reckoned = figures.of_job(job.id, pricer)
    with begin() as session:
        pricer_batches.finish(session, batch.id, state=BatchState.PRICED, **reckoned)

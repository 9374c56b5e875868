"""Every verb about datasets, for pages and the command line alike: upload, load, delete."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from db import access, analytics, completions, datasets, dependents, jobs, limits, pricers, visibility
from db.dependents import Dependent
from db.engine import Session, after_commit, begin
from db.errors import MappingError, NotAllowed, NotFound, UserError, WrongState
from db.knowledge import changes
from db.settings import settings
from db.types import Dataset, DatasetState, Job, JobKind, MadeBy, Queue, Step, Verb
from worker import amounts
from worker.amounts import currencies
from worker.app import start_job
from worker.datasets import quantities
from worker.datasets.answers import NOTHING_SAID, Answers, currency_of, loaded_alike, settled
from worker.datasets.dependents import kept_by
from worker.files.formats import without_ending

AWAITED = {DatasetState.UPLOADED: JobKind.INSPECT, DatasetState.LOADING: JobKind.LOAD}
"""State of a dataset -> kind of the job that it waits for; in other states it waits for none."""

DETECTED = "(detected)"
"""Value of a field that was forced on a look and is to be detected again."""

_BLOCK = 1 << 20
_NAMED = 3  # of what keeps a dataset from being deleted


def upload(
    name: str,
    stream: BinaryIO,
    *,
    is_synthetic: bool = False,
    version_of: int | None = None,
    forced: dict[str, Any] | None = None,
) -> int:
    """Keep the bytes under their sha256 and start looking at them; returns the dataset's id.

    `version_of`: the dataset that this file is a new version of; its name and its columns are proposed.
    `forced`: what the user knows of the way to read it, as for `inspect_again`.
    """
    sha256 = store(stream)
    with begin() as session:
        dataset_id = add_within(session, name, sha256, is_synthetic=is_synthetic, version_of=version_of)
        if forced:
            datasets.change(session, dataset_id, inspection={"forced": forced})
    return dataset_id


def same_bytes(sha256: str) -> list[Dataset]:
    """The datasets that were made of these bytes, newest first; versions with decided prices are made of others."""
    with begin() as session:
        every = datasets.of_file(session, sha256)
    return [dataset for dataset in every if dataset.made_by is not MadeBy.DECISIONS]


def add(name: str, sha256: str, *, is_synthetic: bool = False, version_of: int | None = None) -> int:
    """Start looking at bytes that are stored already, as `upload` does. Raises NotFound where they are gone."""
    with begin() as session:
        return add_within(session, name, sha256, is_synthetic=is_synthetic, version_of=version_of)


def add_within(
    session: Session, name: str, sha256: str, *, is_synthetic: bool = False, version_of: int | None = None
) -> int:
    """`add`, in a transaction that somebody else ends."""
    file_name = Path(name).name
    if not (settings().files_dir / sha256).is_file():
        raise NotFound(f"{file_name} was deleted meanwhile; upload it again.")
    limits.check_uploads(session)
    dataset_id = datasets.create(
        session,
        name=without_ending(file_name) if version_of is None else datasets.get(session, version_of).name,
        sha256=sha256,
        file_name=file_name,
        is_synthetic=is_synthetic,
        version_of=version_of,
    )
    access.act(session, Verb.UPLOAD, datasets.get(session, dataset_id), file=file_name)
    _read_file(session, dataset_id, JobKind.INSPECT, Step.INSPECT)
    return dataset_id


def store(stream: BinaryIO) -> str:
    """Write the stream to files/<sha256>, block by block; a file that is there already is kept. Raises NotAllowed for
    more than whoever acts may store."""
    access.check(Verb.UPLOAD)
    with begin() as session:
        room = limits.room_for_upload(session)
    size = 0
    folder = settings().files_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=folder, prefix="upload-", delete=False) as file:
        try:
            while block := stream.read(_BLOCK):
                size += len(block)
                if room is not None and size > room:
                    raise NotAllowed(
                        f"You may keep {amounts.size(round(settings().stored_gb_per_person * 1e9))} of uploaded files, "
                        "and this one is too much; delete datasets that you need no more."
                    )
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            Path(file.name).unlink()
            raise
    target = folder / digest.hexdigest()
    Path(file.name).replace(target)
    return target.name


def inspect_again(dataset_id: int, forced: dict[str, Any]) -> int:
    """Look at an upload once more with what the user knows better (encoding, delimiter, header_line); the job's id.

    Columns, preview and proposed mapping follow from the change, which editing the first look could not give.
    """
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        access.act(session, Verb.LOAD_DATASET, dataset, look=", ".join(forced))
        if dataset.joined_from:
            raise WrongState(f"{dataset.name} was joined from other tables and has no file to look at; delete it.")
        look = jobs.latest(session, dataset_id, JobKind.INSPECT)
        is_left = dataset.state is DatasetState.UPLOADED and (look is None or look.state.is_final)
        if dataset.state not in (DatasetState.INSPECTED, DatasetState.FAILED) and not is_left:
            raise WrongState(f"{dataset.name} can't be looked at again now: it is {dataset.state}.")
        # The look before stays until this one is done, and what was forced then is forced still.
        every = dataset.inspection.get("forced", {}) | forced
        kept = {field: value for field, value in every.items() if value != DETECTED}
        inspection = dataset.inspection | {"forced": kept}
        datasets.change(session, dataset_id, state=DatasetState.UPLOADED, inspection=inspection, error=None)
        before = {"forced_before": dataset.inspection.get("forced", {})}
        return _read_file(session, dataset_id, JobKind.INSPECT, Step.INSPECT, before)


def load(
    dataset_id: int,
    mapping: dict[str, str],
    name: str | None = None,
    said: Answers = NOTHING_SAID,
) -> int:
    """Turn an inspected upload into items with this mapping (field -> column); returns the job's id.

    `said` answers what the look could not tell; `inspect_again` is for what changes the columns. Raises MappingError.
    """
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        if dataset.state not in (DatasetState.INSPECTED, DatasetState.FAILED) or not dataset.inspection.get("columns"):
            raise WrongState(f"{dataset.name} can't be loaded now: it is {dataset.state}.")
        mapping = {field: column for field, column in mapping.items() if column}
        _check_mapping(dataset, mapping)
        access.act(session, Verb.LOAD_DATASET, dataset, columns=", ".join(mapping), name=name)
        datasets.change(
            session,
            dataset_id,
            mapping=mapping,
            inspection=settled(dataset.inspection, mapping, said),
            currency=currency_of(dataset.inspection, mapping, said, usual_currency(session, dataset)),
            name=name or dataset.name,
            state=DatasetState.LOADING,
            error=None,
        )
        return _read_file(session, dataset_id, JobKind.LOAD, Step.LOAD)


def usual_currency(session: Session, dataset: Dataset) -> str:
    """The currency of a dataset's prices where neither the file nor a person says it: that of the dataset which it is a
    version of, dollars in the demo; "" = it is not known."""
    if dataset.is_synthetic:
        return "USD"
    return datasets.get(session, dataset.made_from).currency if dataset.made_from is not None else ""


def set_currency(dataset_id: int, currency: str) -> None:
    """Say in which currency a loaded dataset's prices are; "" = it is not known. No price changes. What language models
    were asked before stays as it was. Raises UserError for what is no currency, WrongState where prices were converted
    into another one."""
    code = currencies.checked(currency)
    with begin() as session:
        dataset = ready(session, dataset_id)
        if converted(dataset) and code != dataset.currency:
            raise WrongState(
                f"Prices of {dataset.name} were converted into {dataset.currency} when it was loaded; load the file "
                "anew for another currency."
            )
        access.act(session, Verb.CHANGE_DATASET, dataset, currency=code)
        datasets.change(session, dataset_id, currency=code)


def converted(dataset: Dataset) -> dict[str, int]:
    """How many prices of a dataset were converted when it was loaded, by the code of the currency they were in."""
    found: dict[str, int] = dataset.profile.get("price", {}).get("converted", {})
    return found


def join(dataset_ids: Sequence[int]) -> int:
    """A dataset that holds the items of several, to learn from all of them; its id. One that is there is taken.

    Its near-duplicates and sides are its own: a product that two of the tables have is on one side. Raises UserError
    for fewer than two.
    """
    ids = sorted(set(dataset_ids))
    if len(ids) < 2:
        raise UserError("Choose two datasets at least to learn from together.")
    with begin() as session:
        if there := datasets.joined(session, ids):
            return there.id
        parts = [ready(session, dataset_id) for dataset_id in ids]
        one_currency(parts)
        quantities.check_alike(session, parts)
        name = " + ".join(part.name for part in parts)
        prints = "".join(datasets.fingerprint(part) for part in parts)
        dataset_id = datasets.create(
            session,
            name=name,
            sha256=hashlib.sha256(prints.encode()).hexdigest(),
            file_name=name,
            is_synthetic=any(part.is_synthetic for part in parts),
        )
        datasets.change(session, dataset_id, joined_from=ids, state=DatasetState.LOADING, inspection={"columns": []})
        datasets.change(session, dataset_id, currency=next(filter(None, (part.currency for part in parts)), ""))
        access.act(session, Verb.JOIN_DATASETS, datasets.get(session, dataset_id), parts=", ".join(map(str, ids)))
        _read_file(session, dataset_id, JobKind.LOAD, Step.LOAD)
        return dataset_id


def one_currency(parts: Sequence[Dataset]) -> None:
    """Check that no two datasets have prices in different currencies; an unknown one may be any. Raises UserError."""
    known = {part.currency: part for part in parts if part.currency}
    if len(known) > 1:
        first, second = list(known.values())[:2]
        raise UserError(
            f"{first.name} has prices in {first.currency} and {second.name} in {second.currency}: load one of them "
            "anew with a table of rates that converts it."
        )


def set_parent(dataset_id: int, version_of: int | None) -> None:
    """Say which dataset an upload is a new version of, before it is loaded; None = of none. Raises WrongState."""
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        if dataset.made_from == version_of:
            return
        if dataset.state is DatasetState.READY:
            raise WrongState(f"{dataset.name} is loaded already, so what it is a version of stays.")
        if version_of is not None:
            ready(session, version_of)
        made_by = None if version_of is None else MadeBy.FILE
        access.act(session, Verb.CHANGE_DATASET, dataset, version_of=version_of)
        datasets.change(session, dataset_id, made_from=version_of, made_by=made_by)


def _read_file(
    session: Session, dataset_id: int, kind: JobKind, step: Step, about: dict[str, Any] | None = None
) -> int:
    """Start a job that reads a file, ahead of others: somebody waits for it at a page."""
    queue, chunks_of_it = Queue.INTERACTIVE, [(step, list[int]())]
    return start_job(session, kind=kind, dataset_id=dataset_id, queue=queue, chunks=chunks_of_it, spec=about or {})


def _check_mapping(dataset: Dataset, mapping: dict[str, str]) -> None:
    if "title" not in mapping:
        raise MappingError("Choose the column that holds the product's title; it is the one that is needed.")
    columns = dataset.inspection["columns"]
    for field, column in mapping.items():
        if column not in columns:
            raise MappingError(f"There is no column {column!r} for {field}; the file has {', '.join(columns)}.")


def ready(session: Session, dataset_id: int) -> Dataset:
    dataset = datasets.get(session, dataset_id)
    if dataset.state is not DatasetState.READY:
        raise WrongState(f"{dataset.name} is not loaded yet: it is {dataset.state}.")
    return dataset


def job_cancelled(session: Session, job: Job) -> None:
    """A table whose look or load was cancelled is as it was before, or says how to have it looked at.

    Other jobs leave their table as it is.
    """
    if not job.kind.reads_file:
        return
    dataset = datasets.get(session, job.dataset_id)
    if dataset.joined_from:
        error = f"Joining these tables was cancelled; go on with it (pricewright retry {job.id}), or delete it."
        datasets.change(session, dataset.id, state=DatasetState.FAILED, error=error)
        return
    inspection = dataset.inspection
    if "forced_before" in job.spec:
        inspection = inspection | {"forced": job.spec["forced_before"]}
    if job.kind is JobKind.LOAD or inspection.get("columns"):
        datasets.change(session, job.dataset_id, state=DatasetState.INSPECTED, inspection=inspection)
        return
    datasets.change(
        session,
        job.dataset_id,
        state=DatasetState.FAILED,
        error=f"Looking at this file was cancelled; look at it again (pricewright retry {job.id}), or delete it.",
    )


def job_retried(session: Session, job: Job) -> None:
    """A table whose look or load is run again waits for it. Raises WrongState where that would undo something newer."""
    if not job.kind.reads_file:
        return
    dataset = datasets.get(session, job.dataset_id)
    newest = jobs.latest(session, job.dataset_id, job.kind)
    if newest and newest.id != job.id:
        raise WrongState(f"Job {job.id} can't be run again: job {newest.id} did the same later.")
    state = next(state for state, kind in AWAITED.items() if kind is job.kind)
    if dataset.state not in (DatasetState.FAILED, DatasetState.INSPECTED, state):
        raise WrongState(f"Job {job.id} can't be run again: {dataset.name} is {dataset.state} by now.")
    datasets.change(session, job.dataset_id, state=state, error=None)


def rename(dataset_id: int, name: str) -> None:
    """Call a dataset otherwise. Raises UserError for no name."""
    if not name.strip():
        raise UserError("A dataset needs a name.")
    _change(dataset_id, Verb.RENAME_DATASET, name=name.strip())


def describe(dataset_id: int, description: str) -> None:
    """Keep a note with a dataset, in place of the one before; "" = none."""
    _change(dataset_id, Verb.CHANGE_DATASET, description=description.strip())


def archive(dataset_id: int) -> None:
    """Offer a dataset no more, unless somebody asks for what is archived; nothing of it is deleted."""
    _change(dataset_id, Verb.ARCHIVE_DATASET, archived_at=datetime.now(UTC))


def restore(dataset_id: int) -> None:
    """Offer an archived dataset again."""
    _change(dataset_id, Verb.RESTORE_DATASET, archived_at=None)


def _change(dataset_id: int, verb: Verb, **values: Any) -> None:
    with begin() as session:
        access.act(session, verb, datasets.get(session, dataset_id), **values)
        datasets.change(session, dataset_id, **values)


def depending(dataset_id: int) -> list[Dependent]:
    """What depends on a dataset, to be told before it is deleted."""
    with begin() as session:
        datasets.get(session, dataset_id)
        return dependents.of_dataset(session, dataset_id)


def delete_dataset(dataset_id: int) -> None:
    """Delete a dataset with its jobs and predictions, what endpoints were asked and answered about it, what other
    datasets' knowledge bases took from it, and the uploaded bytes unless another dataset shares them.

    Adapters that learned from it stay, and so does what its jobs cost. Raises WrongState while jobs of other datasets
    learned from it, and while a pricer rests on it.
    """
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        access.act(session, Verb.DELETE_DATASET, dataset, items=dataset.items)
        visibility.see_all(session)
        if users := datasets.users(session, dataset_id):
            named = ", ".join(users[:_NAMED]) + (f" and {len(users) - _NAMED} more" if len(users) > _NAMED else "")
            raise WrongState(f"{dataset.name} can't be deleted: {named} learned from it; delete those datasets first.")
        if resting := pricers.resting_on_dataset(session, dataset_id):
            raise WrongState(kept_by(dataset.name, resting))
        its_jobs = jobs.all(session, dataset_id)
        job_ids = [job.id for job in its_jobs]
        completions.forget(session, job_ids)
        told_of_it = changes.take_back_reference(session, dataset_id)
        datasets.drop(session, dataset_id)
        drop_files(session, dataset.file_sha256, *files_of(its_jobs))
    with begin() as session:
        visibility.see_all(session)
        completions.forget(session, job_ids)  # what was asked until the jobs were gone
    for job_id in told_of_it:
        analytics.forget(job_id)
    forget_files(job_ids)


def forget_files(job_ids: Iterable[int]) -> None:
    """Remove what deleted jobs left in files: snapshots, scratch and training folders."""
    for job_id in job_ids:
        analytics.forget(job_id)
        for left in settings().scratch_dir.glob(f"job-{job_id}-*"):  # of a worker that was killed
            shutil.rmtree(left, ignore_errors=True)
        shutil.rmtree(settings().training_dir / str(job_id), ignore_errors=True)


def files_of(its_jobs: Iterable[Job]) -> list[str]:
    """The sha256 of the files that jobs changed a knowledge base by."""
    return [job.spec["changes"]["sha256"] for job in its_jobs if "changes" in job.spec]


def drop_files(session: Session, *hashes: str) -> None:
    """Remove uploaded bytes that nothing in the database was made of any more, after the commit."""
    for sha256 in set(hashes):
        if not datasets.file_is_used(session, sha256):
            after_commit(session, partial((settings().files_dir / sha256).unlink, missing_ok=True))


def loaded_already(dataset_id: int, mapping: dict[str, str], said: Answers = NOTHING_SAID) -> Dataset | None:
    """The dataset that loading this inspected upload would only make again, if there is one."""
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        return loaded_alike(session, dataset, {field: name for field, name in mapping.items() if name}, said)


def load_demo() -> int:
    """Upload the synthetic demo catalogue; loading goes on by itself. Returns the dataset's id."""
    from worker import demo

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo-catalogue.csv"
        demo.write_csv(path)
        with path.open("rb") as stream:
            return upload(path.name, stream, is_synthetic=True)

"""Loads a file for every command that takes one, says what the look found, and loads nothing twice unasked."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from db import datasets
from db.engine import begin
from db.errors import NotFound, OpenQuestion, UserError
from db.types import Dataset, DatasetState, JobKind
from worker.cli import find, tables, watch
from worker.cli.console import out, print_json
from worker.datasets import actions
from worker.datasets.answers import NOTHING_SAID, Answers, unsure
from worker.datasets.mapping import alike, known_by_name
from worker.ingest.types import FIELDS


def dataset_or_file(
    what: str,
    said: Answers,
    *,
    quiet: bool,
    like: Dataset | None = None,
    forced: Mapping[str, Any] | None = None,
    mapping: dict[str, str] | None = None,
    yes: bool = False,
) -> tuple[Dataset, dict[str, Any]]:
    """A dataset by its number or name; or that of a file, loaded unless it is already, with what is to be told. `like`:
    a dataset whose columns mean the same in the file; `forced`: as for `load`."""
    if Path(what).is_file():
        dataset, about = load(
            Path(what), mapping or {}, None, said, quiet=quiet, reuse=True, like=like, forced=forced, yes=yes
        )
        refuse_empty(dataset)
        return dataset, {"file": about}
    if mapping or yes:
        raise UserError(f"--map and --yes belong to a file, and there is no file {what}.")
    if forced:
        options = ", ".join(f"--{field.replace('_', '-')}" for field in forced)
        raise UserError(f"{options} says how a file is read, and there is no file {what}.")
    if said != NOTHING_SAID:
        raise UserError(f"--decimal, --accept-wide-rows and --currency belong to a file, and there is no file {what}.")
    return find.dataset(what), {}


def source(names: Sequence[str], *, quiet: bool) -> Dataset:
    """The dataset to learn from: the one that is named, or one that holds the items of all that are. Raises NotFound,
    WrongState."""
    each = [find.dataset(name) for name in names]
    if len({dataset.id for dataset in each}) == 1:
        return each[0]
    dataset_id = actions.join([dataset.id for dataset in each])
    watch.wait([find.latest_job(dataset_id, JobKind.LOAD).id], quiet=quiet)
    return find.dataset(str(dataset_id))


class Same(StrEnum):
    """What is meant by a file whose very bytes were loaded before."""

    OPEN = "open"  # the dataset that is there
    VERSION = "version"  # a new version of it
    SEPARATE = "separate"


def meant(file: Path, same: Same | None, *, quiet: bool) -> tuple[Same, Dataset | None]:
    """What is meant by a file, and the newest loaded dataset of the same bytes, if one is there; a person at a terminal
    is asked where nothing was said, else it is a separate one."""
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    twin = next((each for each in actions.same_bytes(sha256) if each.state is DatasetState.READY), None)
    if twin is None:
        return Same.SEPARATE, None
    if same is None and not quiet and sys.stdin.isatty():
        out.print(f"{file.name} is here already, byte by byte: dataset {twin.id} ({twin.name}).")
        same = typer.prompt(f"What shall it be: {', '.join(Same)}?", type=Same)
    return same or Same.SEPARATE, twin


def load(
    file: Path,
    mapping: dict[str, str],
    name: str | None,
    said: Answers,
    *,
    quiet: bool,
    reuse: bool = False,
    like: Dataset | None = None,
    version_of: int | None = None,
    forced: Mapping[str, Any] | None = None,
    yes: bool = False,
) -> tuple[Dataset, dict[str, Any]]:
    """Upload, inspect, map and load, and say what the look found unless `quiet`; the dataset and that look for JSON.

    `reuse`: a dataset that is the same already is taken instead. `version_of`: what it is a version of. `forced`:
    fields of the look that are set instead of detected (worker.ingest.read.FORCEABLE). `yes`: columns that are proposed
    and not sure are taken. Raises OpenQuestion where nobody said that, and UserError with the reason when the file
    can't be used; nothing of it is kept when a question is open.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    with file.open("rb") as stream:
        dataset_id = actions.upload(file.name, stream, version_of=version_of, forced=dict(forced or {}))
    watch.wait([find.latest_job(dataset_id, JobKind.INSPECT).id], quiet=quiet)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        parent = datasets.get(session, version_of).mapping if version_of is not None else {}
        twins = [each.id for each in datasets.of_file(session, dataset.file_sha256) if each.id != dataset_id]
    proposed = alike(dataset.inspection["columns"], dataset.mapping, like.mapping) if like else dataset.mapping
    # What divides the rows of the other table says nothing here: all rows of this one are priced.
    proposed = proposed | dict.fromkeys(("side", "date"), "") if like else proposed
    known = known_by_name(dataset.inspection["columns"], like.mapping if like else parent)
    said = replace(said, columns=tuple(FIELDS) if yes else (*mapping, *known))
    mapping = {field: column for field, column in (proposed | mapping).items() if column}
    same = actions.loaded_already(dataset_id, mapping, said) if reuse else None
    lines = tables.look(dataset, mapping)
    if same:
        lines.append(tables.used(same))
    elif twins:
        numbers = ", ".join(map(str, sorted(twins)))
        lines.append(f"Dataset{'s' * (len(twins) > 1)} {numbers} came from the same bytes; this is another one.")
    for line in lines if not quiet else ():
        out.print(line)
    about = {
        "mapping": mapping,
        "columns": tables.confidence(dataset, mapping),
        "prices": dataset.inspection.get("prices", []),
        "warnings": tables.doubts(dataset),
        "reused": bool(same),
        "same_bytes": sorted(twins),
    }
    if same:
        actions.delete_dataset(dataset_id)
        return find.dataset(str(same.id)), about
    try:
        job_id = actions.load(dataset_id, mapping, name, said)
    except UserError as error:
        actions.delete_dataset(dataset_id)
        if quiet and isinstance(error, OpenQuestion):
            print_json({"loaded": False, "unsure": unsure(dataset.inspection, mapping, said)} | about)
        raise
    watch.wait([job_id], quiet=quiet)
    return find.dataset(str(dataset_id)), about


def refuse_empty(dataset: Dataset) -> None:
    """Refuse a dataset without items. Raises UserError with the reasons why nothing of its file became one."""
    if not dataset.items:
        raise UserError(tables.nothing_loaded(dataset))


def demo_dataset(*, quiet: bool) -> Dataset:
    """The synthetic catalogue, loaded unless it is already."""
    with begin() as session:
        existing = [d for d in datasets.all(session) if d.is_synthetic and d.state is DatasetState.READY]
    if existing:
        return find.dataset(str(existing[0].id))
    dataset_id = actions.load_demo()
    watch.wait([find.latest_job(dataset_id, JobKind.INSPECT).id], quiet=quiet)
    with begin() as session:
        mapping = datasets.get(session, dataset_id).mapping
    watch.wait([actions.load(dataset_id, mapping)], quiet=quiet)
    return find.dataset(str(dataset_id))

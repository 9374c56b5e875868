"""Gives back the file that was uploaded, with what a job says of each of its lines."""

import os
import tempfile
from pathlib import Path

import polars as pl

from db import datasets, jobs, predictions
from db.engine import begin
from db.errors import UserError, WrongState
from db.settings import settings
from db.types import Dataset, Job, JobKind
from worker import amounts
from worker.datasets import money
from worker.files.formats import FORMATS, GZIP_ENDING, without_ending
from worker.pricing import lists
from worker.pricing.priced_file.lines import FOR_A_PERSON, lines_of


def name_of(dataset: Dataset) -> str:
    """The name that the priced file of a dataset has, unless somebody says another: it ends as the upload did. Raises
    UserError where there is no such file."""
    _check_kept(dataset)
    stem = without_ending(dataset.file_name)
    ending = dataset.file_name.removeprefix(stem)
    if not _fits(dataset, ending):
        ending = _endings(dataset)[0]
    return f"{stem}-priced{ending}"


def check(dataset: Dataset, target: Path) -> None:
    """Check that the priced file can be written there. Raises UserError; to be asked before hours of work."""
    _check_kept(dataset)
    if not _fits(dataset, target.name):
        raise UserError(
            f"{target.name}: {dataset.file_name} is given back in the format that it has; choose a name that ends in "
            f"{amounts.listed(_endings(dataset), 'or')}."
        )
    if not target.parent.is_dir():
        raise UserError(f"There is no folder {target.parent}; make it, or choose another place for {target.name}.")
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        raise UserError(f"{target} can't be written; choose another place.")


def is_kept(dataset: Dataset) -> bool:
    """Whether the file that a dataset was loaded from is there."""
    return _upload(dataset).is_file() and "kind" in dataset.inspection


def _check_kept(dataset: Dataset) -> None:
    if not is_kept(dataset):
        raise UserError(f"The file that {dataset.name} was loaded from is not kept; export its predictions instead.")


def _upload(dataset: Dataset) -> Path:
    return settings().files_dir / dataset.file_sha256


def write(job_id: int, target: Path, *, hit_rate: float | None = None, within: float | None = None) -> dict[str, int]:
    """Write the file of a job's dataset with price, low, high, flag and reason beside each row.

    hit_rate, within: as `said` takes them. Returns how many rows have which flag. Raises UserError.
    """
    lines, dataset = said(job_id, hit_rate=hit_rate, within=within)
    check(dataset, target)
    # What reads files is imported when one is written: pages start without it.
    from worker.pricing.priced_file import write as writer

    with amounts.written_in(money.of(dataset)):
        writer.write(_upload(dataset), dataset.inspection, dataset.mapping.get("price", ""), lines, target)
    return counted(lines)


def said(job_id: int, *, hit_rate: float | None = None, within: float | None = None) -> tuple[pl.DataFrame, Dataset]:
    """What is said of each line of the file of a job's dataset (appended.LINES), and the dataset in the job's
    currency.

    hit_rate, within: the wish (both 0 to 1) by which rows are handed over; without one those are that have no price or
    are unlike what was learned from. Raises UserError.
    """
    with begin() as session:
        job = jobs.get(session, job_id)
        dataset = money.dataset_of(session, job)
    if job.kind is not JobKind.PRICE:
        raise WrongState(f"Job {job_id} priced nothing; `pricewright jobs` lists those that did.")
    divided = None
    if hit_rate is not None and within is not None:
        found = lists.of_job(job_id, hit_rate, within)
        if found is None:
            raise UserError(f"Job {job_id}: {lists.WHY_NONE}")
        divided = found.rows.select("row", "reason")
    with begin() as session:
        lines = lines_of(
            job,
            datasets.places(session, dataset.id),
            datasets.reasons(session, dataset.id),
            predictions.answers(session, job_id),
            lists.unlike(session, job_id),
            divided,
        )
    return lines, dataset


_OF_A_LINE = ("line", "external_id", "product", "category", "brand", "price", "low", "high", "reason")


def for_a_person(job_id: int, *, hit_rate: float | None = None, within: float | None = None) -> pl.DataFrame:
    """The lines that somebody has to look at, in the order of the file, each with its reason: _OF_A_LINE, where product
    is the whole line if that could not be read.

    hit_rate, within: as `said` takes them. Raises UserError.
    """
    lines, dataset = said(job_id, hit_rate=hit_rate, within=within)
    with begin() as session:
        items = datasets.whole_items(session, dataset.id).drop("price")
        unread = datasets.rejected_lines(session, dataset.id).unique("line", keep="first")
    wanted = lines.filter(pl.col("flag") == FOR_A_PERSON)
    known = wanted.join(items, on="line", how="left", maintain_order="left")
    known = known.join(unread.select("line", "raw"), on="line", how="left", maintain_order="left")
    return known.with_columns(product=pl.coalesce("title", "raw")).select(_OF_A_LINE)


def counted(lines: pl.DataFrame) -> dict[str, int]:
    """Flag -> rows of what is said of lines."""
    return dict(lines["flag"].value_counts().sort("flag").iter_rows())


def bytes_of(job: Job, dataset: Dataset, *, hit_rate: float | None = None, within: float | None = None) -> bytes:
    """The priced file of a job as `write` makes it, for a page that hands it over. Raises UserError."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / name_of(dataset)
        write(job.id, target, hit_rate=hit_rate, within=within)
        return target.read_bytes()


def _endings(dataset: Dataset) -> list[str]:
    packed = f".{GZIP_ENDING}" if dataset.inspection.get("compression") else ""
    return [f".{ending}{packed}" for ending in FORMATS[dataset.inspection["kind"]].endings]


def _fits(dataset: Dataset, name: str) -> bool:
    return any(name.lower().endswith(ending) for ending in _endings(dataset))

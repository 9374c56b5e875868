"""The steps of an upload: look at a file, and turn it into items and rejects."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from db import chunks, datasets, jobs, versions
from db.engine import Session, begin
from db.settings import settings
from db.types import Dataset, DatasetState, Split
from worker.datasets import division, joined, mended, profile
from worker.work import Commit, Work


def inspect(work: Work) -> Commit:
    """Look at an uploaded file: what it is, how to read it, which columns mean what."""
    from worker.ingest import read

    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
    path = settings().files_dir / dataset.file_sha256
    inspection = read.inspect(path, dataset.file_name, dataset.inspection.get("forced"))
    mapping = _as_before(dataset, inspection.columns) or inspection.mapping

    def commit(session: Session) -> chunks.Tally:
        datasets.change(
            session,
            dataset.id,
            state=DatasetState.INSPECTED,
            inspection=inspection.model_dump(mode="json"),
            mapping=mapping,
            error=None,
        )
        return chunks.Tally()

    return commit


def _as_before(dataset: Dataset, columns: Sequence[str]) -> dict[str, str]:
    """The columns that the dataset was mapped by which this one is a version of, as far as they are here; {} of none,
    or without the title's."""
    if dataset.made_from is None:
        return {}
    with begin() as session:
        before = datasets.get(session, dataset.made_from).mapping
    kept = {field: column for field, column in before.items() if column in columns}
    return kept if "title" in kept else {}


def load(work: Work) -> Commit:
    """Turn a file, or other datasets, into items and rejects, with splits and a profile.

    Two passes: the file is read once into pieces on disk (groups of near-duplicates are known only at its
    end), then the pieces are copied into Postgres with their split, all in the final transaction: a failure at any
    point leaves nothing half-loaded.
    """
    from worker.datasets.divider import Divider
    from worker.ingest import duplicates, read

    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
    grouper, profiler = duplicates.Grouper(), profile.Profiler()
    divider = Divider(dataset.mapping, dataset.inspection.get("answers", {}))
    pieces: list[Path] = []
    rejects: list[Path] = []
    counts = {"items": 0, "rejects": 0}
    done: Counter[str] = Counter()
    if dataset.joined_from:
        found = joined.batches(dataset.joined_from, work.progress)
    else:
        inspection = read.Inspection.model_validate(dataset.inspection)
        path = settings().files_dir / dataset.file_sha256
        found = read.batches(path, inspection, dataset.mapping, work.progress, dataset.currency)

    def keep(number: int, batch: read.Batch) -> None:
        grouper.add(batch.items)
        profiler.add(batch.items, batch.rejects, batch.notes)
        divider.add(batch.items)
        done.update(batch.mended)
        counts["items"] += len(batch.items)
        counts["rejects"] += batch.rejected
        for kind, frame, files in (("items", batch.items.drop("side"), pieces), ("rejects", batch.rejects, rejects)):
            if len(frame):
                # Arrow as it lies in memory: packing it took three times as long as all else that is done aside.
                file = work.scratch / f"{kind}-{number}.arrow"
                frame.write_ipc(file)
                files.append(file)

    # One batch is kept while the next is read: both spend their time outside the interpreter lock.
    with ThreadPoolExecutor(1) as aside:
        kept: Future[None] | None = None
        for number, batch in enumerate(found):
            if kept:
                kept.result()
            kept = aside.submit(keep, number, batch)
        if kept:
            kept.result()
    groups = grouper.groups(lambda: map(pl.read_ipc, pieces))
    sides, divided = divider.divide(groups)
    profile_json = profiler.result(groups) | ({division.PART: divided} if divided else {})
    profile_json |= {mended.PART: dict(done)} if done else {}

    def commit(session: Session) -> chunks.Tally:
        datasets.add_all_items(session, dataset.id, _divided(pieces, sides, groups))
        for file in rejects:
            datasets.add_rejects(session, dataset.id, pl.read_ipc(file))
        datasets.change(
            session,
            dataset.id,
            state=DatasetState.READY,
            rows_in=counts["items"] + counts["rejects"],
            items=counts["items"],
            rejects=counts["rejects"],
            splits={str(split): 0 for split in Split} | dict(sides.value_counts().iter_rows()),
            profile=profile_json,
            error=None,
        )
        versions.note(session, dataset.id)
        jobs.set_total(session, work.job.id, counts["items"] + counts["rejects"])
        return chunks.Tally(items=counts["items"] + counts["rejects"])

    return commit


def _divided(pieces: Sequence[Path], sides: pl.Series, groups: npt.NDArray[np.int64]) -> Iterator[pl.DataFrame]:
    """The items of each piece with their row, side and group."""
    start = 0
    for file in pieces:
        frame = pl.read_ipc(file)
        end = start + len(frame)
        yield frame.with_columns(
            row=pl.int_range(start, end, dtype=pl.Int64),
            split=sides[start:end].cast(pl.String),
            group_id=pl.Series(groups[start:end], dtype=pl.Int64),
        )
        start = end

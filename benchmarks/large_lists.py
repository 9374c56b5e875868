"""How long the two lists of 100,000 rows take: what a job's last step reckons, dividing the rows, and the files."""

import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from benchmarks.stack import fresh_stack

ROWS = 100_000
KNOWN = 20_000  # rows with a known price that others are compared with
CALIBRATION = 1_000
WITHIN = 0.4


@contextmanager
def _timed(what: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    print(
        f"  {what:<62} {time.perf_counter() - wall:7.2f} s, {time.process_time() - cpu:7.2f} s of processor", flush=True
    )


def main() -> None:
    with fresh_stack(worker=False):
        _lists()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  this process took {peak:,.0f} MB at most")


def _lists() -> None:
    from benchmarks import generated
    from db import artifacts, datasets, jobs, predictions
    from db.engine import begin
    from db.types import Artifact, Split
    from worker import specs
    from worker.evaluation import calibration, drift, hand_over, support
    from worker.pricing import export, likeness, lists
    from worker.progress import Silent

    print(f"{ROWS:,} generated rows, one job, {CALIBRATION:,} calibration rows")
    dataset_id = generated.a_dataset(ROWS, 1)
    with begin() as session:
        [job] = jobs.all(session, dataset_id)
        dataset = datasets.get(session, dataset_id)
        priced = predictions.of_job(session, job.id)
        items = datasets.items(session, dataset_id, Split.TEST)
        part = calibration.to_bytes(priced["truth"][:CALIBRATION], priced[:CALIBRATION])
        key = datasets.fit_hash(dataset, specs.parse(job.spec).fit_key)
        artifacts.put(session, key, dataset_id, Artifact({calibration.PART: part}), 0.0)
        texts = likeness.texts(session, dataset_id, items["row"].to_list())
    with _timed(f"what {KNOWN:,} known prices say of the rows"):
        reckoned = support.Known.of(items[:KNOWN]).of_rows(items, Silent())
    with _timed("whether the rows are unlike"):
        drift.told_apart(texts[:CALIBRATION], texts)
    with _timed("which rows are unlike"):
        drift.unlike(texts[:CALIBRATION], texts)
    with begin() as session:
        validation, test = ((dataset_id, side) for side in (Split.VALIDATION, Split.TEST))
        lists.keep_support(session, job, {validation: reckoned.clear(), test: reckoned})
    with _timed("the most that can be promised"):
        most = lists.first_wish(job.id, WITHIN)
    assert most, "the generated rows promise nothing"
    with _timed(f"both lists at {most} % within {WITHIN:.0%}"):
        divided = lists.of_job(job.id, most / 100, WITHIN)
    assert divided is not None
    for by in ("band", "category"):
        with _timed(f"segments, by {by}"):
            divided.segments(by)
    known = lists.certainty_of(job.id, WITHIN)
    assert known is not None
    with begin() as session:
        groups = datasets.groups(session, dataset_id, priced["row"].to_list())
    frame = lists.with_support(job.id, priced.join(groups, on="row").with_columns(job_id=pl.lit(job.id)))
    with _timed("the curve on Trade-offs"):
        hand_over.curve(frame, known)
    with tempfile.TemporaryDirectory() as folder:
        for ending in export.FORMATS:
            with _timed(f"both lists as {ending}"):
                export.write(divided.priced, Path(folder) / f"priced{ending}")
                export.write(divided.for_a_person, Path(folder) / f"for-a-person{ending}")
    print(f"  {len(divided.priced):,} rows priced, {len(divided.for_a_person):,} for a person")


if __name__ == "__main__":
    main()

"""What `price --out` writes: of a file that file with prices, in its own format; of a dataset its predictions."""

from pathlib import Path

from db import jobs, predictions
from db.engine import begin
from db.types import Dataset
from worker.datasets import money
from worker.pricing import export
from worker.pricing.priced_file import actions as priced_file

HELP = f"Of a file: write it with prices, in its own format. Of a dataset: write predictions ({export.ENDINGS})."


def check_early(what: str, to: Path | None) -> None:
    """Check what can be checked before anything is loaded. Raises UserError."""
    if to is not None and not Path(what).is_file():
        export.check(to)


def check(dataset: Dataset, to: Path | None, *, is_file: bool) -> None:
    """Check before hours of work that it can be written. is_file: a file was given. Raises UserError."""
    if to is not None and is_file:
        priced_file.check(dataset, to)


def write(job_id: int, to: Path, *, is_file: bool, hit_rate: float | None = None, within: float | None = None) -> None:
    """Write what a job priced. hit_rate, within: worker.pricing.priced_file.actions.said.
    Raises UserError."""
    if is_file:
        priced_file.write(job_id, to, hit_rate=hit_rate, within=within)
        return
    with begin() as session:
        frame = predictions.of_job(session, job_id)
        dataset = money.dataset_of(session, jobs.get(session, job_id))
    export.write(export.with_currency(frame, dataset.currency), to)

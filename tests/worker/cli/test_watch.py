"""Waiting for jobs: through a restart of the database, until Ctrl-C, and what is shown meanwhile."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from db import job_progress, jobs
from db.engine import DatabaseAway, Session, begin
from db.job_progress import JobProgress
from db.types import JobState, TrainingPoint
from tests.builders import a_dataset
from tests.worker.finetune.fake_steps import train_nothing
from worker import amounts
from worker.cli import watch

PRICED = ("price", "1", "--technique", "constant", "--technique", "ridge", "--rows", "test")


@pytest.fixture
def dataset(database: str) -> None:
    with begin() as session:
        a_dataset(session, 160)


@pytest.mark.parametrize("words", [PRICED, ("finetune", "1", "--estimate")])
def test_a_database_that_restarts_is_waited_for(
    words: tuple[str, ...], dataset: None, command: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train_nothing(monkeypatch)
    looks = []

    def of(session: Session, job_ids: list[int]) -> list[JobProgress]:
        looks.append(job_ids)
        if len(looks) < 3:
            raise DatabaseAway("it restarts")
        return job_progress.of(session, job_ids)

    monkeypatch.setattr(watch, "job_progress", SimpleNamespace(of=of))
    assert command(*words)


def test_a_database_that_stays_away_ends_the_waiting(
    dataset: None, command: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 20))

    def of(session: Session, job_ids: list[int]) -> list[JobProgress]:
        raise DatabaseAway("it is gone")

    monkeypatch.setattr(watch, "job_progress", SimpleNamespace(of=of))
    monkeypatch.setattr("worker.cli.watch.time.monotonic", lambda: next(clock))
    with pytest.raises(DatabaseAway):
        command(*PRICED)
    assert next(clock) > watch.PATIENCE_SECONDS


def test_ctrl_c_cancels_every_job_that_was_started(
    dataset: None, command: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("worker.cli.watch.time.sleep", press)
    command(*PRICED, ends=130)
    with begin() as session:
        assert [job.state for job in jobs.all(session)] == [JobState.CANCELLED] * 2


def test_where_a_training_stands_is_one_line():
    curve = [
        TrainingPoint(0, "note", {"text": "80 rows"}),
        TrainingPoint(20, "eval", {"mae": 95.2}),
        TrainingPoint(40, "step", {"loss": 1.2341, "eta_seconds": 300.0}),
        TrainingPoint(40, "eval", {"mae": None}),
    ]
    with amounts.written_in(amounts.DOLLARS):
        assert watch.curve_line(curve) == "step 40, loss 1.234, MAE $95.20, 5 min left"
    assert watch.curve_line(curve[:2]) == ""

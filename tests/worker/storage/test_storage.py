"""What takes space is counted, and what is freed is old and needed by nothing."""

import os
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from db import chunks, completions, datasets, jobs
from db.acting import acting_as
from db.completions import Answer, Claim
from db.engine import begin
from db.errors import UserError
from db.settings import settings
from db.types import DatasetState, JobState, Person, Role
from tests.builders import a_dataset, a_job
from worker.storage import actions
from worker.storage.actions import Freeable

LONG_AGO = datetime.now(UTC) - timedelta(days=100)


@pytest.fixture
def home(database, monkeypatch, tmp_path):
    """A data folder of the test's own."""
    monkeypatch.setenv("PRICEWRIGHT_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()


def a_file(path, size=10, days=0.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    when = time.time() - days * 86_400
    os.utime(path, (when, when))
    return path


def an_answer(key, job_id, days):
    with begin() as session:
        completions.claim(session, [Claim(key, "e", "m", {"messages": [key]}, job_id, 0)], "me", 60)
        completions.store(session, [Answer(key, {"text": key}, usd=Decimal(1))])
        session.execute(
            text("UPDATE completions SET done_at = now() - make_interval(days => :d) WHERE hash = :h"),
            {"d": days, "h": key},
        )


def test_scratch_of_chunks_that_nobody_works_on_goes(home):
    with begin() as session:
        dataset_id = a_dataset(session)
        busy, idle = a_job(session, dataset_id), a_job(session, dataset_id)
        chunks.claim(session, chunks.to_send(session, busy)[0], "here:1", 30)
    kept = a_file(home / "scratch" / f"job-{busy}-abc" / "part")
    gone = [a_file(home / "scratch" / f"job-{number}-abc" / "part") for number in (idle, 99_999)]
    freed = actions.free(Freeable.SCRATCH, 0)
    assert (freed.count, freed.bytes) == (2, 20)
    assert kept.exists()
    assert not any(path.parent.exists() for path in gone)


def test_old_answers_go_and_their_money_stays(home):
    with begin() as session:
        dataset_id = a_dataset(session)
        over, at_work = a_job(session, dataset_id), a_job(session, dataset_id)
        jobs.set_state(session, over, JobState.CANCELLED, among=list(JobState))
    an_answer("old", over, 40)
    an_answer("new", over, 1)
    an_answer("old, of a job at work", at_work, 40)
    an_answer("old, used by a job at work", over, 40)
    with begin() as session:
        completions.use(session, ["old, used by a job at work"], at_work)
    assert actions.free(Freeable.COMPLETIONS, 30).count == 1
    assert actions.free(Freeable.COMPLETIONS, 30).count == 0
    with begin() as session:
        hashes = session.scalars(text("SELECT hash FROM completions WHERE request <> '{}'")).all()
        assert set(hashes) == {"new", "old, of a job at work", "old, used by a job at work"}
        assert completions.totals(session)["usd"].sum() == 4


def test_uploads_go_with_their_archived_datasets_and_orphans_when_they_are_old(home):
    with begin() as session:
        old, kept = a_dataset(session), a_dataset(session)
        for number, (dataset_id, when) in enumerate(((old, LONG_AGO), (kept, None))):
            datasets.change(session, dataset_id, archived_at=when, file_sha256=str(number) * 64)
    of_old, of_kept = (a_file(home / "files" / (str(number) * 64), days=200) for number in (0, 1))
    orphan, young = a_file(home / "files" / ("e" * 64), days=200), a_file(home / "files" / "upload-now")
    freed = actions.free(Freeable.UPLOADS, 30)
    assert freed.bytes == 20
    assert not of_old.exists()
    assert not orphan.exists()
    assert of_kept.exists()
    assert young.exists()
    with begin() as session:
        assert [dataset.id for dataset in datasets.all(session)] == [kept]


def test_archived_jobs_go_when_they_are_over(home):
    with begin() as session:
        dataset_id = a_dataset(session)
        over, open_, young = (a_job(session, dataset_id) for _ in range(3))
        for job_id in (over, young):
            jobs.set_state(session, job_id, JobState.CANCELLED, among=list(JobState))
        for job_id, when in ((over, LONG_AGO), (open_, LONG_AGO), (young, datetime.now(UTC))):
            jobs.change(session, job_id, archived_at=when)
    assert actions.free(Freeable.JOBS, 30).count == 1
    with begin() as session:
        assert {job.id for job in jobs.all(session)} == {open_, young}


def test_trainings_that_may_go_on_keep_their_folders(home):
    with begin() as session:
        dataset_id = a_dataset(session)
        running, over = a_job(session, dataset_id), a_job(session, dataset_id)
        jobs.set_state(session, over, JobState.CANCELLED, among=list(JobState))
    folders = {number: a_file(home / "training" / str(number) / "weights").parent for number in (running, over, 9_999)}
    assert actions.free(Freeable.CHECKPOINTS, 14).count == 2
    assert [number for number, folder in folders.items() if folder.exists()] == [running]


def test_the_schedule_keeps_what_the_settings_say(home, monkeypatch):
    monkeypatch.setenv("PRICEWRIGHT_KEEP_SNAPSHOTS_GB", "1e-6")  # a kilobyte
    settings.cache_clear()
    oldest = a_file(home / "snapshots" / "job-1-a.parquet", 800, days=3)
    older = a_file(home / "snapshots" / "job-2-a.parquet", 800, days=2)
    read_now = a_file(home / "snapshots" / "job-3-a.parquet", 5_000)
    log, aside = a_file(home / "logs" / "worker.log", days=90), a_file(home / "logs" / "worker.log.1", days=90)
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
        jobs.set_state(session, job_id, JobState.CANCELLED, among=list(JobState))
    an_answer("old", job_id, 4_000)
    assert {freed.kind for freed in actions.tidy()} == {Freeable.SNAPSHOTS, Freeable.LOGS}
    assert not oldest.exists()
    assert not older.exists()
    assert read_now.exists()
    assert log.exists()
    assert not aside.exists()
    with begin() as session:  # answers are kept, unless a setting says otherwise
        assert completions.look(session, ["old"])["old"].response


def test_usage_counts_tables_and_files(home):
    with begin() as session:
        dataset_id = a_dataset(session)
        datasets.change(session, dataset_id, file_sha256="a" * 64, state=DatasetState.READY)
    a_file(home / "files" / ("a" * 64), 123_456)
    a_file(home / "files" / ("b" * 64), 1)
    spaces = {space.kind: space for space in actions.usage()}
    assert set(spaces) == set(actions.LABELS)
    assert spaces["uploads"].bytes == 123_457
    assert spaces["uploads"].free is Freeable.UPLOADS
    assert spaces["items"].bytes > 0
    ((largest, size),) = actions.largest()
    assert (largest.id, size) == (dataset_id, 123_456)


@pytest.mark.parametrize("kind", Freeable)
def test_who_does_not_see_all_frees_nothing(home, kind):
    left = a_file(home / "scratch" / "job-99999-abc" / "part")
    with acting_as(Person("ann", Role.ANALYST)), pytest.raises(UserError, match="Only an admin"):
        actions.free(kind, 0)
    assert left.exists()


def test_every_kind_says_what_goes():
    assert set(actions.ABOUT) == set(Freeable) == set(actions._FREE)

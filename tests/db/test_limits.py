"""What one person may take: her month is one more cap of all her jobs, on a real Postgres; jobs and uploads at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import text

from db import acting, calls, chunks, completions, datasets, jobs, limits
from db.completions import Answer, Claim
from db.engine import Session, begin
from db.errors import NotAllowed
from db.settings import settings
from db.types import Chunk, DatasetState, JobState, Person, Role
from tests.builders import a_dataset, a_job

CENT = Decimal("0.01")
MIA = Person("mia", Role.ANALYST)


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ten cents a month, two jobs, one upload, 5 kB."""
    for name, value in (
        ("MONTH_USD", "0.10"), ("RUNNING_JOBS", "2"), ("UPLOADS", "1"), ("STORED_GB", "0.000005"),
    ):  # fmt: skip
        monkeypatch.setenv(f"PRICEWRIGHT_{name}_PER_PERSON", value)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def a_paying_job(session: Session, owner: str, cap: Decimal | None = None) -> list[Chunk]:
    """Two price chunks of a job of a person, each claimed."""
    job_id = a_job(session, a_dataset(session), pieces=[(0,), (1,)])
    jobs.change(session, job_id, owner=owner, cap_usd=cap)
    [fit] = chunks.to_send(session, job_id)
    fitting = chunks.claim(session, fit, "me", 15)
    assert fitting
    assert chunks.finish(session, fitting, chunks.Tally())
    claimed = [chunks.claim(session, chunk_id, f"w{chunk_id}", 15) for chunk_id in chunks.to_send(session, job_id)]
    return [chunk for chunk in claimed if chunk]


def spend(session: Session, chunk: Chunk, usd: Decimal) -> None:
    jobs.spend(session, chunk.job_id, usd)


def test_all_jobs_of_a_person_share_her_month(session):
    a, b = a_paying_job(session, "mia")
    c, _ = a_paying_job(session, "mia")
    his, _ = a_paying_job(session, "tom")
    nobodys, _ = a_paying_job(session, "")
    assert chunks.reserve(session, a, 4 * CENT)
    assert chunks.reserve(session, c, 4 * CENT)
    assert not chunks.reserve(session, b, 4 * CENT)
    assert chunks.reserve(session, b, 2 * CENT)
    assert chunks.reserve(session, his, 10 * CENT), "his month is his own"
    assert chunks.reserve(session, nobodys, 1000 * CENT)


def test_a_jobs_own_cap_holds_beside_it(session):
    a, b = a_paying_job(session, "mia", cap=5 * CENT)
    assert chunks.reserve(session, a, 4 * CENT)
    assert not chunks.reserve(session, b, 2 * CENT)
    assert limits.month_sentence(session, jobs.get(session, b.job_id), b.id, 2 * CENT) == ""
    assert "mia may spend in a month" in limits.month_sentence(session, jobs.get(session, b.job_id), b.id, 11 * CENT)


def test_deleting_a_job_gives_no_money_back_and_a_new_month_does(session):
    a, _ = a_paying_job(session, "mia")
    spend(session, a, 9 * CENT)
    jobs.drop(session, a.job_id)
    b, _ = a_paying_job(session, "mia")
    assert not chunks.reserve(session, b, 2 * CENT)
    session.execute(text("UPDATE spendings SET month = month - interval '1 month'"))
    assert chunks.reserve(session, b, 2 * CENT)


def a_call(session: Session, job_id: int, name: str, most: Decimal) -> None:
    claim = Claim(name, "e", "m", {"messages": []}, job_id, 0, most)
    assert completions.claim(session, [claim], "courier") == {name}


def test_calls_of_several_jobs_depart_within_the_month_only(session):
    (a, _), (b, _), (his, _) = (a_paying_job(session, owner) for owner in ("mia", "mia", "tom"))
    for name, chunk in (("a1", a), ("a2", a), ("b1", b), ("b2", b), ("t1", his)):
        a_call(session, chunk.job_id, name, 4 * CENT)
    gone, held = calls.depart(session, "courier", ["a1", "a2", "b1", "b2", "t1"])
    assert (gone, held) == ({"a1", "a2", "t1"}, {"b1", "b2"}), "8 of 10 cents are on their way"
    completions.store(session, [Answer("a1", {}, usd=CENT), Answer("a2", {}, usd=CENT)])
    assert calls.depart(session, "courier", ["b1", "b2"]) == ({"b1", "b2"}, set()), "2 paid, 8 on their way"
    assert session.scalar(text("SELECT sum(usd) FROM spendings WHERE person = 'mia'")) == 2 * CENT


def test_two_couriers_at_the_same_moment_do_not_give_the_same_money_out(database):
    with begin() as session:
        made = [a_paying_job(session, "mia")[0] for _ in range(4)]
        for place, chunk in enumerate(made):
            a_call(session, chunk.job_id, f"c{place}", 4 * CENT)

    def depart(place: int) -> int:
        with begin() as session:
            gone, _ = calls.depart(session, "courier", [f"c{place}", f"c{(place + 1) % 4}"])
            return len(gone)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(depart, range(4)))
    with begin() as session:
        out = session.scalar(text("SELECT sum(most_usd) FROM completions WHERE sent_at IS NOT NULL"))
    assert out == 8 * CENT, "as much as there is room for, and no more"


def test_without_a_limit_a_month_has_no_end(session, monkeypatch):
    monkeypatch.setenv("PRICEWRIGHT_MONTH_USD_PER_PERSON", "0")
    settings.cache_clear()
    a, _ = a_paying_job(session, "mia")
    assert chunks.reserve(session, a, Decimal(10_000))
    assert not limits.is_month_limited(session, a.job_id)


def test_so_many_jobs_of_a_person_run_at_once(session):
    dataset_id = a_dataset(session)
    running = [a_job(session, dataset_id) for _ in range(3)]
    for job_id, owner in zip(running, ("mia", "tom", "")):
        jobs.change(session, job_id, owner=owner)
    with acting.acting_as(MIA):
        limits.check_running(session)
        jobs.change(session, running[2], owner="mia")
        with pytest.raises(NotAllowed, match="You have 2 jobs running, and 2 may run at once"):
            limits.check_running(session)
        jobs.set_state(session, running[0], JobState.CANCELLED, among=[JobState.RUNNING])
        limits.check_running(session)


def test_so_many_files_of_a_person_are_read_at_once_and_kept(session):
    sha256 = "c" * 64
    settings().files_dir.mkdir(parents=True, exist_ok=True)
    (settings().files_dir / sha256).write_bytes(b"x" * 3000)
    with acting.acting_as(MIA):
        assert limits.room_for_upload(session) == 5000
        for _ in range(2):  # the same file is stored once
            made = datasets.create(session, name="a", sha256=sha256, file_name="a.csv")
            datasets.change(session, made, owner="mia", state=DatasetState.READY)
        limits.check_uploads(session)
        assert limits.room_for_upload(session) == 2000
        datasets.change(session, made, state=DatasetState.LOADING)
        with pytest.raises(NotAllowed, match="1 files of yours are being read"):
            limits.check_uploads(session)
    with acting.acting_as(Person("tom", Role.ANALYST)):
        limits.check_uploads(session)
        assert limits.room_for_upload(session) == 5000
    (settings().files_dir / sha256).unlink()

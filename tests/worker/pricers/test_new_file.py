"""The way of a new file through a pricer: each step once, however often somebody asks, and a reason where it ends."""

import io

import polars as pl
import pytest

from db import datasets, jobs
from db.engine import begin
from db.errors import NotReady, UserError
from db.types import DatasetState, JobState, Pricer
from tests.builders import a_catalogue, a_dataset
from tests.databases import Emptied
from tests.worker.conftest import drain
from worker import specs
from worker.datasets import actions as dataset_actions
from worker.evaluation import hand_over
from worker.jobs import actions as job_actions
from worker.pricers import actions, new_file, promise
from worker.pricing import actions as pricing_actions
from worker.pricing import lists
from worker.pricing.priced_file import actions as priced_file


@pytest.fixture
def monthly(database: str, emptied: Emptied, sent: list[int]) -> Pricer:
    return emptied.remembered(_a_pricer, sent)


def _a_pricer(sent: list[int]) -> Pricer:
    with begin() as session:
        source = a_dataset(session, 300)
    (job_id,) = pricing_actions.start(source, [specs.SPECS["ridge"]()])
    drain(sent)
    return actions.make("monthly", "Ann", job_id=job_id)


def upload(text: str, name: str = "june.csv") -> int:
    return dataset_actions.upload(name, io.BytesIO(text.encode()))


def june(rows: int = 40) -> str:
    """Other column order, no prices."""
    return a_catalogue(rows, seed=4).select("brand", "category", "title", "description").write_csv()


def priced(pricer: Pricer, dataset_id: int, sent: list[int]) -> new_file.Standing:
    """Asked again and again, with the test as the worker."""
    for _ in range(5):
        standing = new_file.advance(pricer, dataset_id)
        if standing.is_priced:
            return standing
        dataset_id = standing.dataset_id
        drain(sent)
    raise AssertionError(f"not priced: {standing}")


@pytest.mark.slow
def test_a_file_is_priced_and_nothing_is_started_twice(monthly: Pricer, sent: list[int]) -> None:
    number = upload(june())
    for _ in range(3):
        assert new_file.advance(monthly, number).job is not None
        assert not new_file.advance(monthly, number).is_priced
        drain(sent)
    standing = new_file.advance(monthly, number)
    assert standing.is_priced
    with begin() as session:
        every = [job for job in jobs.all(session, number) if job.technique]
        dataset = datasets.get(session, number)
    assert [job.id for job in every] == [standing.job.id if standing.job else 0]
    assert (every[0].items_total, every[0].source_id) == (40, monthly.source_id)
    assert "price" not in dataset.mapping


def test_the_same_file_again_is_the_same_dataset_and_job(monthly: Pricer, sent: list[int]) -> None:
    first = priced(monthly, upload(june()), sent)
    again = priced(monthly, upload(june()), sent)
    assert (again.dataset_id, again.job) == (first.dataset_id, first.job)
    with begin() as session:
        assert len(datasets.all(session)) == 2


def test_a_file_that_can_not_be_loaded_says_why(monthly: Pricer, sent: list[int]) -> None:
    number = upload("")
    drain(sent)
    with pytest.raises(NotReady, match="The file is empty."):
        new_file.advance(monthly, number)


def test_a_cancelled_job_is_not_the_end(monthly: Pricer, sent: list[int]) -> None:
    number = upload(june())
    for _ in range(2):
        new_file.advance(monthly, number)
        drain(sent)
    standing = new_file.advance(monthly, number)
    assert standing.job is not None
    job_actions.cancel(standing.job.id)
    sent.clear()
    again = new_file.advance(monthly, number)
    assert again.job is not None
    assert (again.job.id > standing.job.id, again.job.state) == (True, JobState.RUNNING)


def test_a_pricer_that_can_not_price_starts_nothing(monthly: Pricer, sent: list[int]) -> None:
    number = upload(june())
    drain(sent)
    with begin() as session:
        datasets.change(session, monthly.source_id, file_sha256="another")
    with pytest.raises(NotReady, match="was loaded anew since"):
        new_file.advance(monthly, number)
    with begin() as session:
        assert datasets.get(session, number).state is DatasetState.INSPECTED


def test_what_learned_elsewhere_is_used_with_its_own_source(monthly: Pricer, sent: list[int]) -> None:
    with begin() as session:
        table = a_dataset(session, 80, name="other")
    job_id = actions.start(monthly, table)
    drain(sent)
    made = actions.make("other", "Ann", job_id=job_id)
    assert (made.source_id, made.source_fingerprint) == (monthly.source_id, monthly.source_fingerprint)
    assert promise.parse(made.promise).rows > 0
    with pytest.raises(UserError, match="can't be deleted: pricer other, version 1 rests on it"):
        dataset_actions.delete_dataset(table)


@pytest.mark.slow
def test_rows_below_the_wished_certainty_are_a_list_of_their_own(database: str, sent: list[int]) -> None:
    with begin() as session:
        source = a_dataset(session, 3_000)
    (job_id,) = pricing_actions.start(source, [specs.SPECS["ridge"]()])
    drain(sent)
    known = lists.certainty_of(job_id, 0.2)
    most = known.most(5) if known else None
    assert most is not None
    with pytest.raises(UserError, match="can be promised at|the most is"):
        actions.make("sure", "Ann", job_id=job_id, hit_rate=0.999, within=0.2)
    made = actions.make("sure", "Ann", job_id=job_id, hit_rate=most, within=0.2)
    standing = priced(made, upload(june(300) + '"never closed,x,y\n'), sent)
    assert standing.job is not None
    rest = priced_file.for_a_person(standing.job.id, hit_rate=made.hit_rate, within=made.within)
    divided = lists.of_job(standing.job.id, most, 0.2)
    assert divided is not None
    assert len(rest) == len(divided.for_a_person) + 1
    assert rest["reason"].str.starts_with("the row can't be read: ").sum() == 1
    assert set(rest["reason"].head(len(rest) - 1)) <= set(hand_over.REASONS)
    assert rest.filter(pl.col("product").is_null()).is_empty()

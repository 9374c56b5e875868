"""Jobs with a model behind an endpoint price, pay, pause at their cap, resume, and wait for batches."""

import time
from decimal import Decimal

import polars as pl
import pytest

from db import artifacts, datasets, job_progress, jobs, predictions
from db.engine import Session, begin
from db.types import Job, JobState, Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from tests.worker.llm.endpoint.calls import hosted
from worker import running, specs
from worker.adapters import pricing
from worker.evaluation import calibration
from worker.jobs import actions
from worker.llm.endpoint import batch_api
from worker.pricing import actions as pricing_actions
from worker.pricing import comparison
from worker.specs.what_if import Scenario, TokenPrices
from worker.what_if import actions as what_if

pytestmark = [pytest.mark.usefixtures("forked_couriers"), pytest.mark.stack]

PRICES = {"input": Decimal(10), "output": Decimal(10), "batch_input": Decimal(5), "batch_output": Decimal(5)}


def _start(sent: list[int], cap: Decimal | None = None, **fields: object) -> int:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
    model = {} if "members" in fields else {"model": "e:fast"}
    spec = specs.parse({"technique": "zero-shot"} | model | fields)
    (job_id,) = pricing_actions.start(dataset_id, [spec], cap_usd=cap)
    drain(sent)
    return job_id


def _job(job_id: int) -> Job:
    with begin() as session:
        return jobs.get(session, job_id)


def _answers(session: Session, job_id: int) -> pl.DataFrame:
    """The calibration rows of a job's fit."""
    job = jobs.get(session, job_id)
    key = datasets.fit_hash(datasets.get(session, job.dataset_id), specs.parse(job.spec).fit_key)
    return calibration.read(artifacts.part(session, key, calibration.PART))


def test_a_hosted_job_is_priced_and_its_bill_adds_up(database, sent):
    with hosted(prices=PRICES) as server:
        job_id = _start(sent)
        assert not server.log.repeats()
    with begin() as session:
        frame = predictions.of_jobs(session, [job_id])
        (progress,) = job_progress.of(session, [job_id])
        answers = _answers(session, job_id)

    assert _job(job_id).state is JobState.DONE
    assert len(frame) == 40
    assert frame["price"].null_count() == 0
    job = _job(job_id)
    assert len(answers) == 40
    assert float(job.spent_usd) == pytest.approx(frame["usd"].sum() + answers["usd"].sum())
    assert float(job.fixed_usd) == pytest.approx(answers["usd"].sum(), rel=0.1)  # and seconds of a busy machine
    assert float(progress.usd) == pytest.approx(float(job.spent_usd), rel=0.01)


def test_answers_to_calibrate_are_paid_once_and_borne_by_every_job(database, sent):
    with hosted(prices=PRICES) as server:
        first = _start(sent)
        calls = len(server.requests)
        again = pricing_actions.start(_job(first).dataset_id, [specs.parse(_job(first).spec)], Split.TEST, 10)
        drain(sent)
        assert len(server.requests) == calls
    assert _job(again[0]).spent_usd == 0
    assert float(_job(again[0]).fixed_usd) == pytest.approx(float(_job(first).fixed_usd), rel=0.01)


def test_what_a_fit_was_paid_for_at_an_unknown_price_is_unknown_and_not_what_the_machine_took(database, sent):
    members = [{"technique": "constant"}, {"technique": "zero-shot", "model": "e:fast"}]
    with hosted(prices=None):
        first = _start(sent)
        dataset_id, spec = _job(first).dataset_id, specs.parse(members[1])
        again = pricing_actions.start(dataset_id, [spec], Split.TEST, 10)  # a fit that is there
        combined = [specs.parse({"technique": name, "members": members}) for name in ("ensemble", "cascade")]
        planned = pricing_actions.estimate(dataset_id, [spec.model_copy(update={"sample": 1}), *combined], Split.TEST)
        made = [first, *again, *pricing_actions.start(dataset_id, combined, Split.TEST)]
        drain(sent)
        free = pricing_actions.start(dataset_id, [specs.ConstantSpec()], Split.TEST)
        drain(sent)
    assert planned[0].fixed_usd is planned[0].total is None
    assert {_job(each).state for each in made} == {JobState.DONE}
    with begin() as session:
        assert pricing.fixed_usd(session, [jobs.get(session, each) for each in made]) == [None] * 4
        assert all(progress.has_unknown_cost for progress in job_progress.of(session, made))
        assert not job_progress.of(session, free)[0].has_unknown_cost
    whole = [each for each in made if each not in again]
    known = {row["job"]: row["fixed_usd"] for row in comparison.of_jobs([*whole, *free])}
    assert [known.pop(each) for each in whole] == [None] * 3
    assert known[free[0]] > 0
    answer = what_if.ask([first], Scenario(tokens={"e:fast": TokenPrices(input=Decimal(1), output=Decimal(1))}))
    assert "what its learning cost" in answer.costs[0].unknown


def test_a_cap_pauses_and_a_higher_one_finishes_without_paying_twice(database, sent):
    with hosted(prices=PRICES) as server:
        job_id = _start(sent, cap=Decimal("0.02"))
        paused = _job(job_id)
        assert paused.state is JobState.PAUSED
        assert "cap" in str(paused.error)
        assert 0 < paused.spent_usd <= Decimal("0.02")

        actions.resume(job_id, cap_usd=Decimal(1))
        drain(sent)

        assert _job(job_id).state is JobState.DONE
        assert not server.log.repeats()
    with begin() as session:
        frame = predictions.of_jobs(session, [job_id])
        answers = _answers(session, job_id)
    assert len(frame) == 40
    assert float(_job(job_id).spent_usd) == pytest.approx(frame["usd"].sum() + answers["usd"].sum())


def test_a_cascade_pays_for_the_rows_that_it_escalates_and_for_no_answer_twice(database, sent):
    members = [{"technique": "constant"}, {"technique": "zero-shot", "model": "e:fast"}]
    with hosted(prices=PRICES) as server:
        first = _start(sent, technique="cascade", members=members)
        assert not server.log.repeats()
        calls = len(server.requests)
        # The member's own job asks about the rows that are left, and then a combination of both costs nothing more.
        (single,) = pricing_actions.start(_job(first).dataset_id, [specs.parse(members[1])], Split.TEST)
        drain(sent)
        both = specs.parse({"technique": "ensemble", "members": members, "weights": "equal"})
        (estimate,) = pricing_actions.estimate(_job(first).dataset_id, [both], Split.TEST)
        (blended,) = pricing_actions.start(_job(first).dataset_id, [both], Split.TEST)
        drain(sent)
        assert not server.log.repeats()
    assert {_job(each).state for each in (first, single, blended)} == {JobState.DONE}
    with begin() as session:
        frames = {each: predictions.of_job(session, each) for each in (first, single, blended)}
        answers = _answers(session, single)
        (books,) = job_progress.of(session, [first])
    asked = frames[first].filter(pl.col("tokens_in") > 0)
    assert calls == len(answers) + len(asked)
    assert float(_job(first).spent_usd) == pytest.approx(asked["usd"].sum() + answers["usd"].sum(), rel=0.01)
    assert books.tokens_in > asked["tokens_in"].sum(), "the answers that calibrate its member count, too"
    assert _job(blended).spent_usd == 0
    assert float(estimate.usd) < 0.01 * frames[single]["usd"].sum()  # the constant's milliseconds
    worth = frames[blended].select(pl.col("usd") + pl.col("saved_usd")).to_series()
    assert (worth >= frames[single]["usd"] + frames[single]["saved_usd"]).all()


def test_a_batch_job_lies_down_and_is_woken(database, sent):
    with hosted(prices=PRICES) as server:
        job_id = _start(sent, batch="on")
        assert _job(job_id).state is JobState.RUNNING
        deadline = time.monotonic() + 20
        while _job(job_id).state is JobState.RUNNING and time.monotonic() < deadline:
            batch_api.poll()
            running.sweep()
            drain(sent)
            time.sleep(0.05)

        assert _job(job_id).state is JobState.DONE
        assert {entry.via for entry in server.requests} == {"batch"}
        assert not server.log.repeats()

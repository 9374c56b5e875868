"""A race of models behind an endpoint never pays more than its budget, nor twice for an answer."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from db import jobs, predictions
from db.engine import begin
from db.types import JobState
from tests.builders import a_dataset
from tests.worker.conftest import drain
from tests.worker.llm.endpoint.calls import hosted
from worker import running, specs
from worker.jobs import actions as job_actions
from worker.race import actions
from worker.specs.race import Margin

pytestmark = pytest.mark.stack

PRICES = {"input": Decimal(10), "output": Decimal(10)}


def settle(race_id: int, sent: list[int]) -> None:
    for _ in range(60):
        drain(sent)
        with begin() as session:
            if jobs.get(session, race_id).state is not JobState.RUNNING:
                return
            session.execute(text("UPDATE chunks SET not_before = NULL WHERE job_id = :race"), {"race": race_id})
        running.sweep()
    raise AssertionError("The race does not end.")


def test_the_budget_is_never_passed_and_a_higher_one_goes_on_without_paying_twice(database, sent):
    with begin() as session:
        dataset_id = a_dataset(session, 400)
    models = [specs.parse({"technique": name, "model": "e:fast"}) for name in ("zero-shot", "multi-shot")]
    with hosted(prices=PRICES) as server:
        budget = Decimal("0.08")
        race_id = actions.start(
            dataset_id, [*models, specs.ConstantSpec()], Margin(0.0, is_share=False), budget_usd=budget
        )
        settle(race_id, sent)
        with begin() as session:
            race = jobs.get(session, race_id)
            ids = [racer.job for racer in actions.standing(race_id)[1].racers]
            spent = sum(jobs.get(session, job_id).spent_usd for job_id in ids)
        assert race.state is JobState.PAUSED, (race.error, spent, actions.standing(race_id)[1])
        assert "budget" in race.error
        assert spent <= budget

        job_actions.resume(race_id, Decimal(5))
        settle(race_id, sent)
        with begin() as session:
            race = jobs.get(session, race_id)
        assert race.state is JobState.DONE, race.error
        assert not server.log.repeats()
    result = actions.standing(race_id)[1]
    with begin() as session:
        for racer in result.racers[:2]:
            job = jobs.get(session, racer.job)
            frame = predictions.of_jobs(session, [job.id])
            to_fit = session.scalars(
                text("SELECT usd FROM chunks WHERE step = 'fit' AND job_id = :job"), {"job": job.id}
            ).one()
            assert float(job.spent_usd) == pytest.approx(frame["usd"].sum() + float(to_fit))
            assert len(frame) == (racer.rows or result.rounds[-1].rows)

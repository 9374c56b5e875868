"""Jobs of a version that called the gate "guard" and knew one step for all trainings go on after an upgrade."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from db import adapters, chunks, jobs, migrations, rates, results
from db.engine import begin, engine
from db.job_results import TrainingResult
from db.types import JobKind, Queue, Step
from tests.builders import a_dataset, a_job, an_adapter

REPORT = {"findings": [], "confidence": 0.95}
OLD_STEPS = (
    *("inspect", "load", "search", "index", "pilot", "train", "guard"),
    *("rung", "forecast", "fit", "price", "evaluate"),
)


@pytest.fixture
def alembic(database: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


def a_training(queue: Queue) -> int:
    with begin() as session:
        return jobs.create(
            session,
            kind=JobKind.FINETUNE,
            dataset_id=a_dataset(session),
            queue=queue,
            rate_id=rates.for_queue(session, queue),
            chunks=[(Step.TUNE if queue is Queue.ENDPOINT else Step.TRAIN, []), (Step.GATE, [])],
        )


def rows(query: str) -> list[tuple]:
    with engine().connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@pytest.fixture
def old(alembic: Config) -> dict[str, int]:
    """Jobs under way, an adapter and a result, in the words of the version before."""
    made = {"here": a_training(Queue.CPU), "there": a_training(Queue.ENDPOINT)}
    with begin() as session:
        dataset_id = a_dataset(session)
        made["priced"] = a_job(session, dataset_id, pieces=[[0, 1]])
        an_adapter(session, dataset_id, job_id=made["here"], gate_report=REPORT)
        results.put(session, made["here"], {"adapter": "a", "metrics": {}, "gate_report": REPORT})
        results.put(session, made["there"], {"adapter": "b", "metrics": {}, "spent_usd": "0.5"})
        made["gate"] = jobs.create(
            session,
            kind=JobKind.GATE,
            dataset_id=dataset_id,
            queue=Queue.CPU,
            rate_id=rates.for_queue(session, Queue.CPU),
            chunks=[(Step.GATE, [])],
        )
    command.downgrade(alembic, "0008")
    return made


def test_a_downgrade_leaves_the_words_and_the_order_of_the_version_before(old):
    assert {kind for (kind,) in rows("SELECT kind FROM jobs")} == {"finetune", "price", "guard"}
    assert all(OLD_STEPS.index(step) == order for step, order in rows("SELECT step, step_order FROM chunks"))
    assert rows("SELECT forgetting FROM adapters") == [(REPORT,)]
    assert {"forgetting": REPORT, "adapter": "a", "metrics": {}} in [r for (r,) in rows("SELECT metrics FROM results")]


def test_jobs_under_way_have_their_new_steps_in_the_new_order(old, alembic):
    command.upgrade(alembic, "head")
    steps = {
        job_id: [Step(step) for (step,) in rows(f"SELECT step FROM chunks WHERE job_id = {job_id} ORDER BY step_order")]
        for job_id in old.values()
    }
    assert steps[old["here"]] == [Step.TRAIN, Step.GATE]
    assert steps[old["there"]] == [Step.TUNE, Step.GATE]
    assert steps[old["gate"]] == [Step.GATE]
    assert all(Step(step).order == order for step, order in rows("SELECT step, step_order FROM chunks"))
    with begin() as session:
        assert jobs.get(session, old["gate"]).kind is JobKind.GATE
        assert [adapter.gate_report for adapter in adapters.all(session)] == [REPORT]
        assert TrainingResult.parse(results.get(session, old["here"]) or {}).gate_report == REPORT
        assert str(TrainingResult.parse(results.get(session, old["there"]) or {}).spent_usd) == "0.5"


def test_rows_that_are_tried_again_in_an_old_job_still_come_before_it_is_measured(old, alembic):
    command.upgrade(alembic, "head")
    with begin() as session:
        chunks.add(session, old["priced"], Step.PRICE, [[2]])
    orders = dict(rows(f"SELECT step, max(step_order) FROM chunks WHERE job_id = {old['priced']} GROUP BY step"))
    assert orders["price"] < orders["evaluate"]

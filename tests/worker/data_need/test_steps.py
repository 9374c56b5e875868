"""Asking how much data is needed learns from nested parts, leaves the test side alone, and ends in a verdict."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import text

from db import datasets, job_progress, jobs, results
from db.engine import begin
from db.errors import NotReady, UserError
from db.types import JobState, Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from tests.worker.hashed import HashedWords
from tests.worker.llm.small import a_model_folder
from tests.worker.training.small_training import in_this_process
from worker import running
from worker.data_need import actions as data_need_actions
from worker.data_need import ways
from worker.data_need.parts import part_of
from worker.jobs import actions
from worker.knowledge import index
from worker.specs import data_need as specs_data_need
from worker.specs.data_need import CHEAP, WAYS, DataNeedSpec
from worker.training import process

pytestmark = pytest.mark.model

SMALL_STEPS = {"batch_tokens": 512}  # so that there are some


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return a_model_folder(tmp_path_factory.mktemp("models") / "small")


def a_spec(base, **values) -> DataNeedSpec:
    train = CHEAP.model_copy(update={"model": str(base), "layers": 1, "rank": 2, "max_price": 99})
    return specs_data_need.parse({"train": train.model_dump(), "measured": 20, "seen": 0, **values})


@pytest.fixture
def dataset_id(database, sent, monkeypatch) -> int:
    model = HashedWords()
    monkeypatch.setattr(index, "embedder", lambda: model)
    with begin() as session:
        return a_dataset(session, 400)


def job_of(job_id: int):
    with begin() as session:
        return jobs.get(session, job_id)


def test_it_ends_with_a_curve_for_every_way_and_its_own_forecast_error(dataset_id, sent, base, monkeypatch):
    in_this_process(monkeypatch)
    job_id = data_need_actions.start(dataset_id, a_spec(base, rows=128))
    assert data_need_actions.report(job_id) is None
    drain(sent)
    job = job_of(job_id)
    assert job.state is JobState.DONE, job.error
    told = data_need_actions.report(job_id)
    parts = {way: [point["rows"] for point in told["ways"][way]["points"]] for way in WAYS}
    assert parts == {way: [16, 32, 64, 128] for way in WAYS}
    assert {each["way"] for each in told["forecasts"]} == set(WAYS)
    assert {each["over"] for each in told["crossings"]} == set(WAYS) - {"finetuned"}
    assert all(each["sentence"] for each in told["crossings"] + told["forecasts"])
    assert told["ways"]["finetuned"]["points"][-1]["seconds"] > 0
    with begin() as session:
        [progress] = job_progress.of(session, [job_id])
    assert progress.items_done == progress.items_total == job.items_total == 4 * 240
    assert job.fixed_seconds > 0
    cheap, dear = (data_need_actions.cost(job, told, 1000, price) for price in (Decimal(0), Decimal(2)))
    assert dear - cheap == 2 * (1000 - told["there"])
    assert cheap > 0


def test_the_same_question_is_the_same_job_until_it_is_given_up(dataset_id, base):
    spec = a_spec(base)
    first = data_need_actions.start(dataset_id, spec)
    assert data_need_actions.start(dataset_id, spec) == first
    assert data_need_actions.start(dataset_id, a_spec(base, rows=100)) != first
    actions.cancel(first)
    assert data_need_actions.start(dataset_id, spec) != first


def test_parts_are_nested_and_the_test_side_is_in_none(dataset_id, base):
    with begin() as session:
        sides = {side: set(datasets.items(session, dataset_id, side)["row"]) for side in Split}
        small, large = (part_of(session, dataset_id, a_spec(base), "ridge", rows) for rows in (40, 160))
    assert set(small.train["row"]) < set(large.train["row"]) <= sides[Split.TRAIN]
    assert small.measured.equals(large.measured)
    assert set(small.measured["row"]) | set(small.choosing["row"]) <= sides[Split.VALIDATION]
    assert not set(small.measured["row"]) & set(small.choosing["row"])


def test_every_part_takes_about_as_many_steps_as_the_largest(dataset_id, sent, base, monkeypatch):
    in_this_process(monkeypatch)
    steps: list[int] = []
    learned = process.run

    def counted(*args):
        outcome = learned(*args)
        steps.append(outcome.step)  # measured once, at its end
        return outcome

    monkeypatch.setattr(process, "run", counted)
    spec = a_spec(base, rows=128, ways=("finetuned",))
    data_need_actions.start(dataset_id, spec.model_copy(update={"train": spec.train.model_copy(update=SMALL_STEPS)}))
    drain(sent)
    assert len(steps) == 4
    most = max(steps)  # parts are learned in any order
    assert most > 8
    assert steps == pytest.approx([most] * 4, rel=0.25)  # the last batch of a pass is not full


def test_smaller_parts_see_their_rows_more_often_and_that_is_reckoned_with(dataset_id, base):
    spec = a_spec(base)
    assert [spec.training(rows, 320).epochs for rows in (40, 80, 160, 320)] == [8, 4, 2, 1]
    assert specs_data_need.parse({}).training(40, 320).epochs == 25, "too few in all: 1,000 rows are seen"
    assert specs_data_need.parse({}).training(40, 3200).epochs == 80
    one, two = (
        data_need_actions.estimate(dataset_id, spec.model_copy(update={"train": train})).seconds
        for train in (spec.train, spec.training(160, 320))
    )
    assert one < two < 2 * one
    with pytest.raises(UserError, match="epochs: at most 10"):
        specs_data_need.parse({"train": {"epochs": 12.0}})


def test_what_the_names_stand_for_is_said_in_sentences(base):
    said = specs_data_need.parse({}).meaning
    assert "smollm2-135m learns to say the price's quantiles" in said
    assert "about as many training steps" in said
    assert "“RAG” asks the same smollm2-135m as it comes" in said
    assert "RAG" not in specs_data_need.parse({"ways": ["finetuned", "ridge"]}).meaning
    assert "small learns to say the price's quantiles" in a_spec(base).meaning  # a folder by its last part


def test_a_cancelled_one_stops_and_keeps_the_part_that_is_done(dataset_id, sent, base, monkeypatch):
    def ridge_instead(part, dataset_id, spec, epochs, template, scratch, progress):
        return ways.fitted(replace(part, way="ridge"), dataset_id, spec, progress)

    monkeypatch.setattr(ways, "fine_tuned", ridge_instead)
    job_id = data_need_actions.start(dataset_id, a_spec(base, rows=128, ways=("finetuned", "ridge")))
    running.run_chunk(sent.pop())
    actions.cancel(job_id)
    drain(sent)
    assert job_of(job_id).state is JobState.CANCELLED
    with begin() as session:
        [part] = results.get(session, job_id).values()
    assert len(part["errors"]) == 20


def test_too_few_rows_and_endpoints_are_refused_in_a_sentence(database, sent, base):
    with begin() as session:
        small = a_dataset(session, 100)
    with pytest.raises(NotReady, match="at least 64 train rows and 40 validation rows.*80 and 10"):
        data_need_actions.start(small, a_spec(base))
    with pytest.raises(UserError, match="every part at an endpoint would be paid"):
        specs_data_need.parse({"train": {"model": "e:gpt"}})
    with pytest.raises(UserError, match="choose finetuned and some of rag, neighbours, ridge"):
        specs_data_need.parse({"ways": ["ridge"]})


def test_errors_are_weighted_where_a_column_says_how_much_rows_count(dataset_id, sent, base, monkeypatch):
    in_this_process(monkeypatch)
    with begin() as session:
        session.execute(text("UPDATE items SET weight = 1 + row % 3"))
        session.execute(text("""UPDATE datasets SET mapping = '{"title": "name", "weight": "count"}'"""))
        spec = a_spec(base, rows=64, ways=["finetuned", "ridge"])
        rows = part_of(session, dataset_id, spec, "ridge", 64).measured["row"]
    job_id = data_need_actions.start(dataset_id, spec)
    drain(sent)
    report = data_need_actions.report(job_id)
    assert report["weighted_by"] == "count"
    part = max((each for each in data_need_actions.found(job_id) if each.way == "ridge"), key=lambda each: each.rows)
    known = sum(error * (1 + row % 3) for error, row in zip(part.errors, rows)) / sum(1 + row % 3 for row in rows)
    assert part.error == pytest.approx(known)
    assert report["ways"]["ridge"]["points"][-1]["error"] == pytest.approx(known)

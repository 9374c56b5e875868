"""The Data need page asks, shows how it goes, and answers in plain words."""

from decimal import Decimal

import numpy as np
import pytest

from dashboard.parts.data_need import charts, reads
from db import chunks, jobs, results
from db.engine import begin
from db.types import JobKind, JobState
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, texts
from tests.worker.conftest import sent as sent
from worker.data_need import actions as data_need_actions
from worker.data_need.results import rung_name
from worker.evaluation.data_curve import Rung
from worker.evaluation.data_verdict import report
from worker.jobs import actions
from worker.specs import data_need
from worker.specs.data_need import FINETUNE, WAYS

LAWS = {"finetuned": (600.0, 0.3), "rag": (230.0, 0.16), "neighbours": (150.0, 0.05), "ridge": (120.0, 0.02)}


@pytest.fixture
def dataset_id(database: str, sent: list[int]) -> int:
    with begin() as session:
        return a_dataset(session, 400)


def learn(job_id: int, parts: int) -> None:
    """As if the first so many parts were done."""
    with begin() as session:
        job = jobs.get(session, job_id)
        spec = data_need.parse(job.spec["data_need"])
        shape = np.random.default_rng(0).exponential(1.0, spec.measured)
        for place, (way, rows) in list(enumerate(spec.rungs(job.spec["rows"])))[:parts]:
            level, slope = LAWS[way]
            errors = (shape * level * rows**-slope).tolist()
            part = {"way": way, "rows": rows, "seconds": rows / 10, "errors": errors}
            results.add(session, job_id, {rung_name(place): part})


def finish(job_id: int, sent: list[int]) -> None:
    """As if a worker had done all of it."""
    learn(job_id, 16)
    with begin() as session:
        job = jobs.get(session, job_id)
        parts = list((results.get(session, job_id) or {}).values())
        rungs = [Rung(part["way"], part["rows"], np.array(part["errors"])) for part in parts]
        seconds = {(part["way"], part["rows"]): part["seconds"] for part in parts}
        results.add(session, job_id, {"report": report(rungs, seconds, job.spec["there"], FINETUNE, WAYS)})
        waiting = list(sent)  # handed out when the job was started
        while waiting:
            for chunk_id in waiting:
                chunk = chunks.claim(session, chunk_id, "a test", 60)
                assert chunk is not None
                assert chunks.finish(session, chunk, chunks.Tally())
            waiting = chunks.to_send(session, job_id)
        jobs.add_fixed_cost(session, job_id, 60.0, Decimal(0))


def press(at, label: str):
    return next(button for button in at.button if button.label == label).click().run()


def test_it_is_asked_with_a_rough_duration_and_can_be_cancelled(open_page: Open, dataset_id: int) -> None:
    at = open_page("data_need")
    assert is_well(at)
    assert "16 parts, about " in texts(at)
    assert "a rule of thumb until the first time" in texts(at)
    press(at, "Find out")
    assert is_well(at)
    with begin() as session:
        job = jobs.latest(session, dataset_id, JobKind.DATA_NEED)
    assert job is not None
    assert job.spec["data_need"]["rows"] == job.spec["there"] == 320
    assert "No worker is running" in texts(at)
    press(at, "Cancel")
    with begin() as session:
        assert jobs.get(session, job.id).state is JobState.CANCELLED


def test_who_asks_the_same_again_is_shown_its_answer(open_page: Open, dataset_id: int, sent: list[int]) -> None:
    press(open_page("data_need"), "Find out")
    with begin() as session:
        first = jobs.latest(session, dataset_id, JobKind.DATA_NEED)
    assert first is not None
    finish(first.id, sent)
    spec = data_need.parse(first.spec["data_need"]).model_copy(update={"rows": 200})
    second = data_need_actions.start(dataset_id, spec)
    actions.cancel(second)

    at = open_page("data_need")
    assert at.selectbox(key="need-job").value == second
    press(at, "Find out")
    assert is_well(at)
    assert at.selectbox(key="need-job").value == first.id


def test_parts_show_up_as_they_are_done(open_page: Open, dataset_id: int) -> None:
    job_id = data_need_actions.start(dataset_id, data_need.parse({"measured": 20}))
    learn(job_id, 5)
    at = open_page("data_need")
    assert is_well(at)
    assert "Each point is one way that learned from one part" in texts(at)
    assert "Find out" not in [button.label for button in at.button]


def test_the_answer_says_where_it_passes_what_that_costs_and_how_far_to_trust_it(
    open_page: Open, dataset_id: int, sent: list[int]
) -> None:
    job_id = data_need_actions.start(dataset_id, data_need.parse({"measured": 20}))
    finish(job_id, sent)
    at = open_page("data_need")
    assert is_well(at)
    said = texts(at)
    assert "Fine-tuning passes RAG near 940 rows (80 % interval " in said
    assert "foretold from the three smaller ones" in said
    assert "That tests a doubling of the rows" in said
    assert "“Fine-tuning” here is one way to do it: smollm2-135m learns" in said
    assert "up to 10 times your 320 rows and no further" in said
    costs, trust = at.dataframe[0].value, at.dataframe[1].value
    assert {"2 × your data", "10 × your data"} <= set(costs["Up to"])
    assert list(costs["In all"]).count("unknown") == len(costs[costs["To label"] != "0"])
    assert list(trust["Way"]) == sorted(WAYS[way] for way in WAYS)
    at.number_input(key="need-label").set_value(0.5).run()
    assert is_well(at)
    assert "unknown" not in list(at.dataframe[0].value["In all"])
    assert "by what it took before" in texts(at)


def test_an_answer_from_few_of_the_rows_says_how_far_it_reaches(
    open_page: Open, dataset_id: int, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_need_actions, "FEWEST", 16)
    job_id = data_need_actions.start(dataset_id, data_need.parse({"measured": 20, "rows": 24}))
    finish(job_id, sent)
    at = open_page("data_need")
    assert is_well(at)
    said = texts(at)
    assert "up to 10 times the 24 rows measured and no further" in said
    assert "Your 320 rows are further than that" in said
    assert list(at.dataframe[0].value["Up to"])[-1] == "10 × the rows measured"
    assert "your data" not in "".join(at.dataframe[0].value["Up to"])


def test_too_few_rows_lead_to_another_table(open_page: Open, database: str) -> None:
    with begin() as session:
        a_dataset(session, 60)
    at = open_page("data_need")
    assert is_well(at)
    assert "too few rows with a price for a forecast" in texts(at)


def test_the_chart_has_lines_bands_points_and_the_rows_that_there_are(dataset_id: int, sent: list[int]) -> None:
    job_id = data_need_actions.start(dataset_id, data_need.parse({"measured": 20}))
    finish(job_id, sent)
    with begin() as session:
        job = jobs.get(session, job_id)
    told, points = reads.report(job_id), reads.points(job)
    assert told is not None
    assert points.filter("is_held_out")["rows"].unique().to_list() == [320]
    drawn = charts.errors(points, reads.curves(told), told["there"]).to_dict()
    assert len(drawn["layer"]) == 6
    assert len(charts.errors(points).to_dict()["layer"]) == 2

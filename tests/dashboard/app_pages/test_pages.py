"""Does every page open, empty and full, and say what to do next?"""

import re
import subprocess
import sys

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest

from dashboard.parts.results import predictions
from dashboard.shared import reads
from db import chunks, datasets, jobs, rates, results
from db.engine import begin
from db.errors import WrongState
from db.types import DatasetState, JobKind, JobState, Progress, Queue, Split, Step
from tests.builders import a_dataset, a_job
from tests.dashboard.conftest import Open, is_well, texts
from tests.dashboard.priced import a_finished_job, a_priced_dataset, a_running_job
from worker import specs
from worker.datasets import actions as dataset_actions
from worker.jobs import actions

PAGES = {
    "data": "Data",
    "run": "Run",
    "jobs": "Jobs",
    "tradeoffs": "Trade-offs",
    "results": "Results",
    "compare": "Compare",
    "knowledge": "Knowledge",
    "finetune": "Fine-tune",
}


@pytest.fixture
def priced(database: str) -> int:
    """A dataset of 200 items whose 20 test rows were priced by every technique, and 10 items without a price."""
    with begin() as session:
        dataset_id = a_dataset(session, 200, unpriced=10)
        a_priced_dataset(session, dataset_id)
    return dataset_id


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_without_a_dataset_a_page_opens_and_leads_to_a_table(open_page: Open, page: str) -> None:
    at = open_page(page)
    assert is_well(at)
    assert at.title[0].value == PAGES[page]
    assert any("demo" in label for label in labels(at))


@pytest.mark.slow
@pytest.mark.parametrize("page", ["run", "jobs", "tradeoffs", "results", "compare", "finetune"])
def test_a_table_that_waits_for_its_columns_is_finished_first(open_page: Open, page: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session)
        datasets.change(session, dataset_id, state=DatasetState.INSPECTED)
    at = open_page(page)
    assert is_well(at)
    assert "waits for its columns" in texts(at)
    assert "Go on with it" in labels(at)


@pytest.mark.parametrize(
    ("page", "label"),
    [
        ("jobs", "Choose techniques"),
        ("tradeoffs", "Choose techniques to compare"),
        ("results", "Choose techniques"),
        ("compare", "Choose techniques"),
    ],
)
def test_without_jobs_a_page_leads_to_the_run_page(open_page: Open, page: str, label: str) -> None:
    with begin() as session:
        a_dataset(session)
    at = open_page(page)
    assert is_well(at)
    assert label in labels(at)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_with_priced_data_every_page_opens_without_an_error(open_page: Open, priced: int, page: str) -> None:
    at = open_page(page)
    assert is_well(at)
    assert at.title[0].value == PAGES[page]


def test_the_address_chooses_the_dataset_and_an_unknown_one_is_told(open_page: Open) -> None:
    with begin() as session:
        first = a_dataset(session, name="first")
        second = a_dataset(session, name="second")
    assert open_page("run", dataset=str(first)).selectbox(key="dataset_picker").value == first
    at = open_page("run", dataset="99")
    assert at.selectbox(key="dataset_picker").value == second
    assert "no dataset 99" in at.warning[0].value
    at.selectbox(key="dataset_picker").select(first).run()
    assert at.query_params["dataset"] == str(first)


def test_a_chosen_dataset_stays_chosen_on_the_next_page(open_page: Open) -> None:
    with begin() as session:
        first = a_dataset(session, name="first")
        a_dataset(session, name="second")
    at = open_page("run")
    at.selectbox(key="dataset_picker").select(first).run()
    at.query_params.clear()  # what the navigation bar does
    at.switch_page("app_pages/jobs.py").run()
    assert at.selectbox(key="dataset_picker").value == first


@pytest.mark.slow
@pytest.mark.parametrize("page", ["run", "tradeoffs", "results"])
def test_a_synthetic_dataset_says_so(open_page: Open, priced: int, page: str) -> None:
    with begin() as session:
        datasets.change(session, priced, is_synthetic=True)
    assert "synthetic" in texts(open_page(page))


# Data


def an_upload(state: DatasetState, **values: object) -> int:
    with begin() as session:
        dataset_id = datasets.create(session, name="shop", sha256="0" * 64, file_name="shop.csv")
        datasets.change(session, dataset_id, state=state, **values)
    return dataset_id


def a_look(session: Session, dataset_id: int) -> int:
    return jobs.create(
        session,
        kind=JobKind.INSPECT,
        dataset_id=dataset_id,
        queue=Queue.CPU,
        rate_id=rates.for_queue(session, Queue.CPU),
        chunks=[(Step.INSPECT, [])],
    )


INSPECTION = {
    "kind": "csv",
    "encoding": "cp1252",
    "delimiter": ";",
    "header_line": 2,
    "preamble": ["Export"],
    "columns": ["Artikel", "Preis"],
    "preview": [["Lampe", "12,50"], ["Stuhl"]],
    "decimals": {"Preis": ","},
    "warnings": ["The text is not UTF-8."],
}


def test_another_delimiter_or_header_line_looks_at_the_file_again(open_page: Open) -> None:
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=INSPECTION, mapping={"title": "Artikel"})
    at = open_page("data")
    at.selectbox(key=f"sep-{dataset_id}").select("\t")
    at.number_input(key=f"header-{dataset_id}").set_value(0)
    next(button for button in at.button if button.label == "Load this table").click().run()
    assert is_well(at)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        assert dataset.state is DatasetState.UPLOADED
        assert dataset.inspection == INSPECTION | {"forced": {"delimiter": "\t", "header_line": None}}
        assert jobs.latest(session, dataset_id, JobKind.INSPECT) is not None
        assert jobs.latest(session, dataset_id, JobKind.LOAD) is None


def test_an_inspected_file_is_shown_and_loaded_with_the_chosen_columns(open_page: Open) -> None:
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=INSPECTION, mapping={"title": "Artikel"})
    at = open_page("data")
    assert is_well(at)
    assert "CSV · CP1252 · semicolon between cells · header on line 2 · 1 line before it skipped" in texts(at)
    assert "not UTF-8" in at.warning[0].value
    assert at.selectbox(key=f"map-{dataset_id}-title").value == "Artikel"
    at.selectbox(key=f"map-{dataset_id}-price").select("Preis")
    at.selectbox(key=f"decimal-{dataset_id}").select("point")
    at.text_input(key=f"name-{dataset_id}").set_value("My shop")
    next(button for button in at.button if button.label == "Load this table").click().run()
    assert is_well(at)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        assert dataset.state is DatasetState.LOADING
        assert dataset.mapping == {"title": "Artikel", "price": "Preis"}
        assert dataset.name == "My shop"
        assert dataset.inspection["decimals"] == {"Preis": "."}
        assert jobs.latest(session, dataset_id, JobKind.LOAD) is not None
    assert "No worker is running" in texts(at)
    at.button(key="cancel-1").click().run()
    assert "Which column means what?" in texts(at)


def sign(at: AppTest):
    """The question which decimal sign the chosen column of prices has."""
    return next(radio for radio in at.radio if radio.key.startswith("sign-"))


def test_prices_with_two_readings_are_asked_about_before_loading(open_page: Open) -> None:
    look = INSPECTION | {"decimals": {}, "undecided": {"Preis": "with a decimal point '1.294' is 1.294, ..."}}
    mapping = {"title": "Artikel", "price": "Preis"}
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=look, mapping=mapping)
    at = open_page("data")
    assert is_well(at)
    assert "can be read in two ways: with a decimal point '1.294' is 1.294" in texts(at)
    assert sign(at).value is None
    press_load(at)
    assert "Say which sign is the decimal sign of 'Preis'" in at.error[0].value
    with begin() as session:
        assert datasets.get(session, dataset_id).state is DatasetState.INSPECTED
    sign(at).set_value("comma")
    press_load(at)
    assert is_well(at)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
    assert dataset.state is DatasetState.LOADING
    assert dataset.inspection["decimals"] == {"Preis": ","}
    assert dataset.inspection["answers"] == {"decimal": ",", "wide_rows": False}


def test_rows_wider_than_the_header_are_confirmed_before_loading(open_page: Open) -> None:
    wide = "The header names 2 columns, but all rows have more cells, so that line 3 is read as Artikel = row1"
    mapping = {"title": "Artikel"}
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=INSPECTION | {"wide_rows": wide}, mapping=mapping)
    at = open_page("data")
    assert is_well(at)
    assert "line 3 is read as Artikel = row1" in texts(at)
    press_load(at)
    assert "line 3 is read as Artikel = row1" in at.error[0].value
    with begin() as session:
        assert datasets.get(session, dataset_id).state is DatasetState.INSPECTED
    next(box for box in at.checkbox if "what the rows mean" in box.label).check()
    press_load(at)
    assert is_well(at)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
    assert (dataset.state, dataset.inspection["answers"]["wide_rows"]) == (DatasetState.LOADING, True)


def press_load(at: AppTest) -> None:
    next(button for button in at.button if button.label == "Load this table").click().run()


def test_a_missing_title_is_told_in_one_sentence(open_page: Open) -> None:
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=INSPECTION, mapping={"price": "Preis"})
    at = open_page("data")
    next(button for button in at.button if button.label == "Load this table").click().run()
    assert not at.exception
    assert "title" in at.error[0].value
    with begin() as session:
        assert datasets.get(session, dataset_id).state is DatasetState.INSPECTED


def test_a_file_that_could_not_be_read_says_why(open_page: Open) -> None:
    dataset_id = an_upload(DatasetState.UPLOADED)
    with begin() as session:
        job_id = a_look(session, dataset_id)
        chunk = chunks.claim(session, chunks.to_send(session, job_id)[0], "a test", 60)
        assert chunk
        chunks.fail(session, chunk, "The file is an image, not a table.", attempts=1)
    at = open_page("data")
    assert not at.exception
    assert at.error[0].value == "The file is an image, not a table."


def test_a_cancelled_look_is_had_again_at_a_button(open_page: Open) -> None:
    dataset_id = an_upload(DatasetState.UPLOADED)
    with begin() as session:
        job_id = a_look(session, dataset_id)
    at = open_page("data")
    at.button(key=f"cancel-{job_id}").click().run()
    assert "was cancelled; look at it again" in at.error[0].value
    at.button(key=f"look-{dataset_id}").click().run()
    assert not at.exception
    with begin() as session:
        assert datasets.get(session, dataset_id).state is DatasetState.UPLOADED
        look = jobs.latest(session, dataset_id, JobKind.INSPECT)
    assert look.id != job_id
    assert look.state is JobState.RUNNING


def test_a_second_look_that_fails_says_why_above_what_the_first_one_found(open_page: Open) -> None:
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=INSPECTION, mapping={"title": "Artikel"})
    job_id = dataset_actions.inspect_again(dataset_id, {"header_line": 900})
    with begin() as session:
        (chunk_id,) = session.scalars(text("SELECT id FROM chunks WHERE job_id = :job"), {"job": job_id})
        chunk = chunks.claim(session, chunk_id, "a test", 60)
        assert chunk
        chunks.fail(session, chunk, "The file has no line 900.", attempts=1)
    at = open_page("data")
    assert not at.exception
    assert [each.value for each in at.error] == ["The file has no line 900."]
    assert "Which column means what?" in texts(at)
    assert not next(button for button in at.button if button.label == "Load this table").disabled

    actions.retry(job_id)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
    assert (dataset.state, dataset.error) == (DatasetState.UPLOADED, None)


def test_an_old_look_is_not_done_again_once_the_table_is_loaded(database: str) -> None:
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=INSPECTION)
    job_id = dataset_actions.inspect_again(dataset_id, {"header_line": 3})
    actions.cancel(job_id)
    with begin() as session:
        datasets.change(session, dataset_id, state=DatasetState.READY)
    with pytest.raises(WrongState, match="shop is ready by now"):
        actions.retry(job_id)
    with begin() as session:
        assert datasets.get(session, dataset_id).state is DatasetState.READY
        assert jobs.get(session, job_id).state is JobState.CANCELLED


def test_a_look_that_ends_while_the_page_is_made_is_no_failure(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id = an_upload(DatasetState.UPLOADED)
    with begin() as session:
        job_id = a_look(session, dataset_id)
    read = reads.file_job

    def ends_just_before(dataset_id: int, kind: JobKind) -> Progress | None:
        with begin() as session:
            for chunk_id in chunks.to_send(session, job_id):
                chunk = chunks.claim(session, chunk_id, "a test", 60)
                assert chunk
                datasets.change(session, dataset_id, state=DatasetState.INSPECTED, inspection=INSPECTION, mapping={})
                chunks.finish(session, chunk, chunks.Tally())
        return read(dataset_id, kind)

    monkeypatch.setattr(reads, "file_job", ends_just_before)
    at = open_page("data")
    assert is_well(at)
    assert "Which column means what?" in texts(at)


def test_an_upload_is_kept_and_being_looked_at(open_page: Open) -> None:
    at = open_page("data")
    at.file_uploader[0].set_value(("lamps.csv", b"title,price\nLamp,12\n", "text/csv")).run()
    assert is_well(at)
    with begin() as session:
        dataset = datasets.all(session)[0]
    assert (dataset.name, dataset.file_name, dataset.state) == ("lamps", "lamps.csv", DatasetState.UPLOADED)
    assert next(button for button in at.button if button.label == "Add a table").disabled  # its window would close
    assert at.query_params["dataset"] == str(dataset.id)


def test_the_views_of_a_loaded_dataset_open_and_rejects_are_shown(open_page: Open, priced: int) -> None:
    import polars as pl

    with begin() as session:
        datasets.add_rejects(session, priced, pl.DataFrame({"line": [7], "raw": ["x;y"], "reason": ["too few cells"]}))
        datasets.change(session, priced, rejects=1, rows_in=211, profile=PROFILE)
    at = open_page("data")
    metrics = {metric.label: metric.value for metric in at.metric}
    assert (metrics["Rows in the file"], metrics["Items"], metrics["Rejects"]) == ("211", "210", "1")
    assert metrics["Median price"] == "$30.00"
    for view in ("Items", "Sides", "Rejects"):
        at.segmented_control[0].set_value(view).run()
        assert is_well(at), view
    assert "too few cells" in at.dataframe[-1].value["reason"].to_list()


PROFILE = {
    "missing": {"title": 0, "price": 10, "external_id": 0},
    "price": {
        "count": 200,
        "quantiles": {"0.0": 13.0, "0.25": 20.0, "0.5": 30.0, "0.75": 55.0, "1.0": 87.0},
        "histogram": {"edges": [10.0, 30.0, 90.0], "counts": [100, 100]},
    },
    "lengths": {"title": {"0.5": 15, "1.0": 22}},
    "categories": {"distinct": 3, "is_cut": False, "top": [{"name": "Lamps", "items": 70}]},
    "brands": {"distinct": 0, "is_cut": False, "top": []},
    "duplicates": {"groups": 2, "items": 5, "largest": 3},
    "reasons": {"too few cells": 1},
}


def test_deleting_a_dataset_asks_first_and_removes_it(open_page: Open, priced: int) -> None:
    at = open_page("data")
    at.button(key=f"delete-{priced}").click().run()
    assert is_well(at)
    with begin() as session:
        assert datasets.all(session) == []


# Run


def test_the_estimate_stands_before_the_start_and_starting_makes_the_jobs(open_page: Open) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
    at = open_page("run")
    cheap = ("constant", "ridge", "lightgbm", "neighbours", "zero-shot")
    chosen = [specs.SPECS[name].label for name in cheap]
    assert list(at.dataframe[0].value["Technique"]) == chosen
    at.pills[0].set_value(["constant", "neighbours"]).run()
    at.number_input(key="spec-neighbours-k").set_value(7).run()
    at.number_input(key=f"sample-{dataset_id}-measure").set_value(5).run()
    assert list(at.dataframe[0].value["Technique"]) == ["Category median", "Nearest neighbours (k=7)"]
    assert list(at.dataframe[0].value["Rows"]) == [5, 5]
    next(button for button in at.button if button.label == "Start 2 jobs").click().run()
    assert is_well(at)
    assert at.title[0].value == "Jobs"
    with begin() as session:
        started = jobs.all(session, dataset_id)
    assert [(job.technique, job.items_total, job.split) for job in started] == [
        ("neighbours", 5, Split.TEST),
        ("constant", 5, Split.TEST),
    ]
    assert started[0].spec["k"] == 7


def test_prices_that_can_t_be_said_are_told_before_the_start_and_beside_the_results(open_page: Open) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200, scale=100_000)
        a_priced_dataset(session, dataset_id, ("ridge", "zero-shot"))
    sentence = "from \\$10,000 to \\$99,999 here, and 100 % of the rows with a price lie outside"
    for page in ("run", "tradeoffs"):
        at = open_page(page)
        assert is_well(at)
        assert sum(sentence in str(told.value) for told in at.warning) == 1
    refused = open_page("finetune")
    assert ["100 % of the rows of things to learn from lie outside" in str(told.value) for told in refused.error] == [
        True
    ]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["data", "run", "tradeoffs", "results", "compare", "finetune"])
def test_small_prices_never_look_like_nothing(open_page: Open, page: str) -> None:
    with begin() as session:
        a_priced_dataset(session, a_dataset(session, 200, scale=0.0001), ("constant", "zero-shot"))
    at = open_page(page)
    assert not at.exception
    said = texts(at) + " ".join(str(metric.value) for metric in at.metric)
    assert not re.search(r"\$0\.00(?!\d)", said)
    columns = [str(table.proto.columns).replace(" ", "") for table in at.dataframe]
    assert not any('"format":"dollar"' in each for each in columns)


def test_what_was_run_before_is_not_started_again(open_page: Open, priced: int) -> None:
    at = open_page("run")
    assert "Show the jobs" in labels(at)
    assert "nothing new would be started" in texts(at)


def test_a_dataset_without_prices_offers_only_what_needs_no_learning(open_page: Open) -> None:
    with begin() as session:
        a_dataset(session, 0, unpriced=12)
    at = open_page("run")
    assert is_well(at)
    assert at.pills[0].value == ["zero-shot"]
    offered = [specs.SPECS[name].label for name in ("zero-shot", "chained")]
    assert list(at.pills[0].options) == offered


# Jobs


def test_buttons_fit_the_state_and_work(open_page: Open, database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        job_id = a_running_job(session, dataset_id, specs.ConstantSpec())
    at = open_page("jobs")
    assert is_well(at)
    assert "No worker is running" in texts(at)
    for key, state in (("pause", JobState.PAUSED), ("resume", JobState.RUNNING), ("cancel", JobState.CANCELLED)):
        at.button(key=f"{key}-{job_id}").click().run()
        assert is_well(at)
        with begin() as session:
            assert jobs.get(session, job_id).state is state
    assert not [button for button in at.button if button.key and button.key.endswith(f"-{job_id}")]


def test_a_failed_job_says_why_and_can_be_retried(open_page: Open) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        job_id = a_running_job(session, dataset_id, specs.ConstantSpec())
        chunk = chunks.claim(session, chunks.to_send(session, job_id)[0], "a test", 60)
        assert chunk
        chunks.fail(session, chunk, "The model is not there.", attempts=1)
    at = open_page("jobs")
    assert at.error[0].value == "The model is not there."
    at.button(key=f"retry-{job_id}").click().run()
    assert is_well(at)
    with begin() as session:
        assert jobs.get(session, job_id).state is JobState.RUNNING


def test_a_measured_job_tells_its_error_while_others_still_run(open_page: Open) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200, unpriced=5)
        results.put(session, a_finished_job(session, dataset_id, specs.ConstantSpec()), {"n": 20, "mae": 12.345})
        a_finished_job(session, dataset_id, specs.RidgeSpec(), Split.UNPRICED)  # without anything to measure
        a_running_job(session, dataset_id, specs.ZeroShotSpec())
    at = open_page("jobs")
    assert is_well(at)
    assert texts(at).count("mean error") == 1
    assert "mean error \\$12.3" in texts(at)


def test_jobs_of_other_datasets_are_shown_on_demand(open_page: Open, priced: int) -> None:
    with begin() as session:
        a_dataset(session, name="other")
    at = open_page("jobs")
    assert "Nothing has been priced" in texts(at)
    at.toggle(key="jobs_everywhere").set_value(True).run()
    assert "Category median" in texts(at)


def test_parts_that_end_after_a_job_failed_are_shown(database: str) -> None:
    """Two parts at once: one fails the job, and the other one's rows come afterwards."""
    with begin() as session:
        dataset_id = a_dataset(session)
        job_id = a_job(session, dataset_id)
        (fit,) = chunks.to_send(session, job_id)
        begun = chunks.claim(session, fit, "a test", 60)
        assert begun
        chunks.finish(session, begun, chunks.Tally())
        first, second = (chunks.claim(session, number, "a test", 60) for number in chunks.to_send(session, job_id))
        assert first
        assert second
        chunks.fail(session, first, "It broke.", attempts=1)
    with begin() as session:
        before = predictions.version(jobs.get(session, job_id))
    with begin() as session:
        assert chunks.finish(session, second, chunks.Tally())
    with begin() as session:
        job = jobs.get(session, job_id)
    assert job.state is JobState.FAILED
    assert predictions.version(job) != before


# Trade-offs


def test_the_verdict_names_the_one_ahead_the_tied_and_the_cheapest(open_page: Open, priced: int) -> None:
    at = open_page("tradeoffs")
    verdict = at.info[0].value
    assert "is ahead on mean error" in verdict
    assert "95 % interval" in verdict
    assert "\\$" in verdict  # two bare dollar signs would be drawn as a formula
    assert len(at.dataframe[0].value) == 6


@pytest.mark.slow
@pytest.mark.parametrize("error", ["median_ape", "rmsle", "within"])
def test_every_error_can_be_chosen(open_page: Open, priced: int, error: str) -> None:
    at = open_page("tradeoffs")
    at.selectbox(key="error").select(error).run()
    assert is_well(at)
    assert "is ahead on" in at.info[0].value


@pytest.mark.slow
@pytest.mark.parametrize("view", ["By category", "By price", "Guesses", "Worst rows", "Speed"])
def test_every_closer_look_opens(open_page: Open, priced: int, view: str) -> None:
    at = open_page("tradeoffs")
    at.segmented_control[0].set_value(view).run()
    assert is_well(at)


def test_a_job_on_few_rows_is_named_as_what_makes_the_comparison_small(open_page: Open, priced: int) -> None:
    with begin() as session:
        job_id = a_finished_job(session, priced, specs.NeighboursSpec(k=3))
        jobs.set_total(session, job_id, 3)
    at = open_page("tradeoffs")
    assert "Nearest neighbours (k=3) priced only 3 rows" in texts(at)


# Results


def test_predictions_are_searched_and_filtered(open_page: Open, priced: int) -> None:
    at = open_page("results")
    assert "20 predictions of 20" in texts(at)
    at.text_input[0].set_value("LAMP acme").run()
    shown = at.dataframe[0].value
    assert 0 < len(shown) < 20
    assert all("Lamp" in title for title in shown["title"])
    at.text_input[0].set_value("nowhere to be found").run()
    assert is_well(at)
    assert "0 predictions of 20" in texts(at)


def test_the_address_chooses_the_job(open_page: Open, priced: int) -> None:
    at = open_page("results", dataset=str(priced), job="1")
    assert "Category median" in texts(at)


def test_rows_without_a_price_can_be_looked_at_too(open_page: Open, priced: int) -> None:
    with begin() as session:
        a_finished_job(session, priced, specs.RidgeSpec(), Split.UNPRICED)
    at = open_page("results")
    assert is_well(at)
    assert "10 predictions of 10" in texts(at)
    assert "truth" not in at.dataframe[0].value.columns


@pytest.mark.slow
def test_the_pages_load_no_model_library() -> None:
    """In a fresh process: here other tests may have loaded them."""
    code = (
        "import sys; from importlib import import_module; from pkgutil import walk_packages; import dashboard; "
        "[import_module(f'dashboard.{name}') for name in ('parts', 'shared')]; "
        "found = [name for part in ('parts', 'shared') for _, name, _ in "
        "walk_packages([f'{dashboard.__path__[0]}/{part}'], f'dashboard.{part}.')]; [*map(import_module, found)]; "
        "assert len(found) > 20; "
        "sys.exit(', '.join({'torch', 'transformers', 'sklearn', 'lightgbm', 'openai'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr

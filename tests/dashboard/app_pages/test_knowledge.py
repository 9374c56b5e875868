"""The Knowledge page from nothing to a base: what is in it, what changed and how fresh it is."""

import io
import json

import polars as pl
import pytest

from dashboard.parts.knowledge import charts, reads
from dashboard.shared import formats
from db import chunks, datasets, jobs, predictions
from db.engine import begin
from db.knowledge import bases
from db.types import JobKind, JobState, Split
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, texts
from tests.dashboard.priced import a_running_job, guesses
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from tests.worker.hashed import HashedWords
from worker import specs
from worker.evaluation import freshness
from worker.knowledge import actions
from worker.knowledge import index as worker_knowing


@pytest.fixture
def based(database: str, sent: list[int], monkeypatch: pytest.MonkeyPatch) -> int:
    """A dataset of 100 items with a knowledge base of its 80 train items."""
    model = HashedWords()
    monkeypatch.setattr(worker_knowing, "embedder", lambda: model)
    with begin() as session:
        dataset_id = a_dataset(session, 100)
    actions.refresh(dataset_id)
    drain(sent)
    return dataset_id


def metric(at, label: str) -> str:
    return next(each.value for each in at.metric if each.label == label)


def test_without_a_base_the_page_says_what_it_takes_to_make_one(open_page: Open, sent: list[int]) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 100)
    at = open_page("knowledge")
    assert is_well(at)
    assert "has no knowledge base yet" in texts(at)
    assert "80 items can't be found yet" in texts(at)
    next(button for button in at.button if button.label == "Build it").click().run()
    assert is_well(at)
    assert "No worker is running" in texts(at)
    with begin() as session:
        assert jobs.latest(session, dataset_id, JobKind.INDEX).state is JobState.RUNNING  # type: ignore[union-attr]


def test_a_base_that_is_done_while_the_page_is_made_is_shown(
    open_page: Open, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_knowing, "embedder", HashedWords)
    with begin() as session:
        dataset_id = a_dataset(session, 100)
    actions.refresh(dataset_id)
    read = reads.index_jobs
    monkeypatch.setattr(reads, "index_jobs", lambda dataset_id: (drain(sent), read(dataset_id))[1])
    at = open_page("knowledge")
    assert is_well(at)
    assert metric(at, "Items") == "80"


def test_figures_say_how_much_can_be_found_and_how_fresh_it_is(open_page: Open, based: int) -> None:
    at = open_page("knowledge")
    assert is_well(at)
    assert (metric(at, "Items"), metric(at, "Coverage"), metric(at, "Stale")) == ("80", "100%", "0.0%")
    assert "80 from the train side" in texts(at)
    assert "Every item can be found as it is now" in texts(at)


def test_a_search_shows_what_a_worker_found(open_page: Open, based: int, sent: list[int]) -> None:
    at = open_page("knowledge")
    at.text_input(key=f"ask-{based}").set_value("Chair size 4")
    next(button for button in at.button if button.label == "Search").click().run()
    assert is_well(at)
    drain(sent)
    at.run()
    assert is_well(at)
    shown = at.dataframe[0].value
    assert len(shown) == 10
    assert {"similarity", "title", "price", "neighbour"} <= set(shown.columns)
    assert "median price" in texts(at)


def test_an_empty_search_is_told_in_a_sentence(open_page: Open, based: int) -> None:
    at = open_page("knowledge")
    next(button for button in at.button if button.label == "Search").click().run()
    assert at.error[0].value == "Type what to search for."


def test_ids_are_removed_by_hand_and_a_file_tells_what_it_did(open_page: Open, based: int, sent: list[int]) -> None:
    at = open_page("knowledge")
    at.segmented_control[0].set_value("Change items").run()
    next(each for each in at.text_input if each.label.startswith("Ids to remove")).set_value("id-1, id-2")
    next(button for button in at.button if button.label == "Remove").click().run()
    assert is_well(at)
    assert metric(at, "Items") == "80"  # drawn before the button's work; the next run shows it
    at.run()
    assert metric(at, "Items") == "78"
    actions.update(based, "spring_prices.csv", io.BytesIO(b"id,price\nid-3,12\nid-95,13\n"))
    drain(sent)
    at.run()
    assert is_well(at)
    line = at.dataframe[0].value.iloc[0]
    assert (line["What"], line["Updated"], line["Refused"]) == ("Changes from spring_prices.csv", 1, 1)
    assert "test or validation row" in at.warning[-1].value


def test_the_schedule_is_kept_and_a_change_made_elsewhere_is_shown(open_page: Open, based: int) -> None:
    at = open_page("knowledge")
    at.segmented_control[0].set_value("Schedule").run()
    at.radio(key=f"schedule-{based}").set_value(3600).run()
    assert is_well(at)
    with begin() as session:
        assert bases.of(session, based).refresh_seconds == 3600  # type: ignore[union-attr]
    actions.schedule(based, 7200)
    at.run()
    assert at.radio(key=f"schedule-{based}").value == 7200
    with begin() as session:
        assert bases.of(session, based).refresh_seconds == 7200  # type: ignore[union-attr]


def test_freshness_needs_a_job_that_rests_on_neighbours_and_then_shows_its_error_by_age(
    open_page: Open, based: int
) -> None:
    at = open_page("knowledge")
    at.segmented_control[0].set_value("Freshness").run()
    assert is_well(at)
    assert "No measured job rests on neighbours yet" in texts(at)
    spec = specs.NeighboursSpec()
    with begin() as session:
        items = datasets.items(session, based, Split.TEST)
        job_id = a_running_job(session, based, spec, Split.TEST)
        told = [json.dumps({"neighbours": [{"id": "id-1", "age_days": 100.0 * (row % 2)}]}) for row in items["row"]]
        predictions.add(session, job_id, guesses(items, spec).with_columns(evidence=pl.Series(told)))
        for _ in range(3):
            for chunk_id in chunks.to_send(session, job_id):
                chunk = chunks.claim(session, chunk_id, "a test", 60)
                assert chunk is not None
                assert chunks.finish(session, chunk, chunks.Tally())
    at.run()
    assert is_well(at)
    assert "Test rows by the median age" in texts(at)


def test_an_index_job_is_watched_on_the_jobs_page(open_page: Open, based: int) -> None:
    at = open_page("jobs")
    assert is_well(at)
    assert "Knowledge base: refresh" in texts(at)
    assert "80 of 80 rows embedded" in texts(at)


def test_the_chart_of_ages_has_a_point_per_band() -> None:
    table = pl.DataFrame(
        [["under a day", 0, 10, 5.0, 4.0, 6.0, 0.95, 0.2], ["over a year", 5, 3, 9.0, None, None, 0.95, 0.4]],
        schema=freshness.COLUMNS,
        orient="row",
    )
    chart = charts.by_age(table).to_dict()
    assert len(chart["layer"]) == 3


@pytest.mark.parametrize(("number", "text"), [(900, "1 kB"), (5_803_360, "5.8 MB"), (2_100_000_000, "2.1 GB")])
def test_sizes_read_as_people_say_them(number: int, text: str) -> None:
    assert formats.size(number) == text

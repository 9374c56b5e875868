"""What a person chooses, runs and deletes is the very thing that the page names, when things are called the same."""

import re

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from db import datasets, jobs
from db.engine import begin
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, texts
from tests.dashboard.priced import a_finished_job, a_priced_dataset, a_running_job
from tests.databases import Emptied
from worker import specs

PAGES = ("data", "run", "jobs", "tradeoffs", "results", "compare", "prompts", "knowledge", "finetune", "data_need",
         "what_if")  # fmt: skip


@pytest.fixture
def twins(database: str, emptied: Emptied) -> tuple[int, int, int]:
    """Three datasets of one name and size, each with jobs of the same techniques, some of them twice."""
    return emptied.remembered(_three_alike)


def _three_alike() -> tuple[int, int, int]:
    with begin() as session:
        ids = tuple(a_dataset(session, 200, unpriced=10, name="ean") for _ in range(3))
        for dataset_id in ids:
            a_priced_dataset(session, dataset_id, ("constant", "ridge", "zero-shot"))
            a_finished_job(session, dataset_id, specs.SPECS["ridge"]())
    return ids  # type: ignore[return-value]


def known() -> list[int]:
    with begin() as session:
        return sorted(dataset.id for dataset in datasets.all(session))


def chosen(at: AppTest) -> int:
    picked = at.selectbox(key="dataset_picker").value
    assert at.query_params["dataset"] == str(picked)
    assert isinstance(picked, int)
    return picked


@pytest.mark.slow
def test_no_list_offers_two_entries_that_read_alike(open_page: Open, twins: tuple[int, int, int]) -> None:
    """One test for all pages: none of them writes, and making the twins takes longer than a page."""
    for page in PAGES:
        at = open_page(page, dataset=str(twins[1]))
        assert is_well(at), page
        for each in [*at.selectbox, *at.multiselect, *at.radio]:
            assert len(set(each.options)) == len(each.options), f"{page}: {each.label}"
        assert len(at.selectbox(key="dataset_picker").options) == 3, page


@pytest.mark.slow
def test_each_of_several_that_are_called_the_same_can_be_chosen(open_page: Open, twins: tuple[int, int, int]) -> None:
    at = open_page("run")
    for dataset_id in (*twins, *reversed(twins)):
        at.selectbox(key="dataset_picker").select(dataset_id).run()
        assert chosen(at) == dataset_id


def test_a_click_on_the_run_page_does_not_jump_to_another_dataset(open_page: Open, twins: tuple[int, int, int]) -> None:
    middle = twins[1]
    at = open_page("run", dataset=str(middle))
    next(choice for choice in at.radio if choice.label == "Rows").set_value("price").run()
    assert chosen(at) == middle
    start = next(button for button in at.button if button.label.startswith("Start"))
    start.click().run()
    with begin() as session:
        started = [job for job in jobs.all(session) if not job.state.is_final]
    assert started
    assert {job.dataset_id for job in started} == {middle}


def test_a_search_in_results_stays_with_its_dataset_and_its_job(open_page: Open, twins: tuple[int, int, int]) -> None:
    middle = twins[1]
    with begin() as session:
        first = min(job.id for job in jobs.all(session, middle))
    at = open_page("results", dataset=str(middle), job=str(first))
    at.text_input[0].set_value("Lamp").run()
    assert chosen(at) == middle
    assert next(box for box in at.selectbox if box.label == "Job").value == first


@pytest.mark.slow
def test_a_job_stays_chosen_when_its_label_changes(open_page: Open, database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 100)
        runs = a_running_job(session, dataset_id, specs.SPECS["constant"]())
        a_finished_job(session, dataset_id, specs.SPECS["ridge"]())
    at = open_page("results", dataset=str(dataset_id))
    next(box for box in at.selectbox if box.label == "Job").select(runs).run()
    with begin() as session:
        session.execute(text("UPDATE jobs SET state = 'cancelled' WHERE id = :job"), {"job": runs})
    for _ in range(2):  # the first run tells the new label, the second one is told of it
        at.run()
        assert next(box for box in at.selectbox if box.label == "Job").value == runs


def test_deleting_names_the_dataset_and_takes_just_that_at_the_first_click(
    open_page: Open, twins: tuple[int, int, int]
) -> None:
    oldest, middle, newest = twins
    at = open_page("data", dataset=str(middle))
    assert re.search(rf"Delete dataset {middle}, \*\*ean\*\* \(210 rows, added [\d.]+ \w+ ago\)", texts(at))
    at.button(key=f"delete-{middle}").click().run()
    assert is_well(at)
    assert known() == [oldest, newest]
    at.run()  # what the browser sends once more deletes nothing more
    assert known() == [oldest, newest]


@pytest.mark.slow
def test_what_strangers_call_their_things_is_no_markdown(open_page: Open, database: str) -> None:
    name = "![x](http://10.0.0.1/a.png) [y](http://evil.example) :red[z] $a$ $b$"
    with begin() as session:
        dataset_id = a_dataset(session, 200, name=name)
        a_finished_job(session, dataset_id, specs.ConstantSpec())
    for page in ("data", "jobs", "knowledge", "tradeoffs", "results"):
        at = open_page(page, dataset=str(dataset_id))
        said = texts(at)
        assert "![x](" not in said, page
        assert "[y](http" not in said, page
        assert " :red[" not in said, page

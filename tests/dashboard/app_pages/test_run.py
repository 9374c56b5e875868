"""The Run page: the estimate stands before the start."""

import re

import pytest
from sqlalchemy import text

from db import datasets, jobs
from db.engine import begin
from db.types import DatasetState, Split
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, labels, texts
from tests.dashboard.priced import a_priced_dataset
from worker import specs


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


@pytest.mark.slow
def test_prices_that_can_t_be_said_are_told_before_the_start_and_beside_the_results(open_page: Open) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        session.execute(text("UPDATE items SET price = price * 10000 WHERE split = 'test'"))
        a_priced_dataset(session, dataset_id, ("ridge", "zero-shot"))
    sentence = " % of the rows with a price lie outside"
    for page in ("run", "tradeoffs"):
        at = open_page(page)
        assert is_well(at)
        warnings = [str(told.value) for told in at.warning if sentence in str(told.value)]
        assert ["whole dollars from \\$1 to \\$999 here" in warning for warning in warnings] == [True]


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


def test_a_table_without_prices_learns_from_the_one_it_resembles(open_page: Open) -> None:
    with begin() as session:
        source_id = a_dataset(session, 200, name="products")
        table_id = a_dataset(session, 0, unpriced=12, name="new")
    at = open_page("run", dataset=str(table_id))
    assert is_well(at)
    assert at.radio(key=f"learn-from-{table_id}").value == "others"
    assert any("it resembles most is 1: products has 4 of its 4 columns" in str(told.value) for told in at.info)
    assert at.multiselect(key=f"sources-{table_id}").value == [source_id]
    assert {"constant", "ridge"} <= set(at.pills[0].value)
    at.pills[0].set_value(["constant"]).run()
    assert list(at.dataframe[0].value["Rows"]) == [12]
    next(button for button in at.button if button.label == "Start 1 job").click().run()
    assert is_well(at)
    with begin() as session:
        (job,) = jobs.all(session, table_id)
    assert (job.source_id, job.split, job.items_total) == (source_id, None, 12)
    assert "Category median, learned from products (dataset 1)" in texts(at)


def test_several_tables_are_joined_before_they_are_learned_from(open_page: Open) -> None:
    with begin() as session:
        parts = [a_dataset(session, 60, name="one"), a_dataset(session, 60, name="two")]
        table_id = a_dataset(session, 100, name="own")
    at = open_page("run", dataset=str(table_id))
    assert at.radio(key=f"learn-from-{table_id}").value == "own"
    at.radio(key=f"learn-from-{table_id}").set_value("others").run()
    at.multiselect(key=f"sources-{table_id}").set_value(parts).run()
    assert is_well(at)
    next(button for button in at.button if button.label == "Join these tables").click().run()
    assert is_well(at)
    with begin() as session:
        joined = datasets.joined(session, parts)
    assert joined is not None
    assert joined.state is DatasetState.LOADING

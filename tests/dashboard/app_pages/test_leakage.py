"""The Leaks page starts a search, shows how it goes, and tells what was found beside what it changes."""

from db.engine import begin
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, labels, texts
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from worker.leakage import actions


def test_it_starts_a_search_and_shows_the_report(open_page: Open, priced: int, sent: list[int]) -> None:
    at = open_page("leakage", dataset=str(priced))
    assert is_well(at)
    at.button[0].click().run()
    assert is_well(at)
    assert "Searching for leaks" in texts(at)
    drain(sent)
    at = open_page("leakage", dataset=str(priced))
    assert is_well(at)
    said = texts(at)
    assert "may have been seen before" in said
    assert "Every error with and without the suspects" in said
    assert "Pairs side by side" in said
    assert "Search again" in labels(at)


def test_a_table_without_jobs_leads_to_the_run_page(open_page: Open, database: str, sent: list[int]) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
    actions.search(dataset_id)
    drain(sent)
    at = open_page("leakage", dataset=str(dataset_id))
    assert is_well(at)
    assert "Choose techniques" in labels(at)


def test_a_table_that_nothing_can_leak_in_says_so(open_page: Open, database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 0, unpriced=5)
    at = open_page("leakage", dataset=str(dataset_id))
    assert is_well(at)
    assert "nothing can leak" in texts(at)

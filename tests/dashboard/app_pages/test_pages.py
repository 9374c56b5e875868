"""Every page opens, empty and full, and says what to do next."""

import subprocess
import sys

import pytest

from db import datasets
from db.engine import begin
from db.types import DatasetState
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, labels, texts
from tests.dashboard.priced import a_finished_job, learned_elsewhere
from worker import specs

PAGES = {
    "data": "Data",
    "run": "Run",
    "jobs": "Jobs",
    "tradeoffs": "Trade-offs",
    "results": "Results",
    "compare": "Compare",
    "what_if": "What if",
    "advisor": "Advisor",
    "guess": "Guess",
    "knowledge": "Knowledge",
    "finetune": "Fine-tune",
}


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


@pytest.mark.slow
@pytest.mark.parametrize("page", [*PAGES, "leakage", "race", "data_need", "price_check", "pricers", "batches", "rates"])
def test_a_table_with_only_prices_of_ours_opens_every_page(open_page: Open, database: str, page: str) -> None:
    with begin() as session:
        source_id = a_dataset(session, 100)
        table_id = a_dataset(session, 0, unpriced=20, name="june")
        for spec in (specs.RidgeSpec(), specs.ConstantSpec()):
            learned_elsewhere(session, a_finished_job(session, table_id, spec, None), source_id)
    at = open_page(page, dataset=str(table_id))
    assert is_well(at)
    if page == "tradeoffs":
        assert "No row of this table has a known price" in texts(at)


@pytest.mark.slow
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

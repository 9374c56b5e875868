"""The Pricers page and “Use this”: a verdict is put to use with a click, a new file comes back with prices."""

import io
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from db import datasets, jobs
from db.engine import begin
from db.types import JobKind, Pricer, PricerState
from tests.builders import a_catalogue, a_dataset
from tests.dashboard.conftest import Open, is_well, labels, texts
from tests.databases import Emptied
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from worker import amounts, specs
from worker.datasets import actions as dataset_actions
from worker.pricers import actions, new_file, promise
from worker.pricing import actions as pricing_actions
from worker.pricing.priced_file import actions as priced_file


@pytest.fixture
def dataset_id(database: str, emptied: Emptied, sent: list[int]) -> int:
    """A catalogue that two techniques priced, by the test as the worker."""
    return emptied.remembered(_a_priced_catalogue, sent)


def _a_priced_catalogue(sent: list[int]) -> int:
    with begin() as session:
        made = a_dataset(session, 300)
    pricing_actions.start(made, [specs.ConstantSpec(), specs.SPECS["ridge"]()])
    drain(sent)
    return made


def press(at: AppTest, label: str, place: int = 0) -> AppTest:
    return [button for button in at.button if button.label == label][place].click().run()


def fill(at: AppTest, start: str, text: str) -> None:
    next(each for each in at.text_input if str(each.key).startswith(start)).input(text)


def test_without_a_pricer_the_page_says_how_to_get_one(open_page: Open) -> None:
    at = open_page("pricers")
    assert is_well(at)
    assert "Nothing is in use yet" in texts(at)
    assert "Choose a technique" in labels(at)


def test_a_click_beside_the_verdict_puts_it_in_use(open_page: Open, dataset_id: int) -> None:
    at = open_page("tradeoffs")
    fill(at, "use-name-verdict", "monthly")
    at = press(at, "Use this")
    assert "Say who you are" in texts(at)
    assert actions.every() == []
    fill(at, "use-who-verdict", "Ann")
    at = press(at, "Use this")
    assert is_well(at)
    assert "monthly, version 1, is in use." in texts(at)
    (made,) = actions.every()
    assert (made.name, made.created_by, made.state) == ("monthly", "Ann", PricerState.IN_USE)
    assert made.spec["technique"] == "ridge"
    at = press(at, "Use this", place=1)  # beside the saved verdict, named as its dataset
    assert is_well(at)
    assert [(each.name, each.verdict_id) for each in actions.every()] == [("monthly", 1), ("things", 1)]


@pytest.fixture
def monthly(dataset_id: int) -> Pricer:
    """A pricer in use."""
    with begin() as session:
        ridge = next(job for job in jobs.all(session, dataset_id, JobKind.PRICE) if job.technique == "ridge")
    return actions.make("monthly", "Ann", job_id=ridge.id)


@pytest.mark.slow
def test_a_new_file_is_read_priced_and_given_back(
    open_page: Open, monthly: Pricer, sent: list[int], tmp_path: Path
) -> None:
    file = tmp_path / "june.csv"
    hers = a_catalogue(60, seed=4).select("brand", "category", "title", "description").write_csv()
    file.write_text(hers + '"never closed,x,y\n')
    with file.open("rb") as stream:
        number = dataset_actions.upload(file.name, stream)
    at = open_page("pricers", file=str(number))
    assert is_well(at)
    promised = promise.parse(monthly.promise)
    with amounts.written_in(amounts.DOLLARS):  # the currency of what it learned from
        said = promise.error(promised)
    assert f"Mean error {said}" in texts(at).replace("\\", "")
    assert at.dataframe[0].value["Mean error"][0] == said
    for _ in range(3):  # looked at, loaded, priced
        drain(sent)
        at.run()
        assert is_well(at)
    assert "61 rows: 1 for a person and 60 ok." in texts(at)
    assert {"Your file with prices", "Rows for a person"} <= {
        getattr(each, "label", "") for each in at.get("download_button")
    }
    job = new_file.pricing(monthly, number)
    assert job is not None
    with begin() as session:
        priced = priced_file.bytes_of(job, datasets.get(session, number)).decode().splitlines()
    assert [line[: len(old)] for line, old in zip(priced, file.read_text().splitlines(), strict=True)] == (
        file.read_text().splitlines()
    )
    (rest,) = priced_file.for_a_person(job.id).to_dicts()
    assert rest["product"].startswith('"never closed')
    assert rest["reason"].startswith("the row can't be read: ")


def test_a_file_that_can_not_be_priced_says_so(open_page: Open, monthly: Pricer, sent: list[int]) -> None:
    number = dataset_actions.upload("empty.csv", io.BytesIO(b""))
    at = open_page("pricers", file=str(number))
    drain(sent)
    at.run()
    assert len(at.error) == 1
    assert "Another file" in labels(at)


@pytest.mark.slow
def test_versions_move_with_who_and_why_and_by_their_number(open_page: Open, monthly: Pricer) -> None:
    second = actions.make("monthly", "Bob", job_id=monthly.job_id)
    at = open_page("pricers")
    fill(at, "why-pricer", "it is newer")
    assert "Say who you are" in texts(press(at, "Use it"))
    fill(at, "who-pricer", "Bob")
    fill(at, "why-pricer", "it is newer")
    at = press(at, "Use it")
    assert is_well(at)
    assert "Version 2 of monthly is now in use." in texts(at)
    assert actions.named("monthly").id == second.id
    at.selectbox(key=f"version-of-{monthly.id}").set_value(second.id).run()
    fill(at, "why-pricer", "it is worse")
    at = press(at, "Roll back")
    assert is_well(at)
    assert actions.named("monthly").id == monthly.id
    assert [each.who for each in actions.history("monthly")][:2] == ["Bob", "Bob"]
    at.selectbox(key=f"version-of-{monthly.id}").set_value(second.id).run()
    at = at.button(key=f"delete-pricer-{second.id}").click().run()
    assert is_well(at)
    assert [each.id for each in actions.every()] == [monthly.id]


def test_what_a_pricer_promises_stands_on_its_page(open_page: Open, monthly: Pricer) -> None:
    said = texts(open_page("pricers"))
    promised = promise.parse(monthly.promise)
    with amounts.written_in(amounts.DOLLARS):  # as what it learned from, whatever page was open before
        sentence = promise.sentence(promised)
    assert sentence in said.replace("\\", "")
    assert "learned from things" in said

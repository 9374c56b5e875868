"""The Results page: predictions are searched and chosen."""

import io

import polars as pl
import pytest

from db import datasets, jobs
from db.engine import begin
from db.types import DatasetState, Split
from tests.builders import a_catalogue, a_dataset
from tests.dashboard.conftest import Open, is_well, texts
from tests.dashboard.priced import a_finished_job
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from worker import specs
from worker.datasets import actions as dataset_actions
from worker.pricing import actions
from worker.pricing.priced_file import actions as priced_file


@pytest.mark.slow
def test_predictions_are_searched_and_filtered(open_page: Open, priced: int) -> None:
    at = open_page("results")
    assert "20 predictions of 20" in texts(at)
    at.text_input[0].set_value("LAMP acme").run()
    assert "Download the" in texts(at)
    shown = at.dataframe[0].value
    assert 0 < len(shown) < 20
    assert all("Lamp" in title for title in shown["title"])
    at.text_input[0].set_value("nowhere to be found").run()
    assert is_well(at)
    assert "0 predictions of 20" in texts(at)


@pytest.mark.slow
def test_columns_narrow_the_table_and_the_download_says_so(open_page: Open, priced: int) -> None:
    at = open_page("results", dataset=str(priced), job="1")
    at.multiselect("filter-by-1").set_value(["truth", "category"]).run()
    at.number_input("filter-1-truth-from").set_value(50).run()
    assert at.multiselect("filter-1-category").options
    at.selectbox("sort-1").set_value("truth").run()
    at.toggle("descending-1").set_value(True).run()
    assert is_well(at)
    dear = at.dataframe[0].value["truth"]
    assert 0 < len(dear) < 20
    assert min(dear) >= 50
    assert list(dear) == sorted(dear, reverse=True)
    assert f"Download the {len(dear)} of 20 predictions that fit** (true price from 50)" in texts(at)


@pytest.mark.slow
def test_every_prediction_is_reached_page_by_page(open_page: Open, database: str) -> None:
    with begin() as session:
        a_finished_job(session, a_dataset(session, 4_500), specs.ConstantSpec())
    at = open_page("results")
    seen = set(at.dataframe[0].value["title"])
    assert "450 predictions of 450, 1 to 200 shown" in texts(at)
    for page in (2, 3):
        at.pagination[0].set_value(page).run()
        seen |= set(at.dataframe[0].value["title"])
    assert "401 to 450 shown" in texts(at)
    assert len(seen) == 450
    assert is_well(at)


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


def test_a_job_that_nothing_can_be_promised_of_says_why(open_page: Open, priced: int) -> None:
    assert "No lists: no hit rate can be promised" in texts(open_page("results"))


@pytest.mark.slow
def test_a_wish_divides_rows_without_a_price_into_two_lists(open_page: Open, database: str, sent: list[int]) -> None:
    items = a_catalogue(1_540).with_columns(price=pl.when(pl.int_range(1_540) < 1_500).then(pl.col("price")))
    dataset_id = loaded("things.csv", items.drop("row").write_csv(), sent)
    [job_id] = actions.start(dataset_id, [specs.RidgeSpec()], Split.UNPRICED)
    drain(sent)
    at = open_page("results")
    most = at.slider[0].value
    assert most % 5 == 0
    assert "rows priced" in at.info[0].value
    assert "in at least 90% of all draws of calibration rows" in texts(at)
    assert "For a person" in texts(at)
    at.slider[0].set_value(99).run()
    assert "No share of the rows can be promised at 99%" in at.info[0].value
    assert "Your file, flagged at 99%" in buttons(at)
    with begin() as session:
        job, dataset = jobs.get(session, job_id), datasets.get(session, dataset_id)
    flagged = pl.read_csv(priced_file.bytes_of(job, dataset, hit_rate=0.99, within=0.2))
    # Nothing can be promised, so all that was priced is for a person.
    assert dict(flagged["pricewright_flag"].value_counts().iter_rows()) == {"not priced": 1_500, "for a person": 40}
    assert set(flagged.filter(pl.col("price").is_null())["pricewright_reason"]) == {"interval too wide"}
    assert is_well(at)


def loaded(name: str, text: str, sent: list[int]) -> int:
    """A dataset of a file that is kept."""
    dataset_id = dataset_actions.upload(name, io.BytesIO(text.encode()))
    drain(sent)
    with begin() as session:
        mapping = datasets.get(session, dataset_id).mapping
    dataset_actions.load(dataset_id, mapping)
    drain(sent)
    return dataset_id


def buttons(at) -> list[str]:
    return [each.proto.label for each in at.get("download_button")]


def test_her_own_file_is_offered_where_it_is_kept(open_page: Open, database: str, sent: list[int]) -> None:
    titles = [f"Lamp of size {i}" for i in range(40)]
    text = "title,price\n" + "".join(f"{title},{i + 3}\n" for i, title in enumerate(titles[:30])) + "\n"
    text += "".join(f"{title},\n" for title in titles[30:])
    dataset_id = loaded("my list.csv", text, sent)
    [job_id] = actions.start(dataset_id, [specs.ConstantSpec()], Split.UNPRICED)
    drain(sent)
    at = open_page("results")
    assert is_well(at)
    assert "Your file with prices" in buttons(at)
    with begin() as session:
        job, dataset = jobs.get(session, job_id), datasets.get(session, dataset_id)
    assert dataset.state is DatasetState.READY
    assert priced_file.name_of(dataset) == "my list-priced.csv"
    given = priced_file.bytes_of(job, dataset).decode().splitlines()
    assert [line.split(",")[:2] for line in given] == [line.split(",") if line else [""] for line in text.splitlines()]
    assert sum(",ok," in line for line in given) == 10


def test_a_dataset_without_its_file_offers_none(open_page: Open, priced: int) -> None:
    assert "Your file with prices" not in buttons(open_page("results"))

"""Sides and dates of her own on the pages: chosen at upload, told with what they tear apart, errors by date."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sqlalchemy import text

from db import datasets
from db.engine import begin
from tests.builders import a_catalogue, products
from tests.dashboard.conftest import Open, is_well, texts
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from worker.datasets import actions


@pytest.fixture
def dated(priced: int) -> int:
    """Test rows that are dated a day apart."""
    with begin() as session:
        session.execute(
            text("UPDATE items SET date = date '2024-01-01' + CAST(row AS int) WHERE dataset_id = :id"), {"id": priced}
        )
        session.execute(text("""UPDATE datasets SET mapping = '{"title": "name", "date": "sold"}'"""))
    return priced


def upload(frame: pl.DataFrame, folder: Path, sent: list[int]) -> int:
    frame.drop("row").write_csv(folder / "hers.csv")
    with (folder / "hers.csv").open("rb") as stream:
        made = actions.upload("hers.csv", stream)
    drain(sent)
    return made


def test_open_dates_are_asked_for_and_the_division_is_told(
    open_page: Open, sent: list[int], tmp_path: Path, database: object
) -> None:
    spelt = [f"{1 + i % 12:02}/{1 + i % 11:02}/2024" for i in range(120)]
    made = upload(a_catalogue(120).with_columns(sold=pl.Series(spelt)), tmp_path, sent)
    at = open_page("data", dataset=str(made))
    assert is_well(at)
    at.selectbox(key=f"map-{made}-date").set_value("sold")
    next(button for button in at.button if button.label == "Load this table").click().run()
    assert "Say what comes first in the dates of 'sold'" in texts(at)
    at.radio(key=f"order-{made}-sold").set_value("month-first")
    next(button for button in at.button if button.label == "Load this table").click().run()
    drain(sent)
    at = open_page("data", dataset=str(made))
    assert is_well(at)
    at.segmented_control[0].set_value("Sides").run()
    assert is_well(at)
    assert "Sides go by the column sold: test rows are dated on or after" in texts(at)
    assert "near-duplicates" in texts(at)
    with begin() as session:
        assert datasets.get(session, made).profile["division"]["by"] == "date"


def test_what_her_sides_tear_apart_is_a_warning_on_the_page(
    open_page: Open, sent: list[int], tmp_path: Path, database: object
) -> None:
    sides = np.where(np.arange(60) % 4 == 0, "holdout", "training")
    made = upload(a_catalogue(60).with_columns(part=pl.Series(sides)), tmp_path, sent)
    at = open_page("data", dataset=str(made))
    assert at.selectbox(key=f"map-{made}-side").value == "part", "proposed from its values"
    next(button for button in at.button if button.label == "Load this table").click().run()
    drain(sent)
    at = open_page("data", dataset=str(made))
    assert is_well(at)
    assert any("have a near-duplicate that is learned from" in warning.value for warning in at.warning)


def test_errors_by_date_are_a_closer_look_where_there_are_dates(open_page: Open, dated: int) -> None:
    at = open_page("tradeoffs", dataset=str(dated))
    at.segmented_control[0].set_value("By date").run()
    assert is_well(at)
    assert "Fewer than 60 test rows have a date" in texts(at)


@pytest.mark.slow
def test_rolling_origins_are_started_from_the_errors_by_date_and_shown_there(
    open_page: Open, dated: int, sent: list[int]
) -> None:
    at = open_page("tradeoffs", dataset=str(dated))
    at.segmented_control[0].set_value("By date").run()
    at.number_input(key=f"origins-days-{dated}").set_value(12).run()
    at.button(key=f"origins-start-{dated}").click().run()
    assert any("do not give 12 origins" in error.value for error in at.error)
    at.number_input(key=f"origins-days-{dated}").set_value(2).run()
    names = at.multiselect(key=f"origins-{dated}").value
    at.button(key=f"origins-start-{dated}").click().run()
    at = open_page("tradeoffs", dataset=str(dated))
    at.segmented_control[0].set_value("By date").run()
    assert any("at it now" in info.value for info in at.info)
    drain(sent)
    at = open_page("tradeoffs", dataset=str(dated))
    at.segmented_control[0].set_value("By date").run()
    assert is_well(at)
    shown = at.dataframe[-1].value
    assert shown["Technique"].to_list() == sorted([*names, *names], key=names.index)
    assert (shown["Rows"] >= 30).all()
    assert (shown["Learned from"] >= 30).all()


def test_a_small_table_is_cross_fitted_from_the_run_page_and_shown_with_intervals(
    open_page: Open, sent: list[int], tmp_path: Path, database: object
) -> None:
    made = upload(products(60), tmp_path, sent)
    with begin() as session:
        mapping = datasets.get(session, made).mapping
    actions.load(made, mapping)
    drain(sent)
    at = open_page("tradeoffs", dataset=str(made))
    assert any("Start it on the Run page" in warning.value for warning in at.warning)
    at = open_page("run", dataset=str(made), technique="constant")
    assert any("Only 60 rows have a price" in warning.value for warning in at.warning)
    at.button(key=f"cross-fit-{made}").click().run()
    drain(sent)
    at = open_page("tradeoffs", dataset=str(made))
    assert is_well(at)
    assert any("each priced by fits that had not seen it" in info.value for info in at.info)
    assert at.dataframe[0].value["verdict"].to_list()[0] == "ahead"
    assert not any("No technique has been measured" in text.value for text in at.markdown), "they are the answer"


def test_a_tiny_table_says_what_can_be_had(open_page: Open, sent: list[int], tmp_path: Path, database: object) -> None:
    made = upload(products(25), tmp_path, sent)
    with begin() as session:
        mapping = datasets.get(session, made).mapping
    actions.load(made, mapping)
    drain(sent)
    at = open_page("run", dataset=str(made))
    assert any("zero-shot" in warning.value for warning in at.warning)
    assert not any(button.key == f"cross-fit-{made}" for button in at.button)

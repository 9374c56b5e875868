"""The Data page: a file becomes a dataset, questions are asked first, trouble is told."""

import io

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest

from dashboard.shared import navigation, reads
from db import chunks, datasets, jobs, price_decisions, rates
from db.engine import begin
from db.errors import WrongState
from db.job_progress import JobProgress
from db.types import DatasetState, JobKind, JobState, MadeBy, Queue, Step
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, texts
from worker.datasets import actions as dataset_actions
from worker.jobs import actions


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


BOOK = {
    "kind": "xlsx",
    "sheet": "Goods",
    "sheets": [["Cover", "2 rows, 1 column"], ["Goods", "9 rows, 2 columns"], ["Old", ""]],
    "header_line": 3,
    "columns": ["Artikel", "Preis"],
    "forced": {"header_line": 3},
}


def test_another_sheet_of_a_workbook_is_looked_at_with_a_header_of_its_own(open_page: Open) -> None:
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=BOOK, mapping={"title": "Artikel"})
    at = open_page("data")
    sheets = at.selectbox(key=f"sheet-{dataset_id}")
    assert sheets.options == ["Goods (9 rows, 2 columns)", "Cover (2 rows, 1 column)", "Old"]
    sheets.select("Old").run()
    assert is_well(at)
    with begin() as session:
        assert datasets.get(session, dataset_id).inspection["forced"] == {"sheet": "Old"}


def test_a_file_whose_look_failed_is_looked_at_in_another_encoding(open_page: Open) -> None:
    text = "id,title,price\na1,机のランプ,5\n".encode("shift_jis")
    sha256 = dataset_actions.store(io.BytesIO(text))
    with begin() as session:
        dataset_id = datasets.create(session, name="shop", sha256=sha256, file_name="shop.csv")
        datasets.change(session, dataset_id, state=DatasetState.FAILED, error="This is not text.")
    at = open_page("data")
    choice = at.selectbox(key=f"again-encoding-{dataset_id}")
    assert "shift_jis: a1,机のランプ,5" in choice.options
    choice.select("shift_jis")
    at.button(key=f"look-{dataset_id}").click().run()
    assert is_well(at)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        assert (dataset.state, dataset.inspection["forced"]) == (DatasetState.UPLOADED, {"encoding": "shift_jis"})


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


def test_columns_are_proposed_as_they_were_mapped_in_the_table_before(open_page: Open) -> None:
    before = {"title": "Artikel", "description": "Preis"}  # as a person chose there
    an_upload(DatasetState.READY, inspection=INSPECTION, mapping=before, splits={})
    dataset_id = an_upload(
        DatasetState.INSPECTED, inspection=INSPECTION, mapping={"title": "Artikel", "price": "Preis"}
    )
    at = open_page("data", dataset=str(dataset_id))
    assert is_well(at)
    assert at.selectbox(key=f"map-{dataset_id}-description").value == "Preis"
    assert "Proposed as in shop, which has these columns too" in texts(at)


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
    answers = dataset.inspection["answers"]
    assert (answers["decimal"], answers["wide_rows"]) == (",", False)


def test_the_likelier_sign_is_preselected_and_said_to_be_unsure(open_page: Open) -> None:
    look = INSPECTION | {
        "decimals": {},
        "undecided": {"Preis": "with a decimal point '1.294' is 1.294, ..."},
        "likelier": {"Preis": {"sign": ",", "why": "prices in EUR have 2 decimals"}},
    }
    an_upload(DatasetState.INSPECTED, inspection=look, mapping={"title": "Artikel", "price": "Preis"})
    at = open_page("data")
    assert is_well(at)
    assert sign(at).value == "comma"
    assert "A decimal comma is likelier, because prices in EUR have 2 decimals; it is not sure." in texts(at)


def test_ranges_of_prices_are_read_as_their_lower_end_where_a_person_says_so(open_page: Open) -> None:
    look = INSPECTION | {"ranges": {"Preis": "10-20"}}
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=look, mapping={"title": "Artikel", "price": "Preis"})
    at = open_page("data")
    assert "are ranges, such as '10-20': those rows become rejects" in texts(at)
    next(box for box in at.checkbox if box.label == "Read a range as its lower end").check()
    press_load(at)
    assert is_well(at)
    with begin() as session:
        assert datasets.get(session, dataset_id).inspection["answers"]["lower_ends"] is True


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

    def ends_just_before(dataset_id: int, kind: JobKind) -> JobProgress | None:
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


def _chooser() -> None:
    """What stands in the window that adds a table; AppTest opens windows for one run only."""
    from dashboard.parts.data import upload

    upload.upload()


def asked_about_the_same_file() -> tuple[AppTest, int]:
    """The page after a file was uploaded again whose first upload is loaded."""
    content = b"title,price\nLamp,12\nMug,3\n"
    known = dataset_actions.upload("lamps.csv", io.BytesIO(content))
    with begin() as session:
        datasets.change(session, known, state=DatasetState.READY, mapping={"title": "title"}, items=2)
    at = AppTest.from_function(_chooser, default_timeout=60).run()
    at.file_uploader[0].set_value(("again.csv", content, "text/csv")).run()
    assert is_well(at)
    assert "the same file, byte by byte" in texts(at)
    with begin() as session:
        assert len(datasets.all(session)) == 1
    return at, known


@pytest.mark.slow
def test_the_same_file_again_is_asked_about_and_opened(database: str) -> None:
    at, known = asked_about_the_same_file()
    at.button(key=f"same-open-{known}").click().run()
    assert is_well(at)
    assert at.query_params["dataset"] == str(known)
    with begin() as session:
        assert len(datasets.all(session)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "made_by"), [("version", MadeBy.FILE), ("separate", None)])
def test_the_same_file_again_becomes_a_version_or_a_table_of_its_own(
    database: str, answer: str, made_by: MadeBy | None
) -> None:
    at, known = asked_about_the_same_file()
    at.button(key=f"same-{answer}-{known}").click().run()
    assert is_well(at)
    with begin() as session:
        made, _ = datasets.all(session)
    assert (made.made_by, made.made_from) == (made_by, known if made_by else None)
    assert made.name == ("lamps" if made_by else "again")


def test_a_version_says_what_changed_and_leads_to_its_parent(open_page: Open, priced: int) -> None:
    with begin() as session:
        price_decisions.put(session, priced, 1, "fix", 999.0)
        made = price_decisions.apply(session, priced, "curated")
    at = open_page("data", dataset=str(made))
    told = "0 products added, 0 removed, 1 repriced, told by title and description"
    assert f"A version of dataset {priced}, things with decided prices: {told}." in texts(at)
    at.button(key=f"open-dataset-{priced}").click().run()
    assert f"Newer version: dataset {made}, curated: {told}." in texts(at)


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


@pytest.mark.slow
def test_a_dataset_is_renamed_noted_archived_and_shown_when_asked(open_page: Open, priced: int) -> None:
    with begin() as session:
        other = a_dataset(session, 20, name="other")
    at = open_page("data", dataset=str(priced))
    at.text_input(f"name-of-dataset-{priced}").set_value("May")
    at.text_area(f"note-of-dataset-{priced}").set_value("From the *shop*.")
    next(button for button in at.button if button.label == "Save").click().run()
    assert "From the \\*shop\\*." in texts(at)
    assert any(option.startswith("May") for option in at.selectbox("dataset_picker").options)
    at.button(f"archive-dataset-{priced}").click().run()
    assert is_well(at)
    later = open_page("data")  # another visitor
    assert [option.split(" ")[0] for option in later.selectbox("dataset_picker").options] == ["other"]
    later.toggle(navigation.ARCHIVED).set_value(True).run()
    assert any("archived" in option for option in later.selectbox("dataset_picker").options)
    assert later.query_params["dataset"] == str(other)
    at.button(f"restore-dataset-{priced}").click().run()
    assert is_well(at)
    assert len(open_page("data").selectbox("dataset_picker").options) == 2


def test_before_a_dataset_is_deleted_its_page_lists_what_depends_on_it(open_page: Open, priced: int) -> None:
    at = open_page("data")
    assert "With it go 120 predictions and 6 jobs." in texts(at)


EURO = {"code": "EUR", "others": [], "shares": {"EUR": 1.0}, "source": "the sign €", "is_open": False}
CROWNS = {"code": "SEK", "others": ["NOK", "DKK"], "shares": {}, "source": "the sign kr", "is_open": True}


@pytest.mark.parametrize(
    ("look", "proposed", "chosen"), [({"Preis": EURO}, "EUR", "CHF"), ({"Preis": CROWNS}, "?", "DKK"), ({}, "", "EUR")]
)
def test_the_currency_of_prices_is_proposed_and_confirmed(open_page: Open, look: dict, proposed: str, chosen: str):
    mapping = {"title": "Artikel", "price": "Preis"}
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=INSPECTION | {"currencies": look}, mapping=mapping)
    at = open_page("data")
    assert is_well(at)
    box = at.selectbox(key=f"currency-{dataset_id}-Preis-")
    assert box.value == proposed
    box.select(chosen)
    next(button for button in at.button if button.label == "Load this table").click().run()
    assert is_well(at)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
    assert (dataset.currency, dataset.state) == (chosen, DatasetState.LOADING)


def test_a_currency_that_has_to_be_said_is_asked_for_and_several_are_told(open_page: Open) -> None:
    mixed = CROWNS | {"shares": {"SEK": 0.75, "EUR": 0.25}}
    mapping = {"title": "Artikel", "price": "Preis"}
    dataset_id = an_upload(
        DatasetState.INSPECTED, inspection=INSPECTION | {"currencies": {"Preis": mixed}}, mapping=mapping
    )
    at = open_page("data")
    warned = " ".join(warning.value for warning in at.warning)
    assert "can also mean NOK or DKK" in warned
    assert "SEK 75 % and EUR 25 %" in warned
    next(button for button in at.button if button.label == "Load this table").click().run()
    assert "Say which currency the prices" in at.error[0].value
    with begin() as session:
        assert datasets.get(session, dataset_id).state is DatasetState.INSPECTED


def test_prices_are_shown_in_the_currency_and_one_that_nobody_said_is_asked_once(
    database: str, open_page: Open
) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 50, currency="")
        profile = {"price": {"count": 50, "quantiles": dict.fromkeys(("0.0", "0.25", "0.5", "0.75", "1.0"), 12.5),
                             "histogram": {"edges": [10, 20], "counts": [50]}}}  # fmt: skip
        datasets.change(session, dataset_id, profile=profile)
    at = open_page("data")
    assert is_well(at)
    assert next(metric for metric in at.metric if metric.label == "Median price").value == "12.50"
    assert "$" not in texts(at)
    at.selectbox(key=f"currency-{dataset_id}").select("EUR").run()
    at.button(key=f"currency-save-{dataset_id}").click().run()
    assert is_well(at)
    assert next(metric for metric in at.metric if metric.label == "Median price").value == "€12.50"

"""Forms make the specs they show, downloads hold everything, and errors are one sentence."""

import io
import json
import logging
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.parts.data import upload
from dashboard.shared import forms
from tests.dashboard.conftest import texts
from worker import specs
from worker.pricing import export


def form_page(technique: str) -> None:
    import streamlit as st

    from dashboard.shared import forms

    st.session_state["spec"] = forms.spec_form(technique).model_dump_json()


@pytest.mark.slow
@pytest.mark.parametrize("technique", specs.SPECS)
def test_an_untouched_form_makes_the_default_spec(technique: str) -> None:
    at = AppTest.from_function(form_page, args=(technique,)).run()
    assert not at.exception
    assert at.session_state["spec"] == specs.SPECS[technique]().model_dump_json()


@pytest.mark.slow
@pytest.mark.parametrize("technique", specs.SPECS)
def test_every_field_of_a_spec_has_an_input(technique: str) -> None:
    at = AppTest.from_function(form_page, args=(technique,)).run()
    kind = specs.SPECS[technique]
    shown = {name for name in specs.asked_fields(kind) if not forms.endpoint_only(kind.model_fields[name])}
    assert {element.key for element in inputs(at)} == {f"spec-{technique}-{name}" for name in shown}


def inputs(at: AppTest) -> list[Any]:
    return [*at.number_input, *at.selectbox, *at.toggle, *at.text_input, *at.multiselect]


def hosted_page() -> None:
    import streamlit as st

    from dashboard.shared import forms

    choices = forms.Choices(models=("gemma3-270m", "shop:big"), prompts=("auto", "question", "question@1"))
    st.session_state["spec"] = forms.spec_form("zero-shot", choices).model_dump_json()


def test_what_only_a_hosted_model_has_is_asked_for_when_one_is_chosen() -> None:
    at = AppTest.from_function(hosted_page).run()
    assert "spec-zero-shot-batch" not in {element.key for element in inputs(at)}
    at.selectbox(key="spec-zero-shot-model").select("shop:big").run()
    at.selectbox(key="spec-zero-shot-batch").select("on").run()
    at.selectbox(key="spec-zero-shot-prompt").select("question@1").run()
    spec = specs.parse(json.loads(at.session_state["spec"]))
    assert spec == specs.ZeroShotSpec(model="shop:big", batch="on", prompt="question@1")


def test_a_model_that_nobody_lists_is_written_in() -> None:
    at = AppTest.from_function(hosted_page).run()
    at.selectbox(key="spec-zero-shot-model").select(forms.OTHER).run()
    assert '"model":"gemma3-270m"' in at.session_state["spec"]
    at.text_input(key="spec-zero-shot-model-other").set_value("shop:unlisted").run()
    assert '"model":"shop:unlisted"' in at.session_state["spec"]


def test_a_form_keeps_numbers_within_the_bounds_of_the_field() -> None:
    at = AppTest.from_function(form_page, args=("neighbours",)).run()
    k = at.number_input(key="spec-neighbours-k")
    assert (k.min, k.max) == (1, 200)
    k.set_value(3)
    at.run()
    assert '"k":3' in at.session_state["spec"]


def failing_page(kind: str) -> None:
    from dashboard.shared import widgets
    from db.engine import DatabaseAway
    from db.errors import NotReady

    with widgets.tell_errors():
        raise {"user": NotReady("No worker is running, $5."), "away": DatabaseAway("gone"), "bug": KeyError("x")}[kind]


@pytest.mark.parametrize(
    ("kind", "sentence", "logged"),
    [
        ("user", "No worker is running, \\$5.", False),
        ("away", "The database does not answer; wait a moment and reload the page.", True),
        ("bug", "Something went wrong on our side; the dashboard's log has the details.", True),
    ],
)
def test_errors_are_one_sentence_and_tracebacks_go_to_the_log(
    kind: str, sentence: str, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="dashboard.shared.widgets"):
        at = AppTest.from_function(failing_page, args=(kind,)).run()
    assert not at.exception
    assert [error.value for error in at.error] == [sentence]
    assert any(record.exc_info for record in caplog.records if record.name == "dashboard.shared.widgets") is logged


def test_downloads_neutralise_formulas_and_keep_every_line() -> None:
    frame = pl.DataFrame({"title": ["=1+1", "+cmd", "plain"] * 500, "price": [1.0, 2.0, None] * 500})
    csv = pl.read_csv(io.BytesIO(export.to_csv(frame)))
    xlsx = pl.read_excel(io.BytesIO(export.to_xlsx(frame)))
    parquet = pl.read_parquet(io.BytesIO(export.to_parquet(frame)))
    for safe in (csv, xlsx):
        assert safe["title"].to_list()[:3] == ["'=1+1", "'+cmd", "plain"]
        assert len(safe) == 1500
    assert parquet.equals(frame)


def test_short_and_long_rows_of_a_preview_fit_its_columns() -> None:
    frame = upload.preview(["a", "b"], [["1"], ["1", "2", "3"]])
    assert frame.rows() == [("1", ""), ("1", "2")]


def test_a_workbook_is_described_by_its_sheet() -> None:
    assert (
        upload.dialect({"kind": "xlsx", "sheet": "Items", "header_line": 1})
        == "XLSX · sheet “Items” · header on line 1"
    )
    assert (
        upload.dialect({"kind": "parquet", "compression": "gzip"})
        == "PARQUET, gzipped · no header, columns are numbered"
    )


def detail_page(evidence: str | None, status: str = "ok") -> None:
    from dashboard.parts.results import predictions

    predictions.detail(
        {
            "row": 3, "title": "*Lamp* $5", "description": "Bright.", "category": "Lamps", "brand": "",
            "price": 12.5 if status == "ok" else None, "truth": 10.0, "usd": 0.0001, "seconds": 0.2,
            "tokens_in": 190, "tokens_out": 4, "status": status, "evidence": evidence,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "tables"),
    [
        (None, 0),
        ('{"category": "Lamps", "n": 33}', 1),
        ('[{"row": 1, "similarity": 0.9, "price": 12.0, "title": "Lamp"}]', 1),
        ('{"text": "12", "words": [{"word": "lamp", "weight": 0.3}], "top": [1, 2]}', 3),
    ],
)
def test_evidence_of_any_shape_is_shown(evidence: str | None, tables: int) -> None:
    at = AppTest.from_function(detail_page, args=(evidence,)).run()
    assert not at.exception
    assert len(at.dataframe) == tables


def test_an_unparsed_answer_is_said_to_be_no_price() -> None:
    at = AppTest.from_function(detail_page, args=(None, "unparsed")).run()
    assert "never as 0" in texts(at)
    assert at.metric[0].value == "–"

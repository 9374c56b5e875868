"""The pages around prompts, endpoints and paid runs: what they show, and what their buttons do."""

import json
from decimal import Decimal
from io import StringIO

import polars as pl
import pytest
from rich.console import Console
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from dashboard.parts.compare import reads as compare_reads
from dashboard.shared import forms, reads
from db import endpoints, job_progress, jobs
from db.engine import begin
from db.types import Endpoint, EndpointModel, JobState
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, texts
from tests.dashboard.priced import a_capped_job, a_finished_job, a_priced_dataset
from worker import specs
from worker.cli import tables
from worker.endpoints import actions as endpoint_actions
from worker.evaluation import context_curve
from worker.pricing import comparison
from worker.prompts import actions

pytestmark = pytest.mark.slow

BIG = "shop:big"


@pytest.fixture
def dataset(database: str) -> int:
    """200 items, 20 of them test rows; an endpoint with a model that uses tools, and one of no price that has ended."""
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        endpoints.add(
            session, Endpoint("shop", "http://127.0.0.1:9/v1", key_env="PRICEWRIGHT_KEY_SHOP", requests_per_minute=60)
        )
        models = (
            EndpointModel("big", abilities={"logprobs": True, "tools": True}),
            EndpointModel("old", shutdown_date="2020-01-01", abilities={"tools": False}),
        )
        endpoints.set_models(session, "shop", models)
    endpoint_actions.set_price("shop", "big", input=1, output=2)
    return dataset_id


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


# Run


def hosted_run(open_page: Open, model: str = BIG, techniques: tuple[str, ...] = ("zero-shot", "rag")) -> AppTest:
    at = open_page("run")
    at.pills[0].set_value(list(techniques)).run()
    return at.selectbox(key=forms.MODEL).select(model).run()


def test_one_model_is_chosen_for_all_techniques_and_may_be_changed_for_one(open_page: Open, dataset: int) -> None:
    at = hosted_run(open_page)
    assert is_well(at)
    assert at.selectbox(key="spec-zero-shot-model").value == at.selectbox(key="spec-rag-model").value == BIG
    at.selectbox(key="spec-rag-model").select("gemma3-270m").run()
    assert [at.selectbox(key=f"spec-{name}-model").value for name in ("zero-shot", "rag")] == [BIG, "gemma3-270m"]


def test_a_hosted_run_shows_tokens_and_money_and_is_started_with_its_cap(open_page: Open, dataset: int) -> None:
    at = hosted_run(open_page)
    shown = at.dataframe[0].value
    assert all(cost.startswith("$") for cost in shown["Total $"])
    assert all(" + " in tokens for tokens in shown["Tokens"])
    at.number_input(key="run-cap").set_value(0.25)
    press(at, "Start 2 jobs")
    assert is_well(at)
    with begin() as session:
        assert [job.cap_usd for job in jobs.all(session, dataset)] == [Decimal("0.25")] * 2


@pytest.mark.parametrize(("typed", "kept"), [(0.0, Decimal(0)), (None, None)])
def test_a_cap_of_nothing_is_a_cap_and_an_empty_field_is_none(
    open_page: Open, dataset: int, typed: float | None, kept: Decimal | None
) -> None:
    at = hosted_run(open_page)
    at.number_input(key="run-cap").set_value(typed)
    press(at, "Start 2 jobs")
    with begin() as session:
        assert [job.cap_usd for job in jobs.all(session, dataset)] == [kept] * 2


def test_without_a_hosted_model_no_cap_is_asked_for(open_page: Open, dataset: int) -> None:
    at = open_page("run")
    assert "run-cap" not in {element.key for element in at.number_input}


def test_an_unknown_price_is_said_to_be_unknown_and_an_ended_model_is_warned_about(
    open_page: Open, dataset: int
) -> None:
    at = hosted_run(open_page, "shop:old", ("zero-shot", "tools"))
    assert set(at.dataframe[0].value["Total $"]) == {"unknown"}
    assert "is **unknown**" in texts(at)
    warnings = " ".join(str(element.value) for element in at.warning)
    assert "was shut down on 2020-01-01" in warnings
    assert "can't call tools" in warnings


def test_tools_are_offered_only_where_an_endpoint_is(open_page: Open) -> None:
    with begin() as session:
        a_dataset(session, 200)
    at = open_page("run")
    assert "Prompt with tools" not in at.pills[0].options
    assert at.pills[0].value == [name for name, kind in specs.SPECS.items() if kind.is_preselected]


def test_a_context_curve_starts_one_job_per_number_of_examples(open_page: Open, dataset: int) -> None:
    at = hosted_run(open_page, techniques=("rag",))
    press(at, "Context curve: RAG")
    assert is_well(at)
    with begin() as session:
        started = jobs.all(session, dataset)
    assert sorted(job.spec["k"] for job in started) == list(context_curve.STEPS)


# Jobs


def test_a_job_at_its_cap_says_what_it_took_and_goes_on_with_a_higher_one(open_page: Open, dataset: int) -> None:
    with begin() as session:
        job_id = a_capped_job(session, dataset, specs.MultiShotSpec(model=BIG))
    at = open_page("jobs")
    assert "The cap of \\$0.10 is reached" in at.warning[0].value
    said = texts(at)
    for part in (
        "12.4k tokens in, 380 out",
        "\\$0.030 saved",
        "3 retries",
        "2 waits for the rate limit",
        "cap \\$0.10",
    ):
        assert part in said
    at.number_input(key=f"new-cap-{job_id}").set_value(0.5)
    press(at, "Raise the cap and resume")
    assert is_well(at)
    with begin() as session:
        job = jobs.get(session, job_id)
    assert (job.state, job.cap_usd) == (JobState.RUNNING, Decimal("0.5"))


# Results


@pytest.fixture
def priced(dataset: int) -> int:
    with begin() as session:
        a_priced_dataset(session, dataset, ("constant",))
        for technique in ("rag", "tools", "chained"):
            a_finished_job(session, dataset, specs.parse({"technique": technique, "model": BIG}))
    return dataset


def test_what_the_model_adds_to_its_neighbours_is_said(open_page: Open, priced: int) -> None:
    at = open_page("results", job="2")
    assert any("neighbours alone" in element.value for element in at.info)


def test_rows_whose_text_looks_hostile_can_be_looked_at_alone(open_page: Open, priced: int) -> None:
    at = open_page("results", job="2")
    everything = len(at.dataframe[0].value)
    next(each for each in at.toggle if "looks like instructions" in each.label).set_value(True).run()
    assert is_well(at)
    assert 0 < len(at.dataframe[0].value) < everything


def detail_page(evidence: str) -> None:
    from dashboard.parts.results import predictions

    predictions.detail(
        {
            "row": 3, "title": "Lamp", "description": "", "category": "", "brand": "", "price": 12.5, "truth": 10.0,
            "usd": 0.0012, "saved_usd": 0.03, "seconds": 0.2, "tokens_in": 190, "tokens_cached": 64, "tokens_out": 4,
            "status": "ok", "evidence": evidence,
        },
        paid=True,
    )  # fmt: skip


def test_every_kind_of_evidence_is_shown(open_page: Open, priced: int) -> None:
    for job_id, tabs in ((2, {"Neighbours (5)", "Facts"}), (3, {"Tool calls (2)"}), (4, {"Steps (2)"})):
        line = compare_reads.one(reads.predictions(job_id, "done"), 182)  # a multiple of 7: flagged
        assert line
        at = AppTest.from_function(detail_page, args=(line["evidence"],)).run()
        assert is_well(at)
        assert {tab.label for tab in at.tabs} == {"Answer", "Prompt as sent"} | tabs
        assert json.loads(line["evidence"])["prompt"] in [element.value for element in at.code]
        assert "looks like instructions" in at.warning[0].value
        assert {"fitted", "ignored"} <= set(" ".join(element.value for element in at.info).split())
        assert "\\$0.0012 paid, \\$0.030 saved" in texts(at)
        assert "64 at the cached tariff" in texts(at)


# Compare


def test_two_runs_are_compared_row_by_row_with_a_verdict(open_page: Open, priced: int) -> None:
    at = open_page("compare", a="1", b="2")
    assert is_well(at)
    assert "RAG" in at.info[0].value
    assert "paired difference" in at.info[0].value
    shown = at.dataframe[0].value
    by = shown["by"].to_list()
    assert by == sorted(by, reverse=True)
    assert set(shown["nearer"]) <= {"A", "B", "alike"}


def test_a_row_that_only_one_run_answered_counts_for_that_one(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        first = a_finished_job(session, dataset_id, specs.ConstantSpec())
        second = a_finished_job(session, dataset_id, specs.ZeroShotSpec())
    frame = compare_reads.pair((first, "x"), (second, "y"))
    unread = frame.filter(pl.col("price_b").is_null())
    assert len(frame) == 40
    assert len(unread) > 0
    assert set(unread["nearer"]) == {"a"}
    assert unread["by"].null_count() == len(unread)
    both = frame.drop_nulls("by")
    assert (both["by"] - (both["error_a"] - both["error_b"]).abs()).abs().max() < 1e-5


# Context curve


def test_a_context_curve_is_drawn_and_kept_out_of_the_comparison(open_page: Open, dataset: int) -> None:
    with begin() as session:
        a_priced_dataset(session, dataset, ("constant",))
        for k in (0, 1, 3):
            a_finished_job(session, dataset, specs.RagSpec(model=BIG, k=k))
    at = open_page("tradeoffs")
    assert "3 steps of context curves" in texts(at)
    assert len(at.dataframe[0].value) == 1
    at.segmented_control[0].set_value("Context").run()
    assert is_well(at)
    assert "neighbours" in at.info[-1].value
    assert "k = 0, 1, 3" in at.selectbox[-1].options[0]


def test_a_job_of_unknown_cost_is_named_and_not_counted_as_free(open_page: Open, dataset: int) -> None:
    with begin() as session:
        a_priced_dataset(session, dataset, ("constant",))
        job_id = a_finished_job(session, dataset, specs.ZeroShotSpec(model="shop:old"))
        session.execute(text("UPDATE predictions SET usd = NULL WHERE job_id = :job"), {"job": job_id})
    at = open_page("tradeoffs")
    assert is_well(at)
    assert "costs is unknown, so it is not on the chart" in texts(at)
    shown = dict(zip(at.dataframe[0].value["label"], at.dataframe[0].value["usd_per_1000"], strict=True))
    assert [cost for name, cost in shown.items() if "shop:old" in name] == ["unknown"]


def test_lost_money_is_told_on_the_card_beside_the_comparison_and_on_the_command_line(
    open_page: Open, dataset: int
) -> None:
    with begin() as session:
        a_priced_dataset(session, dataset, ("constant",))
        job_id = a_finished_job(session, dataset, specs.ZeroShotSpec(model="shop:old"))
        jobs.lose(session, job_id, Decimal("2.5"))
        job, (progress,) = jobs.get(session, job_id), job_progress.of(session, [job_id])
    card, beside = (texts(open_page(page)).replace("\\", "") for page in ("jobs", "tradeoffs"))
    assert "of it up to $2.50 lost with calls that brought no answer" in card
    assert "Lost besides with calls that brought no answer: up to $2.50" in beside

    screen = StringIO()
    told = Console(file=screen, width=250)
    told.print(tables.job_table([job], {job_id: progress}))
    told.print(tables.comparison(comparison.of_jobs([job_id])))
    said = " ".join(screen.getvalue().split())
    assert "Up to $2.50000 is lost with calls that brought no answer." in said
    assert f"lost besides, $: 2.50000 in job {job_id}" in said


# Prompts


def test_an_edited_prompt_is_previewed_saved_and_handed_to_the_run_page(open_page: Open, dataset: int) -> None:
    at = open_page("prompts")
    assert is_well(at)
    mine = actions.get("question").template.replace("What does this product cost?", "How dear is this?")
    at.text_area(key="template-question@1").set_value(mine).run()
    assert any("How dear is this?" in element.value for element in at.code)
    at.selectbox(key="prompt-model").select(BIG).run()
    assert "per 1,000 items" in texts(at)
    at.text_input(key="save-note").set_value("dearer")
    press(at, "Save as a new version")
    assert is_well(at)
    assert actions.get("question").note == "dearer"
    assert "question has version 2 now" in texts(at)
    assert "+How dear is this?" in at.code[-1].value
    press(at, "Use question@2 on the Run page")
    assert at.title[0].value == "Run"
    assert at.selectbox(key="spec-zero-shot-prompt").value == "question@2"


def test_a_prompt_that_can_not_be_used_says_why_and_is_not_saved(open_page: Open, dataset: int) -> None:
    at = open_page("prompts")
    at.text_area(key="template-question@1").set_value("{{ nothing_known }}").run()
    assert not at.exception
    assert len(at.error) == 1
    before = len(actions.every())
    press(at, "Save as a new version")
    assert not at.exception
    assert len(actions.every()) == before


def test_prompts_can_be_looked_at_without_a_dataset(open_page: Open) -> None:
    at = open_page("prompts")
    assert is_well(at)
    assert "sample product" in texts(at)


# Endpoints


def test_the_first_endpoint_is_added_from_a_preset(open_page: Open) -> None:
    at = open_page("endpoints")
    assert is_well(at)
    assert "enter its key afterwards, which is kept encrypted" in texts(at)
    at.pills[0].set_value("vllm").run()
    at.text_input(key="new-name-vllm").set_value("mine")
    press(at, "Add it")
    assert is_well(at)
    with begin() as session:
        assert endpoints.get(session, "mine").base_url == "http://127.0.0.1:8000/v1"
    assert "press Test" in texts(at)


def test_a_key_where_its_name_belongs_is_refused_in_one_sentence(open_page: Open) -> None:
    at = open_page("endpoints")
    at.text_input(key="new-key-openai").set_value("sk-abc")
    press(at, "Add it")
    assert not at.exception
    assert len(at.error) == 1
    assert "sk-abc" not in at.error[0].value
    with begin() as session:
        assert endpoints.all(session) == []


def test_models_are_listed_with_end_abilities_and_dated_price(open_page: Open, dataset: int) -> None:
    at = open_page("endpoints")
    assert "PRICEWRIGHT\\_KEY\\_SHOP" in texts(at)
    lines = {line["Model"]: line for line in at.dataframe[0].value.to_dict("records")}
    assert (lines["big"]["Tools"], lines["big"]["Batches"], lines["big"]["In"]) == ("yes", "?", "$1.00")
    assert lines["big"]["Price from"].startswith("entered by hand, 20")
    assert (lines["old"]["Tools"], lines["old"]["In"]) == ("no", "unknown")
    assert "was shut down on 2020-01-01" in " ".join(str(element.value) for element in at.warning)


def test_a_price_is_entered_by_hand(open_page: Open, dataset: int) -> None:
    at = open_page("endpoints")
    at.selectbox(key="price-model-shop-None").select("old")
    at.number_input(key="price-shop-input").set_value(0.5)
    at.number_input(key="price-shop-output").set_value(1.5)
    press(at, "Set this price from now on")
    assert is_well(at)
    tariff = endpoint_actions.price("shop", "old")
    assert tariff
    assert (tariff.input, tariff.output) == (Decimal("0.5"), Decimal("1.5"))


def test_what_training_costs_is_entered_alone_and_unknown_until_then(open_page: Open, dataset: int) -> None:
    at = open_page("endpoints")
    assert set(at.dataframe[0].value["Training"]) == {"unknown"}
    before = endpoint_actions.price("shop", "big")
    at.selectbox(key="price-model-shop-None").select("big")
    at.number_input(key="price-shop-training").set_value(2.5)
    press(at, "Set this price from now on")
    assert is_well(at)
    assert endpoint_actions.training_price("shop", "big") == Decimal("2.5")
    assert endpoint_actions.price("shop", "big") == before
    assert list(open_page("endpoints").dataframe[0].value["Training"]) == ["$2.50", "unknown"]


def test_an_endpoint_that_does_not_answer_is_told_in_sentences(open_page: Open, dataset: int) -> None:
    with begin() as session:
        endpoints.change(session, "shop", key_env="")
    at = open_page("endpoints")
    press(at, "Test")
    assert not at.exception
    assert len(at.error) == 1


def test_an_endpoint_is_changed_and_removed(open_page: Open, dataset: int) -> None:
    at = open_page("endpoints")
    at.text_input(key="change-url-shop").set_value("https://example.org/v1")
    press(at, "Change it")
    with begin() as session:
        changed = endpoints.get(session, "shop")
    assert (changed.base_url, changed.key_env) == ("https://example.org/v1", "")
    assert "belonged to the old address" in texts(at)
    assert at.text_input(key="change-key-shop").value == ""
    at.text_input(key="change-key-shop").set_value("HOME")
    press(at, "Change it")
    assert "may not be used as a key" in texts(at)
    assert not at.exception
    at = open_page("endpoints")
    at.button(key="remove-shop").click().run()
    assert is_well(at)
    assert "No endpoint yet" in texts(at)

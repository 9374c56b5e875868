"""The Adapters page shows what there is, and moves, refuses, keeps and hands out as the verbs do."""

import io
import zipfile
from dataclasses import replace
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.parts.adapters import charts, facts
from dashboard.parts.adapters import table as adapter_table
from dashboard.parts.run import choose
from dashboard.shared import reads
from db import access, adapters, datasets, endpoints, jobs
from db.engine import begin
from db.types import Adapter, AdapterState, Endpoint, EndpointModel, Split
from tests.builders import a_dataset, a_report, an_adapter
from tests.dashboard.conftest import Open, is_well, texts
from tests.dashboard.priced import BEHAVIOUR, a_finished_job, a_running_job
from tests.worker.conftest import sent as sent
from worker import specs
from worker.adapters import actions, pricing
from worker.evaluation import gate
from worker.pricing import comparison
from worker.specs import FinetunedSpec, finetune

pytestmark = pytest.mark.slow

GOOD, WORSE = "a" * 64, "b" * 64


@pytest.fixture
def dataset_id(database: str, sent: list[int]) -> int:
    with begin() as session:
        return a_dataset(session, 100)


@pytest.fixture
def two(dataset_id: int) -> int:
    """A candidate that forgot nothing and one that forgot too much; returns their dataset."""
    with begin() as session:
        an_adapter(session, dataset_id, id=GOOD)
        an_adapter(session, dataset_id, id=WORSE, gate_report=a_report(0.5), form="quantiles")
    return dataset_id


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


def fill(at: AppTest, **texts_: str) -> AppTest:
    """fill(at, why="better") writes into the form of a move."""
    for name, value in texts_.items():
        next(each for each in at.text_input if str(each.key).startswith(f"{name}-")).input(value)
    return at


def adapter(number: str) -> Adapter:
    with begin() as session:
        return adapters.get(session, number)


def cells(at: AppTest, column: str) -> list[object]:
    frame = next(each.value for each in at.dataframe if column in each.value.columns)
    return list(frame[column])


def test_without_adapters_the_page_leads_to_a_fine_tune(open_page: Open, dataset_id: int) -> None:
    at = open_page("adapters")
    assert is_well(at)
    assert "There is no adapter yet" in texts(at)
    assert [button.label for button in at.button] == ["Train one"]


def test_the_table_says_what_each_is_and_what_the_gate_thinks(open_page: Open, two: int) -> None:
    with begin() as session:
        an_adapter(session, two, id="c" * 64, task="others", gate_report=None, metrics={}, state=AdapterState.RETIRED)
    at = open_page("adapters")
    assert is_well(at)
    assert sorted(zip(cells(at, "Adapter"), cells(at, "Gate"), cells(at, "State"), strict=True)) == [
        ("a" * 8, "passes", "candidate"),
        ("b" * 8, "objects", "candidate"),
        ("c" * 8, "not measured", "retired"),
    ]
    assert "2 candidates, 0 retired" in texts(at)
    assert "0 candidates, 1 retired" in texts(at)


def test_the_address_chooses_one_and_an_unknown_one_is_told(open_page: Open, two: int) -> None:
    at = open_page("adapters", adapter=WORSE[:8])
    assert is_well(at)
    assert at.selectbox(key="adapter-chosen").value == WORSE
    at = open_page("adapters", adapter="f00")
    assert not at.exception
    assert "no adapter f00" in texts(at)


def test_a_promotion_keeps_who_and_why(open_page: Open, two: int) -> None:
    at = press(fill(open_page("adapters", adapter=GOOD), why="nearest so far"), "Promote")
    assert is_well(at)
    assert adapter(GOOD).state is AdapterState.PRODUCTION
    assert "is now in production for things" in at.success[0].value
    assert (cells(at, "Who"), cells(at, "Why")) == ([access.name()], ["nearest so far"])
    assert [button.label for button in at.button if button.label == "Promote"] == []


def test_a_move_needs_a_reason(open_page: Open, two: int) -> None:
    at = press(fill(open_page("adapters", adapter=GOOD), why=" "), "Promote")
    assert "Say why" in at.error[0].value
    assert adapter(GOOD).state is AdapterState.CANDIDATE


def test_what_forgot_too_much_is_refused_with_the_sentence_of_the_gate(open_page: Open, two: int) -> None:
    at = press(fill(open_page("adapters", adapter=WORSE), why="cheap"), "Promote")
    assert "neutral prose rose by 50 %" in at.error[0].value
    assert adapter(WORSE).state is AdapterState.CANDIDATE


def test_an_override_needs_its_own_reason_which_is_kept(open_page: Open, two: int) -> None:
    at = open_page("adapters", adapter=WORSE)
    at = press(fill(at, why="cheap", override="it only prices"), "Promote")
    assert is_well(at)
    assert adapter(WORSE).state is AdapterState.PRODUCTION
    (why,) = cells(at, "Why")
    assert "cheap" in str(why)
    assert "it only prices" in str(why)
    assert "neutral prose" in str(cells(at, "Gate overridden")[0])


def test_rolling_back_brings_back_the_one_before(open_page: Open, two: int) -> None:
    actions.promote(GOOD, "first")
    actions.promote(WORSE, "second", override="a try")
    at = press(fill(open_page("adapters", adapter=WORSE), why="it was worse"), "Roll back")
    assert is_well(at)
    assert (adapter(GOOD).state, adapter(WORSE).state) == (AdapterState.PRODUCTION, AdapterState.RETIRED)
    assert at.selectbox(key="adapter-chosen").value == GOOD


def test_retiring_leaves_nothing_in_production(open_page: Open, two: int) -> None:
    actions.promote(GOOD, "first")
    at = press(fill(open_page("adapters", adapter=GOOD), why="old prices"), "Retire")
    assert is_well(at)
    assert adapter(GOOD).state is AdapterState.RETIRED


def test_deleting_is_refused_while_a_job_prices_with_it_and_its_history_outlives_it(open_page: Open, two: int) -> None:
    with begin() as session:
        job_id = a_running_job(session, two, _finetuned())
    at = press(open_page("adapters", adapter=GOOD), "Delete it")
    assert f"in use by job {job_id}" in at.error[0].value
    assert adapter(GOOD).id == GOOD
    actions.retire(WORSE, "forgot too much")
    at = press(open_page("adapters", adapter=WORSE), "Delete it")
    assert is_well(at)
    assert cells(at, "Why") == ["forgot too much"]
    assert [each.id for each in reads.adapters()] == [GOOD]


def downloads(at: AppTest) -> list[str]:
    """Labels of the buttons that take something away, but for pictures of charts."""
    return [label for each in at.get("download_button") if (label := each.proto.label) not in ("SVG", "PNG")]


def test_folder_and_card_can_be_downloaded_but_not_what_stays_with_an_endpoint(open_page: Open, two: int) -> None:
    at = open_page("adapters", adapter=GOOD)
    assert downloads(at) == ["Download (zip)", "Card (Markdown)"]
    names = zipfile.ZipFile(io.BytesIO(actions.download(GOOD))).namelist()
    assert f"{GOOD[:12]}/adapter_model.safetensors" in names
    with begin() as session:
        an_adapter(session, two, id="d" * 64, base_hash="", model="there:ft")
    at = open_page("adapters", adapter="d" * 64)
    assert is_well(at)
    assert downloads(at) == ["Card (Markdown)"]
    assert "stay with its endpoint" in texts(at)


def test_lineage_tells_what_differs_from_the_preset(dataset_id: int) -> None:
    spec = finetune.parse({"prompt": "listing@1", "k": 5, "rank": 4}).model_dump(mode="json")
    with begin() as session:
        plain, other = an_adapter(session, dataset_id, id=GOOD), an_adapter(session, dataset_id, id=WORSE, spec=spec)
        old = an_adapter(session, dataset_id, id="e" * 64, spec={"gone": 1})
    assert facts.settings(plain).is_empty()  # type: ignore[union-attr]
    assert facts.settings(other)["This adapter"].sort().to_list() == ["4", "5"]  # type: ignore[index]
    assert facts.settings(old) is None


def test_a_wild_change_stays_within_the_picture_and_a_missing_part_is_listed(open_page: Open, dataset_id: int) -> None:
    wild = a_report(1e6)
    missing = gate.judge([gate.Missing("general questions", "The base is gone.")], 0.05, 0.95).as_json()
    report = wild | {"findings": [*wild["findings"], *missing["findings"]]}
    with begin() as session:
        an_adapter(session, dataset_id, gate_report=report)
    at = open_page("adapters")
    assert is_well(at)
    assert cells(at, "Part") == ["neutral prose", "general questions"]
    found = [each for each in gate.Report.from_json(report).findings if each.change is not None]
    drawn = charts.worsening(facts.frame(found)).to_dict()
    domains = [layer["encoding"]["x"]["scale"]["domain"] for layer in drawn["layer"]]
    assert all(high < 2 for _, high in domains)


def _finetuned(number: str = GOOD, **values: object) -> specs.BaseSpec:
    with begin() as session:
        return pricing.fill(session, specs.parse({"technique": "finetuned", "adapter": number, **values}))


def test_the_run_page_says_what_an_adapter_is_and_warns_of_rows_it_may_have_seen(open_page: Open, two: int) -> None:
    with begin() as session:
        other = a_dataset(session, 100, name="others")
    at = open_page("run", dataset=str(other), adapter=GOOD)
    assert is_well(at)
    picker = at.selectbox(key="spec-finetuned-adapter")
    assert "things · smollm2-135m, tokens · mean error $9.50" in " ".join(picker.options)
    assert any("learned from things" in each.value for each in at.warning)
    assert "Context curve: Fine-tuned" not in [button.label for button in at.button]


def test_names_of_jobs_say_which_adapter_and_neighbours_make_no_context_curve(dataset_id: int) -> None:
    with begin() as session:
        jobs_ = []
        for letter, k in zip("abc", (0, 2, 5), strict=True):
            spec = finetune.parse({"prompt": "listing@1", "k": k, "form": "quantiles"}).model_dump(mode="json")
            an_adapter(session, dataset_id, id=letter * 64, spec=spec, form="quantiles")
    for letter in "abc":
        finetuned = _finetuned(letter * 64)
        with begin() as session:
            jobs_.append(jobs.get(session, a_running_job(session, dataset_id, finetuned)))
    assert list(reads.names(jobs_).values()) == [
        "Fine-tuned (quantiles aaaaaaaa, smollm2-135m)",
        "Fine-tuned (quantiles bbbbbbbb, smollm2-135m, k=2)",
        "Fine-tuned (quantiles cccccccc, smollm2-135m, k=5)",
    ]
    assert comparison.curves(jobs_) == []


def test_an_adapter_that_reads_neighbours_needs_rows_to_find_them_among(dataset_id: int) -> None:
    with begin() as session:
        spec = finetune.parse({"prompt": "listing@1", "k": 5}).model_dump(mode="json")
        both = [an_adapter(session, dataset_id, id=GOOD), an_adapter(session, dataset_id, id=WORSE, spec=spec)]
        learns = datasets.get(session, dataset_id)
    assert choose.usable(learns, both) == both
    assert choose.usable(replace(learns, splits={Split.UNPRICED: 10}), both) == both[:1]


def hosted(dataset_id: int, ends: str | None = None, **metrics: object) -> Adapter:
    """Tuned from `mini` behind the endpoint `cloud`, which says when that ends."""
    with begin() as session:
        endpoints.add(session, Endpoint("cloud", "http://127.0.0.1:9/v1"))
        endpoints.set_models(session, "cloud", [EndpointModel("mini", shutdown_date=ends)])
        return an_adapter(
            session, dataset_id, id=GOOD, model="cloud:ft:mini:us::7", base="mini", base_hash="", metrics=metrics
        )


def test_an_adapter_at_an_endpoint_says_when_it_ends(open_page: Open, dataset_id: int) -> None:
    hosted(dataset_id, ends="2026-12-31")
    with begin() as session:
        an_adapter(session, dataset_id, id=WORSE)
    at = open_page("adapters", adapter=GOOD)
    assert is_well(at)
    assert sorted(map(str, cells(at, "Ends"))) == ["2026-12-31", "–"]
    assert "2026-12-31, when its endpoint shuts the model down" in cells(at, "Value")
    assert any("2026-12-31" in each.value.replace("\\", "") for each in at.warning)


def test_what_was_said_after_the_training_counts_until_the_endpoint_says_more(dataset_id: int) -> None:
    found = hosted(dataset_id, shutdown_date="2027-03-31")
    assert adapter_table.ends(found, reads.endpoints()) == "2027-03-31"
    with begin() as session:
        endpoints.set_models(session, "cloud", [EndpointModel("mini", shutdown_date="2027-01-31")])
    assert adapter_table.ends(found, reads.endpoints()) == "2027-01-31"
    with begin() as session:
        assert adapter_table.ends(an_adapter(session, dataset_id, id=WORSE), reads.endpoints()) is None


def test_an_adapter_at_an_endpoint_is_paid_for_with_a_cap_and_warned_about(open_page: Open, dataset_id: int) -> None:
    hosted(dataset_id, ends="2020-01-01")
    at = open_page("run", adapter=GOOD)
    at.pills[0].set_value(["finetuned"]).run()
    assert is_well(at)
    assert any("was shut down on 2020-01-01" in each.value for each in at.warning)
    at.number_input(key="run-cap").set_value(0.25)
    press(at, "Start 1 job")
    with begin() as session:
        (job,) = jobs.all(session, dataset_id)
    assert (job.spec["model"], job.cap_usd) == ("cloud:ft:mini:us::7", Decimal("0.25"))


def test_a_training_of_unknown_cost_is_not_free_where_techniques_are_compared(
    open_page: Open, two: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BEHAVIOUR, "finetuned", BEHAVIOUR["rag"])
    with begin() as session:
        an_adapter(session, two, id="c" * 64, metrics={"cost_unknown": True}, train_rows=79)
        done = [a_finished_job(session, two, pricing.fill(session, FinetunedSpec(adapter=each))) for each in "ac"]
        jobs_ = [jobs.get(session, job_id) for job_id in done]
    table = reads.comparison({job.id: reads.version(job) for job in jobs_}, "mae")
    fixed = dict(table.select("job_id", "fixed_usd").iter_rows())
    assert (fixed[done[0]], fixed[done[1]]) == (pytest.approx(0.00004), None)
    assert {line["job"]: line["fixed_usd"] for line in comparison.of_jobs(done)} == fixed
    at = open_page("tradeoffs")
    assert is_well(at)
    assert sorted(map(str, cells(at, "fixed_usd"))) == ["$0.000040", "unknown"]
    assert "(unknown)" in texts(open_page("jobs"))

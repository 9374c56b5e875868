"""The Fine-tune page from a dataset to an adapter: form, estimate, start, curve, outcome, history."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.parts.finetune import form, reads
from dashboard.shared import formats
from db import chunks, datasets, endpoints, jobs, trainings
from db.engine import begin
from db.types import Endpoint, EndpointModel, Job, JobKind, JobState, Split, TrainingPoint
from tests.builders import a_dataset, an_adapter
from tests.dashboard.conftest import Open, is_well, texts
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from tests.worker.finetune.fake_steps import train_nothing
from worker.finetune import actions as finetune_actions
from worker.jobs import actions
from worker.specs import finetune
from worker.specs.finetune import TrainSpec

pytestmark = pytest.mark.slow

QUICK = finetune.parse({})


@pytest.fixture
def dataset_id(database: str, sent: list[int]) -> int:
    with begin() as session:
        return a_dataset(session, 100)


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


def newest(dataset_id: int, kind: JobKind = JobKind.FINETUNE) -> Job:
    with begin() as session:
        return jobs.all(session, dataset_id, kind)[0]


def metric(at: AppTest, label: str) -> str:
    return next(each.value for each in at.metric if each.label.startswith(label))


def test_every_setting_is_asked_for_once_and_the_common_ones_first() -> None:
    asked = ["model", *form.BASIC, *(name for names in form.MORE.values() for name in names)]
    assert sorted([*asked, "currency"]) == sorted(TrainSpec.model_fields)  # that is the table's


def test_a_dataset_without_prices_leads_to_the_data_page(open_page: Open, dataset_id: int) -> None:
    with begin() as session:
        datasets.change(session, dataset_id, splits={Split.UNPRICED: 100})
    at = open_page("finetune")
    assert is_well(at)
    assert "too few rows with a price" in texts(at)
    assert [button.label for button in at.button] == ["Choose or upload another table"]


def test_what_it_takes_is_unknown_until_a_few_steps_were_timed(
    open_page: Open, dataset_id: int, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    train_nothing(monkeypatch)
    at = open_page("finetune")
    assert is_well(at)
    assert "time and money are unknown" in texts(at)
    press(at, "Time a few steps")
    assert is_well(at)
    assert "No worker is running" in texts(at)
    drain(sent)
    at.run()
    assert is_well(at)
    assert "About **1 min** (50 s to 1 min 20 s)" in texts(at)
    assert "in 20 steps" in texts(at)


def test_an_estimate_that_comes_while_the_page_is_made_is_told(
    open_page: Open, dataset_id: int, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    train_nothing(monkeypatch)
    finetune_actions.measure(dataset_id, QUICK)
    read = reads.pilot
    monkeypatch.setattr(reads, "pilot", lambda *asked: (drain(sent), read(*asked))[1])
    at = open_page("finetune")
    assert is_well(at)
    assert "About **1 min**" in texts(at)


def test_settings_of_the_form_become_the_training_and_its_curve_is_shown(open_page: Open, dataset_id: int) -> None:
    at = open_page("finetune")
    at.selectbox(key="tune-quick-form").select("quantiles").run()
    at.number_input(key="tune-quick-rows").set_value(50).run()
    at.number_input(key="tune-quick-learning_rate").set_value(0.002).run()
    at.text_input(key=f"tune-task-{dataset_id}").set_value("shop prices").run()
    press(at, "Start the fine-tune")
    assert is_well(at)
    job = newest(dataset_id)
    spec = finetune.parse(job.spec["train"])
    assert (spec.form, spec.rows, spec.learning_rate) == ("quantiles", 50, 0.002)
    assert job.spec["task"] == "shop prices"
    assert at.query_params["job"] == str(job.id)
    assert "The curve begins with what the untrained model knows" in texts(at)
    assert "No worker is running" in texts(at)


def test_a_preset_fills_the_form_and_what_can_not_train_here_can_still_be_handed_out(
    open_page: Open, dataset_id: int
) -> None:
    at = open_page("finetune")
    at.selectbox(key="tune-preset").select("course-lite").run()
    assert not at.exception
    values = {name: at.number_input(key=f"tune-course-lite-{name}").value for name in ("rank", "alpha", "rows")}
    assert values == {"rank": 32, "alpha": 64, "rows": 20_000}
    assert "GPU worker" in at.error[0].value
    assert "Start the fine-tune" not in [button.label for button in at.button]
    lines = finetune_actions.export(dataset_id, QUICK).splitlines()
    assert len(lines) == 80
    assert json.loads(lines[0])["messages"][-1]["role"] == "assistant"


def test_a_hosted_model_is_asked_for_less_and_says_how_long_it_lives(open_page: Open, dataset_id: int) -> None:
    model = EndpointModel("small", shutdown_date="2099-02-03")
    with begin() as session:
        endpoints.add(session, Endpoint("there", "http://127.0.0.1:1/v1", provider="openai"))
        endpoints.set_models(session, "there", [model])
    at = open_page("finetune")
    at.selectbox(key="tune-quick-model").select("there:small").run()
    assert is_well(at)
    warned = "\n".join(each.value for each in at.warning)
    assert "2027-01-06" in warned
    assert "small ends on 2099-02-03, and its fine-tunes with it" in warned
    assert "an **unknown** sum" in texts(at)
    assert not [each for each in at.number_input if each.key == "tune-quick-rank"]
    at.number_input(key="tune-cap").set_value(2.0).run()
    press(at, "Start the fine-tune")
    assert "Nobody knows what a token costs" in at.error[0].value
    at.number_input(key="tune-cap").set_value(0.0).run()  # nothing may be paid
    press(at, "Start the fine-tune")
    assert "Nobody knows what a token costs" in at.error[0].value
    at.number_input(key="tune-cap").set_value(None).run()
    press(at, "Start the fine-tune")
    job = newest(dataset_id)
    assert (job.spec["train"]["model"], job.cap_usd) == ("there:small", None)


def a_training(dataset_id: int, points: list[TrainingPoint], spec: TrainSpec = QUICK) -> int:
    """Under way, with a curve."""
    job_id = finetune_actions.start(dataset_id, spec)
    with begin() as session:
        trainings.note(session, job_id, points)
    return job_id


def steps(n: int, total: int) -> list[TrainingPoint]:
    told = {"grad_norm": 0.5, "learning_rate": 1e-3, "tokens_per_second": 900.0, "eta_seconds": 42.0, "steps": total}
    told |= {"memory_gb": 1.5, "device": "2 CPU threads", "seconds": 60.0, "usd": 0.0012, "items": n}  # type: ignore[dict-item]
    return [TrainingPoint(step, "step", {**told, "loss": 5 / step}) for step in range(1, n + 1)]


def measured(step: int, mae: float, *, best: bool) -> TrainingPoint:
    values = {"mae": mae, "median_relative_error": 0.25, "parse_rate": 1.0, "loss": 1.5, "is_best": best}
    return TrainingPoint(step, "eval", values)


def test_a_training_is_watched_stopped_and_found_again_by_its_address(open_page: Open, dataset_id: int) -> None:
    points = [*steps(40, 120), measured(20, 9.5, best=True), measured(40, 11.0, best=False)]
    job_id = a_training(dataset_id, [*points, TrainingPoint(0, "note", {"text": "80 rows, 120 steps."})])
    at = open_page("finetune", job=str(job_id))
    assert is_well(at)
    assert (metric(at, "Step, of 120"), metric(at, "Best mean error")) == ("40", "\\$9.50")
    assert (metric(at, "Time left"), metric(at, "Cost so far"), metric(at, "Memory")) == ("42 s", "\\$0.0012", "1.5 GB")
    assert "Best so far: step 20" in texts(at)
    assert "80 rows, 120 steps." in at.code[0].value
    assert "step 20: mean error $9.50" in at.code[0].value
    press(at, "Stop, keep the best")
    assert is_well(at)
    with begin() as session:
        assert trainings.is_asked_to_stop(session, job_id)
    at.run()
    assert "Stop, keep the best" not in [button.label for button in at.button]


def test_before_the_first_step_one_sees_what_the_untrained_model_knows(open_page: Open, dataset_id: int) -> None:
    points = [TrainingPoint(0, "note", {"text": "80 rows, 120 steps."}), measured(0, 30.0, best=False)]
    at = open_page("finetune", job=str(a_training(dataset_id, points)))
    assert is_well(at)
    assert "The curve begins" not in texts(at)
    assert "**Mean price error**" in texts(at)
    assert metric(at, "Best mean error") == formats.NOTHING


def test_a_training_is_paused_resumed_cancelled_and_gone_on_with(open_page: Open, dataset_id: int) -> None:
    job_id = a_training(dataset_id, steps(3, 9))
    at = open_page("finetune", job=str(job_id))
    for label, state in (
        ("Pause", JobState.PAUSED),
        ("Resume", JobState.RUNNING),
        ("Cancel", JobState.CANCELLED),
        ("Go on", JobState.RUNNING),
    ):
        press(at, label)
        assert is_well(at)
        assert newest(dataset_id).state is state
        at.run()


def test_the_outcome_says_how_good_it_is_what_the_gate_thinks_and_where_to_go(
    open_page: Open, dataset_id: int, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    train_nothing(monkeypatch, forgets=0.5)
    finetune_actions.start(dataset_id, QUICK)
    drain(sent)
    at = open_page("finetune", job=str(newest(dataset_id).id))
    assert is_well(at)
    assert "mean error \\$9.50" in at.success[0].value
    assert "neutral prose rose by 50 %" in at.warning[0].value
    train_nothing(monkeypatch)
    finetune_actions.start(dataset_id, finetune.parse({"rows": 60}))
    drain(sent)
    at = open_page("finetune", job=str(newest(dataset_id).id))
    assert "The gate does not object" in texts(at)
    table = at.dataframe[0].value
    assert list(table["State"]) == ["Done", "Done"]
    assert list(table["Mean error"]) == [9.5, 9.5]


@pytest.mark.parametrize(("untrained", "warns"), [(20.0, False), (9.0, True)])
def test_a_training_that_brought_nothing_is_called_one(
    open_page: Open, dataset_id: int, sent: list[int], monkeypatch: pytest.MonkeyPatch, untrained: float, warns: bool
) -> None:
    train_nothing(monkeypatch, metrics={"mae": 9.5, "untrained_mae": untrained})
    finetune_actions.start(dataset_id, QUICK)
    drain(sent)
    at = open_page("finetune", job=str(newest(dataset_id).id))
    assert is_well(at)
    (told,) = at.info if warns else at.success
    assert f"mean error before training \\${untrained:.2f}" in told.value
    assert any("no lower than before its first step" in each.value for each in at.warning) is warns


def test_an_address_of_another_training_is_told(open_page: Open, dataset_id: int) -> None:
    job_id = a_training(dataset_id, [])
    at = open_page("finetune", job="999")
    assert is_well(at)
    assert "no training 999" in texts(at)
    assert f"job {job_id}" in texts(at)


def test_trainings_stand_on_the_jobs_page_with_their_names(open_page: Open, dataset_id: int) -> None:
    a_training(dataset_id, steps(3, 9), finetune.parse({"form": "quantiles"}))
    finetune_actions.measure(dataset_id, QUICK)
    at = open_page("jobs")
    assert is_well(at)
    assert "Fine-tune (quantiles)" in texts(at)
    assert "Timing of a fine-tune" in texts(at)
    assert "seen, all epochs together" in texts(at)


def test_the_run_page_offers_an_adapter_that_was_handed_over(open_page: Open, dataset_id: int) -> None:
    at = open_page("run")
    assert "Fine-tuned" not in texts(at)
    with begin() as session:
        for letter in "ab":
            an_adapter(session, dataset_id, id=letter * 64)
    at = open_page("run", adapter="a" * 64)
    assert is_well(at)
    assert at.selectbox(key="spec-finetuned-adapter").value == "a" * 64
    assert not [each for each in at.number_input if each.key == "spec-finetuned-k"]


def tuned_there(dataset_id: int) -> int:
    """A fine-tune that an endpoint works on, whose price nobody knows."""
    with begin() as session:
        endpoints.add(session, Endpoint("there", "http://127.0.0.1:1/v1", provider="openai"))
    return finetune_actions.start(dataset_id, finetune.parse({"model": "there:small"}))


def test_a_training_at_an_endpoint_can_only_be_cancelled_and_starts_anew(open_page: Open, dataset_id: int) -> None:
    job_id = tuned_there(dataset_id)
    at = open_page("finetune", job=str(job_id))
    assert is_well(at)
    (cancel,) = [button for button in at.button if str(button.key).startswith("training-")]
    assert (cancel.label, cancel.help) == (
        "Cancel", "It is ended there; what was trained is lost and may be charged.",
    )  # fmt: skip
    press(at, "Cancel")
    at.run()
    (anew,) = [button for button in at.button if str(button.key).startswith("training-")]
    assert anew.label == "Start anew (paid again)"
    assert metric(at, "Cost so far") == "unknown"
    press(at, "Start anew (paid again)")
    assert newest(dataset_id).state is JobState.RUNNING


def test_what_an_endpoint_took_for_a_training_is_unknown_not_free(
    open_page: Open, dataset_id: int, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.cancel(tuned_there(dataset_id))
    train_nothing(monkeypatch)
    finetune_actions.start(dataset_id, QUICK)
    drain(sent)
    job_id = finetune_actions.start(dataset_id, finetune.parse({"model": "there:small"}))
    with begin() as session:
        chunk = chunks.claim(session, sent.pop(), "a test", 60)
        assert chunk is not None
        an_adapter(session, dataset_id, job_id=job_id, base_hash="", metrics={"cost_unknown": True})
        assert chunks.finish(session, chunk, chunks.Tally(unknown_costs=1))
    at = open_page("finetune", job=str(job_id))
    assert metric(at, "Cost so far") == "unknown"
    costs = list(at.dataframe[0].value["Cost"])
    assert costs[0] == costs[2] == "unknown"
    assert costs[1].startswith("$")

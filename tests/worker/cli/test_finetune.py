"""`pricewright finetune …` and `pricewright adapters …` from training to pricing, with the test as the worker."""

import json

import pytest

from db import access, endpoints, jobs
from db.engine import begin
from db.errors import NotFound, UserError, WrongState
from db.types import Endpoint, JobKind, JobState
from tests.builders import a_dataset
from tests.worker.finetune.fake_steps import SECONDS, train_nothing
from worker import specs
from worker.cli import watch
from worker.finetune import actions as finetune_actions
from worker.jobs import actions
from worker.pricing import actions as pricing_actions
from worker.specs import finetune


@pytest.fixture
def run(command, monkeypatch):
    """run("finetune", "things") gives what is printed; errors are raised."""
    train_nothing(monkeypatch)
    with begin() as session:
        a_dataset(session, 160)
    return command


def test_a_fine_tune_tells_its_adapter_what_it_forgot_and_what_it_took(run):
    told = json.loads(run("finetune", "things", "--preset", "quick", "--form", "quantiles", "--rows", "40", "--json"))
    assert told["metrics"]["mae"] == 9.5
    assert told["gate_report"]["findings"][0]["verdict"] == "kept"
    assert told["objection"] is None
    assert (told["seconds"], told["task"]) == (SECONDS, "things")
    with begin() as session:
        job = jobs.get(session, told["job"])
    assert job.spec["train"]["form"] == "quantiles"
    assert (job.spec["train"]["rows"], job.items_total) == (40, 120)
    assert told["usd"] == pytest.approx(float(job.fixed_usd))
    text = run("finetune", "1", "--form", "quantiles", "--rows", "40")  # the same again is the same job
    assert f"Adapter {told['adapter'][:12]} for things, from 80 rows" in text
    assert "The gate does not object" in text


def test_a_forgetful_one_is_told_as_such_and_promoted_only_with_a_reason(run, monkeypatch):
    train_nothing(monkeypatch, forgets=0.4)
    assert "The gate objects: Perplexity on neutral prose rose by 40 %" in run("finetune", "1", "--task", "lamps")
    [listed] = json.loads(run("adapters", "list", "--json"))
    assert "objects" in run("adapters", "list", "--dataset", "things")
    with pytest.raises(UserError, match="rose by 40 %"):
        run("adapters", "promote", listed["id"], "--why", "better")
    run("adapters", "promote", listed["id"], "--why", "better", "--override", "lamps only")
    [change] = json.loads(run("adapters", "history", "lamps", "--json"))
    assert (change["who"], change["after"]) == (access.name(), "production")
    assert "lamps only" in run("adapters", "history", "--adapter", listed["id"])


def test_every_field_of_the_settings_can_be_set_and_a_wrong_one_is_told(run):
    told = json.loads(
        run("finetune", "1", "--set", "rank=8", "--set", "categories=Lamps", "--set", "categories=Tools", "--json")
    )
    with begin() as session:
        train = jobs.get(session, told["job"]).spec["train"]
    assert (train["rank"], train["categories"]) == (8, ["Lamps", "Tools"])
    for setting, sentence in (("rank=x", "rank: "), ("colour=red", "colour: "), ("rank", "field=value")):
        with pytest.raises(UserError, match=sentence):
            run("finetune", "1", "--set", setting)
    with pytest.raises(UserError, match="no preset"):
        run("finetune", "1", "--preset", "huge")


def test_an_estimate_measures_first_and_trains_nothing(run):
    assert "1 min (50 s to 1 min 20 s), 20 steps" in run("finetune", "1", "--estimate")
    assert json.loads(run("finetune", "1", "--estimate", "--json"))["seconds"] == 60.0
    with begin() as session:
        assert jobs.latest(session, 1, JobKind.FINETUNE) is None


def test_ctrl_c_cancels_the_training(run, monkeypatch):
    def press(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("worker.cli.watch.time.sleep", press)
    run("finetune", "1", ends=130)
    with begin() as session:
        assert jobs.latest(session, 1, JobKind.FINETUNE).state is JobState.CANCELLED


def test_a_training_that_does_not_end_well_is_told(run, monkeypatch):
    monkeypatch.setattr("worker.cli.watch.time.sleep", lambda _: actions.pause(1))
    with pytest.raises(UserError, match="Job 1 was paused"):
        run("finetune", "1")


def test_examples_are_written_to_a_file(run, tmp_path):
    file = tmp_path / "examples.jsonl"
    assert "12 examples are in" in run("finetune-export", "things", str(file), "--rows", "12")
    assert len(file.read_text().splitlines()) == 12


@pytest.mark.slow
def test_adapters_are_promoted_rolled_back_downloaded_and_deleted(run, tmp_path):
    ids = [json.loads(run("finetune", "1", "--set", f"seed={seed}", "--json"))["adapter"] for seed in (1, 2)]
    assert "is now production for things" in run("adapters", "promote", ids[0], "--why", "better")
    with pytest.raises(UserError, match="measure it again"):
        run("adapters", "promote", ids[1], "--why", "better")
    assert json.loads(run("adapters", "measure", ids[1], "--json"))["objection"] is None
    assert "is now production for things" in run("adapters", "promote", ids[1], "--why", "better")
    assert json.loads(run("adapters", "rollback", "things", "--why", "worse", "--json"))["id"] == ids[0]
    assert "is now retired" in run("adapters", "retire", ids[0], "--why", "worse")
    file = tmp_path / "adapter.zip"
    run("adapters", "download", ids[0], str(file))
    assert file.read_bytes().startswith(b"PK")
    assert "license: apache-2.0" in run("adapters", "show", ids[0])
    assert json.loads(run("adapters", "show", ids[0], "--json"))["card"].startswith("---")
    run("adapters", "delete", ids[0])
    with pytest.raises(NotFound):
        run("adapters", "show", ids[0])
    assert "rolled back: worse" in run("adapters", "history", "--adapter", ids[0])


def test_pricing_with_an_adapter_is_asked_for_by_its_number(run, monkeypatch):
    asked = []
    monkeypatch.setattr(pricing_actions, "start", lambda _dataset, chosen, *_, **__: asked.extend(chosen) or [])
    monkeypatch.setattr(watch, "wait", lambda *_, **__: None)
    run("price", "1", "--technique", "finetuned", "--technique", "ridge", "--adapter", "abc")
    assert asked == [specs.FinetunedSpec(adapter="abc"), specs.RidgeSpec()]
    with pytest.raises(UserError, match="belongs to --technique finetuned"):
        run("price", "1", "--technique", "ridge", "--adapter", "abc")


def test_jobs_are_listed_by_what_they_train(run):
    run("finetune", "1", "--form", "quantiles", "--estimate")
    run("finetune", "1", "--form", "quantiles")
    listed = run("jobs")
    assert "fine-tune (quantiles)" in listed
    assert "time a fine-tune (quantiles)" in listed


def test_what_trains_at_an_endpoint_is_cancelled_not_stopped(run):
    with begin() as session:
        endpoints.add(session, Endpoint("e", "http://127.0.0.1:1/v1"))
    job_id = finetune_actions.start(1, finetune.parse({"model": "e:large"}))
    with pytest.raises(WrongState, match="can be cancelled. It is ended there; what was trained is lost and may be"):
        run("finetune-stop", str(job_id))
    other = finetune_actions.start(1, finetune.parse({}))
    assert "keeps the best it has" in run("finetune-stop", str(other))

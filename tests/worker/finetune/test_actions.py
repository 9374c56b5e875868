"""A fine-tune starts once, only when it can succeed, and it is known beforehand what it takes."""

import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from db import adapters, datasets, endpoints, jobs, trainings, workers
from db.engine import begin
from db.errors import NotFound, NotReady, UserError, WrongState
from db.types import DatasetState, Endpoint, JobKind, JobState, Queue, Split
from tests.builders import CATEGORIES, a_dataset
from tests.worker.conftest import drain
from tests.worker.finetune.fake_steps import SECONDS, train_nothing
from worker import running
from worker.endpoints import actions as endpoint_actions
from worker.endpoints import tariffs
from worker.finetune import actions as finetune_actions
from worker.jobs import actions
from worker.specs import finetune
from worker.specs.finetune import TrainSpec

QUICK = finetune.parse({})


@pytest.fixture
def dataset_id(database, sent) -> int:
    with begin() as session:
        return a_dataset(session, 100)


def job_of(job_id: int):
    with begin() as session:
        return jobs.get(session, job_id)


def with_endpoint(provider: str = tariffs.FREE) -> None:
    with begin() as session:
        endpoints.add(session, Endpoint("e", "http://127.0.0.1:1/v1", provider=provider))


def with_gpu_worker() -> None:
    with begin() as session:
        workers.hello(session, "big", [Queue.GPU], "cuda", 1)


def test_a_job_records_all_that_decides_about_the_weights_and_its_task(dataset_id, sent):
    job = job_of(finetune_actions.start(dataset_id, finetune.parse({"epochs": 2.5, "rows": 50})))
    assert (job.kind, job.queue, job.items_total) == (JobKind.FINETUNE, Queue.CPU, 125)
    assert job.spec["task"] == "things"
    pinned = TrainSpec.model_validate(job.spec["train"])
    assert (pinned.prompt, pinned.hash) == ("listing@1", job.spec_hash)
    assert len(sent) == 1


def test_rows_of_the_wanted_categories_only_are_counted(database, sent):
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        train = datasets.items(session, dataset_id, Split.TRAIN)
    lamps = (train["category"] == CATEGORIES[0]).sum()
    spec = finetune.parse({"categories": [CATEGORIES[0]], "epochs": 1, "rows": 1000})
    assert job_of(finetune_actions.start(dataset_id, spec)).items_total == lamps


def test_the_same_settings_on_the_same_dataset_are_the_same_job_and_serve_one_task(dataset_id):
    first = finetune_actions.start(dataset_id, QUICK)
    assert finetune_actions.start(dataset_id, finetune.parse({"prompt": "listing@1"})) == first
    with pytest.raises(UserError, match=f"Job {first} trained the very same for the task things"):
        finetune_actions.start(dataset_id, QUICK, task="other")
    assert finetune_actions.start(dataset_id, finetune.parse({"rank": 8})) != first


def test_a_pilot_with_the_same_settings_is_not_taken_for_the_training(dataset_id):
    pilot = finetune_actions.measure(dataset_id, QUICK)
    assert finetune_actions.measure(dataset_id, QUICK) == pilot
    assert finetune_actions.start(dataset_id, QUICK) != pilot


@pytest.mark.parametrize("how", ["cancelled", "stopped", "deleted"])
def test_a_training_that_was_given_up_can_be_started_anew(dataset_id, sent, monkeypatch, how):
    train_nothing(monkeypatch)
    first = finetune_actions.start(dataset_id, QUICK)
    if how == "cancelled":
        actions.cancel(first)
    else:
        if how == "stopped":
            finetune_actions.stop(first)
        drain(sent)
        assert job_of(first).state is JobState.DONE
        if how == "deleted":
            assert finetune_actions.start(dataset_id, QUICK) == first
            with begin() as session:
                adapters.drop(session, adapters.of_job(session, first).id)
    assert finetune_actions.start(dataset_id, QUICK) != first


def test_a_gpu_worker_gets_the_training_and_a_hosted_model_is_tuned_where_it_is(dataset_id):
    with_gpu_worker()
    with_endpoint()
    local = finetune_actions.start(dataset_id, QUICK, cap_usd=Decimal(1))
    hosted = finetune_actions.start(dataset_id, finetune.parse({"model": "e:large"}), cap_usd=Decimal(1))
    assert (job_of(local).queue, job_of(local).cap_usd) == (Queue.GPU, None)
    assert (job_of(hosted).queue, job_of(hosted).cap_usd) == (Queue.ENDPOINT, Decimal(1))
    assert job_of(hosted).spec["train"]["prompt"] == "question@1"


REFUSED: list[tuple[dict[str, Any], type[UserError], str]] = [
    ({"min_price": 500, "max_price": 100}, UserError, "must be below"),
    ({"model": "smollm3"}, NotReady, "no model 'smollm3'"),
    ({"model": "nobody:large"}, NotFound, "nobody"),
    ({"model": "e:large", "form": "quantiles"}, UserError, "only learn tokens"),
    ({"quantisation": "nf4"}, NotReady, "no GPU worker is there"),
    ({"prompt": "nothing"}, NotFound, "no prompt nothing"),
    ({"categories": ["Boats"]}, NotReady, "at least 8 validation rows.*gives 0 in Boats"),
]


def test_what_could_only_fail_is_refused_in_a_sentence(dataset_id, sent):
    with_endpoint()
    for values, kind, sentence in REFUSED:
        for verb in (finetune_actions.start, finetune_actions.estimate):
            with pytest.raises(kind, match=sentence):
                verb(dataset_id, finetune.parse(values))
    assert sent == []


def test_four_bit_weights_are_trained_where_a_gpu_worker_is(dataset_id):
    with_gpu_worker()
    job_id = finetune_actions.start(dataset_id, finetune.parse({"quantisation": "nf4"}))
    assert job_of(job_id).queue is Queue.GPU


def test_a_dataset_that_is_not_loaded_or_has_no_prices_is_refused(dataset_id):
    with begin() as session:
        bare = a_dataset(session, 0, unpriced=5, name="bare")
        datasets.change(session, dataset_id, state=DatasetState.INSPECTED)
    with pytest.raises(NotReady, match="validation rows with a price, and bare gives 0"):
        finetune_actions.start(bare, QUICK)
    with pytest.raises(WrongState, match="not loaded yet"):
        finetune_actions.start(dataset_id, QUICK)


def test_nothing_is_estimated_until_something_was_measured_then_the_pilot_then_the_training(
    dataset_id, sent, monkeypatch
):
    train_nothing(monkeypatch)
    assert finetune_actions.estimate(dataset_id, QUICK) is None
    finetune_actions.measure(dataset_id, QUICK)
    assert finetune_actions.estimate(dataset_id, QUICK) is None
    drain(sent)
    piloted = finetune_actions.estimate(dataset_id, QUICK)
    assert piloted.steps == 20
    # What the pilot says, and the moment that making the examples took.
    assert (piloted.seconds, piloted.low, piloted.high) == pytest.approx((60.0, 50.0, 80.0), abs=2.0)
    assert float(piloted.usd) == pytest.approx(piloted.seconds / 3600 * 0.10, rel=1e-3)
    job_id = finetune_actions.start(dataset_id, QUICK)
    drain(sent)
    trained = finetune_actions.estimate(dataset_id, QUICK)
    assert (trained.seconds, trained.steps) == (SECONDS, 40)
    assert trained.low < SECONDS < trained.high
    assert f"job {job_id}" in trained.basis


def test_other_rows_and_epochs_are_reckoned_from_what_was_measured_and_other_settings_are_not(
    dataset_id, sent, monkeypatch
):
    train_nothing(monkeypatch)
    finetune_actions.measure(dataset_id, finetune.parse({"rows": 40, "epochs": 1}))
    drain(sent)
    told = finetune_actions.estimate(dataset_id, finetune.parse({"rows": 20, "epochs": 6}))
    assert (told.seconds, told.steps) == (pytest.approx(180.0), 60)
    assert told.low < 180 < told.high
    assert told.is_scaled
    assert "40 rows and 1 epochs; its steps are reckoned 3-fold" in told.basis
    assert finetune_actions.estimate(dataset_id, finetune.parse({"rows": 20, "rank": 8})) is None
    with_gpu_worker()  # what a CPU took says nothing about a GPU
    assert finetune_actions.estimate(dataset_id, finetune.parse({"rows": 40, "epochs": 1})) is None


def test_a_training_that_ended_early_says_nothing_about_the_whole(dataset_id, sent, monkeypatch):
    train_nothing(monkeypatch, metrics={"mae": 9.5, "stopped": True})
    finetune_actions.start(dataset_id, QUICK)
    drain(sent)
    assert finetune_actions.estimate(dataset_id, QUICK) is None


def test_a_cap_that_nobody_could_keep_is_refused_before_anything_starts(dataset_id, sent):
    with_endpoint("")
    with pytest.raises(UserError, match="a cap can't be kept; start it without a cap"):
        finetune_actions.start(dataset_id, finetune.parse({"model": "e:large"}), cap_usd=Decimal(1))
    assert not sent


def test_with_a_known_price_a_cap_below_the_estimate_is_refused(dataset_id, sent):
    with_endpoint("")
    endpoint_actions.set_training_price("e", "large", 25)
    spec = finetune.parse({"model": "e:large", "epochs": 2})
    usd = finetune_actions.estimate(dataset_id, spec).usd
    with pytest.raises(UserError, match=r"Training would cost about \$0\.\d+, more than the \$0\.0100"):
        finetune_actions.start(dataset_id, spec, cap_usd=Decimal("0.01"))
    assert Decimal("0.01") < usd < 1
    assert not sent
    assert job_of(finetune_actions.start(dataset_id, spec, cap_usd=Decimal(1))).cap_usd == 1


def test_what_trains_at_an_endpoint_can_not_keep_the_best_so_far(dataset_id):
    with_endpoint("")
    job_id = finetune_actions.start(dataset_id, finetune.parse({"model": "e:large"}))
    with pytest.raises(WrongState, match="can be cancelled. It is ended there; what was trained is lost"):
        finetune_actions.stop(job_id)


@pytest.mark.parametrize(("provider", "is_known"), [(tariffs.FREE, True), ("", False)])
def test_tokens_are_counted_where_an_endpoint_trains(dataset_id, provider, is_known):
    with_endpoint(provider)
    told = finetune_actions.estimate(dataset_id, finetune.parse({"model": "e:large", "epochs": 2}))
    assert told.seconds is None
    assert (told.usd is not None) is is_known
    tokens = int(told.basis.removeprefix("About ").split(" ")[0].replace(",", ""))
    once = len(finetune_actions.export(dataset_id, finetune.parse({"model": "e:large"}))) / 4  # about 4 letters each
    assert once < tokens < 4 * once
    with pytest.raises(UserError, match="nothing can be timed"):
        finetune_actions.measure(dataset_id, finetune.parse({"model": "e:large"}))


def test_only_a_training_that_runs_can_be_stopped(dataset_id, sent, monkeypatch):
    train_nothing(monkeypatch)
    pilot = finetune_actions.measure(dataset_id, QUICK)
    with pytest.raises(WrongState, match="no training that runs"):
        finetune_actions.stop(pilot)
    job_id = finetune_actions.start(dataset_id, QUICK)
    finetune_actions.stop(job_id)
    with begin() as session:
        assert trainings.is_asked_to_stop(session, job_id)
    drain(sent)
    with pytest.raises(WrongState, match="no training that runs"):
        finetune_actions.stop(job_id)


def test_a_stop_that_comes_while_the_gate_measures_is_told_that_training_is_over(dataset_id, sent, monkeypatch):
    train_nothing(monkeypatch)
    job_id = finetune_actions.start(dataset_id, QUICK)
    running.run_chunk(sent.pop())
    with pytest.raises(WrongState, match="what it forgot is being measured"):
        finetune_actions.stop(job_id)


def test_examples_are_exported_as_chats_with_prices_without_the_other_sides(dataset_id):
    with begin() as session:
        train, validation, test = (
            set(datasets.items(session, dataset_id, side)["title"])
            for side in (Split.TRAIN, Split.VALIDATION, Split.TEST)
        )
    chats = [json.loads(line) for line in finetune_actions.export(dataset_id, QUICK).splitlines()]
    assert len(chats) == 80
    asked = "\n".join(message["content"] for chat in chats for message in chat["messages"])
    assert all(title in asked for title in train)
    assert not any(f"{title}\n" in asked for title in validation | test)
    assert [message["role"] for message in chats[0]["messages"]] == ["system", "user", "assistant"]
    assert all(chat["messages"][-1]["content"].isdecimal() for chat in chats)
    assert len(finetune_actions.export(dataset_id, QUICK, Split.VALIDATION).splitlines()) == 10
    assert len(finetune_actions.export(dataset_id, finetune.parse({"rows": 12})).splitlines()) == 12
    with pytest.raises(UserError, match="Only train and validation rows"):
        finetune_actions.export(dataset_id, QUICK, Split.TEST)
    with pytest.raises(UserError, match="0 neighbours"):
        finetune_actions.export(dataset_id, finetune.parse({"k": 3}))


@pytest.mark.slow
def test_the_verbs_load_no_machinery_not_even_for_an_export_or_a_card():
    code = (
        "import sys, worker.finetune.actions, worker.adapters.actions\n"
        "assert 'worker.finetune.export' in sys.modules and 'worker.adapters.card' in sys.modules\n"
        "machinery = 'torch', 'transformers', 'peft', 'worker.llm', 'worker.techniques', 'worker.training'\n"
        "sys.exit(', '.join(name for name in machinery if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

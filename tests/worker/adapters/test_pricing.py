"""A job that names an adapter records everything about it, and what can't work is refused before it starts."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from db import adapters, endpoints, jobs
from db.engine import begin
from db.errors import NotFound, NotReady, UserError
from db.types import Adapter, AdapterState, Endpoint, Family, JobState, Queue, Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from tests.worker.llm.small import a_model_folder, an_adapter
from worker import resources, specs
from worker.adapters import pricing
from worker.pricing import actions
from worker.specs import FinetunedSpec, finetune
from worker.specs.finetune import TrainSpec

ID = "a1b2c3d4" + "e" * 56


def an_adapter_row(dataset_id: int | None, **changes) -> Adapter:
    trained = {"prompt": "listing@1", "k": 0, "max_text_tokens": 60, "max_price": 500} | changes.pop("trained", {})
    values: dict[str, Any] = {
        "id": ID, "task": "things", "dataset_id": dataset_id, "dataset_name": "things", "job_id": None,
        "model": "smollm2-135m", "base": "smollm2-135m", "base_hash": "f" * 64, "form": "tokens",
        "spec": TrainSpec(**trained).model_dump(mode="json"), "fingerprint": "", "train_rows": 10, "metrics": {},
        "gate_report": None, "usd": Decimal(0), "seconds": 1.0, "state": AdapterState.CANDIDATE, "size_bytes": 0,
        "created_at": datetime.now(UTC),
    }  # fmt: skip
    return Adapter(**values | changes)


@pytest.fixture
def dataset(database) -> int:
    with begin() as session:
        return a_dataset(session, 100)


def registered(dataset_id: int | None, files=None, **changes) -> Adapter:
    adapter = an_adapter_row(dataset_id, **changes)
    with begin() as session:
        adapters.register(session, adapter, files or {})
    return adapter


def filled(**fields) -> FinetunedSpec:
    with begin() as session:
        return pricing.fill(session, FinetunedSpec(**fields))  # type: ignore[return-value]


def test_what_training_took_is_part_of_the_fixed_cost_of_every_job_that_prices_with_it(dataset, sent):
    registered(dataset, usd=Decimal("0.03"), seconds=1000.0)
    [job_id] = actions.start(dataset, [FinetunedSpec(adapter=ID)], Split.TEST, 5)
    with begin() as session:
        job = jobs.get(session, job_id)
    assert (job.fixed_seconds, job.fixed_usd) == (1000.0, Decimal("0.03"))


def test_a_training_whose_cost_nobody_knows_is_no_free_one(dataset, sent):
    registered(dataset, metrics={"cost_unknown": True})
    registered(dataset, id="b" * 64, metrics={"cost_unknown": False})
    with begin() as session:
        assert pricing.unknown_costs(session) == {ID}


def test_the_beginning_of_an_adapter_s_number_brings_all_it_was_trained_with(dataset):
    registered(dataset, trained={"k": 5, "neighbour_tokens": 20, "min_price": 2})
    found = filled(adapter="a1b2", readout="log-mean")
    assert found.adapter == ID
    assert (found.model, found.prompt, found.k, found.neighbour_tokens) == ("smollm2-135m", "listing@1", 5, 20)
    assert (found.max_text_tokens, found.min_price, found.max_price) == (60, 2, 500)
    assert found.readout == "log-mean"
    assert found.learns
    assert filled(**found.model_dump()) == found


def test_examples_to_train_on_are_asked_as_the_adapter_will_ask_later(dataset):
    adapter = registered(dataset, trained={"k": 5, "neighbour_tokens": 20})
    trained = finetune.asking(TrainSpec.model_validate(adapter.spec))
    assert trained == filled(adapter="a1").model_copy(update={"adapter": ""})


def test_one_that_reads_hidden_states_gets_the_adapter_s_number_and_model_and_bears_its_cost(dataset):
    registered(dataset, usd=Decimal("0.03"), seconds=1000.0)
    with begin() as session:
        read = pricing.fill(session, specs.HiddenBoostingSpec(adapter="a1b2", model="gemma3-270m"))
        cost = pricing.training_cost(session, read)
    assert (read.adapter, read.model) == (ID, "smollm2-135m")  # type: ignore[attr-defined]
    assert cost == (1000.0, Decimal("0.03"))


def test_other_techniques_pass_unchanged(session):
    for spec in (specs.RagSpec(k=3), specs.HiddenBoostingSpec()):
        assert pricing.fill(session, spec) is spec


def test_without_an_adapter_it_says_what_to_do(dataset):
    with pytest.raises(NotReady, match="train one on the Fine-tune page"):
        filled()
    registered(dataset)
    with pytest.raises(NotReady, match=r"the newest is a1b2c3d4 \(smollm2-135m, learned from things\)"):
        filled()
    with pytest.raises(NotFound, match="There is no adapter ffff"):
        filled(adapter="ffff")


def test_settings_against_the_adapter_are_refused_by_name(dataset):
    registered(dataset)
    with pytest.raises(UserError, match=r"^Neighbours: the adapter a1b2c3d4 was trained with 0"):
        filled(adapter="a1", k=3)
    with pytest.raises(UserError, match="^Longest product text"):
        filled(adapter="a1", max_text_tokens=61)
    with pytest.raises(UserError, match="reads as many neighbours as its adapter"):
        actions.start_curve(dataset, FinetunedSpec(adapter="a1"), 10)


@pytest.mark.parametrize("readout", ["greedy", "mode"])
def test_what_quantiles_can_t_say_is_refused_before_anything_starts(dataset, readout):
    registered(dataset, form="quantiles")
    with pytest.raises(UserError, match=f"says quantiles, so {readout} can't be read"):
        actions.start(dataset, [FinetunedSpec(adapter="a1", readout=readout)])
    assert filled(adapter="a1", readout="mean").readout == "mean"


def test_an_estimate_names_the_adapter_and_warns_of_another_table(dataset):
    registered(dataset)
    [own] = actions.estimate(dataset, [FinetunedSpec(adapter="a1")], Split.TEST)
    assert own.spec.model_dump()["adapter"] == ID
    assert (own.items, own.fixed_seconds) == (10, 0.0)
    assert "learned from" not in own.basis
    with begin() as session:
        other = a_dataset(session, 100, name="others")
    [found] = actions.estimate(other, [FinetunedSpec(adapter="a1")], Split.TEST)
    assert "learned from things" in found.basis


def test_a_model_tuned_behind_an_endpoint_is_priced_there(dataset, sent):
    with begin() as session:
        endpoints.add(session, Endpoint(name="cloud", base_url="http://127.0.0.1:9/v1"))
    registered(dataset, model="cloud:ft:mini:7", base="mini", base_hash="")
    [job_id] = actions.start(dataset, [FinetunedSpec(adapter="a1")], Split.TEST)
    with begin() as session:
        job = jobs.get(session, job_id)
    assert (job.queue, job.spec["model"]) == (Queue.ENDPOINT, "cloud:ft:mini:7")


def test_a_name_for_people_holds_the_adapter_its_model_and_what_was_chosen(dataset):
    assert specs.describe(FinetunedSpec()) == "Fine-tuned"
    registered(dataset, trained={"k": 5})
    assert specs.describe(filled(adapter="a1")) == "Fine-tuned (a1b2c3d4, smollm2-135m, k=5)"
    assert specs.describe(filled(adapter="a1", readout="mean")).endswith("k=5, readout=mean)")
    assert specs.describe(specs.ZeroShotSpec(model="/models/of/ours/small")) == "Prompt, no examples (small)"


def test_forms_ask_only_what_the_adapter_does_not_decide():
    assert specs.asked_fields(FinetunedSpec) == ["adapter", "readout", "recalibrate", "precision"]
    assert {"model", "sample", "k"} <= set(specs.asked_fields(specs.RagSpec))
    assert "technique" not in specs.asked_fields(specs.RagSpec)
    assert FinetunedSpec.family is Family.FINETUNE


@pytest.mark.model
def test_a_job_prices_with_adapters_from_the_database_and_loads_their_base_once(dataset, sent, tmp_path, monkeypatch):
    from worker.llm.local import model
    from worker.llm.local.weights_hash import base_hash

    loaded = []

    class Counted(model.LocalModel):
        def __init__(self, name, **options):
            loaded.append(name)
            super().__init__(name, **options)

    monkeypatch.setattr(model, "LocalModel", Counted)
    folder = a_model_folder(tmp_path / "small")
    base = resources.LiveResources(dataset).language_model(str(folder)).network.model  # type: ignore[attr-defined]
    known = {"model": str(folder), "base": str(folder), "base_hash": base_hash(folder)}
    registered(dataset, an_adapter(base, 1), **known)
    registered(dataset, an_adapter(base, 2, quantiles=True), id="b" * 64, form="quantiles", **known)
    registered(dataset, an_adapter(base, 3), id="c" * 64, **known | {"base_hash": "0" * 64})
    job_ids = actions.start(dataset, [FinetunedSpec(adapter=ref) for ref in "abc"], Split.TEST)
    drain(sent)
    with begin() as session:
        good, bounded, wrong = (jobs.get(session, job_id) for job_id in job_ids)
    assert (good.state, bounded.state) == (JobState.DONE, JobState.DONE), (good.error, bounded.error)
    assert good.spec["adapter"] == ID
    assert wrong.state is JobState.FAILED
    assert "trained on other weights than those of" in wrong.error
    assert loaded == [str(folder)]
    assert Path(good.spec["model"]) == folder


def test_an_adapter_that_learned_another_currency_is_refused(dataset):
    """Of dollars the spec of a training says nothing, so the table that it learned from tells them."""
    with begin() as session:
        euros, unknown = (a_dataset(session, 100, name=name, currency=code) for name, code in (("e", "EUR"), ("u", "")))
    registered(dataset)
    registered(euros, id="e" * 64, trained={"currency": "EUR"})
    for table, adapter in ((euros, ID), (dataset, "e" * 64)):
        with pytest.raises(UserError, match="learned to say prices in (USD|EUR), and those of"):
            actions.start(table, [FinetunedSpec(adapter=adapter)], Split.TEST, 5)
    for table, adapter in ((euros, "e" * 64), (dataset, ID), (unknown, ID)):
        assert actions.start(table, [FinetunedSpec(adapter=adapter)], Split.TEST, 5)

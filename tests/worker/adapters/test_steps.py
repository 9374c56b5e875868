"""The gate step measures a fine-tune's adapter, keeps the report with it, and changes nothing when it is run again."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from db import adapters, jobs, rates, results
from db.engine import begin
from db.types import AdapterState, JobKind, Queue, Step
from tests.builders import a_catalogue, a_dataset, an_adapter
from tests.worker.conftest import drain
from tests.worker.training import taught_model
from worker.adapters import actions
from worker.evaluation.gate import Report, objection
from worker.llm.local.weights_hash import base_hash
from worker.running import wake
from worker.specs import finetune

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return taught_model.folder(tmp_path_factory.mktemp("knows"))


def a_training(session, dataset_id: int, spec: finetune.TrainSpec) -> int:
    """A fine-tune whose training is done: the gate step is left."""
    return jobs.create(
        session,
        kind=JobKind.FINETUNE,
        dataset_id=dataset_id,
        queue=Queue.CPU,
        rate_id=rates.for_queue(session, Queue.CPU),
        chunks=[(Step.GATE, [])],
        technique="",
        spec={"train": spec.model_dump(mode="json"), "task": "things"},
        spec_hash=spec.hash,
        items_total=80,
    )


def lineage(base: Path, spec: finetune.TrainSpec, job_id: int | None, files: dict[str, bytes]) -> dict:
    """Its number is of its files, as models with adapters in them are kept by it."""
    digest = hashlib.sha256(b"".join(files.values()) + (b"" if job_id else b"of an earlier training"))
    return {
        "id": digest.hexdigest(),
        "job_id": job_id,
        "model": spec.model,
        "base": spec.model,
        "base_hash": base_hash(base),
        "spec": spec.model_dump(mode="json"),
        "gate_report": None,
    }


def with_files(session, adapter, files) -> None:
    """In place of the builder's few bytes."""
    adapters.drop(session, adapter.id)
    adapters.register(session, adapter, files)


def divided_anew(session) -> int:
    """A dataset of the same items: 30 of its validation rows are train rows of the other one, and 10 are not."""
    dataset_id = a_dataset(session, 400)
    session.execute(
        text(
            """UPDATE items SET split = CASE WHEN row < 30 THEN 'validation' ELSE 'train' END
               WHERE dataset_id = :dataset AND (row < 30 OR row BETWEEN 320 AND 349)"""
        ),
        {"dataset": dataset_id},
    )
    return dataset_id


def gated(base: Path, sent: list[int], files: dict[str, bytes], *, rival: str = "", **values) -> Report:
    """The report that the gate step stores for an adapter with these files.

    `rival`: what the one in production was trained on: the "same" dataset, or its table "divided anew".
    """
    spec = finetune.parse({"model": str(base), "prompt": "listing@1", **values})
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        job_id = a_training(session, dataset_id, spec)
        with_files(session, an_adapter(session, dataset_id, **lineage(base, spec, job_id, files)), files)
        if rival:
            earlier = dataset_id if rival == "same" else divided_anew(session)
            other = an_adapter(session, earlier, **lineage(base, spec, None, files))
            with_files(session, replace(other, state=AdapterState.PRODUCTION), files)
    wake(job_id, Queue.CPU)
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
        assert job.state == "done", job.error
        adapter = adapters.of_job(session, job_id)
        stored = results.get(session, job_id)
        assert job.fixed_seconds > 0
    assert adapter is not None
    assert adapter.gate_report is not None
    assert stored == {"adapter": adapter.id, "metrics": adapter.metrics, "gate_report": adapter.gate_report}
    return Report.from_json(adapter.gate_report)


def test_a_forgetful_adapter_gets_a_report_that_objects(database, sent, base):
    files = taught_model.adapter(base, taught_model.listings("Lamps", 32), epochs=12, rate=1e-2)
    report = gated(base, sent, files, categories=("Lamps",))
    found = {finding.name: finding for finding in report.findings}
    assert found["neutral prose"].verdict == "fell"
    assert found["general questions"].verdict == "fell"
    others = found["prices of other categories"]
    assert others.n > 20
    assert "categories that were not trained on" in others.about or "demo catalogue" in others.about
    assert found["prices of the adapter in production"].verdict == "not measured"
    assert "neutral prose" in (objection(report) or "")


def test_an_ordinary_adapter_passes_and_is_compared_with_the_one_in_production(database, sent, base):
    files = taught_model.adapter(base, taught_model.listings("Lamps", 32), epochs=1, rate=5e-4)
    report = gated(base, sent, files, rival="same")
    found = {finding.name: finding for finding in report.findings}
    previous = found["prices of the adapter in production"]
    assert (previous.verdict, previous.change, previous.n) == ("kept", 0.0, 40), "the same weights, the same prices"
    assert found["prices of other categories"].n == 100
    assert found["prices of other categories"].about == "rows of the demo catalogue"
    assert objection(report) is None


def test_measured_again_it_is_compared_with_what_went_to_production_meanwhile(database, sent, base):
    files = taught_model.adapter(base, taught_model.listings("Lamps", 32), epochs=1, rate=5e-4)
    assert gated(base, sent, files).rival == ""
    with begin() as session:
        [adapter] = adapters.all(session)
        spec = finetune.TrainSpec.model_validate(adapter.spec)
        other = an_adapter(session, adapter.dataset_id, **lineage(base, spec, None, files))
        with_files(session, replace(other, state=AdapterState.PRODUCTION), files)
    assert "not compared" in (actions.gate_objection(adapter) or "")
    job_id = actions.measure(adapter.id)
    drain(sent)
    with begin() as session:
        assert jobs.get(session, job_id).state == "done"
        adapter = adapters.get(session, adapter.id)
    assert adapter.gate_report is not None
    assert Report.from_json(adapter.gate_report).rival == other.id
    assert actions.gate_objection(adapter) is None


def test_rows_that_the_new_adapter_learned_from_do_not_speak_for_it(database, sent, base):
    files = taught_model.adapter(base, taught_model.listings("Lamps", 16), epochs=1, rate=5e-4)
    report = gated(base, sent, files, rival="divided anew")
    [previous] = [finding for finding in report.findings if finding.name == "prices of the adapter in production"]
    assert previous.n == 10


def test_without_rows_of_other_categories_the_part_says_so(database, sent, base, monkeypatch):
    sold = a_catalogue(60).drop("row")
    monkeypatch.setattr("worker.demo.catalogue", lambda: sold)
    report = gated(base, sent, taught_model.adapter(base, taught_model.listings("Lamps", 16), epochs=1, rate=5e-4))
    [others] = [finding for finding in report.findings if finding.name == "prices of other categories"]
    assert others.verdict == "not measured"
    assert "every category" in others.about
    assert objection(report) is None

"""Steps of a fine-tune that train nothing: they leave behind what the real ones do."""

from typing import Any

import pytest

from db import adapters, chunks, jobs, results, trainings
from db.engine import Session
from db.types import Step, TrainingPoint
from tests.builders import a_report, an_adapter
from worker import steps
from worker.work import Commit, Work

SECONDS = 120.0


def train_nothing(monkeypatch: pytest.MonkeyPatch, *, forgets: float = 0.01, **changes: Any) -> None:
    """From now on a fine-tune gives a few bytes that forgot this share; `changes` are fields of Adapter."""

    def train(work: Work) -> Commit:
        def commit(session: Session) -> chunks.Tally:
            job = work.job
            values = {"loss": 1.25, "eta_seconds": 30.0, "items": job.items_total}
            trainings.note(
                session,
                job.id,
                [TrainingPoint(40, "step", values), TrainingPoint(40, "eval", {"mae": 9.5, "is_best": True})],
            )
            lineage = {"task": job.spec["task"], "job_id": job.id, "spec": job.spec["train"], "gate_report": None}
            an_adapter(session, job.dataset_id, **({"id": f"{job.id:064}"} | lineage | changes))
            jobs.add_fixed_cost(session, job.id, SECONDS, job.rate_usd_per_hour / 30)
            return chunks.Tally(items=job.items_total)

        return commit

    def gate(work: Work) -> Commit:
        def commit(session: Session) -> chunks.Tally:
            asked = work.job.spec.get("adapter")
            adapter = adapters.get(session, asked) if asked else adapters.of_job(session, work.job.id)
            rival = adapters.in_production(session, adapter.task)
            adapters.set_gate_report(session, adapter.id, a_report(forgets, rival=rival.id if rival else ""))
            return chunks.Tally()

        return commit

    def pilot(work: Work) -> Commit:
        def commit(session: Session) -> chunks.Tally:
            told = {"seconds": 60.0, "low_seconds": 50.0, "high_seconds": 80.0, "steps": 20, "basis": "A pilot."}
            results.put(session, work.job.id, told)
            return chunks.Tally()

        return commit

    for step, does in ((Step.TRAIN, train), (Step.TUNE, train), (Step.GATE, gate), (Step.PILOT, pilot)):
        monkeypatch.setitem(steps.STEPS, step, does)

"""The jobs that a comparison takes, at the command line as on the page."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from db import datasets, jobs
from db.engine import Session, begin
from db.errors import NotFound, WrongState
from db.settings import settings
from db.types import Adapter, AdapterState, Dataset, Job, JobState, Split
from tests.builders import a_dataset, a_job
from tests.dashboard.priced import a_finished_job, a_priced_dataset, a_running_job
from worker import specs
from worker.evaluation.choice import Limits
from worker.pricing import comparison, repeats


@pytest.fixture
def dataset(session: Session) -> Dataset:
    return datasets.get(session, a_dataset(session, 200, unpriced=200))


def every(session: Session, dataset: Dataset) -> list[Job]:
    return jobs.all(session, dataset.id)


def sampled(session: Session, dataset: Dataset, spec: specs.BaseSpec, split: Split | None, limit: int) -> int:
    """A finished job over a sample of the rows."""
    job_id = a_finished_job(session, dataset.id, spec)
    session.execute(
        text("UPDATE jobs SET split = :split, item_limit = :limit, items_total = :limit WHERE id = :job"),
        {"split": split, "limit": limit, "job": job_id},
    )
    session.expire_all()
    return job_id


def test_of_one_spec_the_job_that_measured_most_rows_is_taken_the_newest_of_equals(
    session: Session, dataset: Dataset
) -> None:
    ridge = specs.SPECS["ridge"]()
    a_finished_job(session, dataset.id, ridge)
    newest = a_finished_job(session, dataset.id, ridge)
    sampled(session, dataset, ridge, Split.TEST, 5)
    constant = a_finished_job(session, dataset.id, specs.ConstantSpec())
    a_running_job(session, dataset.id, specs.SPECS["lightgbm"]())
    for side in (Split.UNPRICED, Split.TRAIN, Split.VALIDATION):
        a_finished_job(session, dataset.id, specs.SPECS["neighbours"](), side)
    assert comparison.taken(dataset, every(session, dataset)) == [constant, newest]


def test_rows_without_a_price_measure_nothing_and_do_not_count(session: Session, dataset: Dataset) -> None:
    ridge = specs.SPECS["ridge"]()
    measures = sampled(session, dataset, ridge, Split.TEST, 15)
    sampled(session, dataset, ridge, None, 60)  # of 20 test and 200 unpriced rows, so about 5 of them
    assert comparison.taken(dataset, every(session, dataset)) == [measures]


def test_steps_of_a_context_curve_are_left_out_unless_there_is_nothing_else(session: Session, dataset: Dataset) -> None:
    kind = specs.MultiShotSpec
    steps = [sampled(session, dataset, kind(k=k), Split.TEST, 10) for k in (0, 1, 3)]
    assert comparison.taken(dataset, every(session, dataset)) == steps
    constant = a_finished_job(session, dataset.id, specs.ConstantSpec())
    assert comparison.taken(dataset, every(session, dataset)) == [constant]


def test_jobs_that_are_asked_for_are_taken_whatever_else_there_is_of_their_spec(
    session: Session, dataset: Dataset
) -> None:
    ridge = specs.SPECS["ridge"]()
    first, second = (a_finished_job(session, dataset.id, ridge) for _ in range(2))
    a_finished_job(session, dataset.id, specs.ConstantSpec())
    assert comparison.taken(dataset, every(session, dataset), [first]) == [first]
    assert comparison.taken(dataset, every(session, dataset), [second, first, second]) == [second, first]


def test_a_job_that_can_not_be_compared_is_refused_with_the_reason(session: Session, dataset: Dataset) -> None:
    runs = a_running_job(session, dataset.id, specs.ConstantSpec())
    priced = a_finished_job(session, dataset.id, specs.ConstantSpec(), Split.UNPRICED)
    elsewhere = a_finished_job(session, a_dataset(session, 50), specs.ConstantSpec())
    with pytest.raises(WrongState, match=f"Job {runs} can't be compared: it is {JobState.RUNNING}"):
        comparison.taken(dataset, every(session, dataset), [runs])
    with pytest.raises(WrongState, match="priced no test rows"):
        comparison.taken(dataset, every(session, dataset), [priced])
    with pytest.raises(NotFound, match=f"no pricing job {elsewhere}"):
        comparison.taken(dataset, every(session, dataset), [elsewhere])


def test_runs_that_differ_in_a_seed_are_one_technique_and_other_settings_are_not(
    session: Session, dataset: Dataset
) -> None:
    first, second = (a_finished_job(session, dataset.id, specs.MultiShotSpec(seed=seed)) for seed in (0, 7))
    a_finished_job(session, dataset.id, specs.MultiShotSpec(k=5))
    a_finished_job(session, dataset.id, specs.ConstantSpec())
    taken = comparison.taken(dataset, every(session, dataset))
    assert {first, second} <= set(taken)
    assert repeats.heads(every(session, dataset), []) == {second: first}


def test_trainings_that_differ_in_a_seed_are_runs_of_one_technique(session: Session, dataset: Dataset) -> None:
    def adapter(number: int, **settings: object) -> Adapter:
        return Adapter(
            id=str(number) * 64, task="things", dataset_id=dataset.id, dataset_name="things", job_id=None,
            model="small", base="small", base_hash="f" * 64, form="tokens", spec={"epochs": 1.0, **settings},
            fingerprint="", train_rows=100, metrics={}, gate_report=None, usd=Decimal(0), seconds=1.0,
            state=AdapterState.CANDIDATE, size_bytes=0, created_at=datetime.now(UTC),
        )  # fmt: skip

    learned = [adapter(1, seed=1), adapter(2, seed=2), adapter(3, seed=3, rank=8)]
    ids = [a_finished_job(session, dataset.id, specs.FinetunedSpec(adapter=each.id)) for each in learned]
    assert repeats.heads(every(session, dataset), learned) == {ids[1]: ids[0]}


def test_a_measure_and_a_level_are_those_that_were_asked_for(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        a_priced_dataset(session, dataset_id, ("constant", "ridge"))
        ids = [job.id for job in jobs.all(session, dataset_id)]
    monkeypatch.setenv("PRICEWRIGHT_CONFIDENCE", "0.9")
    settings.cache_clear()
    for line in comparison.of_jobs(ids, "smape"):
        assert (line["measure"], line["level"]) == ("smape", 0.9)


def test_a_limit_chooses_among_techniques_not_among_their_runs(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        ids = [a_finished_job(session, dataset_id, specs.MultiShotSpec(seed=seed)) for seed in (0, 1)]
        ids.append(a_finished_job(session, dataset_id, specs.ConstantSpec()))
    (found,) = comparison.choose(ids, Limits(usd_per_1000=1e6))
    assert found["job"] == ids[0]
    assert ids[1] not in found["ties"]
    assert "(2 runs)" in found["sentence"]
    assert "job " not in found["sentence"], "its runs are one line, so nothing tells them apart"


def test_combinations_whose_members_answer_by_chance_are_runs_of_one_technique(
    session: Session, dataset: Dataset
) -> None:
    def combined(kind: type[specs.EnsembleSpec] | type[specs.CascadeSpec], sample: int, **more: int) -> int:
        asked = specs.ZeroShotSpec(model="shop:small", sample=sample)
        spec = kind(members=(specs.RidgeSpec(), asked), **more)
        return a_job(session, dataset.id, spec=spec)

    first, second = (combined(specs.EnsembleSpec, sample) for sample in (0, 1))
    third, fourth = (combined(specs.CascadeSpec, sample) for sample in (0, 1))
    alone = a_job(session, dataset.id, spec=specs.EnsembleSpec(members=(specs.RidgeSpec(), specs.ConstantSpec())))
    known = {job.id: job for job in every(session, dataset)}
    assert repeats.heads(list(known.values()), []) == {second: first, fourth: third}
    assert [repeats.is_by_chance(known[job_id]) for job_id in (first, third, alone)] == [True, True, False]


def test_a_context_curve_is_weighted_as_comparisons_are(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        ids = [a_finished_job(session, dataset_id, specs.RagSpec(k=k)) for k in (0, 3, 5)]
    alike = comparison.curve(ids)
    with begin() as session:
        session.execute(text("UPDATE items SET weight = 1 + row % 5"))
        session.execute(text("""UPDATE datasets SET mapping = '{"title": "name", "weight": "count"}'"""))
    curve = comparison.curve(ids)
    assert {row["job_id"]: row["mae"] for row in curve["rows"]} == {
        row["job"]: pytest.approx(row["mae"]) for row in comparison.of_jobs(ids)
    }
    assert (alike["weighted_by"], curve["weighted_by"]) == ("", "count")
    assert curve["sentence"].endswith("Mean error is weighted by count.")

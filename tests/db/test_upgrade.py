"""All that version 0.4 left in a database is still there and readable after `make migrate`.

The rows (tests/db/old_database.py says how they were made) hold every word that the database knew then: kinds and
states of jobs, steps, queues, specs, forms, states of adapters and completions. A migration that renames one of them
without the code, or the code without a migration, fails here. Numbers are those that version 0.4 wrote.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, text

from db import (
    adapters,
    batches,
    completions,
    datasets,
    endpoints,
    job_progress,
    jobs,
    predictions,
    prompts,
    rates,
    results,
    trainings,
    workers,
)
from db.engine import begin
from db.knowledge import bases, search
from db.migrations.__main__ import main as migrate
from db.models import Base, ChunkRow
from db.types import Checkpoint, Job, JobKind, JobState, Queue, Split, Step
from tests.databases import database_url, remake_database, use_database
from tests.db import old_database
from tests.db.version_0_4 import (
    ADAPTERS,
    BATCHES,
    CHANGES,
    CHUNK_STATES,
    COMPLETIONS,
    DATASETS,
    ERRORS,
    FAMILIES,
    GIVEN_UP,
    HANDED_IN,
    INTERRUPTED,
    KINDS,
    POINTS,
    QUEUES,
    ROWS,
    SOURCES,
    STATES,
    STATUSES,
    STEPS,
    TECHNIQUES,
    UNDER_WAY,
)
from worker import app, running, specs
from worker.adapters import actions as adapter_actions
from worker.data_need import actions as data_need_actions
from worker.evaluation.gate import Report
from worker.finetune import actions as finetune_actions
from worker.finetune.endpoint import state
from worker.jobs import actions as job_actions
from worker.pricing import actions as pricing_actions
from worker.pricing import comparison
from worker.prompts import actions as prompt_actions
from worker.specs import data_need as data_need_specs
from worker.specs import finetune as finetune_specs

OLD = "pricewright_version_0_4"


@pytest.fixture(scope="module")
def old(servers: None) -> str:
    """The name of a database as version 0.4 left it; to be read and copied only."""
    remake_database(OLD)
    use_database(database_url(OLD))
    old_database.make(database_url(OLD), *old_database.VERSION_0_4)
    use_database("")
    return OLD


@pytest.fixture
def upgraded(old: str) -> Iterator[None]:
    """A copy of it, upgraded as `make migrate` does, used by everything in this process."""
    name = "test_upgraded"
    remake_database(name, template=old)
    use_database(database_url(name))
    migrate()
    yield
    use_database("")


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Does the chunks that were sent since, and what they send."""
    sent: list[int] = []
    for module in (app, running):
        monkeypatch.setattr(module, "send", lambda chunk_id, queue: sent.append(chunk_id))

    def drain() -> None:
        while sent:
            running.run_chunk(sent.pop(0))

    return drain


def as_left(query: str) -> list[tuple[Any, ...]]:
    """What version 0.4's own tables say."""
    with psycopg.connect(database_url(OLD)) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def every_job() -> list[Job]:
    """In the order in which they were started."""
    with begin() as session:
        return sorted(jobs.all(session), key=lambda job: job.id)


def parsed(job: Job) -> Any:
    """A job's settings as the code that works on it reads them; None: it has none of its own."""
    if job.kind is JobKind.PRICE:
        return specs.parse(job.spec)
    if job.kind in (JobKind.FINETUNE, JobKind.PILOT):
        return finetune_specs.parse(job.spec["train"])
    if job.kind is JobKind.DATA_NEED:
        return data_need_specs.parse(job.spec["data_need"])
    return None


def test_the_dump_is_of_a_database_before_this_version_and_comes_out_as_the_newest(upgraded):
    assert as_left("SELECT version_num FROM alembic_version") == [("0008",)]
    with begin() as session:
        revision = session.scalar(text("SELECT version_num FROM alembic_version"))
    assert revision == max(path.name[:4] for path in old_database.MIGRATIONS.glob("versions/0*.py"))


def test_no_table_lost_or_gained_a_row(upgraded):
    with begin() as session:
        counts = {
            table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables
        }
    assert {name: n for name, n in counts.items() if n} == ROWS


def test_every_job_is_there_with_its_kind_its_state_and_its_settings(upgraded):
    every = every_job()
    assert Counter(job.kind for job in every) == KINDS
    assert Counter(job.state for job in every) == STATES
    assert Counter(job.queue for job in every) == QUEUES
    assert Counter(job.technique for job in every if job.kind is JobKind.PRICE) == TECHNIQUES
    for job in every:
        spec = parsed(job)
        assert spec is None or spec.hash == job.spec_hash, f"{job.kind} {job.id}: asked again it would be another job"
    as_they_were = as_left(
        """SELECT id, dataset_id, split, item_limit, error, items_total, fixed_usd, fixed_seconds, cap_usd, spent_usd,
                  lost_usd, created_at, finished_at FROM jobs ORDER BY id"""
    )
    assert as_they_were == [
        (job.id, job.dataset_id, job.split, job.item_limit, job.error, job.items_total, job.fixed_usd,
         job.fixed_seconds, job.cap_usd, job.spent_usd, job.lost_usd, job.created_at, job.finished_at)
        for job in every
    ]  # fmt: skip


def test_every_chunk_has_a_step_that_is_known_in_its_place(upgraded):
    with begin() as session:
        chunks = session.scalars(select(ChunkRow)).all()
        every = {job.id: progress for job in every_job() for progress in job_progress.of(session, [job.id])}
    assert Counter(Step(chunk.step) for chunk in chunks) == STEPS
    assert {chunk.step_order == Step(chunk.step).order for chunk in chunks} == {True}
    assert Counter(chunk.state for chunk in chunks) == CHUNK_STATES
    done = dict(as_left("SELECT job_id, sum(items_done)::bigint FROM chunks WHERE step = 'price' GROUP BY 1"))
    assert {job: every[job].items_done for job in done} == done
    assert {every[job.id].step for job in every_job() if not job.state.is_final} == UNDER_WAY


def test_every_prediction_is_there_with_the_same_numbers(upgraded):
    columns = (
        *("job_id", "row", "price", "low", "high", "status", "usd", "seconds", "tokens_in", "tokens_out"),
        *("tokens_cached", "saved_usd", "evidence"),
    )
    listed = ", ".join(f"{name}::float8" if name.endswith("usd") else name for name in columns)
    as_they_were = as_left(f"SELECT {listed} FROM predictions ORDER BY job_id, row")
    read = []
    with begin() as session:
        for job in every_job():
            for line in predictions.of_job(session, job.id).iter_rows(named=True):
                evidence = json.loads(line["evidence"]) if line["evidence"] else None
                read.append((job.id, *(line[name] for name in columns[1:-1]), evidence))
    assert read == as_they_were
    assert Counter(line[5] for line in read) == STATUSES


@pytest.mark.slow
def test_the_comparison_of_a_dataset_says_what_it_said(upgraded):
    with begin() as session:
        kitchen = datasets.find(session, "kitchen")
        every = jobs.all(session, kitchen.id, JobKind.PRICE)
    whole = [job.id for job in comparison.comparable(every) if job.split in (None, Split.TEST) and not job.item_limit]
    lines = [line for job_id in whole for line in comparison.of_jobs([job_id])]
    assert {line["job"]: round(line["mae"], 3) for line in lines} == ERRORS
    assert Counter(line["family"] for line in lines) == FAMILIES
    together = comparison.of_jobs(whole)
    assert {line["job"]: line["repeats"] for line in together if line["repeats"] > 1} == {51: 2}  # 53 asked it afresh
    assert len(together) == len(ERRORS) - 1
    assert [list(curve.values()) for curve in comparison.curves(comparison.comparable(every))] == [[0, 1, 3]]


def test_asked_again_every_question_is_the_one_that_was_answered(upgraded, work):
    for job in every_job():
        if job.state is not JobState.DONE:
            continue
        if job.kind is JobKind.FINETUNE and job.id != GIVEN_UP:
            again = [finetune_actions.start(job.dataset_id, parsed(job), task=job.spec["task"])]
        elif job.kind is JobKind.DATA_NEED:
            again = [data_need_actions.start(job.dataset_id, parsed(job))]
        else:
            continue
        assert again == [job.id]


def test_prices_of_techniques_as_they_were_then_are_not_taken_for_those_of_today(upgraded, work):
    newest = max(job.id for job in every_job())
    done = [job for job in every_job() if job.kind is JobKind.PRICE and job.state is JobState.DONE]
    for job in done:
        (again,) = pricing_actions.start(job.dataset_id, [specs.parse(job.spec)], job.split, job.item_limit)
        assert again > newest


def test_every_adapter_is_there_with_where_it_comes_from(upgraded):
    with begin() as session:
        every = {adapter.id: adapter for adapter in adapters.all(session)}
        files = {adapter_id: adapters.files(session, adapter_id) for adapter_id in every}
        history = adapters.history(session)
        production = adapters.in_production(session, "things")
    assert [
        (a.task, a.state, a.form, a.model.partition(":")[0], a.dataset_name, a.job_id, a.uses_endpoint)
        for a in sorted(every.values(), key=lambda a: a.created_at)
    ] == ADAPTERS
    as_they_were = as_left("SELECT id, train_rows, usd, seconds, fingerprint, base_hash, metrics FROM adapters")
    assert {row[0]: row[1:] for row in as_they_were} == {
        a.id: (a.train_rows, a.usd, a.seconds, a.fingerprint, a.base_hash, a.metrics) for a in every.values()
    }
    for adapter in every.values():
        finetune_specs.TrainSpec.model_validate(adapter.spec)
        assert adapter.gate_report is not None
        assert Report.from_json(adapter.gate_report).is_measured
        assert adapter.metrics["mae"] > 0
        assert adapter.task in adapter_actions.card(adapter.id)
        assert adapter.uses_endpoint or digest(files[adapter.id]) == adapter.id
    assert production is not None
    assert [(change.before, change.after, change.who, bool(change.overrides)) for change in history] == CHANGES


def digest(files: dict[str, bytes]) -> str:
    """An adapter's number."""
    whole = hashlib.sha256()
    for name, data in sorted(files.items()):
        whole.update(name.encode() + b"\0" + data)
    return whole.hexdigest()


def test_every_training_keeps_its_curve_and_the_place_to_go_on_from(upgraded):
    with begin() as session:
        curves = {job.id: trainings.points(session, job.id) for job in every_job() if job.kind is JobKind.FINETUNE}
        kept = {job_id: trainings.checkpoint(session, job_id) for job_id in curves}
        handed_in = {job_id: state.load(session, job_id) for job_id in curves}
    assert Counter(point.kind for curve in curves.values() for point in curve) == POINTS
    assert [job_id for job_id, each in kept.items() if each] == [*HANDED_IN, INTERRUPTED]
    assert {"learned.safetensors", "state.json"} <= (kept[INTERRUPTED] or Checkpoint(0, {})).parts.keys()
    assert [job_id for job_id, each in handed_in.items() if each and each.remote_id] == HANDED_IN


def test_every_result_that_is_no_measurement_is_read(upgraded):
    [need, *_] = [job for job in every_job() if job.kind is JobKind.DATA_NEED and job.state is JobState.DONE]
    report = data_need_actions.report(need.id)
    assert report is not None
    for way in data_need_specs.WAYS:
        assert [point["rows"] for point in report["ways"][way]["points"]] == [8, 16, 32, 64]
    assert len(data_need_actions.found(need.id)) == 16
    [search] = [job for job in every_job() if job.kind is JobKind.SEARCH]
    [pilot] = [job for job in every_job() if job.kind is JobKind.PILOT]
    with begin() as session:
        assert len((results.get(session, search.id) or {})["found"]) == 3
        assert (results.get(session, pilot.id) or {})["steps"] > 0
    told = finetune_actions.estimate(pilot.dataset_id, parsed(pilot))
    assert told is not None
    assert told.seconds is not None


def test_datasets_and_the_knowledge_base_are_as_they_were(upgraded):
    with begin() as session:
        every = datasets.all(session)
        assert Counter(dataset.state for dataset in every) == DATASETS
        kitchen = datasets.find(session, "kitchen")
        for split, n in kitchen.splits.items():
            assert len(datasets.items(session, kitchen.id, Split(split))) == n
        base = bases.of(session, kitchen.id)
        assert base is not None
        assert bases.sources(session, base.id) == SOURCES
        assert bases.waiting(session, kitchen.id) == 0
        assert bases.freshness(session, base.id).stale_share == 0
        rows = datasets.items(session, kitchen.id, Split.TRAIN)["row"].to_list()
        vectors = search.vectors(session, base, rows)
    assert set(vectors["embedding"].list.len()) == {384}
    assert base.refresh_seconds == 3600


def test_endpoints_prices_prompts_and_workers_are_as_they_were(upgraded):
    with begin() as session:
        assert [endpoint.name for endpoint in endpoints.all(session)] == ["cloud", "lab", "mine"]
        assert endpoints.get(session, "lab").model("fast").abilities["batch"] is True
        tariff = rates.tariff(session, "lab", "fast")
        assert tariff is not None
        assert (tariff.input, tariff.output, tariff.batch_input) == (11, 20, 5)
        assert rates.training(session, "lab", "fast") == 3
        assert all(rates.usd_per_hour(session, queue) > 0 for queue in (Queue.CPU, Queue.GPU))
        assert [prompt.ref for prompt in prompts.all(session)] == ["question@2", "shop@2", "shop@1"]
        session.execute(text("UPDATE workers SET last_seen = now()"))
        assert all(workers.serves(session, queue) for queue in Queue)
    assert prompt_actions.diff("shop@1", "shop@2")


def test_answers_and_batches_are_as_they_were(upgraded):
    with begin() as session:
        totals = completions.totals(session)
        stored = completions.look(session, [hash_ for (hash_,) in as_left("SELECT hash FROM completions")])
        out = [batch for job in every_job() for batch in batches.of_job(session, job.id)]
        still = batches.open_(session)
    assert Counter(each.state for each in stored.values()) == COMPLETIONS
    assert [(usd,) for usd in totals["usd"]] == as_left(
        "SELECT coalesce(sum(usd), 0)::float8 FROM completions GROUP BY endpoint, model ORDER BY endpoint, model"
    )
    assert Counter(batch.state for batch in out) == BATCHES
    assert {batch.state for batch in still} == {"new", "sending", "open"}


@pytest.mark.slow
def test_what_was_answered_then_is_not_asked_again(upgraded, work):
    """Nothing listens where its endpoint was."""
    for job in every_job():
        if job.state is JobState.RUNNING:
            job_actions.pause(job.id)  # else it would take its turn
    with begin() as session:
        kitchen = datasets.find(session, "kitchen")
    spec = specs.parse({"technique": "zero-shot", "model": "lab:fast"})
    [job_id] = pricing_actions.start(kitchen.id, [spec], Split.TEST, 2, cap_usd=Decimal(1))
    work()
    with begin() as session:
        job = jobs.get(session, job_id)
        frame = predictions.of_job(session, job_id)
    assert (job.state, job.spent_usd) == (JobState.DONE, 0)
    assert frame["price"].null_count() == 0
    assert frame["saved_usd"].sum() > 0


@pytest.mark.parametrize("technique", ["constant", "ridge", "lightgbm"])
def test_what_learned_then_prices_other_rows_now(upgraded, work, technique):
    [before, *_] = [job for job in every_job() if job.technique == technique and job.state is JobState.DONE]
    [job_id] = pricing_actions.start(before.dataset_id, [specs.parse(before.spec)], Split.TRAIN, 6)
    work()
    with begin() as session:
        assert jobs.get(session, job_id).state is JobState.DONE
        assert predictions.of_job(session, job_id)["price"].null_count() == 0


def test_a_paused_job_goes_on(upgraded, work):
    [paused] = [job for job in every_job() if job.state is JobState.PAUSED and job.technique == "constant"]
    job_actions.resume(paused.id)
    work()
    with begin() as session:
        assert jobs.get(session, paused.id).state is JobState.DONE
        assert len(predictions.of_job(session, paused.id)) == paused.items_total


@pytest.mark.model
def test_an_adapter_of_then_prices_now(upgraded, work):
    with begin() as session:
        adapter = adapters.in_production(session, "things")
        things = datasets.find(session, "things")
    assert adapter is not None
    spec = specs.parse({"technique": "finetuned", "adapter": adapter.id[:12], "readout": "mean"})
    [job_id] = pricing_actions.start(things.id, [spec], Split.TEST, 2)
    work()
    with begin() as session:
        assert jobs.get(session, job_id).state is JobState.DONE
        assert predictions.of_job(session, job_id)["price"].null_count() == 0

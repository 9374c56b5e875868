"""What the metrics say of the work: counted once, growing only, read from the database."""

from decimal import Decimal

import pytest
from prometheus_client import generate_latest
from sqlalchemy import text

from db import chunks, completions, datasets, events, jobs
from db.chunks import Tally
from db.completions import Answer, Claim
from db.engine import begin
from db.events import Event, EventKind
from tests.builders import a_dataset, a_job
from worker.health.collector import Collector
from worker.telemetry import metrics


def value(name, **labels):
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def collector(database, broker):
    collector = Collector()
    collector.update()
    return collector


def done(job_id, rows=2):
    with begin() as session:
        (chunk_id,) = session.scalars(
            text("SELECT min(id) FROM chunks WHERE job_id = :j AND state = 'waiting'"), {"j": job_id}
        )
        chunk = chunks.claim(session, chunk_id, "here:1", 30)
        assert chunks.finish(session, chunk, Tally(items=rows, usd=Decimal("0.25")))
    return chunk


def test_a_chunk_is_counted_once_and_what_was_there_before_is_not(collector):
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
    before = value("pricewright_rows_total", queue="cpu", step="price")
    usd = value("pricewright_machine_usd_total", queue="cpu")
    done(job_id)  # the fit
    done(job_id)
    for _ in range(2):
        collector.update()
    assert value("pricewright_rows_total", queue="cpu", step="price") - before == 2
    assert value("pricewright_machine_usd_total", queue="cpu") - usd == 0.5
    late = Collector()
    late.update()
    late.update()
    assert value("pricewright_rows_total", queue="cpu", step="price") - before == 2


def test_money_is_counted_by_endpoint_and_stays_counted_when_the_job_is_deleted(collector):
    with begin() as session:
        dataset_id = a_dataset(session)
        job_id = a_job(session, dataset_id)
    before = value("pricewright_endpoint_usd_total", endpoint="e", owner="")
    for n, key in enumerate("ab"):
        with begin() as session:
            completions.claim(session, [Claim(key, "e", "m", {"messages": []}, job_id, n)], "me", 60)
            completions.store(session, [Answer(key, {}, 7, usd=Decimal(2))])
        collector.update()
    assert value("pricewright_endpoint_usd_total", endpoint="e", owner="") - before == 4
    with begin() as session:
        jobs.drop(session, job_id)
        datasets.drop(session, dataset_id)
    collector.update()
    assert value("pricewright_endpoint_usd_total", endpoint="e", owner="") - before == 4


def test_events_count_as_what_they_are(collector):
    before = value("pricewright_events_total", event="cap-reached")
    with begin() as session:
        assert events.add(session, Event(EventKind.CAP_REACHED, "a", "The cap is reached.", {}))
        assert events.add(session, Event(EventKind.CAP_REACHED, "a", "The cap is reached.", {})) is None
    for _ in range(2):
        collector.update()
    assert value("pricewright_events_total", event="cap-reached") - before == 1
    assert value("pricewright_deliveries_waiting") == 1


def test_nothing_of_prompts_or_names_of_people_is_a_label():
    assert b"prompt" not in generate_latest(metrics.REGISTRY)

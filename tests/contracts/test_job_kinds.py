"""The table of job kinds: every kind has its entry, and the Jobs page and the terminal say what stands there."""

from pathlib import Path

import pytest

from dashboard.shared import navigation, words
from db import jobs, rates
from db.engine import Session, begin
from db.types import JobKind, JobState, Queue, Step
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, texts
from worker import specs
from worker.cli import tables
from worker.datasets.actions import AWAITED
from worker.jobs.kinds import KINDS

every_kind = pytest.mark.parametrize("kind", JobKind)


def a_job_of(session: Session, kind: JobKind) -> int:
    spec = specs.ConstantSpec() if kind is JobKind.PRICE else None
    return jobs.create(
        session,
        kind=kind,
        dataset_id=a_dataset(session, 20),
        queue=Queue.CPU,
        rate_id=rates.for_queue(session, Queue.CPU),
        chunks=[(Step.PRICE, [0, 1])],
        technique=spec.technique if spec else "",
        spec=spec.model_dump(mode="json") if spec else {"adapter": "a" * 64},
        items_total=2,
    )


@every_kind
def test_a_kind_has_its_entry_and_leads_to_a_page_that_is_there(kind: JobKind) -> None:
    entry = KINDS[kind]
    assert bool(entry.label) is bool(entry.terminal) is (kind is not JobKind.PRICE)
    if entry.link:
        assert (Path(navigation.__file__).parents[1] / navigation.path(entry.link.page)).is_file()
        assert entry.link.label
        assert entry.link.icon


@every_kind
def test_a_running_job_of_the_kind_is_called_by_its_entry(open_page: Open, kind: JobKind) -> None:
    with begin() as session:
        job = jobs.get(session, a_job_of(session, kind))
    entry = KINDS[kind]
    assert (name := words.job_name(job)).startswith(entry.label)
    assert tables.job_label(job).startswith(entry.terminal)
    at = open_page("jobs", dataset=str(job.dataset_id))
    assert is_well(at)
    shown = texts(at)
    assert (f"**{words.plain(name)}**" in shown) is entry.is_shown
    if entry.is_shown:
        assert (f"of 2 rows {entry.done}" in shown) is bool(entry.done)
        assert ("so far" in shown) is entry.has_money


@pytest.mark.parametrize("kind", [kind for kind, entry in KINDS.items() if entry.is_shown])
def test_a_job_that_is_done_leads_to_its_page(open_page: Open, kind: JobKind) -> None:
    with begin() as session:
        job_id = a_job_of(session, kind)
        jobs.set_state(session, job_id, JobState.DONE, among=[JobState.RUNNING])
        job = jobs.get(session, job_id)
    link = KINDS[kind].link
    assert link is not None
    at = open_page("jobs", dataset=str(job.dataset_id))
    labels = {each.proto.label: each.proto.query_string for each in at.get("page_link")}
    assert link.label in labels
    if link.names:
        named = {"job": str(job_id), "adapter": "a" * 64}[link.names]
        assert f"{link.names}={named}" in labels[link.label]


def test_a_dataset_waits_only_for_jobs_that_read_its_file() -> None:
    assert set(AWAITED.values()) == {kind for kind in JobKind if kind.reads_file}


def test_every_step_has_a_name() -> None:
    assert set(words.STEPS) == set(Step)
    assert set(words.STATES) == set(JobState)

"""A model is tuned behind an endpoint exactly once, watched, paid for, and stopped when nobody wants it any more."""

import json
from collections.abc import Iterator
from decimal import Decimal

import polars as pl
import pytest

from db import adapters, chunks, endpoints, job_progress, jobs, rates, recovery, trainings
from db.engine import begin
from db.types import Adapter, Endpoint, Job, JobKind, JobState, Queue, Step
from tests.builders import a_dataset
from tests.fake_openai.server import Handle, endpoint
from tests.worker.conftest import drain
from worker import running
from worker.adapters import gate_rows
from worker.endpoints import actions as endpoint_actions
from worker.endpoints import tariffs
from worker.endpoints.tuning import OpenAiTuner, Order
from worker.finetune.endpoint import chat_format
from worker.finetune.endpoint import state as endpoint_state
from worker.finetune.endpoint import steps as endpoint_steps
from worker.finetune.examples import Examples
from worker.jobs import actions
from worker.llm.endpoint import client
from worker.specs import finetune

pytestmark = [pytest.mark.usefixtures("forked_couriers"), pytest.mark.stack]

REAL_EXAMPLES = endpoint_steps.read


def made_up(rows: int = 12) -> Examples:
    def examples(n: int) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "row": range(n),
                "system": "You know prices.",
                "shared": "What does this cost?\n",
                "text": [f"<product>Mug number {i}</product>\n" for i in range(n)],
                "ask": "Price: $",
                "price": [10.0 + i for i in range(n)],
            }
        )

    return Examples(examples(rows), examples(6), "f" * 64)


@pytest.fixture(scope="module")
def running_server() -> Iterator[Handle]:
    with endpoint() as handle:
        yield handle
    client.stop()


@pytest.fixture
def server(running_server: Handle, database: str, monkeypatch: pytest.MonkeyPatch) -> Handle:
    running_server.reset(tuning={"validating": 60, "running": 1_000})
    monkeypatch.setattr(endpoint_steps, "read", lambda *args: made_up())
    with begin() as session:
        endpoints.add(session, Endpoint("e", running_server.base_url, provider=tariffs.FREE))
    return running_server


def start(
    sent: list[int], cap: Decimal | None = None, model: str = "fast", steps: tuple[Step, ...] = (Step.TUNE,)
) -> int:
    spec = finetune.parse({"model": f"e:{model}", "epochs": 2, "evaluate_rows": 4, "prompt": "question@1"})
    with begin() as session:
        job_id = jobs.create(
            session,
            kind=JobKind.FINETUNE,
            dataset_id=a_dataset(session),
            queue=Queue.ENDPOINT,
            rate_id=rates.for_queue(session, Queue.ENDPOINT),
            chunks=[(step, []) for step in steps],
            spec={"train": spec.model_dump(mode="json"), "task": "prices"},
            spec_hash=spec.hash,
            items_total=24,
            cap_usd=cap,
        )
    go_on(sent, job_id)
    return job_id


def go_on(sent: list[int], job_id: int) -> Job:
    """The time that the job waits for is over, and a worker does what there is."""
    with begin() as session:
        for chunk_id in (
            session.connection().exec_driver_sql(f"SELECT id FROM chunks WHERE job_id = {job_id}").scalars()
        ):
            chunks.wake_chunk(session, chunk_id)
    running.wake(job_id, Queue.ENDPOINT)
    drain(sent)
    with begin() as session:
        return jobs.get(session, job_id)


def state_of(job_id: int) -> JobState:
    with begin() as session:
        return jobs.get(session, job_id).state


def adapter_of(job_id: int) -> Adapter | None:
    with begin() as session:
        return adapters.of_job(session, job_id)


def kept(job_id: int) -> endpoint_state.Remote | None:
    with begin() as session:
        return endpoint_state.load(session, job_id)


def test_a_tuning_is_handed_in_watched_and_becomes_an_adapter(server: Handle, sent: list[int]) -> None:
    job_id = start(sent)
    assert state_of(job_id) is JobState.RUNNING
    server.advance(560)
    go_on(sent, job_id)
    with begin() as session:
        half = trainings.points(session, job_id)
    server.advance(1_000)
    job = go_on(sent, job_id)

    assert job.state is JobState.DONE
    found = adapter_of(job_id)
    assert found is not None
    assert found.model.startswith("e:ft:fast:")
    assert (found.base, found.uses_endpoint, found.train_rows, found.task) == ("fast", True, 12, "prices")
    assert (found.fingerprint, found.usd, found.seconds) == ("f" * 64, 0, 1_060)
    assert found.metrics["trained_tokens"] == server.tunings[0].tokens * 2
    assert found.metrics["parse_rate"] == 1
    assert found.metrics["rows"] == 4
    assert found.metrics["mae"] > 0
    with begin() as session:
        whole = trainings.points(session, job_id)
        listed = [model.id for model in endpoints.get(session, "e").models]
        (progress,) = job_progress.of(session, [job_id])
    assert f"e:{listed[-1]}" == found.model
    assert [(point.step, point.kind) for point in half] == [(point.step, point.kind) for point in whole][: len(half)]
    assert [point.step for point in whole if point.kind == "step"] == list(range(1, 11))
    assert whole[-1].values["loss"] < next(point for point in half if point.kind == "step").values["loss"]
    notes = "\n".join(point.values["text"] for point in whole if point.kind == "note").splitlines()
    assert notes[0].startswith("Created fine-tuning job")
    assert "completed" in notes[-1]
    assert not progress.has_unknown_cost
    assert len(server.tunings) == 1
    assert len(server.site.files.all) == 2
    assert kept(job_id) is None


def test_what_training_tokens_cost_is_unknown_and_said_so(server: Handle, sent: list[int]) -> None:
    with begin() as session:
        endpoints.change(session, "e", provider="")
    job_id = start(sent)
    server.advance(2_000)
    assert go_on(sent, job_id).state is JobState.DONE

    found = adapter_of(job_id)
    assert found is not None
    assert (found.usd, found.metrics["cost_unknown"]) == (0, True)
    with begin() as session:
        (progress,) = job_progress.of(session, [job_id])
    assert progress.has_unknown_cost


class Killed(BaseException):
    """As kill -9: nothing of ours runs any more."""


def test_a_worker_killed_after_it_created_a_tuning_does_not_create_another(
    server: Handle, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    save = endpoint_state.save

    def die(session: object, job_id: int, state: endpoint_state.Remote) -> None:
        if state.remote_id:
            raise Killed
        save(session, job_id, state)  # type: ignore[arg-type]

    with monkeypatch.context() as dying:
        dying.setattr(endpoint_state, "save", die)
        with pytest.raises(Killed):
            start(sent)
    (job_id,) = _ids()
    _lease_runs_out()
    go_on(sent, job_id)
    assert len(server.tunings) == 1
    state = kept(job_id)
    assert state is not None
    assert not state.remote_id  # somebody may still wait for the answer

    monkeypatch.setattr(endpoint_state, "STUCK_SECONDS", 0.0)
    go_on(sent, job_id)
    server.advance(2_000)
    assert go_on(sent, job_id).state is JobState.DONE
    assert len(server.tunings) == 1
    assert len(server.site.files.all) == 2


def test_a_worker_that_lost_its_chunk_while_it_read_rows_does_not_order_a_second_tuning(
    server: Handle, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    has_slept = False

    def asleep_once(*args: object) -> Examples:
        nonlocal has_slept
        if not has_slept:
            has_slept = True
            _lease_runs_out()
            go_on(sent, *_ids())  # by another worker
            assert len(server.tunings) == 1
        return made_up()

    monkeypatch.setattr(endpoint_steps, "read", asleep_once)
    job_id = start(sent)
    (order,) = server.tunings
    state = kept(job_id)
    assert state is not None
    assert state.remote_id == order.id
    server.advance(2_000)
    assert go_on(sent, job_id).state is JobState.DONE


def test_an_answer_that_was_lost_pauses_and_the_tuning_is_found_again(
    server: Handle, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.change(tuning={"lose_answer": True})
    job_id = start(sent)
    assert state_of(job_id) is JobState.PAUSED
    monkeypatch.setattr(endpoint_state, "STUCK_SECONDS", 0.0)
    actions.resume(job_id)
    server.advance(2_000)
    assert go_on(sent, job_id).state is JobState.DONE
    assert len(server.tunings) == 1


def test_an_endpoint_that_is_away_for_a_while_is_waited_for(server: Handle, sent: list[int]) -> None:
    job_id = start(sent)
    server.advance(2_000)
    with begin() as session:
        endpoints.change(session, "e", base_url="http://127.0.0.1:9/v1")
    assert go_on(sent, job_id).state is JobState.RUNNING
    go_on(sent, job_id)
    with begin() as session:
        endpoints.change(session, "e", base_url=server.base_url)
        told = "\n".join(point.values["text"] for point in trainings.points(session, job_id))
    assert told.count("can't be reached") == 1
    assert go_on(sent, job_id).state is JobState.DONE


def test_one_that_the_endpoint_does_not_know_is_not_given_up(server: Handle, sent: list[int]) -> None:
    job_id = start(sent)
    there = dict(server.site.tunings.all)
    server.site.tunings.all.clear()
    assert go_on(sent, job_id).state is JobState.PAUSED
    server.site.tunings.all |= there
    server.advance(2_000)
    actions.resume(job_id)
    assert go_on(sent, job_id).state is JobState.DONE


def test_a_tuned_model_ends_with_its_base(server: Handle, sent: list[int]) -> None:
    job_id = start(sent, model="fast-old")
    server.advance(2_000)
    go_on(sent, job_id)
    found = adapter_of(job_id)
    assert found is not None
    assert found.metrics["shutdown_date"] == "2026-12-31"


def test_the_step_of_a_job_tunes_on_the_prompts_that_are_asked_later(
    server: Handle, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_steps, "read", REAL_EXAMPLES)
    job_id = start(sent)
    server.advance(500)
    go_on(sent, job_id)  # looked at half-way, too
    server.advance(2_000)
    job = go_on(sent, job_id)
    assert (job.state, job.error) == (JobState.DONE, None)
    found = adapter_of(job_id)
    assert found is not None
    assert found.train_rows == server.tunings[0].lines == 80
    taught = next(file for file in server.site.files.all.values() if file.name.startswith("validation"))
    questions = [json.loads(line)["messages"][:-1] for line in taught.content.splitlines()]
    asked = [entry.body["messages"] for entry in server.requests if entry.body["model"] == found.model[2:]]
    assert sorted(map(str, asked)) == sorted(map(str, questions[: len(asked)]))  # they are asked at once
    assert len(asked) == 4


def test_a_failure_there_is_told_in_a_sentence_and_a_retry_begins_anew(server: Handle, sent: list[int]) -> None:
    server.change(tuning={"fail": "The loss became infinite."})
    job_id = start(sent)
    server.advance(2_000)
    job = go_on(sent, job_id)
    assert (job.state, job.error) == (
        JobState.FAILED, "The endpoint e could not tune fast (The loss became infinite).",
    )  # fmt: skip
    assert adapter_of(job_id) is None

    server.change(tuning={"fail": None})
    actions.retry(job_id)
    drain(sent)
    server.advance(2_000)
    assert go_on(sent, job_id).state is JobState.DONE
    assert len(server.tunings) == 2


def test_what_the_endpoint_refuses_is_not_asked_for_ever(server: Handle, sent: list[int]) -> None:
    server.change(tuning={"refuse": True})
    job_id = start(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
    assert job.state is JobState.PAUSED
    assert "takes no new ones" in str(job.error)
    server.change(tuning={"refuse": False})
    actions.resume(job_id)
    drain(sent)
    assert [tuning.status for tuning in server.tunings] == ["validating_files"]


def priced(usd: int = 100, provider: str = "") -> None:
    """From now on a million tokens of training cost this."""
    with begin() as session:
        endpoints.change(session, "e", provider=provider)
    endpoint_actions.set_training_price("e", "fast", usd)


def test_what_training_costs_is_reckoned_by_its_price_on_the_day_it_was_ordered(
    server: Handle, sent: list[int]
) -> None:
    priced(100)
    job_id = start(sent)
    priced(900)
    server.advance(2_000)
    job = go_on(sent, job_id)
    found = adapter_of(job_id)
    assert found is not None
    assert (found.usd, found.metrics["cost_unknown"]) == (Decimal(server.tunings[0].tokens * 2) / 10_000, False)
    assert job.fixed_usd == job.spent_usd == found.usd
    with begin() as session:
        (progress,) = job_progress.of(session, [job_id])
    assert progress.usd == found.usd
    assert job.fixed_unknown  # nobody knows what the answers on validation rows cost
    assert progress.has_unknown_cost


@pytest.mark.parametrize("is_known", [True, False])
def test_a_gate_whose_answers_have_no_known_price_has_no_known_cost(
    server: Handle, sent: list[int], is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_rows, "ENDPOINT_VALIDATION", 5)
    job_id = start(sent, steps=(Step.TUNE, Step.GATE))
    server.advance(2_000)
    with begin() as session:  # the tuning is watched and measured, free of charge
        chunk_id = session.connection().exec_driver_sql("SELECT id FROM chunks WHERE step = 'tune'").scalar_one()
        chunks.wake_chunk(session, chunk_id)
    running.run_chunk(chunk_id)
    with begin() as session:
        before = jobs.get(session, job_id)
        if not is_known:
            endpoints.change(session, "e", provider="")
    job = go_on(sent, job_id)
    assert (before.state, job.state) == (JobState.RUNNING, JobState.DONE), job.error
    assert (before.fixed_unknown, job.fixed_unknown) == (False, not is_known)
    with begin() as session:
        (progress,) = job_progress.of(session, [job_id])
    assert progress.has_unknown_cost is not is_known


def test_what_a_cancelled_training_paid_at_an_unknown_price_is_not_nothing(
    server: Handle, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    priced(0)
    job_id = start(sent)
    server.advance(2_000)

    def die(*args: object) -> None:
        raise Killed

    monkeypatch.setattr(adapters, "register", die)
    with pytest.raises(Killed):
        go_on(sent, job_id)
    actions.cancel(job_id)
    with begin() as session:
        (progress,) = job_progress.of(session, [job_id])
    assert (progress.state, progress.usd, progress.has_unknown_cost) == (JobState.CANCELLED, 0, True)


def test_a_training_that_could_pass_the_cap_is_not_handed_in_until_it_is_raised(
    server: Handle, sent: list[int]
) -> None:
    priced(100, provider=tariffs.FREE)
    job_id = start(sent, cap=Decimal("0.01"))
    with begin() as session:
        job = jobs.get(session, job_id)
    assert job.state is JobState.PAUSED
    assert "passes the cap of $0.0100; nothing was handed in" in str(job.error)
    assert (server.tunings, server.site.files.all) == ([], {})

    actions.resume(job_id, Decimal(1))
    drain(sent)
    server.advance(2_000)
    job = go_on(sent, job_id)
    assert job.state is JobState.DONE
    assert 0 < job.spent_usd <= Decimal(1)


def test_what_training_took_counts_under_the_cap_of_what_comes_after_it_once(server: Handle, sent: list[int]) -> None:
    priced(100)
    job_id = start(sent)
    server.advance(2_000)
    with begin() as session:
        jobs.set_cap(session, job_id, Decimal("0.5"))
    job = go_on(sent, job_id)  # a cap, and answers at a price nobody knows
    assert job.state is JobState.PAUSED
    spent = job.spent_usd
    assert spent == Decimal(server.tunings[0].tokens * 2) / 10_000
    with begin() as session:
        jobs.set_cap(session, job_id, None)
    actions.resume(job_id)
    drain(sent)
    job = go_on(sent, job_id)
    assert (job.state, job.spent_usd, job.fixed_usd) == (JobState.DONE, spent, spent)


def test_without_a_price_a_cap_pauses_before_anything_is_handed_in(server: Handle, sent: list[int]) -> None:
    with begin() as session:
        endpoints.change(session, "e", provider="")
    job_id = start(sent, cap=Decimal(1))
    with begin() as session:
        assert "enter its price on the Endpoints page" in str(jobs.get(session, job_id).error)
    assert server.tunings == []
    priced(1)
    actions.resume(job_id)
    drain(sent)
    assert len(server.tunings) == 1


def test_tokens_are_reckoned_generously(server: Handle, sent: list[int]) -> None:
    start(sent)
    assert server.tunings[0].tokens <= chat_format.most_tokens(made_up().train) < 3 * server.tunings[0].tokens


def test_the_tuning_of_a_cancelled_job_is_cancelled_there(server: Handle, sent: list[int]) -> None:
    job_id = start(sent)
    other = start(sent)
    actions.cancel(job_id)
    server.change(key="secret")
    assert endpoint_state.cancel_unwanted() == 1
    server.change(key=None)
    assert endpoint_state.cancel_unwanted() == 0
    assert [tuning.status for tuning in server.tunings] == ["cancelled", "validating_files"]
    assert kept(job_id) is None
    assert kept(other) is not None


def test_one_that_is_cancelled_while_it_is_ordered_is_cancelled_there_at_once(
    server: Handle, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    create = OpenAiTuner.create

    def overtaken(tuner: OpenAiTuner, order: Order) -> str:
        created = create(tuner, order)
        actions.cancel(*_ids())
        return created

    monkeypatch.setattr(OpenAiTuner, "create", overtaken)
    start(sent)
    assert endpoint_state.cancel_unwanted() == 0
    assert [tuning.status for tuning in server.tunings] == ["cancelled"]


def test_one_that_was_cancelled_at_the_endpoint_fails_with_a_sentence(server: Handle, sent: list[int]) -> None:
    job_id = start(sent)
    server.tunings[0].cancel(0.0)
    job = go_on(sent, job_id)
    assert (job.state, job.error) == (JobState.FAILED, "The fine-tune was cancelled at the endpoint e.")


def _ids() -> list[int]:
    with begin() as session:
        return [job.id for job in jobs.all(session)]


def _lease_runs_out() -> None:
    with begin() as session:  # one transaction: else a heartbeat may come in between
        session.connection().exec_driver_sql("UPDATE chunks SET lease_until = now() - interval '1 minute'")
        recovery.sweep(session, attempts=5, quiet_seconds=60, idle_queues=())

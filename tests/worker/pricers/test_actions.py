"""Pricers: what one keeps of the verdict that made it, who moves it, what refuses, and what it takes with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from db import adapters, datasets, endpoints, jobs, pricers
from db.engine import begin
from db.errors import NotFound, NotReady, UserError, WrongState
from db.types import AdapterState, DatasetState, Endpoint, EndpointModel, Pricer, PricerState, Split
from tests.builders import a_dataset, a_report, an_adapter
from tests.dashboard.priced import a_finished_job
from tests.databases import Emptied
from tests.worker.conftest import drain
from worker import specs
from worker.adapters import actions as adapter_actions
from worker.datasets import actions as dataset_actions
from worker.endpoints import actions as endpoint_actions
from worker.jobs import actions as job_actions
from worker.pricers import actions, obstacles, promise
from worker.pricing import actions as pricing_actions
from worker.pricing import comparison
from worker.saved_verdicts import actions as verdict_actions
from worker.saved_verdicts import facts

A, B = "a" * 64, "b" * 64
TODAY = datetime.now(UTC).date()


@pytest.fixture
def priced(database: str, emptied: Emptied, sent: list[int]) -> tuple[int, dict[str, int]]:
    """A dataset, and its finished jobs by technique."""
    return emptied.remembered(_a_priced_one)


def _a_priced_one() -> tuple[int, dict[str, int]]:
    with begin() as session:
        dataset_id = a_dataset(session, 300)
        names = ("constant", "ridge")
        return dataset_id, {name: a_finished_job(session, dataset_id, specs.SPECS[name]()) for name in names}


def fine_tuned(dataset_id: int, adapter_id: str) -> int:
    """A finished job that priced with an adapter."""
    with begin() as session:
        spec = specs.parse({"technique": "finetuned", "adapter": adapter_id, "model": "things"})
        return a_finished_job(session, dataset_id, spec)


@pytest.fixture
def two_adapters(priced: tuple[int, dict[str, int]]) -> tuple[int, int]:
    """Jobs that priced with A and with B, of one task; B was compared with A."""
    with begin() as session:
        an_adapter(session, priced[0], id=A)
        an_adapter(session, priced[0], id=B, gate_report=a_report(0.0, rival=A))
    return fine_tuned(priced[0], A), fine_tuned(priced[0], B)


def state(adapter_id: str) -> AdapterState:
    with begin() as session:
        return adapters.get(session, adapter_id).state


def test_a_pricer_keeps_all_that_its_verdict_rests_on(priced: tuple[int, dict[str, int]]) -> None:
    dataset_id, ids = priced
    (saved,) = verdict_actions.save(dataset_id, list(ids.values()))
    made = actions.make("monthly", "Ann", verdict_id=saved.id)
    with begin() as session:
        source, job = datasets.get(session, dataset_id), jobs.get(session, ids["ridge"])
    assert (made.name, made.version, made.state) == ("monthly", 1, PricerState.IN_USE)
    assert (made.spec, made.spec_hash) == (job.spec, job.spec_hash)
    assert (made.source_id, made.source_fingerprint) == (source.id, datasets.fingerprint(source))
    assert (made.job_id, made.verdict_id, made.created_by) == (job.id, saved.id, "Ann")
    first, second = reversed(actions.history("monthly"))
    assert (first.before, first.after, first.why) == (None, PricerState.CANDIDATE, facts.parse(saved.facts).sentence)
    assert (second.before, second.after, second.who) == (PricerState.CANDIDATE, PricerState.IN_USE, "Ann")


def test_what_it_promises_is_what_was_measured(priced: tuple[int, dict[str, int]]) -> None:
    _, ids = priced
    made = actions.make("monthly", "Ann", job_id=ids["ridge"])
    (line,) = comparison.of_jobs([ids["ridge"]])
    promised = promise.parse(made.promise)
    assert promised.measures["mae"] == promise.Figure(value=line["mae"], low=line["mae_low"], high=line["mae_high"])
    assert (promised.rows, promised.level, promised.usd_per_1000) == (line["n"], line["level"], line["usd_per_1000"])
    assert set(promised.measures) == {key for key in line if f"{key}_low" in line} - {"covered", "gain", "diff"}
    assert f"on {line['n']} rows that it had not seen" in promise.sentence(promised)
    unknown = promise.sentence(promised.model_copy(update={"usd_per_1000": None}))
    assert "1,000 items cost an unknown amount." in unknown
    (kept,) = verdict_actions.kept()
    assert (kept.id, facts.parse(kept.facts).job) == (made.verdict_id, ids["ridge"])


def test_nothing_measured_is_nothing_promised(database: str, sent: list[int]) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 60, unpriced=20)
    (job_id,) = pricing_actions.start(dataset_id, [specs.ConstantSpec()], Split.UNPRICED)
    drain(sent)
    with pytest.raises(NotReady, match="no readable answer for a test row"):
        actions.make("monthly", "Ann", job_id=job_id)
    with pytest.raises(UserError, match="Say which saved verdict"):
        actions.make("monthly", "Ann")
    assert verdict_actions.kept() == []


def test_a_wish_that_can_not_be_promised_is_refused(priced: tuple[int, dict[str, int]]) -> None:
    with pytest.raises(UserError, match="no hit rate can be promised"):
        actions.make("monthly", "Ann", job_id=priced[1]["ridge"], hit_rate=0.9)
    assert actions.every() == []


def test_versions_follow_each_other_and_go_back_one_by_one(priced: tuple[int, dict[str, int]]) -> None:
    one, two, three = (actions.make("monthly", "Ann", job_id=priced[1]["ridge"]) for _ in range(3))
    assert [one.state, two.state, three.state] == [PricerState.IN_USE, PricerState.CANDIDATE, PricerState.CANDIDATE]
    with pytest.raises(UserError, match="Say why"):
        actions.use(two.id, "Ann", " ")
    for each in (two, three):
        actions.use(each.id, "Ann", "newer")
    with pytest.raises(WrongState, match="in use already"):
        actions.use(three.id, "Ann", "again")
    assert actions.roll_back("monthly", "Ben", "wrong").id == two.id
    assert actions.roll_back("monthly", "Ben", "wrong too").id == one.id
    with pytest.raises(NotReady, match="No other version of monthly was in use"):
        actions.roll_back("monthly", "Ben", "and this")
    with pytest.raises(WrongState, match="is in use; retire it first"):
        actions.delete(one.id)
    actions.retire(one.id, "Ben", "over")
    with pytest.raises(NotReady, match="No version of pricer monthly is in use"):
        actions.named("monthly")
    actions.delete(three.id)
    assert [each.version for each in actions.every()] == [2, 1]
    assert actions.make("monthly", "Ann", job_id=priced[1]["ridge"]).version == 4, "a number is never given twice"


def test_a_name_is_changed_for_all_versions_and_taken_once(priced: tuple[int, dict[str, int]]) -> None:
    one = actions.make("monthly", "Ann", job_id=priced[1]["ridge"])
    two = actions.make("monthly", "Ann", job_id=priced[1]["ridge"])
    actions.make("weekly", "Ann", job_id=priced[1]["ridge"])
    with pytest.raises(UserError, match="There is, or was, a pricer weekly already"):
        actions.rename(one.id, "weekly")
    actions.rename(one.id, " each   month ")
    actions.describe(two.id, "With the spring prices.")
    assert actions.get(two.id).name == "each month"
    assert actions.get(two.id).description == "With the spring prices."
    assert {each.version for each in actions.history("each month")} == {1, 2}
    with pytest.raises(NotFound, match="There is no pricer monthly; there are each month, weekly"):
        actions.named("monthly")
    with pytest.raises(UserError, match="needs a name"):
        actions.rename(one.id, "  ")


def test_what_a_pricer_rests_on_is_not_deleted(priced: tuple[int, dict[str, int]]) -> None:
    dataset_id, ids = priced
    made = actions.make("monthly", "Ann", job_id=ids["ridge"])
    assert [each.noun for each in dataset_actions.depending(dataset_id) if not each.goes] == ["pricer"]
    for delete, what in ((dataset_actions.delete_dataset, dataset_id), (job_actions.delete, ids["ridge"])):
        with pytest.raises(WrongState, match="can't be deleted: pricer monthly, version 1 rests on it"):
            delete(what)
    job_actions.delete(ids["constant"])
    actions.retire(made.id, "Ann", "over")
    actions.delete(made.id)
    dataset_actions.delete_dataset(dataset_id)
    assert actions.history("monthly")[0].after is PricerState.RETIRED


@pytest.mark.slow
def test_it_prices_every_row_of_another_table_once(database: str, sent: list[int]) -> None:
    with begin() as session:
        source, table = a_dataset(session, 300), a_dataset(session, 50, name="next")
    (job_id,) = pricing_actions.start(source, [specs.SPECS["ridge"]()])
    drain(sent)
    made = actions.make("monthly", "Ann", job_id=job_id)
    first = actions.start(made, table)
    assert actions.start(made, table) == first
    drain(sent)
    with begin() as session:
        job = jobs.get(session, first)
    assert (job.source_id, job.spec_hash, job.items_total) == (source, made.spec_hash, 50)


def test_a_source_that_changed_is_refused_in_a_sentence(priced: tuple[int, dict[str, int]]) -> None:
    dataset_id, ids = priced
    made = actions.make("monthly", "Ann", job_id=ids["ridge"])
    with begin() as session:
        other = a_dataset(session, 40)
        datasets.change(session, dataset_id, file_sha256="another")
    with pytest.raises(NotReady, match="learned from things, which was loaded anew since"):
        actions.start(made, other)
    with begin() as session:
        datasets.change(session, dataset_id, state=DatasetState.LOADING)
    assert "is not loaded" in (actions.refusal(made) or "")


def test_a_model_that_ends_is_warned_of_and_refused_when_it_is_gone(database: str, sent: list[int]) -> None:
    with begin() as session:
        endpoints.add(session, Endpoint("e", "http://127.0.0.1:9/v1"))
        endpoints.set_models(session, "e", [EndpointModel("fast")])
        dataset_id = a_dataset(session, 300)
        job_id = a_finished_job(session, dataset_id, specs.parse({"technique": "zero-shot", "model": "e:fast"}))
    later = TODAY + timedelta(days=30)
    endpoint_actions.set_end("e", "fast", later)
    made = actions.make("monthly", "Ann", job_id=job_id)
    assert made.best_before == later
    assert (actions.refusal(made), actions.cautions(made)) == (None, [])
    with begin() as session:
        past = replace(made, best_before=TODAY)
        session.execute(text("UPDATE endpoints SET models = '[]'"))
        assert "was best before" in obstacles.cautions(session, past)[0]
        assert obstacles.refusal(session, past) is None
    endpoint_actions.set_end("e", "fast", TODAY)
    assert f"e:fast, which was shut down on {TODAY}" in (actions.refusal(made) or "")
    with begin() as session:
        endpoints.remove(session, "e")
    assert "whose endpoint was removed" in (actions.refusal(made) or "")


def test_the_gate_guards_pricers(priced: tuple[int, dict[str, int]]) -> None:
    with begin() as session:
        an_adapter(session, priced[0], id=A, gate_report=a_report(0.4))
    made = actions.make("monthly", "Ann", job_id=fine_tuned(priced[0], A))
    assert (made.state, state(A)) == (PricerState.CANDIDATE, AdapterState.CANDIDATE)
    with pytest.raises(UserError, match="Perplexity on neutral prose rose by 40 %.*override the gate"):
        actions.use(made.id, "Ann", "smaller error")
    actions.use(made.id, "Ann", "Smaller error.", override="It prices nothing but lamps.")
    change = actions.history("monthly")[0]
    assert change.why == "Smaller error. Against the gate: It prices nothing but lamps."
    assert change.overrides.startswith("Perplexity on neutral prose rose by 40 %")
    with begin() as session:
        (moved,) = adapters.history(session, adapter_id=A)
    assert (moved.after, moved.overrides) == (AdapterState.PRODUCTION, change.overrides)


def test_an_adapter_is_in_production_while_a_pricer_in_use_has_it(two_adapters: tuple[int, int]) -> None:
    first, second = (actions.make("monthly", "Ann", job_id=job_id) for job_id in two_adapters)
    assert (state(A), state(B)) == (AdapterState.PRODUCTION, AdapterState.CANDIDATE)
    for verb in (adapter_actions.retire, adapter_actions.promote):
        with pytest.raises(WrongState, match="Pricer monthly is in use and prices with adapter aaaaaaaaaaaa"):
            verb(A if verb is adapter_actions.retire else B, "Ben", "because")
    with pytest.raises(WrongState, match="Pricer monthly is in use"):
        adapter_actions.roll_back("things", "Ben", "because")
    actions.use(second.id, "Ann", "better")
    assert (state(A), state(B)) == (AdapterState.RETIRED, AdapterState.PRODUCTION)
    actions.roll_back("monthly", "Ann", "worse", override="B was not measured against A again.")
    assert (state(A), state(B)) == (AdapterState.PRODUCTION, AdapterState.RETIRED)
    actions.retire(first.id, "Ann", "over")
    with pytest.raises(WrongState, match="pricer monthly, version 1 rests on it"):
        adapter_actions.delete(A)
    assert state(A) is AdapterState.RETIRED


def test_a_task_has_one_adapter_in_production_whatever_pricers_are_called(two_adapters: tuple[int, int]) -> None:
    actions.make("monthly", "Ann", job_id=two_adapters[0])
    weekly = actions.make("weekly", "Ann", job_id=two_adapters[1])
    assert weekly.state is PricerState.CANDIDATE
    with pytest.raises(WrongState, match="Pricer monthly prices with adapter aaaaaaaaaaaa.*a task has one there"):
        actions.use(weekly.id, "Ann", "newer")
    same = actions.make("weekly", "Ann", job_id=two_adapters[0])
    assert same.state is PricerState.IN_USE
    actions.retire(same.id, "Ann", "over")
    assert state(A) is AdapterState.PRODUCTION, "monthly has it too"


def test_without_its_adapter_a_pricer_is_refused(two_adapters: tuple[int, int]) -> None:
    made: Pricer = actions.make("monthly", "Ann", job_id=two_adapters[0])
    with begin() as session:
        adapters.drop(session, A)
        assert "adapter aaaaaaaaaaaa, which was deleted" in (obstacles.refusal(session, made) or "")
        assert pricers.resting_on_adapter(session, A) == [made]

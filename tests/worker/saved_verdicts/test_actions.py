"""Saved verdicts: what is kept, until when it is good, and what a recheck finds when the world changes."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from db import adapters, endpoints, jobs, price_decisions, rates, saved_verdicts
from db.engine import begin
from db.errors import NotFound, NotReady
from db.job_results import RecheckedVerdict
from db.knowledge import bases, changes
from db.settings import Settings
from db.types import EndpointModel, SavedVerdict, Split
from tests.builders import a_dataset, an_adapter
from tests.dashboard.priced import a_finished_job, a_priced_dataset, learned_elsewhere
from tests.fake_openai.server import Handle
from tests.worker.conftest import drain
from tests.worker.llm.endpoint.calls import hosted
from worker import amounts, specs
from worker.adapters import actions as adapter_actions
from worker.datasets import actions as dataset_actions
from worker.endpoints import actions as endpoint_actions
from worker.evaluation.choice import Limits
from worker.pricing import actions as pricing_actions
from worker.saved_verdicts import actions, facts

MODEL = "e:fast"
TODAY = datetime.now(UTC).date()


@pytest.fixture
def server(database: str) -> Iterator[Handle]:
    with hosted() as handle:
        endpoint_actions.list_models("e")
        yield handle


@pytest.fixture
def priced(server: Handle, sent: list[int]) -> tuple[int, dict[str, int]]:
    """A dataset, and its finished jobs by technique: one on this machine, one behind the endpoint, which is nearer."""
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        ids = {
            "ridge": a_finished_job(session, dataset_id, specs.SPECS["constant"]()),
            "rag": a_finished_job(session, dataset_id, specs.parse({"technique": "rag", "model": MODEL})),
        }
    return dataset_id, ids


def rechecked(saved: SavedVerdict, sent: list[int]) -> RecheckedVerdict:
    job_id = actions.recheck(saved.dataset_id, [saved.id])
    drain(sent)
    report = actions.report(job_id)
    assert report is not None
    (found,) = report.verdicts
    assert actions.latest(saved.dataset_id)[saved.id][1] == found
    return found


def the_best(priced: tuple[int, dict[str, int]], limits: Limits | None = None) -> SavedVerdict:
    dataset_id, ids = priced
    (saved,) = actions.save(dataset_id, list(ids.values()), "mae", limits)
    return saved


def test_a_verdict_keeps_what_was_chosen_and_all_that_it_rests_on(priced: tuple[int, dict[str, int]]) -> None:
    dataset_id, ids = priced
    saved = the_best(priced)
    kept = facts.parse(saved.facts)
    assert (kept.question, kept.job, kept.rows, kept.dataset) == ("most accurate", ids["rag"], 40, "things")
    assert kept.sentence.startswith("RAG (e:fast) is best on mean error: ")
    assert (kept.models, kept.listed) == ((MODEL,), (MODEL,))
    assert {line.label for line in kept.lines} == {"RAG (e:fast)", "Category median"}
    assert kept.chosen.tariffs[MODEL] == facts.prices(endpoint_actions.price("e", "fast"))
    assert kept.chosen.spec_hash == specs.parse(kept.chosen.spec).hash
    assert saved.best_before is None
    assert actions.kept(dataset_id) == [saved]
    with begin() as session:
        assert saved_verdicts.get(session, saved.id) == saved


def test_nothing_chosen_is_nothing_to_save(priced: tuple[int, dict[str, int]]) -> None:
    with pytest.raises(NotReady, match="no choice to save"):
        the_best(priced, Limits(error=0.0))
    with pytest.raises(NotReady, match="No verdict is saved on things"):
        actions.recheck(priced[0])


def test_it_holds_while_nothing_changes_and_says_what_deciding_anew_costs(
    priced: tuple[int, dict[str, int]], sent: list[int]
) -> None:
    found = rechecked(the_best(priced), sent)
    assert (found.reasons, found.notes) == ((), ())
    assert found.holds
    assert found.usd is not None
    assert found.usd > 0
    assert found.anew.startswith("Deciding anew would cost about $")
    assert "2 techniques on 40 test rows" in found.anew
    estimates = pricing_actions.estimate(
        priced[0], [specs.parse(line.spec) for line in facts.parse(the_best(priced).facts).lines], Split.TEST
    )
    assert found.usd == sum(each.fixed_usd + (each.usd or Decimal(0)) for each in estimates)


def test_the_first_end_of_what_the_choice_needs_is_its_best_before(
    priced: tuple[int, dict[str, int]], sent: list[int]
) -> None:
    later = TODAY + timedelta(days=90)
    endpoint_actions.set_end("e", "fast", later)
    saved = the_best(priced)
    assert saved.best_before == later
    assert rechecked(saved, sent).holds
    endpoint_actions.set_end("e", "fast", TODAY)
    assert actions.best_before(saved) == TODAY
    with begin() as session:
        assert saved_verdicts.get(session, saved.id).best_before == later, "what was saved is never changed"
    assert rechecked(saved, sent).reasons == (f"{MODEL} was shut down on {TODAY}.",)


def test_only_what_the_choice_itself_needs_can_end_it(priced: tuple[int, dict[str, int]], sent: list[int]) -> None:
    saved = the_best(priced, Limits(usd_per_1000=0.001))
    assert facts.parse(saved.facts).chosen.label == "Category median"
    endpoint_actions.set_end("e", "fast", TODAY - timedelta(days=1))
    endpoint_actions.remove("e")
    found = rechecked(saved, sent)
    assert found.holds
    assert found.usd is None
    assert "What RAG (e:fast) would cost is unknown." in found.anew


def test_a_model_that_its_endpoint_no_longer_names_is_gone(
    priced: tuple[int, dict[str, int]], server: Handle, sent: list[int]
) -> None:
    saved = the_best(priced)
    server.change(models=[{"id": "another"}])
    assert rechecked(saved, sent).reasons == ("The endpoint e no longer lists fast.",)


def test_a_model_that_was_never_named_is_not_called_gone(
    priced: tuple[int, dict[str, int]], server: Handle, sent: list[int]
) -> None:
    """Azure answers for deployments that it does not list."""
    with begin() as session:
        endpoints.learn(session, "e", "fast", {"tools": True})
        endpoints.set_models(session, "e", [EndpointModel("another")])
    saved = the_best(priced)
    server.change(models=[{"id": "another"}])
    assert rechecked(saved, sent).holds


def test_an_endpoint_that_does_not_answer_is_told_and_says_nothing_of_its_models(
    priced: tuple[int, dict[str, int]], server: Handle, sent: list[int]
) -> None:
    saved = the_best(priced)
    server.change(key="needed")
    found = rechecked(saved, sent)
    assert found.holds
    assert found.notes[0].startswith(f"Whether {MODEL} is still there is not known: ")
    endpoint_actions.remove("e")
    assert rechecked(saved, sent).reasons == (
        f"The endpoint of {MODEL} was removed, so the model can't be asked any more.",
    )


def test_a_dearer_tariff_ends_a_choice_that_it_breaks_and_no_other(
    priced: tuple[int, dict[str, int]], sent: list[int]
) -> None:
    _, ids = priced
    limited, unlimited = the_best(priced, Limits(usd_per_1000=1.0)), the_best(priced)
    assert facts.parse(limited.facts).job == ids["rag"]
    endpoint_actions.set_price("e", "fast", input=1000, output=2000)
    broken = rechecked(limited, sent)
    assert broken.reasons[0].startswith("With the prices of today the choice is another one. Best on mean error with")
    assert "Category median" in broken.reasons[0]
    assert broken.notes[0].startswith(
        f"{MODEL} costs $1000 in and $2000 out per million tokens today, $1 in and $2 out"
    )
    tokens = 190 + 45 * specs.SPECS["rag"]().model_dump()["k"]
    anew = (tokens * 1000 + 4 * 2000) / 1e6 * 1000  # cached tokens have no price of their own any more
    assert broken.notes[1].startswith(f"RAG (e:fast) costs {amounts.usd(anew)} per 1,000 items today, ")
    same = rechecked(unlimited, sent)
    assert same.holds
    assert same.notes == broken.notes


def test_another_rate_of_the_machine_prices_its_seconds_anew(
    priced: tuple[int, dict[str, int]], sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = the_best(priced, Limits(error=1000.0))
    assert facts.parse(saved.facts).chosen.label == "Category median"
    monkeypatch.setattr(rates, "settings", lambda: Settings(cpu_usd_per_hour=Decimal(100_000_000)))
    found = rechecked(saved, sent)
    assert "An hour of a CPU machine costs $100,000,000 today, $0.10 then." in found.notes
    assert found.reasons[0].startswith("With the prices of today the choice is another one. Cheapest with")


def test_an_adapter_that_was_deleted_takes_its_verdict_along(database: str, sent: list[int]) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        job_id = a_finished_job(session, dataset_id, specs.SPECS["ridge"]())
        adapter = an_adapter(session, dataset_id)
        spec = json.dumps({"technique": "finetuned", "adapter": adapter.id})
        session.execute(
            text("UPDATE jobs SET technique = 'finetuned', spec = CAST(:spec AS jsonb) WHERE id = :job"),
            {"spec": spec, "job": job_id},
        )
    (saved,) = actions.save(dataset_id, [job_id])
    with begin() as session:
        adapters.drop(session, adapter.id)
    assert rechecked(saved, sent).reasons == (f"The adapter {adapter.id[:12]} that it prices with was deleted.",)


def a_verdict_on(spec: specs.BaseSpec) -> SavedVerdict:
    """Of a job that priced with these settings and was the only one."""
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        job_id = a_finished_job(session, dataset_id, specs.SPECS["ridge"]())
        session.execute(
            text("UPDATE jobs SET technique = :technique, spec = CAST(:spec AS jsonb) WHERE id = :job"),
            {"technique": spec.technique, "spec": spec.model_dump_json(), "job": job_id},
        )
    (saved,) = actions.save(dataset_id, [job_id])
    return saved


def test_an_adapter_that_was_retired_since_is_told_with_what_to_do(database: str, sent: list[int]) -> None:
    with begin() as session:
        adapter = an_adapter(session, a_dataset(session, 40))
    spec = specs.parse({"technique": "finetuned", "adapter": adapter.id})
    saved = a_verdict_on(spec)
    assert rechecked(saved, sent).holds
    adapter_actions.retire(adapter.id, "Too old.")
    found = rechecked(saved, sent)
    (reason,) = found.reasons
    assert reason.startswith(f"The adapter {adapter.id[:12]} that it prices with was retired since: put it into")
    assert found.anew.startswith("Deciding anew would cost")
    assert rechecked(a_verdict_on(spec), sent).holds  # saved with open eyes


def test_a_model_folder_that_is_gone_ends_its_verdict_and_what_deciding_anew_costs_is_unknown(
    database: str, sent: list[int], tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    saved = a_verdict_on(specs.parse({"technique": "zero-shot", "model": str(folder)}))
    assert rechecked(saved, sent).holds
    shutil.rmtree(folder)
    found = rechecked(saved, sent)
    assert found.reasons == (
        f"The model {folder} that it asks is not on this machine: bring it back to where it was, or decide anew with "
        "another one.",
    )
    assert found.usd is None
    assert found.anew == "Nothing of it can be run again."


def test_a_knowledge_base_that_changed_since_ends_a_verdict_on_what_searches_it(database: str, sent: list[int]) -> None:
    saved, other = (a_verdict_on(specs.SPECS[name]()) for name in ("neighbours", "ridge"))
    assert facts.parse(saved.facts).knowledge is None  # nothing was ever searched here
    with begin() as session:
        ids = []
        for each in (saved, other):
            base = bases.ensure(session, each.dataset_id, "a model")
            changes.sync(session, base)
            ids.append(jobs.all(session, each.dataset_id)[0].id)
    (saved,), (other,) = (actions.save(each.dataset_id, [job]) for each, job in zip((saved, other), ids, strict=True))
    assert rechecked(saved, sent).holds
    with begin() as session:
        session.execute(text("UPDATE knowledge_items SET price = price + 1 WHERE row = 1"))
    (reason,) = rechecked(saved, sent).reasons
    assert reason == (
        "The knowledge base that it searches changed since (other texts or prices of 320 items): price the test rows "
        "with it again, then save the verdict anew."
    )
    with begin() as session:
        session.execute(text("DELETE FROM knowledge_items WHERE row = 1"))
    (reason,) = rechecked(saved, sent).reasons
    assert "changed since (319 items, 320 then)" in reason
    with begin() as session:
        bases.ensure(session, saved.dataset_id, "another model")
    (reason,) = rechecked(saved, sent).reasons
    assert "embedded by another model since" in reason
    assert rechecked(other, sent).holds  # ridge searches nothing


def test_runs_stand_apart_once_the_adapter_of_one_was_deleted(
    database: str, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        job_ids = [a_finished_job(session, dataset_id, specs.SPECS["ridge"]())]
        for number in ("a", "c"):
            adapter = an_adapter(session, dataset_id, id=number * 64)
            job_ids.append(a_finished_job(session, dataset_id, specs.SPECS["constant"]()))
            session.execute(
                text("UPDATE jobs SET technique = 'finetuned', spec = CAST(:spec AS jsonb) WHERE id = :job"),
                {"spec": json.dumps({"technique": "finetuned", "adapter": adapter.id}), "job": job_ids[-1]},
            )
    (saved,) = actions.save(dataset_id, job_ids, limits=Limits(error=1000.0))
    kept = facts.parse(saved.facts)
    assert (len(kept.lines), kept.job) == (2, job_ids[1])
    with begin() as session:
        adapters.drop(session, "c" * 64)
        session.execute(text("UPDATE predictions SET seconds = 10 WHERE job_id = :job"), {"job": job_ids[1]})
    monkeypatch.setattr(rates, "settings", lambda: Settings(cpu_usd_per_hour=Decimal(100_000_000)))
    (reason,) = rechecked(saved, sent).reasons
    assert reason.startswith("With the prices of today the choice is another one. Cheapest with")
    assert "Fine-tuned" in reason


def test_a_newer_version_of_the_table_is_told_with_what_changed(
    priced: tuple[int, dict[str, int]], sent: list[int]
) -> None:
    saved = the_best(priced)
    with begin() as session:
        for row, decision, price in ((0, "fix", 999.0), (1, "drop", None)):
            price_decisions.put(session, priced[0], row, decision, price)
        version = price_decisions.apply(session, priced[0], "curated")
    found = rechecked(saved, sent)
    assert found.reasons == (
        f"There is a newer version, dataset {version} (curated): 1 known price changed, 1 row dropped.",
    )


@pytest.mark.slow
@pytest.mark.parametrize(("word", "holds"), [("", True), ("Seltsames Ding aus Holz, gebraucht: ", False)])
def test_a_table_that_was_loaded_again_ends_a_verdict_where_its_rows_are_unlike(
    database: str, sent: list[int], word: str, holds: bool
) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 1_000)
    job_ids = pricing_actions.start(dataset_id, [specs.SPECS["constant"](), specs.SPECS["ridge"]()], Split.TEST)
    drain(sent)
    (saved,) = actions.save(dataset_id, job_ids)
    with begin() as session:
        again = a_dataset(session, 1_000)
        session.execute(
            text("UPDATE items SET title = :word || title WHERE dataset_id = :again"), {"word": word, "again": again}
        )
    found = rechecked(saved, sent)
    assert found.holds is holds
    said = " ".join((*found.reasons, *found.notes))
    assert f"things was loaded again as dataset {again}" in said
    assert ("are unlike" in said) is not holds


def test_where_nothing_was_calibrated_drift_can_not_be_told_and_that_is_said(
    priced: tuple[int, dict[str, int]], sent: list[int]
) -> None:
    saved = the_best(priced)
    with begin() as session:
        a_dataset(session, 400)
    found = rechecked(saved, sent)
    assert found.holds
    assert "can't be said: there are too few rows" in found.notes[0]


def test_saved_verdicts_go_with_their_dataset_and_are_forgotten_by_number(
    priced: tuple[int, dict[str, int]], sent: list[int]
) -> None:
    first, second = the_best(priced), the_best(priced)
    job_id = actions.recheck(priced[0])
    actions.forget(first.id)
    drain(sent)
    report = actions.report(job_id)
    assert report is not None
    assert [each.verdict for each in report.verdicts] == [second.id], "one that was forgotten meanwhile is passed over"
    with pytest.raises(NotFound):
        actions.forget(first.id)
    with pytest.raises(NotFound, match="has no saved verdict"):
        actions.recheck(priced[0], [first.id])
    dataset_actions.delete_dataset(priced[0])
    assert actions.kept() == []


def test_repeats_are_one_line_and_all_of_them_are_what_it_rests_on(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        a_priced_dataset(session, dataset_id, ("constant",))
        for seed in (1, 2):
            a_finished_job(session, dataset_id, specs.MultiShotSpec(seed=seed))
        ids = [job.id for job in jobs.all(session, dataset_id)]
    (saved,) = actions.save(dataset_id, ids)
    kept = facts.parse(saved.facts)
    assert len(kept.lines) == 2
    assert set(kept.jobs) == set(ids)


def test_a_day_that_a_person_entered_holds_over_what_the_endpoint_says_until_it_is_taken_back(server: Handle) -> None:
    def known(model: str) -> EndpointModel:
        with begin() as session:
            return endpoints.get(session, "e").model(model)

    assert known("fast-old").shutdown_date == "2026-12-31"
    endpoint_actions.set_end("e", "fast-old", date(2030, 1, 1))
    endpoint_actions.set_end("e", "unlisted", date(2031, 1, 1))
    endpoint_actions.list_models("e")
    with begin() as session:
        endpoints.learn(session, "e", "fast-old", {"tools": True})
    old = known("fast-old")
    assert (old.shutdown_date, old.is_end_entered, old.is_listed) == ("2030-01-01", True, True)
    other = known("unlisted")
    assert (other.shutdown_date, other.is_listed) == ("2031-01-01", False)
    endpoint_actions.set_end("e", "fast-old", None)
    assert known("fast-old") == replace(old, shutdown_date=None, is_end_entered=False)
    endpoint_actions.list_models("e")
    assert known("fast-old").shutdown_date == "2026-12-31"


def test_a_choice_that_learned_elsewhere_is_rechecked_with_its_source(database: str, sent: list[int]) -> None:
    with begin() as session:
        source_id, dataset_id = a_dataset(session, 400, name="products"), a_dataset(session, 400)
        for each in (source_id, dataset_id):
            base = bases.ensure(session, each, "test")
            changes.sync(session, base)
        constant = a_finished_job(session, dataset_id, specs.SPECS["constant"]())
        neighbours = a_finished_job(session, dataset_id, specs.SPECS["neighbours"]())
        learned_elsewhere(session, neighbours, source_id)
    (saved,) = actions.save(dataset_id, [constant, neighbours], "mae")
    assert facts.parse(saved.facts).chosen.source == source_id
    with begin() as session:
        session.execute(text("DELETE FROM knowledge_items WHERE base_id = :base"), {"base": base.id})  # not searched
    assert rechecked(saved, sent).reasons == ()
    with begin() as session:
        session.execute(text("UPDATE knowledge_items SET price = price + 1"))
        session.execute(text("UPDATE datasets SET file_sha256 = 'other' WHERE id = :source"), {"source": source_id})
    searched, learned = rechecked(saved, sent).reasons
    assert searched.startswith("The knowledge base that it searches changed since")
    assert learned.startswith("products, which it learned from, was loaded anew since")

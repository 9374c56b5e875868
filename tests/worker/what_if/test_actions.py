"""What techniques would cost in a scenario, from what jobs paid; and scenarios that are kept apart from it."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from sqlalchemy import text

from db import adapters, datasets, endpoints, jobs, rates
from db.engine import Session, begin
from db.errors import NotFound, NotReady, UserError
from db.settings import settings
from db.types import Adapter, Endpoint, Split
from tests.builders import a_dataset, an_adapter
from tests.dashboard.priced import a_finished_job, learned_elsewhere
from tests.databases import Emptied
from worker import specs
from worker.adapters import pricing
from worker.datasets import actions as dataset_actions
from worker.pricing import comparison
from worker.specs import what_if
from worker.specs.what_if import Scenario
from worker.what_if import actions

MODEL = "e:fast"


@pytest.fixture
def priced(database: str, emptied: Emptied) -> dict[str, int]:
    """Job ids by technique: two on this machine, one behind an endpoint, on the same 20 rows."""
    return emptied.remembered(_three_jobs)


def _three_jobs() -> dict[str, int]:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        endpoints.add(session, Endpoint("e", "http://127.0.0.1:9/v1"))
        chosen = {"ridge": {}, "rag": {}, "zero-shot": {"model": MODEL}}
        return {
            name: a_finished_job(session, dataset_id, specs.parse({"technique": name} | values))
            for name, values in chosen.items()
        }


def way(job_id: int, **scenario: object) -> dict:
    answer = actions.ask([job_id], what_if.parse(scenario))
    (line,) = actions.report(answer, {job_id: "It"})["ways"]
    return line


def a_job_with(session: Session, dataset_id: int, adapter: Adapter) -> int:
    """A finished job that priced with an adapter and bears what it took."""
    job_id = a_finished_job(session, dataset_id, specs.SPECS["ridge"]())
    spec = {"technique": "finetuned", "adapter": adapter.id}
    jobs.add_fixed_cost(session, job_id, adapter.seconds, adapter.usd)
    session.execute(
        text("UPDATE jobs SET technique = 'finetuned', spec = CAST(:spec AS jsonb) WHERE id = :job"),
        {"spec": json.dumps(spec), "job": job_id},
    )
    return job_id


def test_intervals_are_of_the_level_that_is_set(priced: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICEWRIGHT_CONFIDENCE", "0.8")
    settings.cache_clear()
    ids = list(priced.values())
    report = actions.report(actions.ask(ids, Scenario()), dict.fromkeys(ids, "It"))
    assert report["level"] == 0.8
    assert all("95 %" not in each["sentence"] for each in report["crossings"])


def test_as_it_was_booked_an_item_costs_what_the_comparison_says(priced: dict[str, int]) -> None:
    known = {line["job"]: line["usd_per_1000"] for line in comparison.of_jobs(list(priced.values()))}
    for job_id in priced.values():
        line = way(job_id, items_a_month=1000, months=2)
        assert line["usd_per_1000"] == pytest.approx(known[job_id])
        assert line["total_usd"] == pytest.approx(line["once_usd"] + 2 * known[job_id])
        assert line["usd_per_1000_low"] <= line["usd_per_1000"] <= line["usd_per_1000_high"]


def test_another_hour_prices_seconds_of_learning_and_pricing_anew(priced: dict[str, int]) -> None:
    with begin() as session:
        before = jobs.get(session, priced["ridge"])
    line = way(before.id, cpu_hour_usd=Decimal(36))
    assert line["once"]["learning"] == pytest.approx(
        float(before.fixed_usd) + before.fixed_seconds * (36 - float(before.rate_usd_per_hour)) / 3600
    )
    assert line["usd_per_1000"] == pytest.approx(1e3 * 1e-3 * 0.01, rel=0.3)  # about 1 ms at a cent a second
    assert way(before.id, gpu_hour_usd=Decimal(36)) == way(before.id)  # it ran on no GPU
    assert (
        way(priced["zero-shot"], cpu_hour_usd=Decimal(36))["usd_per_1000"] == way(priced["zero-shot"])["usd_per_1000"]
    )


def test_supposed_token_prices_price_each_item_anew(priced: dict[str, int]) -> None:
    prices = {"input": "10", "cached": "1", "output": "100"}
    line = way(priced["zero-shot"], tokens={MODEL: prices})
    # 190 tokens in, of which 64 cached, and 4 out
    assert line["usd_per_1000"] == pytest.approx(1000 * (126 * 10 + 64 * 1 + 4 * 100) / 1e6)
    batched = way(priced["zero-shot"], batch=True, tokens={MODEL: prices | {"batch_input": "5", "batch_output": "50"}})
    assert batched["usd_per_1000"] == pytest.approx(1000 * (190 * 5 + 4 * 50) / 1e6)


def test_a_batch_whose_price_nobody_said_is_unknown_or_an_upper_bound(priced: dict[str, int]) -> None:
    job_id = priced["zero-shot"]
    line = way(job_id, batch=True)
    assert line["unknown"] == [f"what {MODEL} charges"]
    assert line["total_usd"] is None
    with begin() as session:
        rates.set_tariff(session, "e", "fast", {"input": Decimal(10), "output": Decimal(100)})
    report = actions.report(actions.ask([job_id], Scenario(batch=True)), {job_id: "It"})
    assert report["ways"][0]["usd_per_1000"] == pytest.approx(1000 * (190 * 10 + 4 * 100) / 1e6)
    assert f"Nobody said what a batch costs at {MODEL}" in " ".join(report["notes"])


def test_labels_are_counted_for_what_learns_when_somebody_says_their_price(priced: dict[str, int]) -> None:
    report = actions.report(actions.ask([priced["ridge"]], Scenario()), {priced["ridge"]: "It"})
    assert "Labels are not counted" in " ".join(report["notes"])
    assert way(priced["ridge"], label_usd=Decimal("0.5"))["once"]["labels"] == 80.0  # 160 train rows
    assert way(priced["zero-shot"], label_usd=Decimal("0.5"))["once"]["labels"] == 0.0


def test_a_fine_tune_bears_its_training_its_hosting_and_what_is_unknown(priced: dict[str, int]) -> None:
    with begin() as session:
        dataset_id = jobs.get(session, priced["ridge"]).dataset_id
        adapter = an_adapter(session, dataset_id, usd=Decimal("1.5"), seconds=60.0, train_rows=100)
        blind = an_adapter(session, dataset_id, id="b" * 64, metrics={"cost_unknown": True})
        ids = [a_job_with(session, dataset_id, each) for each in (adapter, blind)]
    line = way(ids[0], hosting_usd=Decimal(20), label_usd=Decimal("0.1"), months=3, items_a_month=1)
    assert line["once"]["training"] == 1.5
    assert line["once"]["labels"] == pytest.approx(10.0)
    assert line["monthly_usd"] == 20.0
    assert line["total_usd"] == pytest.approx(line["once_usd"] + 60, abs=0.01)
    assert way(priced["ridge"], hosting_usd=Decimal(20))["monthly_usd"] == 0.0
    report = actions.report(actions.ask(ids, Scenario()), dict(zip(ids, ("Known", "Blind"))))
    assert "Blind is left out: what its training cost is unknown." in report["notes"]
    assert [line["total_usd"] is None for line in report["ways"]] == [False, True]
    with begin() as session:
        assert adapters.get(session, adapter.id).usd == Decimal("1.5")  # nothing that was measured changes


def test_an_ensemble_bears_each_adapter_of_its_members_once(priced: dict[str, int]) -> None:
    with begin() as session:
        dataset_id = jobs.get(session, priced["ridge"]).dataset_id
        one = an_adapter(session, dataset_id, usd=Decimal("1.5"), seconds=60.0, train_rows=100)
        two = an_adapter(session, dataset_id, id="b" * 64, usd=Decimal(2), seconds=30.0, train_rows=50)
        blind = an_adapter(session, dataset_id, id="c" * 64, metrics={"cost_unknown": True})
        tuned = [
            {"technique": "finetuned", "adapter": one.id, "readout": "median"},
            {"technique": "finetuned", "adapter": one.id, "readout": "mean"},
            {"technique": "hidden-boosting", "adapter": two.id},
        ]
        spec = specs.parse({"technique": "ensemble", "members": [{"technique": "constant"}, *tuned]})
        assert pricing.training_cost(session, spec) == (90.0, Decimal("3.5"))
        known, dark = (
            a_combination(session, dataset_id, [*tuned, *more])
            for more in ([], [{"technique": "finetuned", "adapter": blind.id}])
        )
    line = way(known, hosting_usd=Decimal(20), label_usd=Decimal("0.1"))
    assert line["once"]["training"] == 3.5
    assert line["monthly_usd"] == 40.0
    assert line["once"]["labels"] == pytest.approx(16.0)  # boosting learns from all of the train side
    assert way(known)["once"]["learning"] == pytest.approx(way(priced["ridge"])["once"]["learning"])
    assert way(dark)["unknown"] == ["what its training cost"]


def a_combination(
    session: Session, dataset_id: int, members: Sequence[Mapping[str, object]], technique: str = "ensemble"
) -> int:
    """A finished job of the members and the constant, which bears what their adapters took."""
    job_id = a_finished_job(session, dataset_id, specs.SPECS["ridge"]())
    spec = specs.parse({"technique": technique, "members": [{"technique": "constant"}, *members]})
    jobs.add_fixed_cost(session, job_id, *pricing.training_cost(session, spec))
    session.execute(
        text("UPDATE jobs SET technique = :name, spec = CAST(:spec AS jsonb) WHERE id = :job"),
        {"spec": json.dumps(spec.model_dump(mode="json")), "job": job_id, "name": technique},
    )
    return job_id


@pytest.mark.parametrize("technique", ["ensemble", "cascade"])
def test_a_combination_needs_the_knowledge_base_only_where_a_member_reads_it(
    priced: dict[str, int], technique: str
) -> None:
    def once(member: str) -> dict:
        with begin() as session:
            dataset_id = jobs.get(session, priced["ridge"]).dataset_id
            job_id = a_combination(session, dataset_id, [{"technique": member}], technique)
        return way(job_id)["once"]

    assert "knowledge base" in once("neighbours")
    assert "knowledge base" not in once("ridge")


def test_jobs_without_a_common_item_have_nothing_to_be_measured_on(database: str) -> None:
    spec = specs.SPECS["ridge"]()
    with begin() as session:
        dataset_id = a_dataset(session, 100, unpriced=20)
        ids = [a_finished_job(session, dataset_id, spec, side) for side in (Split.TEST, Split.UNPRICED)]
    with pytest.raises(NotReady, match="no item in common"):
        actions.ask(ids, Scenario())
    with pytest.raises(NotReady, match="No technique has priced"):
        actions.ask([], Scenario())


def test_scenarios_are_kept_by_name_loaded_written_over_and_deleted_by_id(database: str) -> None:
    with begin() as session:
        here, there = a_dataset(session, 20), a_dataset(session, 20, name="other")
    scenario = what_if.parse({"items_a_month": 7, "tokens": {MODEL: {"input": "0.1", "output": "0.4"}}})
    kept = actions.save(here, "  after   Christmas ", scenario)
    assert kept.name == "after Christmas"
    assert actions.load(here, "after Christmas") == scenario
    again = actions.save(here, "after Christmas", Scenario(months=3))
    assert again.id == kept.id
    assert actions.load(here, "after Christmas").months == 3
    assert actions.kept(there) == []
    with pytest.raises(NotFound, match="there are: after Christmas"):
        actions.load(here, "before")
    with pytest.raises(UserError, match="a name of 1 to 80"):
        actions.save(here, "  ", scenario)
    actions.delete(kept.id)
    with pytest.raises(NotFound):
        actions.delete(kept.id)


def test_scenarios_go_with_their_dataset(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 20)
    actions.save(dataset_id, "mine", Scenario())
    dataset_actions.delete_dataset(dataset_id)
    assert actions.kept(dataset_id) == []


@pytest.mark.parametrize(
    "values", [{"months": 0}, {"items_a_month": -1}, {"tokens": {MODEL: {"input": 1}}}, {"label_usd": -1}, {"other": 1}]
)
def test_what_can_not_be_supposed_is_one_sentence(values: dict) -> None:
    with pytest.raises(UserError, match=next(iter(values))):
        what_if.parse(values)


def test_what_is_made_of_others_costs_what_was_booked_and_names_the_models_of_its_members(
    priced: dict[str, int],
) -> None:
    members = [{"technique": "ridge"}, {"technique": "zero-shot", "model": MODEL}]
    spec = specs.parse({"technique": "ensemble", "members": members})
    with begin() as session:
        job_id = priced["zero-shot"]
        session.execute(
            text("UPDATE jobs SET technique = 'ensemble', spec = CAST(:spec AS jsonb) WHERE id = :job"),
            {"spec": json.dumps(spec.model_dump(mode="json")), "job": job_id},
        )
    assert actions.models([job_id]) == [MODEL]
    assert way(job_id)["usd_per_1000"] > 0
    line = way(job_id, tokens={MODEL: {"input": 1, "output": 1}})
    assert line["usd_per_1000"] is None  # its rows do not say what each member took
    assert "what each of its members took" in line["unknown"][0]
    assert spec.calibration_rows == 0, "no row is asked that the paid member has not been asked about"


def took(member: int, usd: float | None, seconds: float, *tokens: int) -> dict:
    names = ("tokens_in", "tokens_cached", "tokens_out")
    return {"member": member, "usd": usd, "seconds": seconds, **dict(zip(names, tokens or (0, 0, 0)))}


@pytest.fixture
def cascade(priced: dict[str, int]) -> int:
    """A model on this machine's GPU was asked about every row and took 2 s and $0.002; an endpoint about every second
    row: 5 s, 100 tokens in and 10 out for $0.004. Ridge took 1 s of the CPU for each, at $0.0001."""
    local = {"technique": "zero-shot"}
    members = [local, {"technique": "zero-shot", "model": MODEL}, {"technique": "ridge"}]
    spec = specs.parse({"technique": "cascade", "members": members})
    first, *_ = specs.members_of(spec)
    with begin() as session:
        dataset_id = jobs.get(session, priced["ridge"]).dataset_id
        own = a_finished_job(session, dataset_id, specs.parse(local))
        job_id = a_finished_job(session, dataset_id, specs.SPECS["ridge"]())
        session.execute(
            text("UPDATE jobs SET queue = 'gpu', spec = CAST(:spec AS jsonb), spec_hash = :hash WHERE id = :job"),
            {"job": own, "spec": json.dumps(first.model_dump(mode="json")), "hash": first.hash},
        )
        session.execute(
            text(
                """UPDATE jobs SET technique = 'cascade', queue = 'endpoint', spec = CAST(:spec AS jsonb)
                   WHERE id = :job"""
            ),
            {"spec": json.dumps(spec.model_dump(mode="json")), "job": job_id},
        )
        rows = session.scalars(text("SELECT row FROM predictions WHERE job_id = :job ORDER BY row"), {"job": job_id})
        for place, row in enumerate(rows.all()):
            asked = [took(0, 0.002, 2.0), took(2, 0.0001, 1.0)]
            asked += [took(1, 0.004, 5.0, 100, 0, 10)] if place % 2 else []
            session.execute(
                text(
                    """UPDATE predictions SET usd = 0, saved_usd = :usd, evidence = CAST(:evidence AS jsonb)
                       WHERE job_id = :job AND row = :row"""
                ),
                {"job": job_id, "row": row, "usd": sum(each["usd"] for each in asked),
                 "evidence": json.dumps({"took": asked})},
            )  # fmt: skip
    return job_id


@pytest.mark.parametrize(
    ("supposed", "usd"),
    [
        ({}, 0.002 + 0.0001 + 0.004 / 2),
        ({"gpu_hour_usd": 3600}, 2 * 1 + 0.0001 + 0.004 / 2),  # a dollar a second of the GPU, and of nothing else
        ({"cpu_hour_usd": 3600}, 0.002 + 1 * 1 + 0.004 / 2),
        ({"gpu_hour_usd": 0, "cpu_hour_usd": 7200}, 0 + 1 * 2 + 0.004 / 2),
        ({"tokens": {MODEL: {"input": 1e4, "output": 1e5}}}, 0.002 + 0.0001 + (100 * 0.01 + 10 * 0.1) / 2),
        ({"gpu_hour_usd": 3600, "tokens": {MODEL: {"input": 1e4, "output": 1e5}}}, 2 * 1 + 0.0001 + (1 + 1) / 2),
    ],
)
def test_a_combination_is_priced_anew_member_by_member(cascade: int, supposed: dict, usd: float) -> None:
    line = way(cascade, items_a_month=1000, months=1, **supposed)
    assert line["usd_per_1000"] == pytest.approx(1000 * usd)
    assert line["total_usd"] == pytest.approx(line["once_usd"] + 1000 * usd)


def test_a_member_that_charges_nobody_knows_what_is_unknown_whatever_an_hour_costs(cascade: int) -> None:
    with begin() as session:
        session.execute(
            text(
                """UPDATE predictions SET usd = NULL, saved_usd = 0, evidence = CAST(replace(CAST(evidence AS text),
                       '0.004', 'null') AS jsonb) WHERE job_id = :job AND saved_usd > 0.004"""
            ),
            {"job": cascade},
        )
    assert way(cascade)["unknown"] == ["what its members charge"]
    assert way(cascade, gpu_hour_usd=3600)["unknown"] == [f"what {MODEL} charges"]
    priced = way(cascade, gpu_hour_usd=3600, tokens={MODEL: {"input": 1e4, "output": 1e5}})
    assert priced["usd_per_1000"] == pytest.approx(1000 * (2 + 0.0001 + 1))


def test_what_a_fit_was_paid_at_an_unknown_price_is_unknown_beside_an_unknown_training(
    priced: dict[str, int],
) -> None:
    with begin() as session:
        dataset_id = jobs.get(session, priced["ridge"]).dataset_id
        blind = an_adapter(session, dataset_id, id="b" * 64, metrics={"cost_unknown": True})
        job_id = a_job_with(session, dataset_id, blind)
        jobs.add_fixed_cost(session, job_id, 0.0, Decimal(0), is_known=False)
    assert way(job_id)["unknown"] == ["what its training cost"]
    assert way(job_id)["once"]["learning"] is not None
    with begin() as session:
        an_unpriced_answer(session, job_id)
    line = way(job_id)
    assert line["once"] == {"learning": None, "training": None}
    assert line["unknown"] == ["what its learning cost", "what its training cost"]


def an_unpriced_answer(session: Session, job_id: int) -> None:
    """An answer that the job paid for at a price which nobody knows."""
    session.execute(
        text(
            """INSERT INTO completions (hash, job_id, endpoint, model, row, request, state)
               VALUES ('a', :job, 'e', 'fast', 1, CAST('{}' AS jsonb), 'done')"""
        ),
        {"job": job_id},
    )


def test_what_learned_elsewhere_is_reckoned_with_its_source(database: str) -> None:
    with begin() as session:
        source_id, table_id = a_dataset(session, 400, name="products"), a_dataset(session, 40)
        own, other = (a_finished_job(session, table_id, specs.SPECS["neighbours"]()) for _ in range(2))
        learned_elsewhere(session, other, source_id)
        here, there = (datasets.get(session, each).splits["train"] for each in (table_id, source_id))
    assert here < there
    assert way(own, label_usd=2)["once"]["labels"] == 2 * here
    assert way(other, label_usd=2)["once"]["labels"] == 2 * there

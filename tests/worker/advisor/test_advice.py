"""Advice: every figure is that of a run, what was not measured offers what would, and gains rest on measurements."""

import polars as pl
import pytest
from sqlalchemy import text

from db import datasets, jobs, predictions, results
from db.engine import Session, begin
from db.errors import NotFound
from db.types import Family, JobKind, Queue, Split, Step
from tests.builders import a_dataset, an_adapter
from tests.dashboard.priced import a_finished_job, a_priced_dataset, learned_elsewhere
from tests.worker.conftest import drain
from tests.worker.what_if.test_actions import a_job_with
from worker import specs
from worker.advisor import actions
from worker.advisor.advice import COLUMNS, Advice, Fact
from worker.data_need.results import measured, rung_name, rungs_of
from worker.evaluation import compare
from worker.evaluation.data_verdict import report
from worker.pricing import comparison, comparison_jobs, kept
from worker.specs.data_need import WAYS


def advise(dataset_id: int) -> Advice:
    with begin() as session:
        return actions.advice(session, dataset_id)


def facts(advised: Advice, family: Family) -> dict[str, Fact]:
    (way,) = [way for way in advised.ways if way.family is family]
    return {fact.key: fact for column in COLUMNS for fact in way.cell(column)}


def test_each_figure_is_that_of_the_comparison_and_names_its_run(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        job_ids = a_priced_dataset(session, dataset_id, ("ridge", "zero-shot", "multi-shot", "rag"))
    known = {line["job"]: line for line in comparison.of_jobs(job_ids)}
    advised = advise(dataset_id)
    assert advised.rows == 20
    prompt = facts(advised, Family.PROMPT)
    head = min(job_ids[1:3], key=lambda job_id: known[job_id]["mae"])
    assert prompt["error"].value == pytest.approx(known[head]["mae"])
    assert (prompt["error"].low, prompt["error"].high) == (known[head]["mae_low"], known[head]["mae_high"])
    assert prompt["error"].link.names == {"job": str(head)}
    assert prompt["per_1000"].value == pytest.approx(known[head]["usd_per_1000"])
    assert prompt["latency"].value == pytest.approx(known[head]["p50_ms"] / 1000)
    rag = facts(advised, Family.RAG)
    assert rag["time"].value is not None
    assert rag["time"].value >= 1.5
    assert rag["rows"].value == 160


def test_the_verdict_names_the_run_ahead_and_what_is_surely_behind_it(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 1000)
        ridge, *_ = a_priced_dataset(session, dataset_id, ("ridge", "zero-shot"))
    (line,) = [line for line in comparison.of_jobs([ridge]) if line["job"] == ridge]
    said = advise(dataset_id).verdict
    assert said.startswith(f"Ahead on 100 test rows: Ridge on words (No language model), mean error ${line['mae']:.2f}")
    assert "Surely behind it: Prompting." in said
    assert "Not run yet: RAG and Fine-tuning." in said


def test_what_was_not_run_says_so_and_offers_the_run(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        a_priced_dataset(session, dataset_id, ("ridge",))
    advised = advise(dataset_id)
    rag = facts(advised, Family.RAG)
    assert not any(fact.is_measured for fact in rag.values())
    assert rag["error"].link.page == "run"
    assert rag["error"].link.names == {"technique": "rag"}
    assert rag["freshness"].link.page == "knowledge"
    assert facts(advised, Family.FINETUNE)["forgetting"].link.page == "finetune"
    untried = {step.link.names["technique"] for step in advised.steps if step.link.page == "run"}
    assert {"rag", "multi-shot", "zero-shot"} <= untried
    assert "ridge" not in untried


def test_without_any_run_there_is_advice_all_the_same(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
    advised = advise(dataset_id)
    assert (advised.rows, advised.verdict) == (0, "")
    assert {way.job for way in advised.ways} == {None}
    assert advised.steps


def test_no_gain_is_made_up_and_what_is_unknown_stands_by_its_cost(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        a_priced_dataset(session, dataset_id, ("ridge", "zero-shot"))
    steps = advise(dataset_id).steps
    assert all(step.gain is None for step in steps)
    costs = [float("inf") if step.usd is None else step.usd for step in steps]
    assert costs == sorted(costs)
    assert all("is not known; this run would tell" in step.sentence for step in steps)


def a_sample(session: Session, dataset_id: int, job_id: int, rows: int) -> None:
    """The job as if it had priced only the first rows of the sample that all jobs draw."""
    kept = datasets.target_rows(session, dataset_id, Split.TEST, rows)
    session.execute(
        text("DELETE FROM predictions WHERE job_id = :job AND NOT row = ANY(:rows)"), {"job": job_id, "rows": kept}
    )
    session.execute(
        text("UPDATE jobs SET items_total = :rows, item_limit = :rows WHERE id = :job"), {"job": job_id, "rows": rows}
    )


def test_a_curve_on_few_rows_foretells_a_gain_from_its_own_paired_difference(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 600)
        head = a_finished_job(session, dataset_id, specs.parse({"technique": "zero-shot"}))
        curve = [
            a_finished_job(session, dataset_id, specs.parse({"technique": "multi-shot", "k": k})) for k in (0, 5, 20)
        ]
        for job_id in curve:
            a_sample(session, dataset_id, job_id, 24)
    advised = advise(dataset_id)
    assert advised.rows == 60  # the steps of the curve do not shrink the comparison
    context = facts(advised, Family.PROMPT)["context"]
    assert context.is_measured
    (step,) = [step for step in advised.steps if step.gain is not None]
    assert step.link.names["technique"] == "multi-shot"
    best = curve[[0, 5, 20].index(int(step.link.names["k"]))]
    with begin() as session:
        frame = predictions.of_jobs(session, [head, best]).filter(pl.len().over("row") == 2)
    errors = frame.with_columns(off=(pl.col("price") - pl.col("truth")).abs()).pivot(
        "job_id", index="row", values="off"
    )
    assert step.gain == pytest.approx((errors[str(best)] - errors[str(head)]).drop_nulls().mean())
    assert step.low is not None
    assert step.high is not None
    assert step.low < step.gain < step.high
    assert f"Job {best}" in step.ground


def test_a_gain_is_that_between_the_means_of_runs_as_the_table_has_them(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 600)
        heads = [a_finished_job(session, dataset_id, specs.ZeroShotSpec(sample=sample)) for sample in (0, 1)]
        few = [a_finished_job(session, dataset_id, specs.MultiShotSpec(k=20, seed=seed)) for seed in (3, 4)]
        for job_id in few:
            a_sample(session, dataset_id, job_id, 24)
        # Another run of what is compared is no other technique.
        a_sample(session, dataset_id, a_finished_job(session, dataset_id, specs.ZeroShotSpec(sample=2)), 24)
        frame = predictions.of_jobs(session, [*heads, *few])
    (step,) = [step for step in advise(dataset_id).steps if step.gain is not None]
    pairs = compare.every_pair(frame, repeats={heads[1]: heads[0], few[1]: few[0]})
    (line,) = pairs.filter((pl.col("first") == few[0]) & (pl.col("second") == heads[0])).iter_rows(named=True)
    assert (step.gain, step.low, step.high) == pytest.approx((line["diff"], line["diff_low"], line["diff_high"]))
    assert f"Job {few[0]} priced 24 of these rows so" in step.ground


def test_advice_on_many_predictions_waits_for_the_worker_that_compares_them(
    database: str, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "AT_ONCE", 20)
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        a_priced_dataset(session, dataset_id, ("ridge", "zero-shot"))
    with begin() as session, pytest.raises(comparison_jobs.BeingMade):
        actions.demand(session, dataset_id)
    drain(sent)
    monkeypatch.setattr(predictions, "of_jobs", lambda *_, **__: pytest.fail("The predictions were read again."))
    with begin() as session:
        actions.demand(session, dataset_id)
        assert actions.advice(session, dataset_id).rows == 20


@pytest.mark.slow
def test_a_gain_that_leaves_a_run_behind_the_one_ahead_comes_last_and_is_told(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 2000)
        a_priced_dataset(session, dataset_id, ("ridge", "zero-shot"))
        few = a_finished_job(session, dataset_id, specs.parse({"technique": "multi-shot", "k": 20}))
        a_sample(session, dataset_id, few, 90)
    (step,) = [step for step in advise(dataset_id).steps if step.gain is not None]
    assert step.stays_behind
    assert "surely behind Ridge on words" in step.ground
    assert advise(dataset_id).steps[-1] == step


def test_a_combination_is_advised_of_the_runs_whose_answers_are_there(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        job_ids = a_priced_dataset(session, dataset_id, ("constant", "ridge", "zero-shot"))
    (step,) = [step for step in advise(dataset_id).steps if step.link.names.get("technique") == "ensemble"]
    assert f"--set members={job_ids[0]},{job_ids[1]}" in step.link.command


def a_data_need(session: Session, dataset_id: int, slopes: dict[str, float]) -> int:
    """A finished job whose ways follow power laws exactly, from $40 with 20 rows."""
    job_id = jobs.create(
        session, kind=JobKind.DATA_NEED, dataset_id=dataset_id, queue=Queue.CPU,
        rate_id=session.scalar(text("SELECT min(id) FROM rates")), chunks=[(Step.FORECAST, [])], technique="",
        spec={"data_need": {"train": {}}, "rows": 160, "there": 160}, spec_hash="n", items_total=160,
    )  # fmt: skip
    session.execute(text("UPDATE jobs SET state = 'done' WHERE id = :job"), {"job": job_id})
    values, place = {}, 0
    for rows in (20, 40, 80, 160):
        for way, slope in slopes.items():
            errors = [40 * (rows / 20) ** -slope] * 30
            values[rung_name(place)] = {"way": way, "rows": rows, "seconds": rows / 10, "errors": errors}
            place += 1
    parts = rungs_of(values)
    rungs = measured(parts)
    seconds = {(part.way, part.rows): part.seconds for part in parts}
    results.put(session, job_id, values | {"report": report(rungs, seconds, 160, "finetuned", WAYS)})
    return job_id


def test_a_fine_tunes_gain_is_what_a_data_need_foretells_of_it(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        a_priced_dataset(session, dataset_id, ("ridge",))
        job_id = a_data_need(session, dataset_id, {"finetuned": 0.5, "ridge": 0.2})
    advised = advise(dataset_id)
    known = [step for step in advised.steps if step.gain is not None]
    tune, more = sorted(known, key=lambda step: step.link.page == "data_need")
    assert tune.link.page == "finetune"
    assert tune.gain == pytest.approx(40 * 8**-0.5 - 40 * 8**-0.2)
    assert more.gain == pytest.approx(40 * 16**-0.5 - 40 * 8**-0.5)
    assert tune.low is not None
    assert tune.high is not None
    assert tune.low <= tune.gain <= tune.high < 0
    assert f"job {job_id}" in tune.ground
    assert advised.steps[0] == tune  # a sure gain comes before what nobody knows
    need = facts(advised, Family.FINETUNE)["rows"]
    assert need.is_measured
    assert need.link.label == f"job {job_id}"


def test_a_fine_tune_that_is_foretold_to_be_worse_is_not_advised(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        a_priced_dataset(session, dataset_id, ("ridge",))
        a_data_need(session, dataset_id, {"finetuned": 0.1, "ridge": 0.6})
    assert not [step for step in advise(dataset_id).steps if step.link.page == "finetune"]


def test_an_adapter_brings_what_it_forgot_and_what_its_training_took(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        adapter = an_adapter(session, dataset_id)
        session.execute(text("UPDATE adapters SET created_at = now() - interval '2 days'"))
        job_id = a_job_with(session, dataset_id, adapter)
    tuned = facts(advise(dataset_id), Family.FINETUNE)
    assert tuned["forgetting"].value == pytest.approx(0.01)
    assert tuned["forgetting"].link.names == {"adapter": adapter.id}
    assert "Nothing fell" in tuned["forgetting"].text
    assert tuned["time"].value is not None
    assert tuned["time"].value >= 90
    assert tuned["cost"].value is not None
    assert tuned["cost"].value >= 0.25
    assert tuned["error"].link.names == {"job": str(job_id)}
    assert tuned["freshness"].value == pytest.approx(2 * 86400, rel=0.01)


def test_a_cost_that_nobody_knows_is_unknown_and_not_nothing(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        (job_id,) = a_priced_dataset(session, dataset_id, ("zero-shot",))
        session.execute(text("UPDATE predictions SET usd = NULL WHERE job_id = :job"), {"job": job_id})
        session.execute(text("UPDATE chunks SET unknown_costs = 20 WHERE job_id = :job"), {"job": job_id})
    prompt = facts(advise(dataset_id), Family.PROMPT)
    for key in ("cost", "per_1000"):
        assert not prompt[key].is_measured
        assert "Unknown" in prompt[key].text
        assert prompt[key].link.page == "endpoints"


def test_the_report_holds_every_fact(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        a_priced_dataset(session, dataset_id)
    advised = advise(dataset_id)
    report = actions.report(advised)
    assert len(report["ways"]) == 4
    assert {len(way["when"]) for way in report["ways"]} == {1}
    assert [step["sentence"] for step in report["steps"]] == [step.sentence for step in advised.steps]


def test_a_dataset_that_is_not_there_is_told(database: str) -> None:
    with pytest.raises(NotFound):
        advise(99)


def test_a_run_that_learned_elsewhere_stands_in_the_table_and_is_not_proposed_again(database: str) -> None:
    with begin() as session:
        source_id, dataset_id = a_dataset(session, 400, name="products"), a_dataset(session, 400)
        a_finished_job(session, dataset_id, specs.SPECS["zero-shot"]())
        ridge = learned_elsewhere(session, a_finished_job(session, dataset_id, specs.SPECS["ridge"]()), source_id)
    advised = advise(dataset_id)
    assert "Ridge on words, learned from products" in advised.verdict
    (note,) = [note for note in advised.notes if "learned from products" in note and "Run page" in note]
    assert "this table's own rows only" in note
    assert any(step.link.names.get("technique") == "ridge" for step in advised.steps)  # on the table's own rows
    with begin() as session:
        session.execute(text("UPDATE jobs SET source_id = NULL WHERE id = :job"), {"job": ridge})
    assert not any(step.link.names.get("technique") == "ridge" for step in advise(dataset_id).steps)

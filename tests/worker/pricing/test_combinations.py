"""Ensembles and cascades as jobs: what they reuse, what they cost, what they keep."""

import json

import polars as pl
import pytest
from sqlalchemy import text

from db import artifacts, datasets, jobs, predictions, results
from db.engine import begin
from db.errors import UserError
from db.types import JobState, Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from worker import specs
from worker.evaluation import calibration
from worker.pricing import actions, comparison
from worker.progress import Silent
from worker.resources import LiveMember

pytestmark = pytest.mark.slow  # whole jobs

MEMBERS = [{"technique": "ridge"}, {"technique": "constant"}]


def combined(name: str, **settings: object) -> specs.BaseSpec:
    return specs.parse({"technique": name, "members": MEMBERS, **settings})


@pytest.fixture
def dataset_id(database: str) -> int:
    with begin() as session:
        return a_dataset(session, 400, scale=3)


def run(dataset_id: int, spec: specs.BaseSpec, sent: list[int]) -> int:
    (job_id,) = actions.start(dataset_id, [spec], Split.TEST)
    drain(sent)
    with begin() as session:
        assert jobs.get(session, job_id).state is JobState.DONE, jobs.get(session, job_id).error
    return job_id


def test_members_are_fitted_with_it_and_their_own_jobs_find_these_fits(dataset_id: int, sent: list[int]) -> None:
    ensemble = run(dataset_id, combined("ensemble"), sent)
    ridge = run(dataset_id, specs.RidgeSpec(), sent)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        fits = [
            artifacts.fit_seconds(session, datasets.fit_hash(dataset, specs.parse(each).fit_key)) for each in MEMBERS
        ]
        whole, part = jobs.get(session, ensemble), jobs.get(session, ridge)
    # Learning costs the same whoever did it first, and an ensemble bears that of its members.
    assert part.fixed_seconds == pytest.approx(fits[0])
    assert whole.fixed_seconds > sum(fits)


def test_stored_answers_of_members_are_used_and_cost_nothing_again(dataset_id: int, sent: list[int]) -> None:
    for each in MEMBERS:
        run(dataset_id, specs.parse(each), sent)
    (estimate,) = actions.estimate(dataset_id, [combined("ensemble", weights="equal")], Split.TEST)
    assert estimate.usd == 0
    with begin() as session:
        own = predictions.of_jobs(session, [job.id for job in jobs.all(session, dataset_id)])
    ensemble = run(dataset_id, combined("ensemble", weights="equal"), sent)
    with begin() as session:
        made = predictions.of_job(session, ensemble)
    assert made["usd"].sum() == 0
    # What it would cost anew is what the members cost together.
    worth = own.group_by("row").agg((pl.col("usd") + pl.col("saved_usd")).sum(), pl.col("price").log().mean().exp())
    both = made.join(worth, on="row", suffix="_members")
    assert both["saved_usd"].to_list() == pytest.approx(both["usd_members"].to_list())
    assert both["price"].to_list() == pytest.approx(both["price_members"].to_list())
    told = json.loads(made["evidence"][0])["members"]
    assert [each["technique"] for each in told] == ["Ridge on words", "Category median"]


@pytest.mark.parametrize("technique", ["ensemble", "cascade"])
def test_what_each_member_took_is_kept_and_adds_up(dataset_id: int, sent: list[int], technique: str) -> None:
    run(dataset_id, specs.parse(MEMBERS[0]), sent)  # one member's answers are stored, the other's are not
    job_id = run(dataset_id, combined(technique), sent)
    with begin() as session:
        took = predictions.members_costs(session, job_id)
        paid = predictions.costs(session, [job_id])
    assert set(took["member"]) <= {0, 1}
    sums = took.group_by("row").agg(pl.col("usd", "seconds").sum())
    both = paid.join(sums, on="row", suffix="_members")
    assert len(both) == len(paid)
    assert (both["usd"] + both["saved_usd"]).to_list() == pytest.approx(both["usd_members"].to_list())
    assert both["seconds"].to_list() == pytest.approx(both["seconds_members"].to_list(), rel=1e-5)


def test_a_member_gives_the_same_interval_from_store_and_afresh(dataset_id: int, sent: list[int]) -> None:
    """Else the limits of a cascade, learned on the one, would mean nothing on the other."""
    job_id = run(dataset_id, specs.RidgeSpec(), sent)
    with begin() as session:
        member = LiveMember(datasets.get(session, dataset_id), specs.RidgeSpec(), dataset_id)
        rows = predictions.of_job(session, job_id)["row"].to_list()
        items = datasets.items_to_price(session, dataset_id, 0, rows)
    stored = member.price(items, Silent())
    with begin() as session:
        session.execute(text("DELETE FROM jobs WHERE id = :job"), {"job": job_id})
    fresh = member.price(items, Silent())
    assert stored["low"].null_count() == 0
    for name in ("price", "low", "high"):
        assert fresh[name].to_list() == pytest.approx(stored[name].to_list())
    assert stored["usd"].sum() == 0
    assert fresh["usd"].sum() > 0


def test_what_validation_rows_say_of_each_member_is_kept_with_the_job(dataset_id: int, sent: list[int]) -> None:
    job_id = run(dataset_id, combined("ensemble"), sent)
    with begin() as session:
        told = results.get(session, job_id)[comparison.COMBINATION]
    ridge, constant = told["members"]
    assert told["rows"] == 40  # neither looks at validation rows when it fits
    assert [ridge["technique"], constant["technique"]] == ["Ridge on words", "Category median"]
    assert ridge["weight"] + constant["weight"] > 0
    (row,) = comparison.of_jobs([job_id])
    assert row[comparison.COMBINATION] == told


def test_a_cascade_says_who_answered_and_why_and_costs_what_all_who_were_asked_cost(
    dataset_id: int, sent: list[int]
) -> None:
    job_id = run(dataset_id, combined("cascade"), sent)
    with begin() as session:
        made = predictions.of_job(session, job_id)
        told = results.get(session, job_id)[comparison.COMBINATION]
    assert told["kind"] == "cascade"
    evidence = [json.loads(each) for each in made["evidence"]]
    assert {each["answered_by"] for each in evidence} <= {"Ridge on words", "Category median"}
    assert all(each["why"] and each["asked"] for each in evidence)
    assert set(made["status"]) == {"ok"}


@pytest.mark.parametrize("technique", ["ensemble", "cascade"])
def test_all_rows_that_its_members_were_calibrated_on_calibrate_it_and_none_is_asked_for_it(
    dataset_id: int, sent: list[int], technique: str
) -> None:
    for each in MEMBERS:
        run(dataset_id, specs.parse(each), sent)
    job_id = run(dataset_id, combined(technique), sent)
    with begin() as session:
        fit_hash = datasets.fit_hash(datasets.get(session, dataset_id), combined(technique).fit_key)
        kept = calibration.read(artifacts.part(session, fit_hash, calibration.PART))
        made = predictions.of_job(session, job_id)
        saved = session.scalar(text("SELECT sum(usd) FROM chunks WHERE job_id = :job"), {"job": job_id})
    assert len(kept) == 40
    assert saved == 0
    assert made["low"].null_count() == 0


def test_a_job_holds_its_members_whole_and_the_same_ones_are_the_same_job(dataset_id: int, sent: list[int]) -> None:
    first = run(dataset_id, combined("ensemble"), sent)
    with begin() as session:
        stored = jobs.get(session, first).spec
    assert stored["members"][0]["alpha"] == 0.75
    assert actions.start(dataset_id, [specs.parse(stored)], Split.TEST) == [first]


@pytest.mark.parametrize("technique", ["ensemble", "cascade"])
def test_it_is_said_that_a_combination_does_not_wait_for_the_jobs_of_its_members(
    dataset_id: int, sent: list[int], technique: str
) -> None:
    assert actions.busy_members(dataset_id, [combined(technique)]) == []
    (ridge,) = actions.start(dataset_id, [specs.RidgeSpec()], Split.TEST)
    (sentence,) = actions.busy_members(dataset_id, [specs.ConstantSpec(), combined(technique)])
    assert sentence.startswith(f"{combined(technique).label} does not wait for job {ridge} (Ridge on words), still at")
    drain(sent)
    assert actions.busy_members(dataset_id, [combined(technique)]) == []


def test_members_by_name_and_by_the_number_of_a_job(dataset_id: int, sent: list[int]) -> None:
    job_id = run(dataset_id, specs.RidgeSpec(alpha=2.0), sent)
    spec = actions.with_members(dataset_id, specs.EnsembleSpec(), f"constant, {job_id}")
    assert specs.members_of(spec) == (specs.ConstantSpec(), specs.RidgeSpec(alpha=2.0))
    for wrong, said in (("ridge, magic", "no technique 'magic'"), ("ridge, 99999", "no job 99999"), ("ridge", "two")):
        with pytest.raises(UserError, match=said):
            actions.with_members(dataset_id, specs.EnsembleSpec(), wrong)
    with pytest.raises(UserError, match="same technique"):
        actions.start(dataset_id, [actions.with_members(dataset_id, specs.EnsembleSpec(), "ridge, ridge")], Split.TEST)


def test_what_is_finished_and_cheap_is_taken_where_nobody_chose(dataset_id: int, sent: list[int]) -> None:
    assert actions.possible_members(dataset_id).usual == ["ridge", "lightgbm", "neighbours"]
    ridge = run(dataset_id, specs.RidgeSpec(), sent)
    assert actions.possible_members(dataset_id).usual == [str(ridge), "lightgbm", "neighbours"]
    constant = run(dataset_id, specs.ConstantSpec(), sent)
    run(dataset_id, combined("ensemble"), sent)
    offered = actions.possible_members(dataset_id)
    assert offered.usual == [str(constant), str(ridge)]
    assert list(offered.known) == [str(constant), str(ridge), "lightgbm", "neighbours"]


def test_an_ensemble_is_no_member() -> None:
    with pytest.raises(UserError, match="can't be a member"):
        specs.parse({"technique": "cascade", "members": [{"technique": "ridge"}, {"technique": "ensemble"}]})

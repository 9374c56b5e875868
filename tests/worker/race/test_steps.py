"""A race hands out blocks, stops who can no longer win, pays for nothing more, and survives kills, caps and cancels."""

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from sqlalchemy import text

from db import chunks, endpoints, job_progress, jobs, predictions, races, rates, results
from db.engine import begin
from db.errors import NotReady, UserError, WrongState
from db.job_results import RaceResult
from db.types import Endpoint, Job, JobState, Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from worker import running, specs
from worker.jobs import actions as job_actions
from worker.pricing import actions as pricing_actions
from worker.pricing import comparison
from worker.race import actions, planning, sentences, steps
from worker.specs.race import Margin
from worker.techniques import constant, ridge

pytestmark = pytest.mark.slow  # whole races

RIDGE, CONSTANT = specs.RidgeSpec(), specs.ConstantSpec()
MARGIN = Margin(0.02, is_share=True)


@pytest.fixture
def dataset_id(database, sent) -> int:
    with begin() as session:
        return a_dataset(session, 2000)


def job_of(job_id: int) -> Job:
    with begin() as session:
        return jobs.get(session, job_id)


def result_of(race_id: int) -> RaceResult:
    return actions.standing(race_id)[1]


def priced_by(job_id: int) -> int:
    with begin() as session:
        return len(predictions.of_job(session, job_id))


def settle(race_id: int, sent: list[int]) -> None:
    """Do all that is to be done, with a sweep where the race waits for the clock."""
    for _ in range(100):
        drain(sent)
        if job_of(race_id).state is not JobState.RUNNING:
            return
        with begin() as session:
            session.execute(text("UPDATE chunks SET not_before = NULL WHERE job_id = :race"), {"race": race_id})
        running.sweep()
    raise AssertionError("The race does not end.")


def test_a_technique_that_can_not_win_is_stopped_and_the_rest_of_the_rows_is_not_paid(dataset_id, sent):
    race_id = actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN)
    drain(sent)
    race, result = actions.standing(race_id)
    best, worst = result.racers
    assert race.state is JobState.DONE, race.error
    assert result.ended == "clear"
    assert (worst.why, worst.rival, best.rows) == ("worse", best.job, None)
    assert worst.rows == result.rounds[-1].rows < 200
    assert priced_by(best.job) == priced_by(worst.job) == worst.rows
    for racer in result.racers:
        job = job_of(racer.job)
        assert job.state is JobState.STOPPED
        assert f"Stopped early by race {race_id}" in job.error
        assert not comparison.comparable([job]), "it must not narrow what finished jobs are compared on"
    last = result.rounds[-1]
    assert 0 < last.usd < last.whole_usd
    assert last.leader == best.job


def test_the_rest_can_be_priced_and_is_then_an_ordinary_finished_job(dataset_id, sent):
    race_id = actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN)
    drain(sent)
    best, _ = result_of(race_id).racers
    job_actions.retry(best.job)
    drain(sent)
    assert job_of(best.job).state is JobState.DONE
    assert priced_by(best.job) == 200
    with begin() as session:
        assert results.get(session, best.job)["n"] == 200


def test_equal_techniques_use_up_the_rows_and_end_as_ordinary_jobs(dataset_id, sent):
    twins = [RIDGE, specs.RidgeSpec(alpha=0.7500001)]
    race_id = actions.start(dataset_id, twins, Margin(0.0, is_share=False))
    drain(sent)
    result = result_of(race_id)
    assert result.ended == "rows"
    assert [racer.rows for racer in result.racers] == [None, None]
    ids = [racer.job for racer in result.racers]
    assert {job_of(job_id).state for job_id in ids} == {JobState.DONE}
    assert pricing_actions.start(dataset_id, twins, Split.TEST) == ids, "the same spec on the same rows is the same job"
    assert len(comparison.of_jobs(ids)) == 2


def test_a_job_that_is_there_takes_part_with_its_prices_and_is_not_stopped(dataset_id, sent):
    (done,) = pricing_actions.start(dataset_id, [CONSTANT], Split.TEST)
    drain(sent)
    race_id = actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN)
    drain(sent)
    result = result_of(race_id)
    assert result.ended == "clear"
    assert result.racers[1].job == done
    assert job_of(done).state is JobState.DONE
    with begin() as session:
        assert [job.id for job in races.driven(session, race_id)] == [result.racers[0].job]


def test_a_worker_killed_anywhere_changes_nothing(dataset_id, sent, monkeypatch):
    """Every chunk is begun by a worker that dies with its lease, then done by another one."""
    whole = actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN)
    drain(sent)
    expected = result_of(whole)
    with begin() as session:
        other = a_dataset(session, 2000, name="again")
    race_id = actions.start(other, [RIDGE, CONSTANT], MARGIN)
    run, killed = running._run, set()

    def dies_first(job, chunk):
        if chunk.id in killed:
            return run(job, chunk)
        killed.add(chunk.id)
        if len(killed) % 2:  # dies before anything, or after the work and before the commit
            return None

        def die(*_):
            raise SystemExit

        with monkeypatch.context() as patch, suppress(SystemExit):
            patch.setattr(chunks, "finish", die)
            run(job, chunk)
        return None

    monkeypatch.setattr(running, "_run", dies_first)
    for _ in range(200):
        drain(sent)
        if job_of(race_id).state is not JobState.RUNNING:
            break
        with begin() as session:
            session.execute(
                text("UPDATE chunks SET lease_until = now() - interval '1 s', failures = 0 WHERE state = 'running'")
            )
            session.execute(text("UPDATE chunks SET not_before = NULL"))
        running.sweep()
    found = result_of(race_id)
    assert len(killed) > 4
    assert found.ended == expected.ended
    assert [(each.rows, each.figures, each.gaps) for each in found.rounds] == [
        (each.rows, each.figures, each.gaps) for each in expected.rounds
    ]
    assert [(each.rows, each.why) for each in found.racers] == [(each.rows, each.why) for each in expected.racers]
    assert [priced_by(each.job) for each in found.racers] == [priced_by(each.job) for each in expected.racers]


def test_a_race_is_cancelled_paused_and_resumed_with_the_jobs_that_it_drives(dataset_id, sent):
    race_id = actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN)
    driven = [racer.job for racer in result_of(race_id).racers]
    job_actions.pause(race_id)
    assert {job_of(job_id).state for job_id in driven} == {JobState.PAUSED}
    drain(sent)
    assert not result_of(race_id).rounds
    job_actions.resume(race_id)
    assert {job_of(job_id).state for job_id in driven} == {JobState.RUNNING}
    job_actions.cancel(race_id)
    assert {job_of(job_id).state for job_id in driven} == {JobState.CANCELLED}
    drain(sent)
    job_actions.retry(race_id)
    drain(sent)
    assert result_of(race_id).ended == "clear"


def test_a_race_that_is_retried_takes_the_jobs_along_that_their_caps_had_paused(dataset_id, sent):
    race_id = actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN)
    driven = [racer.job for racer in result_of(race_id).racers]
    with begin() as session:
        jobs.pause(session, driven[0], "The cap is reached.")
    job_actions.cancel(race_id)
    job_actions.retry(race_id)
    assert {job_of(job_id).state for job_id in driven} == {JobState.RUNNING}
    drain(sent)
    assert result_of(race_id).ended == "clear"


def test_what_a_fit_will_be_paid_for_is_reckoned_before_the_first_block(dataset_id, sent):
    with begin() as session:
        endpoints.add(session, Endpoint("e", "http://127.0.0.1:1/v1"))
        rates.set_tariff(session, "e", "m", {"input": Decimal(10), "output": Decimal(10)})
        endpoints.add(session, Endpoint("f", "http://127.0.0.1:1/v1"))
    paid, blind = (specs.ZeroShotSpec(model=f"{name}:m") for name in "ef")
    (planned,) = pricing_actions.estimate(dataset_id, [paid], Split.TEST)
    race_id = actions.start(dataset_id, [CONSTANT, paid, blind], MARGIN, budget_usd=Decimal(100))
    _, known, unknown = result_of(race_id).racers
    assert known.fit_usd == pytest.approx(float(planned.fixed_usd))
    assert known.fit_usd > 50 * known.usd_per_row / 2, "a hundred answers to calibrate, at the usual length"
    assert unknown.usd_per_row is unknown.fit_usd is None
    with begin() as session:
        racing = {racer.job: jobs.get(session, racer.job) for racer in (known, unknown)}
        books = {each.job_id: each for each in job_progress.of(session, list(racing))}
    missing = dict.fromkeys(racing, 20)
    first = steps._expected(known, missing, racing, books, {}, Decimal(0))
    assert first == pytest.approx(known.fit_usd + 20 * known.usd_per_row)
    assert steps._expected(unknown, missing, racing, books, {}, Decimal(0)) is None
    # What is paid of it already, and what a fit that is done took, is in the books.
    part = replace(racing[known.job], spent_usd=Decimal(repr(known.fit_usd / 2)))
    done = replace(racing[known.job], fixed_usd=Decimal(repr(known.fit_usd)))
    for job, left in ((part, known.fit_usd / 2), (done, 0.0)):
        usd = steps._expected(known, missing, {known.job: job}, books, {}, Decimal(0))
        assert usd == pytest.approx(left + 20 * known.usd_per_row)


def test_what_one_of_the_jobs_took_unknown_the_race_does_not_say_what_it_took(dataset_id, sent):
    race_id = actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN)
    with begin() as session:
        jobs.add_fixed_cost(session, result_of(race_id).racers[1].job, 0.0, Decimal(0), is_known=False)
    settle(race_id, sent)
    race, result = actions.standing(race_id)
    assert result.rounds[-1].usd is result.rounds[-1].whole_usd is None
    assert "what that cost is unknown" in sentences.progress(race, result)
    assert "$" not in sentences.progress(race, result)


def test_the_same_race_is_the_same_job_and_one_job_takes_part_in_one_race(dataset_id, sent):
    first = actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN)
    assert actions.start(dataset_id, [CONSTANT, RIDGE], MARGIN) == first
    with pytest.raises(WrongState, match=f"takes part in race {first}, which goes on"):
        actions.start(dataset_id, [RIDGE, CONSTANT], Margin(1.0, is_share=False))


def test_a_technique_that_fails_leaves_and_the_others_go_on(dataset_id, sent, monkeypatch):
    def broken(*_):
        raise UserError("No luck today.")

    monkeypatch.setattr(constant.Constant, "price", broken)
    race_id = actions.start(dataset_id, [RIDGE, CONSTANT, specs.RidgeSpec(alpha=50.0)], MARGIN)
    settle(race_id, sent)
    result = result_of(race_id)
    failed = result.racers[1]
    assert job_of(failed.job).state is JobState.FAILED
    assert failed.rival is None
    assert "No luck today" in failed.why
    assert result.ended in ("clear", "rows")

    monkeypatch.setattr(ridge.Ridge, "price", broken)
    with begin() as session:
        other = a_dataset(session, 2000, name="all fail")
    race_id = actions.start(other, [RIDGE, CONSTANT], MARGIN)
    settle(race_id, sent)
    assert job_of(race_id).state is JobState.FAILED
    assert "None of the techniques could go on" in job_of(race_id).error


def test_a_budget_pauses_before_it_is_passed_and_a_higher_one_goes_on(dataset_id, sent):
    race_id = actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN, budget_usd=Decimal("0.0000001"))
    settle(race_id, sent)
    race = job_of(race_id)
    assert race.state is JobState.PAUSED
    assert race.error.startswith("The budget of under $0.000001 is reached")
    assert not result_of(race_id).rounds
    job_actions.resume(race_id, Decimal(10))
    settle(race_id, sent)
    assert result_of(race_id).ended == "clear"


def test_too_few_rows_and_nothing_to_compare_are_told(database, sent):
    with begin() as session:
        small, large = a_dataset(session, 100), a_dataset(session, 500)
    with pytest.raises(NotReady, match="at least 40 different test rows, and here are 10"):
        actions.start(small, [RIDGE, CONSTANT], MARGIN)
    with pytest.raises(UserError, match="2 to 24 techniques, and here are 1"):
        actions.start(large, [RIDGE], MARGIN)
    with pytest.raises(UserError, match="the same with the same settings"):
        actions.start(large, [RIDGE, RIDGE], MARGIN)
    with pytest.raises(UserError, match="can't be decided by median_ape.*mae or .*within"):
        actions.start(large, [RIDGE, CONSTANT], MARGIN, measure="median_ape")


def test_blocks_hold_every_row_once_keep_groups_together_and_are_the_same_again():
    groups = np.random.default_rng(0).integers(0, 150, 400).tolist()
    rows = list(range(400))
    made = planning.blocks(rows, groups)
    assert sorted(row for block in made for row in block) == rows
    assert made == planning.blocks(rows[::-1], groups[::-1])
    for group in set(groups):
        assert sum(any(groups[row] == group for row in block) for block in made) == 1
    assert min(map(len, made[:-1])) >= planning.FIRST_ROWS
    assert len(made) < 15
    frame = pl.DataFrame({"place": [groups[row] for block in made for row in block]})
    assert frame["place"].rle().len() == len(set(groups))


def test_a_job_of_a_race_that_goes_on_is_not_handed_to_somebody_who_prices(dataset_id, sent):
    actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN)
    with pytest.raises(WrongState, match="for race .* wait for it to end, or cancel the race"):
        pricing_actions.start(dataset_id, [RIDGE], Split.TEST)
    assert pricing_actions.estimate(dataset_id, [RIDGE], Split.TEST)[0].reuses is None


def test_when_a_race_fails_the_jobs_that_it_drives_end_and_can_be_priced_to_the_end(dataset_id, sent, monkeypatch):
    race_id = actions.start(dataset_id, [RIDGE, CONSTANT], MARGIN)
    monkeypatch.setattr(planning, "rule", lambda *_: 1 / 0)
    for _ in range(20):
        drain(sent)
        with begin() as session:
            session.execute(text("UPDATE chunks SET not_before = NULL WHERE state = 'waiting'"))
        running.sweep()
    assert job_of(race_id).state is JobState.FAILED
    with begin() as session:
        driven = [job for job in jobs.all(session, dataset_id) if job.id != race_id]
    assert {job.state for job in driven} == {JobState.STOPPED}
    assert all(f"job {race_id}, failed" in job.error for job in driven)
    job_actions.retry(driven[0].id)
    drain(sent)
    assert job_of(driven[0].id).state is JobState.DONE

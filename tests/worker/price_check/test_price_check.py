"""A check of prices on a real database: what is found, decided, made of it, and said about the gain."""

import numpy as np
import polars as pl
import pytest
from sqlalchemy import text

from db import datasets, job_progress, jobs
from db.engine import begin
from db.errors import NotReady, UserError
from db.settings import settings
from db.types import JobState, Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from worker.price_check import actions


@pytest.fixture
def dataset_id(database, sent) -> int:
    """300 items, of which the price of train row 7 is 100 times too high."""
    with begin() as session:
        made = a_dataset(session, 300)
        session.execute(text("UPDATE items SET price = price * 100 WHERE row = 7"))
    return made


def checked(dataset_id, sent):
    job_id = actions.check(dataset_id)
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
        assert job.state is JobState.DONE, job.error
        assert job_progress.of(session, [job_id])[0].items_done == 270
    return actions.found(job_id)


def items(dataset_id, split=None):
    with begin() as session:
        return datasets.items(session, dataset_id, split, details=True)


def test_the_wrong_price_comes_first_with_what_it_was_meant_to_be(dataset_id, sent):
    result = checked(dataset_id, sent)
    worst = result.suspects[0]
    assert (worst.row, worst.reason) == (7, "cents")
    assert worst.likely == pytest.approx(worst.price / 100)
    assert result.checked == 270
    assert not {each.row for each in result.suspects} & set(items(dataset_id, Split.TEST)["row"])


def test_a_version_has_the_decisions_and_the_same_test_rows_and_the_original_stays(dataset_id, sent):
    before = items(dataset_id)
    actions.decide(dataset_id, 7, "fix", 20.0)
    actions.decide(dataset_id, 8, "drop")
    actions.decide(dataset_id, 9, "accept")
    made = actions.make_version(dataset_id)
    assert items(dataset_id).equals(before)
    after = items(made)
    assert after.filter(pl.col("row") == 7)["price"].to_list() == [20.0]
    assert set(before["row"]) - set(after["row"]) == {8}
    assert items(made, Split.TEST).equals(items(dataset_id, Split.TEST))
    with begin() as session:
        version = datasets.get(session, made)
        assert version.made_from == dataset_id
        assert version.rows_in == version.items + version.rejects == 300
        assert version.splits == {"train": 239, "validation": 30, "test": 30, "unpriced": 0}
        assert "dropped" in datasets.rejects(session, made)["reason"][0]
    assert len(actions.decisions(made)) == 0


def test_a_version_has_a_profile_of_its_own(dataset_id):
    prices = items(dataset_id)["price"]
    dear = int(items(dataset_id, Split.TRAIN)["row"][0])
    actions.decide(dataset_id, dear, "fix", 10 * float(prices.max()))
    actions.decide(dataset_id, 8, "drop")
    made = actions.make_version(dataset_id)
    with begin() as session:
        profile = datasets.get(session, made).profile
        assert datasets.get(session, dataset_id).profile == {}  # the builder made none, and none is made up
    assert (profile["rows"], profile["items"], profile["rejects"]) == (300, 299, 1)
    assert profile["price"]["quantiles"]["1.0"] == 10 * prices.max()
    assert profile["price"]["count"] == 299
    assert list(profile["reasons"]) == ["its price was judged wrong and the row was dropped"]
    assert set(profile["missing"]) == {"external_id", "title", "description", "category", "brand", "price"}


def test_a_decision_can_be_changed_and_taken_back(dataset_id):
    actions.decide(dataset_id, 7, "drop")
    actions.decide(dataset_id, 7, "fix", 12.5)
    assert actions.decisions(dataset_id).rows() == [(7, "fix", 12.5)]
    actions.decide(dataset_id, 7, "")
    assert actions.decisions(dataset_id).is_empty()


def test_what_can_not_be_decided_is_said(dataset_id):
    with pytest.raises(UserError, match="no decision"):
        actions.decide(dataset_id, 7, "burn")
    with pytest.raises(UserError, match="above 0"):
        actions.decide(dataset_id, 7, "fix")
    with pytest.raises(UserError, match="not on the train or validation side"):
        actions.decide(dataset_id, 299, "drop")
    actions.decide(dataset_id, 7, "accept")
    with pytest.raises(UserError, match="would be the same"):
        actions.make_version(dataset_id)
    with pytest.raises(UserError, match="no version with decided prices"):
        actions.run_both(dataset_id)
    with begin() as session:
        small = a_dataset(session, 20, name="small")
    with pytest.raises(NotReady, match="at least 50"):
        actions.check(small)


@pytest.mark.slow
def test_the_gain_is_measured_with_one_technique_on_the_same_test_rows(dataset_id, sent):
    actions.decide(dataset_id, 7, "drop")
    made = actions.make_version(dataset_id)
    job_ids = actions.run_both(made, "constant")
    assert actions.gain(job_ids) == ""
    drain(sent)
    said = actions.gain(job_ids)
    assert "on the same 30 test rows" in said
    assert actions.run_both(made, "constant") == job_ids


def frame(off_before, off_after):
    n = len(off_before)
    usual = {
        "truth": 100.0,
        "status": "ok",
        "usd": 0.0,
        "saved_usd": 0.0,
        "seconds": 0.0,
        "tokens_in": 0,
        "tokens_out": 0,
    }
    jobs_of = [(1, off_before), (2, off_after)]
    parts = [
        pl.DataFrame({"row": range(n), "group_id": range(n), "price": 100 + off}).with_columns(
            job_id=pl.lit(job, pl.Int64), **{name: pl.lit(value) for name, value in usual.items()}
        )
        for job, off in jobs_of
    ]
    return pl.concat(parts)


def test_the_sentence_is_no_stronger_than_the_interval():
    random = np.random.default_rng(0)
    off = random.exponential(10, 100)
    noise = random.normal(0, 1, 100)
    assert "not shown to change" in actions.gained(frame(off, off + noise - noise.mean()), 1, 2)
    assert actions.gained(frame(off + 5, off), 1, 2).startswith("Curation lowered the mean error")
    assert actions.gained(frame(off, off + 5), 1, 2).startswith("Curation raised the mean error")


def test_the_gain_is_judged_and_told_at_the_level_that_is_set(monkeypatch):
    off = np.random.default_rng(0).exponential(10, 100)
    noise = np.random.default_rng(1).normal(0, 1, 100)
    # Two and a half standard errors: enough for 80 %, too little for 99.9 %.
    better = frame(off + 0.25 + noise - noise.mean(), off)
    monkeypatch.setenv("PRICEWRIGHT_CONFIDENCE", "0.8")
    settings.cache_clear()
    assert actions.gained(better, 1, 2).endswith(", 80 % interval).")
    monkeypatch.setenv("PRICEWRIGHT_CONFIDENCE", "0.999")
    settings.cache_clear()
    assert "not shown to change" in actions.gained(better, 1, 2)


def test_a_version_does_not_stand_in_for_the_file_it_came_from(dataset_id):
    from worker.datasets.answers import NOTHING_SAID, loaded_alike

    with begin() as session:
        settled = {"columns": [], "wide_rows": "", "undecided": {}, "decimals": {}}
        datasets.change(session, dataset_id, inspection=settled)
        look = datasets.create(session, name="things", sha256="0" * 64, file_name="things.csv")
        datasets.change(session, look, inspection=settled)
    actions.decide(dataset_id, 7, "drop")
    actions.make_version(dataset_id)
    with begin() as session:
        alike = loaded_alike(session, datasets.get(session, look), {}, NOTHING_SAID)
        assert alike is not None
        assert alike.id == dataset_id

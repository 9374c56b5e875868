"""Every technique's fit keeps what the fitted technique says of validation rows, once for all jobs."""

import polars as pl
import pytest
from sqlalchemy import text

from db import artifacts, datasets, jobs, predictions
from db.engine import begin
from db.types import JobState, Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from worker import specs
from worker.evaluation import calibration
from worker.pricing import actions, comparison, lists
from worker.progress import Silent
from worker.resources import LiveResources
from worker.specs import BaseSpec, ConstantSpec, LightGBMSpec, RidgeSpec
from worker.techniques import build


def kept(dataset_id: int, spec: BaseSpec) -> pl.DataFrame:
    with begin() as session:
        key = datasets.fit_hash(datasets.get(session, dataset_id), spec.fit_key)
        return calibration.read(artifacts.part(session, key, calibration.PART))


@pytest.fixture
def dataset_id(database: str) -> int:
    with begin() as session:
        return a_dataset(session, 500)


@pytest.mark.parametrize("spec", [ConstantSpec(), RidgeSpec(), LightGBMSpec(trees=20)], ids=lambda spec: spec.label)
def test_it_is_what_the_fitted_technique_says_of_validation_rows(dataset_id, sent, spec):
    [job_id] = actions.start(dataset_id, [spec], Split.TEST)
    drain(sent)
    found = kept(dataset_id, spec)
    with begin() as session:
        assert jobs.get(session, job_id).state is JobState.DONE
        sides = datasets.items(session, dataset_id, Split.VALIDATION)
        key = datasets.fit_hash(datasets.get(session, dataset_id), spec.fit_key)
        artifact = artifacts.get(session, key)
    truth = dict(sides.select("row", "price").iter_rows())
    assert len(found) == calibration.count(spec, len(sides)) >= calibration.FEWEST
    assert found["truth"].to_list() == [truth[row] for row in found["row"]]
    technique = build(spec, LiveResources(dataset_id))
    technique.load(artifact)
    hidden = sides.filter(pl.col("row").is_in(found["row"].implode())).with_columns(price=pl.lit(None, pl.Float64))
    assert found["price"].to_list() == technique.price(hidden, Silent())["price"].to_list()
    assert (found["usd"] > 0).all()
    assert (found["seconds"] > 0).all()


def test_another_job_of_the_same_fit_calibrates_nothing_anew(dataset_id, sent):
    actions.start(dataset_id, [ConstantSpec()], Split.TEST)
    drain(sent)
    before = kept(dataset_id, ConstantSpec())
    actions.start(dataset_id, [ConstantSpec()], Split.TEST, 7)
    drain(sent)
    assert kept(dataset_id, ConstantSpec()).equals(before)
    with begin() as session:
        fixed = session.scalars(text("SELECT fixed_seconds FROM jobs")).all()
    assert fixed[0] == fixed[1] > 0


def test_with_too_few_validation_rows_a_technique_is_fitted_and_not_calibrated(database, sent):
    with begin() as session:
        small = a_dataset(session, 100)
    [job_id] = actions.start(small, [ConstantSpec()], Split.TEST)
    drain(sent)
    assert kept(small, ConstantSpec()).is_empty()
    with begin() as session:
        assert jobs.get(session, job_id).state is JobState.DONE


def test_a_prompt_that_learns_nothing_has_no_fit_step_without_calibration_rows(database, sent):
    with begin() as session:
        small, large = a_dataset(session, 100), a_dataset(session, 500)
    for dataset_id in (small, large):
        actions.start(dataset_id, [specs.ZeroShotSpec()], Split.TEST)
    with begin() as session:
        steps = session.execute(
            text("SELECT j.dataset_id, count(*) FILTER (WHERE c.step = 'fit') AS fits FROM chunks c "
                 "JOIN jobs j ON j.id = c.job_id GROUP BY 1 ORDER BY 1")
        )  # fmt: skip
        assert [row.fits for row in steps] == [0, 1]


@pytest.mark.slow
def test_every_technique_gives_intervals_that_most_true_prices_lie_in(database, sent):
    """And each says the same of rows that have no price yet."""
    with begin() as session:
        large = a_dataset(session, 1_500, unpriced=40)
    job_ids = actions.start(large, [ConstantSpec(), RidgeSpec(), LightGBMSpec(trees=20)])
    drain(sent)
    with begin() as session:
        for job_id in job_ids:
            frame = predictions.of_job(session, job_id)
            assert frame["low"].null_count() == frame["high"].null_count() == 0
            known = frame.drop_nulls("truth")
            assert 0.8 < known["truth"].is_between(known["low"], known["high"]).mean() <= 1
    rows = {row["job"]: row for row in comparison.of_jobs(job_ids)}
    assert all(row["covered_low"] < 0.9 < row["covered_high"] + 0.05 for row in rows.values())
    assert comparison.unlike(job_ids) == []


def test_rows_of_another_kind_are_told(database, sent):
    """Rows without a price that read like nothing that the technique was calibrated on."""
    with begin() as session:
        dataset_id = a_dataset(session, 500, unpriced=60)
        session.execute(text("UPDATE items SET title = 'Rubber duck ' || row, description = 'It floats in the bath.', "
                             "category = 'Toys' WHERE split = 'unpriced'"))  # fmt: skip
    [job_id] = actions.start(dataset_id, [ConstantSpec()], Split.UNPRICED)
    drain(sent)
    [sentence] = comparison.unlike([job_id])
    assert f"job {job_id}: the rows priced are unlike the validation rows" in sentence
    assert sentence in comparison.cautions([job_id])


@pytest.mark.slow
def test_a_single_row_of_another_kind_is_named_though_the_table_as_a_whole_is_alike(database, sent):
    with begin() as session:
        dataset_id = a_dataset(session, 1_500, unpriced=60)
        words = " || ' ' || ".join(f"'{name}x' || substr(md5('{name}' || row), 1, 1)" for name in "abcdef")
        session.execute(text(f"UPDATE items SET title = {words}, description = ''"))
        session.execute(text("UPDATE items SET title = 'Qwx zzkj vvbn', description = '' WHERE row = 1530"))
    [job_id] = actions.start(dataset_id, [ConstantSpec()], Split.UNPRICED)
    drain(sent)
    assert comparison.unlike([job_id]) == []
    with begin() as session:
        named = lists.unlike(session, job_id)
    assert 1530 in named
    assert len(named) <= 4, "one in a hundred of the other rows"


def test_without_calibration_rows_there_is_no_interval(database, sent):
    with begin() as session:
        small = a_dataset(session, 100)
    [job_id] = actions.start(small, [ConstantSpec()], Split.TEST)
    drain(sent)
    with begin() as session:
        frame = predictions.of_job(session, job_id)
    assert frame["low"].null_count() == len(frame) == 10
    assert frame["price"].null_count() == 0
    [row] = comparison.of_jobs([job_id])
    assert row["covered"] is None

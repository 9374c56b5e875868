"""Every technique's fit keeps what the fitted technique says of validation rows, once for all jobs."""

import polars as pl
import pytest
from sqlalchemy import text

from db import artifacts, datasets, jobs
from db.engine import begin
from db.types import JobState, Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from worker import specs
from worker.evaluation import calibration
from worker.pricing import actions
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

"""Prices that a job says: like those of its train side, and a sentence where they can't be."""

import pytest

from db import datasets, jobs
from db.engine import begin
from db.errors import UserError
from db.types import Split
from tests.builders import a_dataset, an_adapter
from tests.dashboard.priced import a_finished_job
from worker import amounts, specs
from worker.datasets import price_bounds
from worker.finetune import actions as finetune_actions
from worker.pricing import actions, comparison
from worker.specs import FinetunedSpec, MultiShotSpec, RidgeSpec, ZeroShotSpec, finetune
from worker.specs.finetune import TrainSpec

VILLAS, YEN, RESISTORS, GROCERIES = 100_000, 600, 0.0001, 0.05
"""What the usual prices of $13 to $87 are multiplied with."""


@pytest.fixture(autouse=True)
def _in_dollars():
    with amounts.written_in(amounts.DOLLARS):
        yield


@pytest.fixture
def table(database, sent):
    """table(scale) is a dataset with prices of $13 to $87 times that."""

    def made(scale: float, n: int = 200, unpriced: int = 0) -> int:
        with begin() as session:
            return a_dataset(session, n, scale=scale, unpriced=unpriced)

    return made


def bounds_of(dataset_id: int, spec: specs.LlmSpec) -> tuple[int, int]:
    [job_id] = actions.start(dataset_id, [spec], Split.TEST)
    with begin() as session:
        job = jobs.get(session, job_id)
    assert job.spec_hash == specs.parse(job.spec).hash
    return job.spec["min_price"], job.spec["max_price"]


@pytest.mark.parametrize(
    ("scale", "bounds"),
    [
        (1, (1, 999)),
        (YEN, (1_000, 99_999)),
        (VILLAS, (1_000_000, 9_999_999)),
        (GROCERIES, (0.01, 9.99)),
        (RESISTORS, (0.0001, 9.99)),
    ],
)
def test_a_job_records_the_bounds_of_its_train_side(table, scale, bounds):
    assert bounds_of(table(scale), ZeroShotSpec()) == bounds


def test_a_table_without_a_train_side_has_wide_bounds_and_it_is_told(table):
    dataset_id = table(1, n=0, unpriced=20)
    [job_id] = actions.start(dataset_id, [ZeroShotSpec()])
    with begin() as session:
        assert str(specs.parse(jobs.get(session, job_id).spec).bounds) == "$0.01 to $999,999"  # type: ignore[attr-defined]
    [estimate] = actions.estimate(dataset_id, [ZeroShotSpec()], None, 5)
    assert "may say anything from $0.01 to $999,999" in estimate.basis


def test_a_bound_that_is_given_wins(table):
    assert bounds_of(table(YEN), ZeroShotSpec(max_price=50_000)) == (1_000, 50_000)


def test_what_an_earlier_version_priced_between_1_and_999_is_not_priced_again(table):
    dataset_id = table(1)
    earlier = ZeroShotSpec(min_price=1, max_price=999)
    [first] = actions.start(dataset_id, [earlier], Split.TEST)
    assert actions.start(dataset_id, [ZeroShotSpec()], Split.TEST) == [first]
    assert specs.describe(earlier) == specs.describe(ZeroShotSpec()) == "Prompt, no examples"
    dear = table(YEN)
    [old] = actions.start(dear, [earlier], Split.TEST)
    assert actions.start(dear, [ZeroShotSpec()], Split.TEST) != [old]


def test_an_adapter_brings_the_bounds_it_was_trained_with_to_every_table(table):
    home, cheap = table(YEN), table(1)
    with begin() as session:
        trained = finetune.parse({"model": "smollm2-135m", "prompt": "listing@1"})
        trained = price_bounds.pin(session, datasets.get(session, home), trained)
        adapter = an_adapter(session, home, spec=trained.model_dump(mode="json"), model=trained.model)
    assert bounds_of(cheap, FinetunedSpec(adapter=adapter.id)) == (1_000, 99_999)


def test_bounds_without_a_dollar_between_them_are_refused_with_both(table):
    with pytest.raises(UserError, match=r"\$5,000 to \$999"):
        actions.start(table(1), [ZeroShotSpec(min_price=5_000)], Split.TEST)


HUNDREDS = {"min_price": 1, "max_price": 999}
"""Bounds that none of the prices of villas and resistors lie in."""


@pytest.mark.parametrize("scale", [VILLAS, RESISTORS])
def test_the_estimate_tells_how_many_prices_can_t_be_said(table, scale):
    told, other, text = actions.estimate(
        table(scale), [MultiShotSpec(**HUNDREDS), RidgeSpec(), ZeroShotSpec(readout="greedy")], Split.TEST, 5
    )
    assert "100 % of the rows with a price lie outside" in told.basis
    assert "outside" not in other.basis + text.basis


@pytest.mark.parametrize("scale", [1, YEN, VILLAS, GROCERIES, RESISTORS])
def test_where_all_can_be_said_nothing_is_told(table, scale):
    dataset_id = table(scale)
    [found] = actions.estimate(dataset_id, [MultiShotSpec()], Split.TEST, 5)
    assert "outside" not in found.basis
    assert finetune_actions.caution(dataset_id, finetune.parse({})) == ""


def test_finished_jobs_of_an_earlier_version_are_judged_by_their_own_bounds(table):
    dataset_id = table(YEN)
    with begin() as session:
        old = a_finished_job(session, dataset_id, ZeroShotSpec(min_price=1, max_price=999))
        new = a_finished_job(session, dataset_id, ZeroShotSpec())
        plain = a_finished_job(session, dataset_id, RidgeSpec())
    [sentence] = comparison.cautions([old, new, plain])
    assert "from $1 to $999 here, and 100 %" in sentence
    assert comparison.cautions([new, plain]) == []


def test_a_fine_tune_learns_the_prices_of_its_train_side(table):
    dataset_id = table(YEN)
    job_id = finetune_actions.start(dataset_id, finetune.parse({}))
    with begin() as session:
        job = jobs.get(session, job_id)
    assert str(TrainSpec.model_validate(job.spec["train"]).bounds) == "$1,000 to $99,999"
    assert finetune_actions.start(dataset_id, finetune.parse({"min_price": 1_000, "max_price": 99_999})) == job_id


@pytest.mark.parametrize("scale", [VILLAS, RESISTORS])
@pytest.mark.parametrize("verb", [finetune_actions.start, finetune_actions.measure, finetune_actions.estimate])
def test_a_fine_tune_on_prices_that_can_t_be_said_is_refused(table, scale, verb):
    with pytest.raises(UserError, match="100 % of the rows of things to learn from lie outside"):
        verb(table(scale), finetune.parse(HUNDREDS))


def test_a_few_rows_outside_are_told_before_a_fine_tune(table):
    dataset_id = table(1)
    with begin() as session:
        train = datasets.items(session, dataset_id, Split.TRAIN)
    limit = int(train["price"].quantile(0.9, "lower")) - 1
    spec = finetune.parse({"max_price": limit})
    assert f"from $1 to ${limit} here, and 1" in finetune_actions.caution(dataset_id, spec)
    finetune_actions.start(dataset_id, spec)


def test_only_the_rows_that_are_learned_from_count(table):
    dataset_id = table(YEN, n=400)
    with begin() as session:
        train = datasets.items(session, dataset_id, Split.TRAIN)
    limit = int(train.filter(category="Lamps")["price"].quantile(0.9))
    assert (train["price"] > limit + 1).mean() > 0.2
    bounds = {"min_price": 1, "max_price": limit}
    with pytest.raises(UserError, match="lie outside"):
        finetune_actions.start(dataset_id, finetune.parse(bounds))
    finetune_actions.start(dataset_id, finetune.parse(bounds | {"categories": ["Lamps"]}))

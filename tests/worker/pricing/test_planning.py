"""What a job would take is counted on real rows before it starts; what nobody knows is unknown, not free."""

from decimal import Decimal

import pytest

from db import endpoints, jobs, rates
from db.engine import begin
from db.errors import NotFound, NotReady
from db.types import Endpoint, Queue, Split
from tests.builders import a_dataset
from worker import specs
from worker.jobs import actions
from worker.pricing import actions as pricing_actions
from worker.pricing.planning import Estimate


@pytest.fixture
def dataset(database) -> int:
    with begin() as session:
        endpoints.add(session, Endpoint(name="there", base_url="http://127.0.0.1:9/v1"))
        return a_dataset(session, 200, unpriced=300)


def priced(usd: str) -> None:
    with begin() as session:
        rates.set_tariff(session, "there", "m", {"input": Decimal(usd), "output": Decimal(usd)})


def estimate(dataset: int, technique: str = "zero-shot", split: Split = Split.UNPRICED, **fields) -> Estimate:
    spec = specs.parse({"technique": technique, "model": "there:m"} | fields)
    [found] = pricing_actions.estimate(dataset, [spec], split)
    return found


def test_a_hosted_model_costs_its_tokens_with_an_interval_around(dataset):
    priced("3")
    found = estimate(dataset)
    assert found.tokens_in > 300 * 20
    assert found.usd_low < found.usd < found.usd_high
    assert float(found.usd) == pytest.approx((found.tokens_in + found.tokens_out) * 3e-6, rel=0.01)


def test_twice_the_tariff_is_twice_the_estimate(dataset):
    priced("1")
    before = estimate(dataset).usd
    priced("2")
    assert float(estimate(dataset).usd) == pytest.approx(2 * float(before), rel=1e-6)


def test_an_unknown_tariff_is_unknown_and_not_free(dataset):
    found = estimate(dataset)
    assert found.usd is None
    assert found.tokens_in > 0
    assert "unknown" in found.basis


def test_a_combination_costs_at_most_what_its_members_do_and_is_unknown_where_one_is(dataset):
    paid, members = {"technique": "zero-shot", "model": "there:m"}, [{"technique": "ridge"}]
    cascade = specs.parse({"technique": "cascade", "members": [*members, paid]})
    (unknown,) = pricing_actions.estimate(dataset, [cascade], Split.UNPRICED)
    assert unknown.usd is None
    assert "unknown" in unknown.basis
    priced("3")
    (known,) = pricing_actions.estimate(dataset, [cascade], Split.UNPRICED)
    alone, free = estimate(dataset), pricing_actions.estimate(dataset, [specs.RidgeSpec()], Split.UNPRICED)[0]
    assert known.usd == alone.usd + free.usd
    assert known.usd_low < known.usd < known.usd_high
    assert known.tokens_in == alone.tokens_in


def test_longer_prompts_are_estimated_longer(dataset):
    priced("3")
    plain, few, many = (
        estimate(dataset).tokens_in,
        estimate(dataset, "multi-shot", k=3).tokens_in,
        estimate(dataset, "multi-shot", k=20).tokens_in,
    )
    assert plain < few < many
    assert estimate(dataset, "chained").tokens_in > plain
    assert estimate(dataset, "tools").tokens_in > plain


def test_what_is_asked_before_the_first_row_is_part_of_the_fixed_cost(dataset):
    """Validation rows to calibrate on, 100 at most, and up to 50 others where the spec learns how to read the model."""
    priced("3")
    with begin() as session:
        large = a_dataset(session, 4_000, unpriced=300)
    plain, judging = estimate(large), estimate(large, recalibrate=True)
    assert (plain.answers_to_fit, judging.answers_to_fit) == (100, 150)
    assert judging.fixed_usd > plain.fixed_usd > 0
    assert "100 answers about validation rows" in plain.basis
    few = estimate(dataset), estimate(dataset, "multi-shot", readout="auto")  # 20 validation rows, so 10 in each half
    assert [each.answers_to_fit for each in few] == [20, 20]


def test_too_few_validation_rows_are_not_asked_about(database):
    with begin() as session:
        endpoints.add(session, Endpoint(name="there", base_url="http://127.0.0.1:9/v1"))
        small = a_dataset(session, 150, unpriced=10)
    priced("3")
    assert estimate(small).answers_to_fit == 0
    assert "validation rows" not in estimate(small).basis
    assert estimate(small).fixed_usd == 0


def test_a_local_model_costs_machine_time(dataset):
    found = estimate(dataset, model="gemma3-270m")
    assert found.usd is not None
    assert found.usd_low is None
    assert found.tokens_in > 0


def test_a_job_records_the_exact_version_of_its_prompt(dataset, sent):
    [job_id] = pricing_actions.start(dataset, [specs.ZeroShotSpec(model="there:m")], Split.TEST)
    with begin() as session:
        job = jobs.get(session, job_id)
    assert job.spec["prompt"] == "question@1"
    assert job.queue is Queue.ENDPOINT


def test_tools_on_a_local_model_are_refused_before_anything_starts(dataset):
    with pytest.raises(NotReady, match="not supported by this model"):
        pricing_actions.start(dataset, [specs.ToolsSpec()], Split.TEST)


def test_an_endpoint_that_is_not_there_is_named_before_anything_starts(dataset):
    with pytest.raises(NotFound, match="nowhere"):
        pricing_actions.start(dataset, [specs.ZeroShotSpec(model="nowhere:m")], Split.TEST)


def test_a_cap_below_what_is_spent_can_not_be_set(dataset, sent):
    [job_id] = pricing_actions.start(dataset, [specs.ZeroShotSpec(model="there:m")], Split.TEST, cap_usd=Decimal(1))
    actions.pause(job_id)
    with pytest.raises(Exception, match="must be higher"):
        actions.resume(job_id, Decimal(0))


def test_a_context_curve_is_one_job_per_number_of_examples(dataset, sent):
    job_ids = pricing_actions.start_curve(dataset, specs.MultiShotSpec(), 10, (0, 1, 3))
    with begin() as session:
        assert [jobs.get(session, job_id).spec["k"] for job_id in job_ids] == [0, 1, 3]


def test_a_technique_without_examples_has_no_context_curve(dataset):
    with pytest.raises(Exception, match="no examples or neighbours"):
        pricing_actions.start_curve(dataset, specs.ZeroShotSpec(), 10)

"""The whole of a training is reckoned rightly from what a pilot timed."""

from types import SimpleNamespace

import pytest

from worker.specs.finetune import SPREAD
from worker.training.pilot import reckon

pytestmark = pytest.mark.model


def a_training(**changes):
    """Four samples of 100 tokens in all, seen in each of two epochs, and measured thrice."""
    return SimpleNamespace(
        **{
            "spec": SimpleNamespace(evaluate_rows=8),
            "order": [[0, 1], [2, 3], [0, 1], [2, 3]],
            "samples": [[1] * length for length in (10, 20, 30, 40)],
            "lower": SimpleNamespace(seconds=2.0, tokens=20),
            "kept": SimpleNamespace(is_on_disk=True),
            "learner": SimpleNamespace(first=2),
            "task": SimpleNamespace(train=range(4), validation=range(10)),
            "measurements": 3,
            "load_seconds": 5.0,
        }
        | changes
    )


def reckoned(training):
    return reckon(training, [0.1, 0.2, 0.3], seconds_per_price=0.5, seconds_besides=1.0, gate_seconds=20.0)


def test_a_training_is_its_steps_its_lower_layers_its_measurements_and_the_gate():
    found = reckoned(a_training())
    measurement = 8 * 0.5 + 1
    fixed = 5 + 0.1 * 100 + 3 * measurement + 20
    assert found.seconds == pytest.approx(fixed + 0.2 * 200)
    assert (found.steps, found.rows, found.tokens) == (4, 4, 200)
    assert found.tokens_per_second == pytest.approx(200 / (5 + 0.1 * 100 + 0.2 * 200))
    assert found.priced_per_second == pytest.approx(2.0)


def test_it_takes_at_least_what_the_fastest_step_says_and_at_most_what_the_slowest_says():
    found = reckoned(a_training())
    assert found.low_seconds == pytest.approx(found.seconds - 0.1 * 200)
    assert found.high_seconds == pytest.approx(max(found.seconds + 0.1 * 200, found.seconds * SPREAD[1]))


def test_steps_that_take_the_same_do_not_promise_more_than_one_machine_can_know():
    found = reckon(a_training(), [0.2, 0.2], seconds_per_price=0.5, seconds_besides=1.0, gate_seconds=20.0)
    assert found.low_seconds == pytest.approx(found.seconds * SPREAD[0])
    assert found.high_seconds == pytest.approx(found.seconds * SPREAD[1])


def test_lower_layers_are_computed_in_every_epoch_where_they_do_not_fit_on_disk():
    once, always = reckoned(a_training()), reckoned(a_training(kept=SimpleNamespace(is_on_disk=False)))
    assert always.seconds - once.seconds == pytest.approx(0.1 * 100)


def test_where_all_layers_learn_there_are_no_lower_ones_to_compute():
    learner = SimpleNamespace(first=0)
    assert reckoned(a_training(learner=learner)).seconds == pytest.approx(reckoned(a_training()).seconds - 0.1 * 100)


def test_what_does_not_grow_with_rows_or_epochs_stands_apart():
    """So that an estimate for more rows multiplies only the rest: loading, the first measurement, the gate."""
    assert reckoned(a_training()).apart_seconds == pytest.approx(5 + (8 * 0.5 + 1) + 20)


def test_no_more_validation_rows_are_priced_than_there_are():
    few = SimpleNamespace(train=range(4), validation=range(2))
    assert reckoned(a_training()).seconds - reckoned(a_training(task=few)).seconds == pytest.approx(3 * 6 * 0.5)

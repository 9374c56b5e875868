"""The walk of the optimiser: how the learning rate goes, and what a training process loads."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import optimization

from worker.specs.finetune import TrainSpec
from worker.training.trainer import share_of_rate

pytestmark = pytest.mark.slow

PEERS = {
    "linear": optimization._get_linear_schedule_with_warmup_lr_lambda,
    "cosine": lambda *a, **k: optimization._get_cosine_schedule_with_warmup_lr_lambda(*a, num_cycles=0.5, **k),
    "constant": lambda step, num_warmup_steps, num_training_steps: (
        optimization._get_constant_schedule_with_warmup_lr_lambda(step, num_warmup_steps=num_warmup_steps)
    ),
}


@given(st.sampled_from(sorted(PEERS)), st.integers(1, 500), st.floats(0, 0.5), st.data())
def test_the_rate_goes_as_that_of_transformers(schedule, total, warmup, data) -> None:
    spec = TrainSpec(model="smollm2-135m", schedule=schedule, warmup=warmup)
    step = data.draw(st.integers(0, total))
    peer = PEERS[schedule](step, num_warmup_steps=round(warmup * total), num_training_steps=total)
    assert share_of_rate(spec, step, total) == pytest.approx(peer, abs=1e-12)


def test_a_training_starts_without_what_it_does_not_need() -> None:
    code = "import sys, peft, worker.training.pilot; print({'pandas', 'datasets'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.strip() == "set()"

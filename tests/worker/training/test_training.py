"""Does a training learn, go on where it was killed, stop when asked, and keep what was best?"""

import json
import os
import signal

import pytest
import torch
from safetensors.torch import load

from db.errors import UserError
from db.settings import settings
from tests.worker.training.made import a_task
from worker.progress import Cancelled
from worker.training import launch, pilot, training
from worker.training.task import CHECKPOINT, DONE, STOP, Tail, Task, read_parts

ADAPTER = "adapter_model.safetensors"


def events(folder, kind):
    return [point for point in Tail(folder).read() if point.kind == kind]


def trained(task, folder):
    task.write(folder)
    training.Training(Task.read(folder), folder).run()
    return read_parts(folder / DONE)


@pytest.mark.parametrize("form", ["tokens", "quantiles"])
def test_it_learns_and_says_so_on_the_way(base, tmp_path, form):
    task = a_task(base, 96, form=form, epochs=4, evaluate_every=6)
    done = trained(task, tmp_path)

    steps, measured = events(tmp_path, "step"), events(tmp_path, "eval")
    losses = [point.values["loss"] for point in steps]
    assert sum(losses[-4:]) < sum(losses[:4]) * 0.97
    assert [point.step for point in steps] == list(range(1, len(steps) + 1))
    assert all(p.values["grad_norm"] > 0 and p.values["tokens_per_second"] > 0 for p in steps)
    assert steps[-1].values["items"] == 4 * 96
    assert steps[-1].values["learning_rate"] < max(point.values["learning_rate"] for point in steps)
    best = min((p for p in measured), key=lambda p: p.values["mae"])
    outcome = json.loads(done.parts["outcome.json"])
    assert outcome["step"] == best.step
    assert outcome["metrics"]["mae"] == best.values["mae"]
    assert {"adapter_config.json", ADAPTER, "predicted.parquet"} <= set(done.parts)
    assert ("head.safetensors" in done.parts) == (form == "quantiles")


@pytest.mark.parametrize("form", ["tokens", "quantiles"])
def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(base, tmp_path, monkeypatch, form):
    """Dropout included: chance goes on where it was. The tolerance is for bf16: the layers that do not learn are
    computed anew, in other batches, so their last bits differ."""
    monkeypatch.setattr(training, "settings", lambda: settings().model_copy(update={"checkpoint_seconds": 0}))
    task = a_task(base, form=form, dropout=0.2, evaluate_every=4)
    whole = trained(task, tmp_path / "whole")

    class KilledError(Exception):
        pass

    def kill(self, step, figures):
        stops = after(self, step, figures)
        if step == 7:
            raise KilledError
        return stops

    after = training.Training.after
    with monkeypatch.context() as patched:
        patched.setattr(training.Training, "after", kill)
        with pytest.raises(KilledError):
            trained(task, tmp_path / "killed")
    checkpoint = read_parts(tmp_path / "killed" / CHECKPOINT)
    assert checkpoint.step == 7
    resumed = trained(a_task(base, form=form, dropout=0.2, evaluate_every=4, resume=checkpoint), tmp_path / "resumed")

    assert events(tmp_path / "resumed", "step")[0].step == 8
    first, second = (load(done.parts[ADAPTER]) for done in (whole, resumed))
    assert whole.step == resumed.step
    assert all(torch.allclose(first[name], second[name], rtol=1e-2, atol=1e-4) for name in first)
    both = [json.loads(done.parts["outcome.json"])["metrics"] for done in (whole, resumed)]
    assert both[0] == pytest.approx(both[1], rel=1e-3)


def test_asked_to_stop_it_keeps_the_best_it_has(base, tmp_path, monkeypatch):
    task = a_task(base, 96, epochs=20)
    after = training.Training.after

    def ask(self, step, figures):
        if step == 3:
            (tmp_path / STOP).touch()
        return after(self, step, figures)

    monkeypatch.setattr(training.Training, "after", ask)
    outcome = json.loads(trained(task, tmp_path).parts["outcome.json"])

    assert outcome["stopped"]
    assert outcome["step"] == 3
    assert events(tmp_path, "step")[-1].step == 3


def test_it_ends_early_when_nothing_gets_better(base, tmp_path):
    outcome = trained(a_task(base, 24, epochs=50, learning_rate=1e-9, evaluate_every=1, patience=3), tmp_path)

    assert json.loads(outcome.parts["outcome.json"])["stopped"]
    assert events(tmp_path, "step")[-1].step <= 6


def test_one_that_goes_out_of_bounds_says_what_to_do(base, tmp_path, monkeypatch):
    task = a_task(base, 24)
    task.write(tmp_path)
    running = training.Training(Task.read(tmp_path), tmp_path)
    with pytest.raises(UserError, match="out of bounds at step 1; choose a lower learning rate"):
        running.after(1, {"loss": float("nan"), "grad_norm": 1.0, "learning_rate": 1.0})
    running.after(1, {"loss": 2.0, "grad_norm": float("inf"), "learning_rate": 1.0})
    [point] = events(tmp_path, "step")
    assert "grad_norm" not in point.values


def test_general_texts_are_not_counted_as_rows(base, tmp_path):
    trained(a_task(base, 24, replay=0.5), tmp_path)
    assert events(tmp_path, "step")[-1].values["items"] == 2 * 24


class Noted:
    """Keeps what a training says, and kills it when told to."""

    def __init__(self, kill_at: int | None = None, cancel_at: int | None = None) -> None:
        self.said, self.checkpoints, self._cancel_at = [], [], cancel_at

    def points(self, points):
        self.said += points
        if self._cancel_at and any(p.kind == "step" and p.step >= self._cancel_at for p in points):
            raise Cancelled

    def checkpoint(self, checkpoint):
        self.checkpoints.append(checkpoint)

    def wants_stop(self):
        return False


def test_in_its_own_process_it_gives_back_an_adapter_and_its_curve(base, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "POLL_SECONDS", 0.05)
    watch = Noted()
    outcome = launch.run(a_task(base), tmp_path, watch)

    assert set(outcome.files) == {"adapter_config.json", ADAPTER}
    assert outcome.predicted.columns == ["row", "price", "truth"]
    assert len(outcome.predicted) == 8
    assert outcome.seconds > 0
    assert {"step", "eval", "note"} == {point.kind for point in watch.said}
    assert json.loads(outcome.files["adapter_config.json"])["base_model_name_or_path"] == "small"


def test_cancelled_it_is_gone_at_once(base, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "POLL_SECONDS", 0.05)
    started = []
    popen = launch.subprocess.Popen
    monkeypatch.setattr(launch.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[0])

    with pytest.raises(Cancelled):
        launch.run(a_task(base, 96, epochs=90), tmp_path, Noted(cancel_at=2))

    assert started[0].returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].pid, 0)


def test_a_pilot_says_what_the_whole_would_take(base, tmp_path):
    task = a_task(base, 96, epochs=5, pilot=True)
    task.write(tmp_path)
    pilot.run(task, tmp_path)
    found = json.loads(read_parts(tmp_path / DONE).parts["pilot.json"])

    assert found["low_seconds"] < found["seconds"] < found["high_seconds"]
    assert found["steps"] == len(a_plan(base))
    assert found["tokens_per_second"] > 0


def a_plan(base):
    from worker.llm.tokens import Tokenizer
    from worker.training.batching import plan, price_samples
    from worker.training.measuring import prompts

    task = a_task(base, 96, epochs=5)
    prices = task.train["price"].to_list()
    samples = price_samples(Tokenizer(base), prompts(task.train), prices, answers=True, lowest=1, highest=99)
    return plan([len(sample) for sample in samples], 512, 5, 0)

"""A training learns, goes on where it was killed, stops when asked, and keeps what was best."""

import json
import math
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest
import torch
from safetensors.torch import load

from db import chunks, jobs, rates, trainings
from db.engine import begin
from db.errors import UserError
from db.settings import settings
from db.types import Checkpoint, JobKind, Queue, Step, TrainingPoint
from tests.builders import a_dataset
from tests.worker.training.small_training import a_task
from worker.finetune.watch import JobWatch
from worker.progress import Cancelled, Silent
from worker.training import loop, pilot, process
from worker.training import task_folder as files
from worker.training.task_folder import CHECKPOINT, DONE, STOP, Tail, Task, read_parts, tell_stored, write_parts
from worker.work import Work

pytestmark = [pytest.mark.stack, pytest.mark.model]

ADAPTER = "adapter_model.safetensors"


def events(folder, kind):
    return [point for point in Tail(folder).read() if point.kind == kind]


def trained(task, folder):
    task.write(folder)
    loop.Training(Task.read(folder), folder).run()
    return read_parts(folder / DONE)


@pytest.mark.parametrize("form", ["tokens", "quantiles"])
def test_it_learns_and_says_so_on_the_way(base, tmp_path, form):
    task = a_task(base, 96, form=form, epochs=4, evaluate_every=6)
    done = trained(task, tmp_path)

    steps, measured = events(tmp_path, "step"), events(tmp_path, "eval")
    losses = [point.values["loss"] for point in steps]
    assert sum(losses[-4:]) < sum(losses[:4]) * 0.97
    assert [point.step for point in steps] == list(range(1, len(steps) + 1))
    assert loop.Training(task, tmp_path).measurements == len(measured)
    assert all(p.values["grad_norm"] > 0 and p.values["tokens_per_second"] > 0 for p in steps)
    assert steps[-1].values["items"] == 4 * 96
    assert steps[-1].values["learning_rate"] < max(point.values["learning_rate"] for point in steps)
    untrained, *later = measured
    assert (untrained.step, untrained.values["is_best"]) == (0, False)
    best = min(later, key=lambda p: p.values["mae"])
    outcome = json.loads(done.parts["outcome.json"])
    assert outcome["metrics"]["untrained_mae"] == untrained.values["mae"]
    assert outcome["step"] == best.step
    assert outcome["metrics"]["mae"] == best.values["mae"]
    assert {"adapter_config.json", ADAPTER, "predicted.parquet"} <= set(done.parts)
    assert ("head.safetensors" in done.parts) == (form == "quantiles")


@pytest.mark.parametrize("form", ["tokens", "quantiles"])
def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(base, tmp_path, monkeypatch, form):
    """Dropout included: chance goes on where it was. The tolerance is for bf16: the layers that do not learn are
    computed anew, in other batches, so their last bits differ."""
    as_often_as_possible(monkeypatch)
    task = a_task(base, form=form, dropout=0.2, evaluate_every=4)
    whole = trained(task, tmp_path / "whole")

    class KilledError(Exception):
        pass

    def kill(self, step, figures):
        stops = after(self, step, figures)
        if step == 7:
            raise KilledError
        return stops

    after = loop.Training.after
    with monkeypatch.context() as patched:
        patched.setattr(loop.Training, "after", kill)
        with pytest.raises(KilledError):
            trained(task, tmp_path / "killed")
    checkpoint = read_parts(tmp_path / "killed" / CHECKPOINT)
    assert checkpoint.step == 7
    resumed = trained(a_task(base, form=form, dropout=0.2, evaluate_every=4, resume=checkpoint), tmp_path / "resumed")

    assert events(tmp_path / "resumed", "step")[0].step == 8
    assert events(tmp_path / "resumed", "eval")[0].step > 7  # the untrained model was measured before
    first, second = (load(done.parts[ADAPTER]) for done in (whole, resumed))
    assert whole.step == resumed.step
    assert all(torch.allclose(first[name], second[name], rtol=1e-2, atol=1e-4) for name in first)
    both = [json.loads(done.parts["outcome.json"])["metrics"] for done in (whole, resumed)]
    assert both[0] == pytest.approx(both[1], rel=1e-3)


def as_often_as_possible(monkeypatch):
    """A checkpoint after each step, however long it takes to write."""
    monkeypatch.setattr(loop, "settings", lambda: settings().model_copy(update={"checkpoint_seconds": 0}))
    monkeypatch.setattr(loop, "CHECKPOINT_SHARE", math.inf)


@pytest.mark.parametrize(
    ("share", "stored"), [(loop.CHECKPOINT_SHARE, 1e6), (1e-9, 0.0)], ids=["long to store", "long to write"]
)
def test_the_longer_a_checkpoint_takes_the_later_comes_the_next(base, tmp_path, monkeypatch, share, stored):
    as_often_as_possible(monkeypatch)
    written = []

    def write(folder, step, parts):
        write_parts(folder, step, parts)
        if folder.name == CHECKPOINT:
            written.append(step)
            tell_stored(tmp_path, stored)

    monkeypatch.setattr(loop, "write_parts", write)
    trained(a_task(base), tmp_path)
    steps = events(tmp_path, "step")[-1].step
    assert written == list(range(1, steps))  # not at the end, where the adapter is written

    written.clear()
    monkeypatch.setattr(loop, "CHECKPOINT_SHARE", share)
    trained(a_task(base), tmp_path)
    assert written == [1]


def test_the_worker_stores_a_checkpoint_once_and_tells_the_training_how_long_that_took(tmp_path):
    class Slow(Noted):
        def checkpoint(self, checkpoint):
            super().checkpoint(checkpoint)
            time.sleep(0.1)

    watch = Slow()
    assert process._hand_on(tmp_path, None, watch) is None
    assert files.stored_seconds(tmp_path) == 0
    write_parts(tmp_path / CHECKPOINT, 1, {"weights": b"1"})
    handed_on = process._hand_on(tmp_path, None, watch)
    handed_on = process._hand_on(tmp_path, handed_on, watch)
    write_parts(tmp_path / CHECKPOINT, 2, {"weights": b"2"})
    process._hand_on(tmp_path, handed_on, watch)
    assert watch.checkpoints == [Checkpoint(1, {"weights": b"1"}), Checkpoint(2, {"weights": b"2"})]
    assert 0.1 <= files.stored_seconds(tmp_path) < 60


def test_a_checkpoint_that_is_being_replaced_is_not_read_in_part(tmp_path, monkeypatch):
    folder = tmp_path / CHECKPOINT
    write_parts(folder, 1, {"learned": b"1", "moments": b"1"})
    rmtree, read = shutil.rmtree, []

    def slowly(path, **options):
        if path == folder:
            (folder / "moments").unlink()
            read.append(read_parts(folder))
        rmtree(path, **options)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", slowly)
        write_parts(folder, 2, {"learned": b"2", "moments": b"2"})
    assert read == [None]
    assert read_parts(folder) == Checkpoint(2, {"learned": b"2", "moments": b"2"})


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_not_mixed_with_the_next(tmp_path, monkeypatch):
    folder = tmp_path / CHECKPOINT
    write_parts(folder, 1, {"learned": b"1", "moments": b"1"})
    read_bytes, overtaken = pathlib.Path.read_bytes, list[pathlib.Path]()

    def read_and_be_overtaken(path):
        data = read_bytes(path)
        if not overtaken:
            overtaken.append(path)
            write_parts(folder, 2, {"learned": b"2", "moments": b"2"})
        return data

    monkeypatch.setattr(pathlib.Path, "read_bytes", read_and_be_overtaken)
    assert read_parts(folder) is None
    assert read_parts(folder) == Checkpoint(2, {"learned": b"2", "moments": b"2"})


def test_a_worker_that_lost_its_training_writes_nothing_more(database, tmp_path):
    """It comes back from a pause of the network before its lease notices."""

    def take(session):
        [chunk_id] = chunks.to_send(session, job.id)
        return chunks.claim(session, chunk_id, "me", 15)

    with begin() as session:
        job_id = jobs.create(
            session,
            kind=JobKind.FINETUNE,
            dataset_id=a_dataset(session),
            queue=Queue.CPU,
            rate_id=rates.for_queue(session, Queue.CPU),
            chunks=[(Step.TRAIN, [])],
        )
        job = jobs.get(session, job_id)
        first = take(session)
    old = JobWatch(job, Work(job, first, Silent(), tmp_path).writing, Silent())
    old.points([a_point(1)])
    old.checkpoint(Checkpoint(1, {"weights": b"old"}))
    with begin() as session:
        chunks.give_back(session, first)
        second = take(session)
    new = JobWatch(job, Work(job, second, Silent(), tmp_path).writing, Silent())
    new.points([a_point(2)])
    new.checkpoint(Checkpoint(2, {"weights": b"new"}))

    for writes in (lambda: old.checkpoint(Checkpoint(1, {"weights": b"old"})), lambda: old.points([a_point(3)])):
        with pytest.raises(Cancelled):
            writes()
    with begin() as session:
        assert trainings.checkpoint(session, job.id) == Checkpoint(2, {"weights": b"new"})
        assert [point.step for point in trainings.points(session, job.id)] == [1, 2]
        trainings.drop_checkpoint(session, job.id)
        assert chunks.finish(session, second, chunks.Tally())
    with pytest.raises(Cancelled):
        new.checkpoint(Checkpoint(3, {"weights": b"too late"}))
    with begin() as session:
        assert trainings.checkpoint(session, job.id) is None


def a_point(step):
    return TrainingPoint(step, "step", {"seconds": 1.0, "items": step})


def test_asked_to_stop_it_keeps_the_best_it_has(base, tmp_path, monkeypatch):
    task = a_task(base, 96, epochs=20)
    after = loop.Training.after

    def ask(self, step, figures):
        if step == 3:
            (tmp_path / STOP).touch()
        return after(self, step, figures)

    monkeypatch.setattr(loop.Training, "after", ask)
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
    running = loop.Training(Task.read(tmp_path), tmp_path)
    for loss, norm in ((float("nan"), 1.0), (2.0, float("inf"))):  # after such a gradient the weights are no numbers
        with pytest.raises(UserError, match="out of bounds at step 1; choose a lower learning rate"):
            running.after(1, {"loss": loss, "grad_norm": norm, "learning_rate": 1.0})
    assert not events(tmp_path, "step")
    assert read_parts(tmp_path / CHECKPOINT) is None


def test_general_texts_are_not_counted_as_rows(base, tmp_path):
    trained(a_task(base, 24, replay=0.5), tmp_path)
    assert events(tmp_path, "step")[-1].values["items"] == 2 * 24


class Noted:
    """Keeps what a training says, and cancels it when told to."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.said, self.checkpoints, self._cancel_at = list[TrainingPoint](), list[Checkpoint](), cancel_at

    def points(self, points):
        self.said += points
        if self._cancel_at and any(p.kind == "step" and p.step >= self._cancel_at for p in points):
            raise Cancelled

    def checkpoint(self, checkpoint):
        self.checkpoints.append(checkpoint)

    def wants_stop(self):
        return False


def test_in_its_own_process_it_gives_back_an_adapter_and_its_curve(base, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "POLL_SECONDS", 0.05)
    watch = Noted()
    outcome = process.run(a_task(base), tmp_path, watch)

    assert set(outcome.files) == {"adapter_config.json", ADAPTER}
    assert outcome.predicted.columns == ["row", "price", "truth"]
    assert len(outcome.predicted) == 8
    assert outcome.seconds > 0
    assert {"step", "eval", "note"} == {point.kind for point in watch.said}
    assert json.loads(outcome.files["adapter_config.json"])["base_model_name_or_path"] == "small"


def test_cancelled_it_is_gone_at_once(base, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "POLL_SECONDS", 0.05)
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[0])

    with pytest.raises(Cancelled):
        process.run(a_task(base, 96, epochs=90), tmp_path, Noted(cancel_at=2))

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
    from worker.llm.local.tokenizer import Tokenizer
    from worker.specs.price_bounds import Bounds
    from worker.training.batch_plan import plan, price_samples, rooms
    from worker.training.validation import prompts

    task = a_task(base, 96, epochs=5)
    prices = task.train["price"].to_list()
    samples = price_samples(Tokenizer(base), prompts(task.train), prices, answers=True, bounds=Bounds(1, 99))
    return plan(rooms(samples), 512, 5, 0)

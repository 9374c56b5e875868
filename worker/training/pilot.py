"""What a training would take, its gate included: a few steps, prices and parts of language are timed, and the rest is
reckoned from that."""

import json
import time
from pathlib import Path

from db.job_results import PilotResult
from worker.progress import Silent
from worker.specs.finetune import GATE_ROWS, SPREAD
from worker.training import gate_measures
from worker.training.loop import Training
from worker.training.task_folder import DONE, PILOT, Task, write_parts
from worker.training.trainer import walk
from worker.training.validation import prices, prompts, share_in_words

STEPS = 6  # the first is thrown away: memory is taken and code is made ready in it
PRICED = 32  # fewer prices would not fill a batch


def run(task: Task, folder: Path) -> None:
    """Writes pilot.json, as `reckon` tells it."""
    training = Training(task, folder)
    order, samples = training.order, training.samples
    speeds: list[float] = []
    last, lower_last = time.perf_counter(), 0.0

    def after(step: int, figures: dict[str, float]) -> bool:
        nonlocal last, lower_last
        del figures
        took = time.perf_counter() - last - (training.lower.seconds - lower_last)
        tokens = sum(len(samples[i]) for i in order[step - 1])
        speeds.append(took / tokens)
        last, lower_last = time.perf_counter(), training.lower.seconds
        return step >= min(STEPS, len(order))

    walk(training.walk, training.batches(), after)
    timed = speeds[1:] or speeds
    per_price, besides = _measuring(training)
    gate = 2 * (_reading(training) + GATE_ROWS * per_price)  # by the base and by the adapter
    parts = {PILOT: json.dumps(reckon(training, timed, per_price, besides, gate).as_json()).encode()}
    write_parts(folder / DONE, 0, parts)


def _measuring(training: Training) -> tuple[float, float]:
    """Seconds of one price, and of what else belongs to a measurement: prices in words and the validation loss."""
    spec, questions = training.spec, prompts(training.task.validation[:PRICED])
    adapted = training.base.adapted(training.learner.files())
    began = time.perf_counter()
    prices(adapted, questions, spec)
    middle = time.perf_counter()
    if spec.says.in_words:
        share_in_words(adapted, questions, spec)
    training.validation_loss()
    return (middle - began) / len(questions), time.perf_counter() - middle


def _reading(training: Training) -> float:
    """Seconds that a model takes to read all that the gate asks of language."""
    seconds = 0.0
    for part in gate_measures.LANGUAGE_PARTS:
        asked = part.asked()
        timed = asked[: part.timed]
        began = time.perf_counter()
        part.read(training.base, timed, Silent())
        seconds += (time.perf_counter() - began) / len(timed) * len(asked)
    return seconds


def reckon(
    training: Training,
    seconds_per_token: list[float],
    seconds_per_price: float,
    seconds_besides: float,
    gate_seconds: float,
) -> PilotResult:
    """The whole training from its parts: loading, lower layers once, steps, measurements, gate."""
    spec, order, samples = training.spec, training.order, training.samples
    tokens = sum(len(samples[i]) for batch in order for i in batch)
    lower = training.lower.seconds / max(1, training.lower.tokens)
    seen = {i for batch in order for i in batch}
    read = sum(len(samples[i]) for i in seen) if training.kept.is_on_disk else tokens
    measurement = min(spec.evaluate_rows, len(training.task.validation)) * seconds_per_price + seconds_besides
    apart = training.load_seconds + measurement + gate_seconds  # one is made before the first step
    measured = measurement * training.measurements + gate_seconds
    fixed = training.load_seconds + lower * read * (training.learner.first > 0) + measured
    usual = sum(seconds_per_token) / len(seconds_per_token)
    low, high = (fixed + tokens * each for each in (min(seconds_per_token), max(seconds_per_token)))
    seconds = fixed + tokens * usual
    return PilotResult(
        seconds=seconds,
        low_seconds=min(low, seconds * SPREAD[0]),
        high_seconds=max(high, seconds * SPREAD[1]),
        apart_seconds=apart,
        steps=len(order),
        rows=len(training.task.train),
        tokens=tokens,
        tokens_per_second=tokens / (seconds - measured),
        priced_per_second=1 / seconds_per_price,
    )

"""What each step of a job does: the heavy part first, without a transaction; then a commit function that stores it.

A step returns `commit(session) -> Tally`; running.py calls it in the transaction that also marks the chunk done.
"""

from collections.abc import Callable

from db.types import Step
from worker.adapters import gate_step
from worker.data_need import steps as data_need_steps
from worker.datasets.steps import inspect, load
from worker.finetune import steps
from worker.knowledge import steps as knowledge_steps
from worker.pricing.steps import evaluate, fit, price
from worker.work import Commit, Work

STEPS: dict[Step, Callable[[Work], Commit]] = {
    Step.INSPECT: inspect,
    Step.LOAD: load,
    Step.SEARCH: knowledge_steps.search,
    Step.INDEX: knowledge_steps.index,
    Step.PILOT: steps.pilot,
    Step.TRAIN: steps.train,
    Step.GUARD: gate_step.guard,
    Step.RUNG: data_need_steps.rung,
    Step.FORECAST: data_need_steps.forecast,
    Step.FIT: fit,
    Step.PRICE: price,
    Step.EVALUATE: evaluate,
}

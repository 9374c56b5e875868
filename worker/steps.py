"""The table of steps: what each of them does.

A step has three parts: it prepares values, does the heavy part without a transaction, and returns
`commit(session) -> Tally`, which running.py calls in the transaction that also marks the chunk done.
"""

from collections.abc import Callable

from db.types import Step
from worker.adapters import steps as adapter_steps
from worker.batches import steps as batch_steps
from worker.data_need import steps as data_need_steps
from worker.datasets import steps as dataset_steps
from worker.finetune import steps as finetune_steps
from worker.finetune.endpoint import steps as endpoint_steps
from worker.knowledge import steps as knowledge_steps
from worker.leakage import steps as leakage_steps
from worker.price_check import steps as price_check_steps
from worker.pricing import steps as pricing_steps
from worker.race import steps as race_steps
from worker.refits import steps as refit_steps
from worker.saved_verdicts import steps as saved_verdict_steps
from worker.verdicts import steps as verdict_steps
from worker.work import Commit, Work

STEPS: dict[Step, Callable[[Work], Commit]] = {
    Step.INSPECT: dataset_steps.inspect,
    Step.LOAD: dataset_steps.load,
    Step.SEARCH: knowledge_steps.search,
    Step.INDEX: knowledge_steps.index,
    Step.PILOT: finetune_steps.pilot,
    Step.TRAIN: finetune_steps.train,
    Step.TUNE: endpoint_steps.tune,
    Step.GATE: adapter_steps.gate,
    Step.RUNG: data_need_steps.rung,
    Step.FORECAST: data_need_steps.forecast,
    Step.FIT: pricing_steps.fit,
    Step.PRICE: pricing_steps.price,
    Step.EVALUATE: pricing_steps.evaluate,
    Step.SIMULATE: verdict_steps.simulate,
    Step.RACE: race_steps.race,
    Step.LEAKAGE: leakage_steps.search,
    Step.PRICE_CHECK: price_check_steps.check,
    Step.RECHECK: saved_verdict_steps.recheck,
    Step.COMPARE: pricing_steps.compare,
    Step.TRUTH: batch_steps.compare_with_truth,
    Step.REFIT: refit_steps.refit,
}

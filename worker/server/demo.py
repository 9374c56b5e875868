"""The demo: what a new installation goes through by itself, so that every page shows something at first contact.

Part after part: the catalogue is loaded, priced with every technique that needs neither endpoint nor training, then a
small fine-tune is trained on it and prices the same rows. `up` starts the parts as workers finish them, the command
`demo` waits for each.
"""

from db import datasets, engine, jobs
from db.errors import UserError
from db.settings import settings
from db.types import Dataset, DatasetState, Job, JobKind, JobState, Split
from worker import specs
from worker.datasets import actions
from worker.finetune import actions as finetune_actions
from worker.finetune import planning
from worker.pricing import actions as pricing_actions
from worker.specs.finetune import TrainSpec, parse
from worker.specs.techniques import FinetunedSpec


def training(rows: int) -> TrainSpec:
    """The small fine-tune: minutes on two ordinary cores. It learns quantiles, so that a price takes one pass, and is
    not measured on many more rows than it learns from, which would take longer than to learn."""
    size = {"rows": rows, "evaluate_rows": max(4, min(rows, 100))}
    return parse(size | {"form": "quantiles", "epochs": 1.0, "max_text_tokens": 80, "batch_tokens": 512})


def fine_tuned(job: Job) -> list[specs.BaseSpec]:
    """What prices with the adapter of a training; nothing if it has none (any more)."""
    with engine.begin() as session:
        adapter = planning.made_by(session, job)
    return [FinetunedSpec(adapter=adapter.id)] if adapter else []


def advance() -> bool:
    """Start the next part if the one before it is over; True when nothing is left to start.

    What comes next is read from the database, so that an interrupted start goes on the next time, and a part that a
    person cancelled or deleted is not started again.
    """
    try:
        return not settings().demo or _advance()
    except engine.DatabaseAway:
        return False
    except UserError as error:
        print(f"The demo catalogue is not complete: {error}", flush=True)
        return True


def _advance() -> bool:
    with engine.begin() as session:
        every = datasets.all(session)
    demo = next((dataset for dataset in every if dataset.is_synthetic), None)
    if demo is None:
        if not every:
            print("Loading the demo catalogue and pricing it; watch it on the Jobs page.", flush=True)
            actions.load_demo()
        return bool(every)
    if demo.state is DatasetState.INSPECTED and not _jobs(demo, JobKind.LOAD):
        actions.load(demo.id, demo.mapping or demo.inspection["mapping"])
        return False
    if demo.state is not DatasetState.READY:
        return demo.state not in (DatasetState.UPLOADED, DatasetState.LOADING)
    return _advance_pricing(demo, alone=len(every) == 1)


def _advance_pricing(demo: Dataset, *, alone: bool) -> bool:
    """Whoever has a table of her own by now must not wait minutes for a training that she did not ask for."""
    rows, learned = settings().demo_rows, settings().demo_train_rows if alone else 0
    priced, trained = _jobs(demo, JobKind.PRICE), _jobs(demo, JobKind.FINETUNE)
    if not priced:
        pricing_actions.start(demo.id, specs.defaults(), Split.TEST, rows)
        return not learned
    if not learned or any(job.technique == "finetuned" for job in priced):
        return True
    if any(job.state is JobState.RUNNING for job in priced + trained):
        return False
    if not trained:
        finetune_actions.start(demo.id, training(learned))
        return False
    if own := next((job for job in trained if job.state is JobState.DONE), None):
        pricing_actions.start(demo.id, fine_tuned(own), Split.TEST, rows)
    return True


def _jobs(demo: Dataset, kind: JobKind) -> list[Job]:
    with engine.begin() as session:
        return jobs.all(session, demo.id, kind)

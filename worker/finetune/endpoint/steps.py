"""The step of a fine-tune behind an endpoint: examples go up once, a model comes back, an adapter is registered.

Everything needed to go on stands in Postgres, in the job's checkpoint: the random token that goes along with the order,
and the ids of what the endpoint has. So whoever comes next hands over what was not, finds what was, and watches on.
"""

import secrets

from db import adapters, chunks, completions, datasets, endpoints, jobs, results, trainings
from db.engine import Session, begin
from db.errors import NotReady
from db.job_results import TrainingResult
from db.types import Endpoint, Job
from worker.endpoints import clients, tuning
from worker.finetune.endpoint import adapter as made
from worker.finetune.endpoint import curve, order, state
from worker.finetune.example_prompts import examples_of
from worker.finetune.examples import Examples
from worker.finetune.rows import material
from worker.llm.endpoint.model import PaidModel
from worker.progress import Pause, Progress
from worker.specs import finetune
from worker.specs.finetune import TrainSpec
from worker.work import Commit, Work


def tune(work: Work) -> Commit:
    """Tune a model where it is served, as far as it goes now.

    Raises Defer while the endpoint is at work, Pause where a person has to act first.
    """
    job, spec = work.job, finetune.parse(work.job.spec["train"])
    name, _, model = spec.model.partition(":")
    with begin() as session:
        endpoint = endpoints.get(session, name)
        dataset = datasets.get(session, job.dataset_id)
        remote = state.load(session, job.id) or state.Remote(token=secrets.token_hex(16))
        per_million = order.usd_per_million(session, endpoint, model, remote)
    tuner, ledger = _tuner(endpoint), state.Ledger(job.id, remote, work.writing)

    if not ledger.remote.training_file:
        examples = read(job, spec, work.progress)
        order.check_cap(job, spec, examples, per_million)
        order.hand_over(tuner, examples, spec, ledger)
    if not ledger.remote.remote_id:
        order.order(tuner, model, spec, ledger)
    status = order.look(tuner, endpoint, model, ledger)

    usd, is_known = made.cost(status, per_million)
    ledger.book(usd)
    examples = read(job, spec, work.progress)  # again: hours later, by whoever asked last
    measured = made.measure(f"{name}:{status.model}", examples.validation, spec, work.progress)
    ends = made.last_day(endpoint, model, status.model)

    def commit(session: Session) -> chunks.Tally:
        points = trainings.points(session, job.id)
        metrics = made.metrics(points, measured, status, is_known=is_known, ends=ends)
        if measured:
            trainings.note(session, job.id, [curve.at_end(points, measured)])
        adapter = made.adapter(job, dataset, endpoint, spec, ledger.remote, status, metrics, usd)
        adapters.register(session, adapter, {})
        trainings.drop_checkpoint(session, job.id)
        books = jobs.get(session, job.id)
        paid = books.spent_usd - books.lost_usd  # so far: for training, and for pricing validation rows
        result = TrainingResult(adapter=adapter.id, metrics=metrics, spent_usd=paid)
        results.put(session, job.id, result.as_json())
        whole = is_known and not completions.has_unpriced(session, job.id)
        jobs.add_fixed_cost(session, job.id, status.seconds, paid, is_known=whole)
        return chunks.Tally(items=job.items_total, usd=paid)

    return commit


def _tuner(endpoint: Endpoint) -> tuning.Tuner:
    """Raises Pause where the key is not there."""
    try:
        clients.key(endpoint)
    except NotReady as error:
        raise Pause(str(error)) from error
    return tuning.tuner(endpoint)


def read(job: Job, spec: TrainSpec, progress: Progress) -> Examples:
    """The examples, as the model at the endpoint will be asked. Not read while nothing but waiting is to be done."""
    with begin() as session:
        rows = material(session, job.dataset_id, spec)
    return examples_of(rows, spec, PaidModel(spec.model), progress)

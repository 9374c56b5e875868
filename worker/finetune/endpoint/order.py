"""Hands examples over to an endpoint, orders a tuning once, and looks how far it is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

from db import rates
from db.engine import Session
from db.errors import UserError
from db.types import Endpoint, Job
from worker.endpoints import tariffs, tuning
from worker.endpoints.failures import Kind
from worker.endpoints.tuning import Order, Status, Tuner, TuningFailure
from worker.finetune.endpoint import chat_format
from worker.finetune.endpoint.state import Ledger, Remote
from worker.finetune.examples import Examples
from worker.progress import Defer, Pause
from worker.specs.finetune import TrainSpec

POLL_SECONDS = 20.0  # a tuning takes minutes to hours


def usd_per_million(session: Session, endpoint: Endpoint, model: str, remote: Remote) -> Decimal | None:
    """What a million tokens of training cost when it was ordered, else what they cost now; None: nobody knows."""
    at = None if remote.asked is None else datetime.fromtimestamp(remote.asked, UTC)
    then = tariffs.training(session, endpoint, model, at)
    return tariffs.training(session, endpoint, model) if then is None else then


def check_cap(job: Job, spec: TrainSpec, examples: Examples, per_million: Decimal | None) -> None:
    """Raises Pause where training could cost more than may be spent: once it is handed in, nothing bounds it."""
    cap = job.cap_usd
    if cap is None:
        return
    if per_million is None:
        raise Pause(
            f"Nobody knows what a token costs that {spec.model} is tuned on, so the job's cap can't be kept; "
            "enter its price on the Endpoints page, then resume."
        )
    tokens = chat_format.most_tokens(examples.train, spec.bounds) * tuning.whole(spec.epochs) if per_million else 0
    usd = rates.of_training(tokens, per_million)
    if job.spent_usd + usd > cap:
        raise Pause(
            f"Training may take {tokens:,} tokens and ${usd:,.4f}, which passes the cap of ${cap:,.4f}; nothing "
            "was handed in. Resume with a higher cap, or cancel and learn from fewer rows."
        )


def hand_over(tuner: Tuner, examples: Examples, spec: TrainSpec, ledger: Ledger) -> None:
    """Upload the examples. Raises UserError where there are none, Pause or Defer as the endpoint's failures ask."""
    if examples.train.is_empty():
        raise UserError("There are no examples to learn from.")
    frames = {"train": examples.train, "validation": examples.validation}
    with _settled(ledger):
        ids = {
            name: tuner.upload(
                f"{name}-{ledger.remote.token}.jsonl", "".join(chat_format.lines(frame, spec.bounds)).encode()
            )
            for name, frame in frames.items()
            if len(frame)
        }
    ledger.keep(
        training_file=ids["train"],
        validation_file=ids.get("validation", ""),
        train_rows=len(examples.train),
        fingerprint=examples.fingerprint,
    )


def order(tuner: Tuner, model: str, spec: TrainSpec, ledger: Ledger) -> None:
    """Create the tuning, unless that happened already and only its id was lost. Raises Pause or Defer."""
    known = None
    with _settled(ledger):
        if ledger.remote.asked is not None:
            if wait := ledger.remote.wait_seconds:
                raise Defer(wait)
            known = tuner.find(ledger.remote.token)
        ledger.keep(remote_id=known or _create(tuner, model, spec, ledger))


def _create(tuner: Tuner, model: str, spec: TrainSpec, ledger: Ledger) -> str:
    ledger.keep(asked=time.time())
    remote = ledger.remote
    wanted = Order(
        remote.token, model, remote.training_file, remote.validation_file, tuning.whole(spec.epochs), spec.seed
    )
    try:
        return tuner.create(wanted)
    except TuningFailure as error:
        if error.failure.status is not None and error.failure.status < 500:  # refused for certain
            ledger.keep(asked=None)
        raise


def look(tuner: Tuner, endpoint: Endpoint, model: str, ledger: Ledger) -> Status:
    """How a tuning ended well; the curve is drawn on.

    Raises Defer while it is at work, UserError where it brought no model, Pause where a person has to act first.
    """
    with _settled(ledger):
        status = tuner.status(ledger.remote.remote_id)
        ledger.note(tuner.events(ledger.remote.remote_id, ledger.remote.last_event))
    if status.state == "running":
        raise Defer(POLL_SECONDS)
    if status.state == "succeeded":
        return status
    ledger.forget()
    if status.state == "cancelled":
        raise UserError(f"The fine-tune was cancelled at the endpoint {endpoint.name}.")
    raise UserError(f"The endpoint {endpoint.name} could not tune {model} ({status.error or 'no reason'}).")


@contextmanager
def _settled(ledger: Ledger) -> Iterator[None]:
    """Makes of a failure what fits it: wait, ask a person, or give up. What is under way at the endpoint is never given
    up."""
    try:
        yield
    except TuningFailure as error:
        failure, is_out = error.failure, bool(ledger.remote.remote_id)
        if failure.kind is Kind.BUSY or (failure.kind is Kind.AGAIN and is_out):
            ledger.remark(str(error))
            raise Defer(max(POLL_SECONDS, failure.retry_after or 0.0)) from error
        if is_out or failure.kind in (Kind.AGAIN, Kind.FATAL):
            raise Pause(str(error)) from error
        raise

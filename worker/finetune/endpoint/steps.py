"""What does the train step do for a model behind an endpoint? Hands the examples over once, and waits for a model.

Everything needed to go on stands in Postgres, in the job's checkpoint: the random token that goes along with the order,
and the ids of what the endpoint has. So whoever comes next hands over what was not, finds what was, and watches on.
"""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from db import adapters, chunks, datasets, endpoints, jobs, results, trainings
from db.engine import Session, begin
from db.errors import NotReady, UserError
from worker.endpoints import clients, tariffs, tuning
from worker.endpoints.failures import Kind
from worker.endpoints.tuning import Event, Order, Status, TuningFailure
from worker.finetune.endpoint import adapter as endpoint_adapter
from worker.finetune.endpoint import chat_format, check, state
from worker.finetune.endpoint import curve as endpoint_curve
from worker.finetune.examples import Lesson
from worker.progress import Defer, Pause
from worker.specs import finetune

if TYPE_CHECKING:
    from worker.work import Work

POLL_SECONDS = 20.0  # a tuning takes minutes to hours

Commit = Callable[[Session], chunks.Tally]


def tune(work: "Work", lesson: Callable[[], Lesson]) -> Commit:
    """Tune a model where it is served. `lesson` is asked before the examples are handed over, and at the end.

    Raises Defer while it is not done, Pause where a person has to act first.
    """
    return _Tuning(work).advance(lesson)


class _Tuning:
    """One try of the step: as far as it goes now."""

    def __init__(self, work: "Work") -> None:
        self.work, self.job = work, work.job
        self.spec = finetune.parse(work.job.spec["train"])
        endpoint_name, _, self.model = self.spec.model.partition(":")
        with begin() as session:
            self.endpoint = endpoints.get(session, endpoint_name)
            self.dataset = datasets.get(session, work.job.dataset_id)
            self.remote = state.load(session, work.job.id) or state.Remote(token=secrets.token_hex(16))
        try:
            clients.key(self.endpoint)
        except NotReady as error:
            raise Pause(str(error)) from error
        self.tuner = tuning.tuner(self.endpoint)

    def advance(self, lesson: Callable[[], Lesson]) -> Commit:
        try:
            if not self.remote.remote_id:
                self._hand_over(lesson)
            status = self._look()
        except TuningFailure as error:
            self._settle(error)
        if status.state == "running":
            raise Defer(POLL_SECONDS)
        if status.state != "succeeded":
            self._end(status)
        return self._ended_well(status, lesson)

    def _hand_over(self, lesson: Callable[[], Lesson]) -> None:
        """Upload the files and create the tuning, unless that happened already and only its id was lost."""
        if not self.remote.training_file:
            learn = lesson()
            if learn.train.is_empty():
                raise UserError("There are no examples to learn from.")
            self._keep_cap(learn)
            files = {"train": learn.train, "validation": learn.validation}
            ids = {
                name: self.tuner.upload(f"{name}-{self.remote.token}.jsonl", "".join(chat_format.lines(frame)).encode())
                for name, frame in files.items()
                if len(frame)
            }
            self._keep(
                training_file=ids["train"],
                validation_file=ids.get("validation", ""),
                train_rows=len(learn.train),
                fingerprint=learn.fingerprint,
            )
        found = None
        if self.remote.asked is not None:
            if wait := self.remote.wait_seconds:
                raise Defer(wait)
            found = self.tuner.find(self.remote.token)
        self._keep(remote_id=found or self._create())

    def _keep_cap(self, learn: Lesson) -> None:
        """Raises Pause where training could cost more than may be spent: once it is handed in, nothing bounds it."""
        cap, per_million = self.job.cap_usd, self._usd_per_million()
        if cap is None:
            return
        if per_million is None:
            raise Pause(
                f"Nobody knows what a token costs that {self.spec.model} is tuned on, so the job's cap can't be kept; "
                "enter its price on the Endpoints page, then resume."
            )
        tokens = chat_format.most_tokens(learn.train) * tuning.whole(self.spec.epochs) if per_million else 0
        usd = per_million * tokens / 1_000_000
        if self.job.spent_usd + usd > cap:
            raise Pause(
                f"Training may take {tokens:,} tokens and ${usd:,.4f}, which passes the cap of ${cap:,.4f}; nothing "
                "was handed in. Resume with a higher cap, or cancel and learn from fewer rows."
            )

    def _usd_per_million(self) -> Decimal | None:
        """As it was when the training was ordered, else as it is now."""
        asked = self.remote.asked
        at = None if asked is None else datetime.fromtimestamp(asked, UTC)
        with begin() as session:
            then = tariffs.training(session, self.endpoint, self.model, at)
            return tariffs.training(session, self.endpoint, self.model) if then is None else then

    def _create(self) -> str:
        self._keep(asked=time.time())
        order = Order(
            self.remote.token,
            self.model,
            self.remote.training_file,
            self.remote.validation_file,
            tuning.whole(self.spec.epochs),
            self.spec.seed,
        )
        try:
            return self.tuner.create(order)
        except TuningFailure as error:
            if error.failure.status is not None and error.failure.status < 500:  # refused for certain
                self._keep(asked=None)
            raise

    def _look(self) -> Status:
        """How it stands, and the curve so far."""
        status = self.tuner.status(self.remote.remote_id)
        events = self.tuner.events(self.remote.remote_id, self.remote.last_event)
        if events:
            with self.work.writing() as session:
                trainings.note(
                    session, self.job.id, endpoint_curve.points(events, trainings.points(session, self.job.id))
                )
            self._keep(last_event=events[-1].id)
        return status

    def _settle(self, error: TuningFailure) -> NoReturn:
        """Raise what fits a failure: wait, ask a person, or give up. What is under way there is never given up."""
        failure, is_out = error.failure, bool(self.remote.remote_id)
        if failure.kind is Kind.BUSY or (failure.kind is Kind.AGAIN and is_out):
            self._remark(str(error))
            raise Defer(max(POLL_SECONDS, failure.retry_after or 0.0)) from error
        if is_out or failure.kind in (Kind.AGAIN, Kind.FATAL):
            raise Pause(str(error)) from error
        raise error

    def _remark(self, sentence: str) -> None:
        """Why nothing happens, once, among what the endpoint tells."""
        with self.work.writing() as session:
            curve = trainings.points(session, self.job.id)
            if not any(point.values.get("text", "").endswith(sentence) for point in curve):
                event = Event("", datetime.now(UTC), sentence)
                trainings.note(session, self.job.id, endpoint_curve.points([event], curve))

    def _end(self, status: Status) -> NoReturn:
        """It brought no model; a retry begins anew."""
        self._forget()
        if status.state == "cancelled":
            raise UserError(f"The fine-tune was cancelled at the endpoint {self.endpoint.name}.")
        raise UserError(
            f"The endpoint {self.endpoint.name} could not tune {self.model} ({status.error or 'no reason'})."
        )

    def _ended_well(self, status: Status, lesson: Callable[[], Lesson]) -> Commit:
        model = f"{self.endpoint.name}:{status.model}"
        per_million = self._usd_per_million()
        is_known = per_million is not None and (status.trained_tokens is not None or not per_million)
        usd = (per_million or Decimal(0)) * (status.trained_tokens or 0) / 1_000_000
        self._book(usd)
        measured = check.check(model, lesson().validation, self.spec, self.work.progress)
        ends = endpoint_adapter.last_day(self.endpoint, self.model, status.model)

        def commit(session: Session) -> chunks.Tally:
            job_id, curve = self.job.id, trainings.points(session, self.job.id)
            told = endpoint_adapter.metrics(curve, measured, status, is_known=is_known, ends=ends)
            if measured:
                trainings.note(session, job_id, [endpoint_curve.at_end(curve, measured)])
            adapter = endpoint_adapter.adapter(
                self.job, self.dataset, self.endpoint, self.spec, self.remote, status, told, usd
            )
            adapters.register(session, adapter, {})
            trainings.drop_checkpoint(session, job_id)
            job = jobs.get(session, job_id)
            paid = job.spent_usd - job.lost_usd  # so far: for training, and for pricing validation rows
            results.put(session, job_id, {"adapter": adapter.id, "metrics": told, "spent_usd": str(paid)})
            jobs.add_fixed_cost(session, job_id, status.seconds, paid)
            return chunks.Tally(items=self.job.items_total, usd=paid, unknown_costs=int(not is_known))

        return commit

    def _book(self, usd: Decimal) -> None:
        """What training cost counts under the cap, once, before anything else is paid."""
        with self.work.writing() as session:
            kept = state.load(session, self.job.id)
            if kept is not None and not kept.is_booked:
                self.remote = kept.model_copy(update={"is_booked": True})
                jobs.spend(session, self.job.id, usd)
                state.save(session, self.job.id, self.remote)

    def _keep(self, **changes: Any) -> None:
        """Raises Cancelled where the chunk is not ours any more; an order that is out is then found by its token.

        What the endpoint has of a cancelled job is kept, so that it can be cancelled there.
        """
        self.remote = self.remote.model_copy(update=changes)
        with self.work.writing(even_cancelled="remote_id" in changes) as session:
            state.save(session, self.job.id, self.remote)

    def _forget(self) -> None:
        with self.work.writing() as session:
            trainings.drop_checkpoint(session, self.job.id)

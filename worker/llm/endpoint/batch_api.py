"""Calls by the Batch API: collected, handed in as a file, answered within hours for half the price.

Everything needed to go on stands in Postgres: the requests (completions under the batch's id), and the batch with a
random token that goes along as metadata. So whoever comes next can hand in what was not handed in, find what was, and
bring home the answers; the technique then just runs again and finds them stored.
"""

import json
import logging
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from db import batches, chunks, completions, endpoints, jobs
from db import calls as db_calls
from db.completions import Answer, Claim
from db.engine import Session, begin
from db.errors import NotFound, NotReady, UserError
from db.types import Batch, Endpoint, JobState, Tariff
from worker.endpoints import clients, failures, tariffs
from worker.endpoints.clients import without_key
from worker.endpoints.failures import Failure, Kind
from worker.llm.endpoint.client import Call, Outcome, refuse_cap_without_price
from worker.llm.endpoint.responses import compact, is_answer, usage
from worker.progress import Defer, Pause, Progress

log = logging.getLogger(__name__)

TRIES = 3  # batches that may leave calls of one chunk unanswered
WINDOW = "24h"
LEASE_SECONDS = 26 * 3600.0  # the window, and time to bring the answers home
LATER_SECONDS = 600.0  # when a chunk looks again by itself; the end of its batch wakes it before
LINES = 50_000  # calls that one batch may hold
METADATA = "pricewright"
_NOT_ASKED = ("batch_expired", "batch_cancelled")
_OPEN = ("validating", "in_progress", "finalizing", "cancelling")


def answers(
    endpoint: Endpoint, calls: Sequence[Call], tariff: Tariff | None, progress: Progress, mode: str
) -> dict[str, Outcome]:
    """What batches brought of these calls, by hash, once nothing more is to come from them.

    Raises Defer while a batch is out, Pause where the cap does not allow one. mode "on": what three batches left
    unanswered is an error; "then-direct": what one left unanswered is not in the result and may be asked directly.
    """
    with begin() as session:
        known = completions.look(session, [call.hash for call in calls])
        failed_tries = batches.incomplete(session, progress.job_id or 0, progress.chunk_id)
        mine = [b for b in batches.of_job(session, progress.job_id or 0) if b.chunk_id == progress.chunk_id]
        awaited = completions.awaited(session, list(known))
    own = {batch.id for batch in mine}
    out = {
        key: Outcome(error=str(stored.response.get("error") or "The batch brought no answer."))
        for key, stored in known.items()
        if stored.state == "failed" and stored.batch_id in own
    }
    if mode == "then-direct" and failed_tries:
        out = {}  # what went wrong in the batch is asked once more, one by one
    open_calls = [call for call in calls if call.hash not in out]
    if awaited - out.keys():
        progress.reserve(_most(open_calls, tariff))
        raise Defer(LATER_SECONDS)
    if not open_calls or (mode == "then-direct" and (failed_tries or _brought_errors(known, own))):
        return out
    if failed_tries >= TRIES:
        why = next((f" ({batch.error.rstrip('.')})" for batch in reversed(mine) if batch.error), "")
        return out | {c.hash: Outcome(error=f"{TRIES} batches ended without answering this{why}.") for c in open_calls}
    if tariff is None:
        refuse_cap_without_price(endpoint, open_calls, progress)
    progress.reserve(_most(open_calls, tariff))
    for start in range(0, len(open_calls), LINES):
        _hand_in(endpoint, open_calls[start : start + LINES], tariff, progress)
    raise Defer(LATER_SECONDS)


def _brought_errors(known: dict[str, completions.Stored], own: set[int]) -> bool:
    return any(stored.state == "failed" and stored.batch_id in own for stored in known.values())


def _most(calls: Sequence[Call], tariff: Tariff | None) -> Decimal:
    if tariff is None:
        return Decimal(0)
    return sum((tariff.usd(call.most_in, 0, call.most_out, batch=True) for call in calls), Decimal(0))


def _hand_in(endpoint: Endpoint, calls: Sequence[Call], tariff: Tariff | None, progress: Progress) -> None:
    if progress.job_id is None:
        raise UserError("A batch needs a job that it belongs to.")
    token = secrets.token_hex(16)
    with begin() as session:
        batch_id = batches.create(
            session, job_id=progress.job_id, chunk_id=progress.chunk_id, endpoint=endpoint.name,
            model=calls[0].model, token=token,
        )  # fmt: skip
        claims = [
            Claim(
                call.hash, endpoint.name, call.model, call.request, progress.job_id, call.row,
                None if tariff is None else _most([call], tariff),
            )
            for call in calls
        ]  # fmt: skip
        ours = completions.claim(session, claims, token, LEASE_SECONDS, batch_id)
        batches.change(session, batch_id, requests=len(ours))
        if not ours:  # somebody else asks all of them: there is nothing to hand in
            batches.finish(session, batch_id, "done")
    if ours:
        try:
            advance(batch_id)
        except UserError as error:
            raise Pause(str(error)) from error


def poll() -> int:
    """Looks how every batch that is out is doing, and brings home what is ready; returns how many are still out.

    Harmless at any time, by several at once: who hands a batch in is decided in Postgres, and storing an answer twice
    changes nothing.
    """
    with begin() as session:
        out = batches.open_(session)
    left = 0
    for batch in out:
        try:
            left += not advance(batch.id)
        except UserError as error:
            left += 1
            log.warning("Batch %d waits: %s", batch.id, error)
            with begin() as session:
                batches.change(session, batch.id, error=str(error))
    with begin() as session:
        batches.wake_chunks(session)
    return left


def advance(batch_id: int) -> bool:
    """Does what is next for a batch; True when it is finished. Raises NotReady in words when its endpoint can't."""
    with begin() as session:
        batch = batches.get(session, batch_id)
        try:
            endpoint = endpoints.get(session, batch.endpoint)
        except NotFound as error:
            was_sent = batch.remote_id is not None or batch.state == "sending"
            _close(session, batch, "failed", str(error), may_be_charged=was_sent)
            return True
    if batch.finished_at is not None:
        return True
    try:
        with clients.client(endpoint) as client:
            if batch.remote_id is None:
                return _send(client, endpoint, batch)
            return _fetch(client, endpoint, batch)
    except UserError:
        raise
    except Exception as error:
        failure = failures.explain(error, endpoint, batch.model, {})
        if batch.remote_id is None and failure.status == 404:
            sentence = f"The endpoint {endpoint.name} has no Batch API, or its address is wrong; switch batches off."
            raise NotReady(sentence) from error
        will_never = failure.kind is Kind.ROW if batch.remote_id is None else _is_lost(batch, failure)
        if will_never:
            with begin() as session:
                _close(session, batch, "failed", failure.sentence, may_be_charged=batch.remote_id is not None)
            return True
        raise failures.as_not_ready(failure) from error


def _is_lost(batch: Batch, failure: Failure) -> bool:
    """Whether the endpoint knows nothing of a batch that should have ended; before that its address may be wrong."""
    age = (datetime.now(UTC) - batch.created_at).total_seconds()
    return failure.status == 404 and age > LEASE_SECONDS


def _send(client: Any, endpoint: Endpoint, batch: Batch) -> bool:
    """Uploads the file and creates the batch, unless that happened already and only its id was lost."""
    with begin() as session:
        was_begun = batch.state == "sending"
        if not batches.take(session, batch.id):
            return False  # somebody is at it
        requests = completions.of_batch(session, batch.id)
        cancelled = jobs.get(session, batch.job_id).state is JobState.CANCELLED
    remote = _find(client, batch.token) if was_begun else None
    if remote is None and cancelled:
        with begin() as session:
            sentence = "The job was cancelled before this was handed in."
            _close(session, batch, "failed", sentence, may_be_charged=False)
        return True
    if remote is None:
        lines = "\n".join(
            json.dumps({"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": request})
            for key, request in requests.items()
        )
        try:
            file = client.files.create(file=(f"{batch.token}.jsonl", lines.encode()), purpose="batch")
            remote = client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window=WINDOW,
                metadata={METADATA: batch.token}, extra_headers={"Idempotency-Key": batch.token},
            ).id  # fmt: skip
        except Exception as error:
            failure = failures.explain(error, endpoint, batch.model, {})
            if failure.status is not None and failure.status < 500:  # it was refused for certain: may be sent anew
                with begin() as session:
                    batches.change(session, batch.id, state="new")
            raise
    with begin() as session:
        batches.change(session, batch.id, remote_id=remote, state="open", error=None)
    return False


def _find(client: Any, token: str) -> str | None:
    """The batch that bears our token, among all that the endpoint knows."""
    for remote in client.batches.list(limit=100):
        if (remote.metadata or {}).get(METADATA) == token:
            return str(remote.id)
    return None


def _fetch(client: Any, endpoint: Endpoint, batch: Batch) -> bool:
    """Asks how a batch stands; when it has ended, stores what it brought and frees what it left."""
    remote = client.batches.retrieve(batch.remote_id)
    with begin() as session:
        batches.polled(session, batch.id)
        cancelled = jobs.get(session, batch.job_id).state is JobState.CANCELLED
    if remote.status in _OPEN:
        if cancelled and remote.status in ("validating", "in_progress"):
            client.batches.cancel(batch.remote_id)
        return False
    for file_id in (remote.output_file_id, remote.error_file_id):
        if file_id:
            _bring_home(client, endpoint, batch, file_id)
    is_complete = remote.status == "completed"  # then a call without a line of its own was made for nothing
    errors = [str(error.message) for error in ((remote.errors.data if remote.errors else None) or [])]
    told = without_key("; ".join(errors), endpoint)[:300] or None
    with begin() as session:
        _close(session, batch, "done" if is_complete else "failed", told, may_be_charged=is_complete)
    return True


def _close(session: Session, batch: Batch, state: str, error: str | None, *, may_be_charged: bool) -> None:
    """Closes a batch: counts, gives up what has no answer, as lost where it may be charged, wakes the chunk that
    waits."""
    batches.finish(session, batch.id, state, error)
    unanswered = list(completions.of_batch(session, batch.id))
    (db_calls.lose if may_be_charged else completions.free)(session, unanswered)
    if batch.chunk_id is not None:
        chunks.wake_chunk(session, batch.chunk_id)


def _bring_home(client: Any, endpoint: Endpoint, batch: Batch, file_id: str) -> None:
    """Stores the lines of an output or error file, some hundred in one transaction."""
    with begin() as session:
        tariff = tariffs.find(session, endpoint, batch.model)
    group: list[Answer] = []
    for line in _lines(client.files.content(file_id).text):
        error = line.get("error")
        if isinstance(error, dict) and error.get("code") in _NOT_ASKED:
            continue  # it had no turn: it is free to be asked again
        group.append(_answer(line, endpoint, tariff))
        if len(group) == 256:
            _store(group)
            group = []
    _store(group)


def _store(group: Sequence[Answer]) -> None:
    with begin() as session:
        completions.store(session, group)


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            answer = json.loads(line)
        except ValueError:
            continue  # what can't be read counts as not answered
        if isinstance(answer, dict) and answer.get("custom_id"):
            yield answer


def _answer(line: dict[str, Any], endpoint: Endpoint, tariff: Tariff | None) -> Answer:
    response = line.get("response") or {}
    body = response.get("body")
    if response.get("status_code") == 200 and isinstance(body, dict) and is_answer(body):
        tokens_in, cached, out, is_counted = usage(body)
        known = tariff is not None and (is_counted or not (tariff.input or tariff.output))
        usd = tariff.usd(tokens_in, cached, out, batch=True) if tariff is not None and known else None
        return Answer(str(line["custom_id"]), compact(body), tokens_in, cached, out, usd)
    error = line.get("error") or (body.get("error") if isinstance(body, dict) else None) or {}
    told_words = str(error.get("message") if isinstance(error, dict) else error) or "no reason given"
    words = without_key(" ".join(told_words.split()), endpoint)[:160].rstrip(".")
    sentence = f"The batch brought an error for this request ({words})."
    return Answer(str(line["custom_id"]), {"error": sentence}, failed=True)

"""The Celery app: queues, options (each with its why), and the one way to start a job and send messages.

Celery only wakes workers up. What is to be done, in which order (db/turns.py), by whom, and whether it is done
(db/chunks.py) stands in Postgres.
"""

import logging
from functools import partial
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from kombu.transport import redis

from db import access, chunks, jobs, limits, rates
from db.engine import Session, after_commit
from db.settings import settings
from db.types import JobKind, Queue, Verb

log = logging.getLogger(__name__)

RUN_CHUNK = "pricewright.run_chunk"

app = Celery("pricewright", broker=settings().broker, include=["worker.tasks"])
app.conf.update(
    # A message is acknowledged after the work: a killed worker's message comes back.
    task_acks_late=True,
    # The pool child died (killed, out of memory): hand the message out again at once instead of calling it failed.
    task_reject_on_worker_lost=True,
    # Workers reserve nothing beyond what they run; else a long chunk would sit on others' work.
    worker_prefetch_multiplier=1,
    # A lost broker connection must not cancel running work: Postgres holds the lease, the broker is not needed.
    # True was measured to lose the task altogether.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # Nobody reads results from the broker; the outcome is in Postgres.
    task_ignore_result=True,
    task_default_queue=Queue.CPU,
    task_serializer="json",
    accept_content=["json"],  # never pickle
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # a broker that comes back after an hour finds its workers waiting
    broker_transport_options={
        # Longer than any chunk: Redis redelivers what is not acknowledged by then, which would run it twice.
        # Chunks lost with a worker are not waited for here; the sweeper re-sends them within seconds.
        "visibility_timeout": 24 * 3600,
        "socket_keepalive": True,
        # Sending from a page must not hang while the broker is away; the sweeper sends later.
        "socket_connect_timeout": 2,
        "max_retries": 2,
        "interval_start": 0.1,
        "interval_max": 0.5,
    },
    worker_hijack_root_logger=False,
)


class _Patient(redis.Channel):  # type: ignore[misc]
    """A channel that drops what is no message: kombu would end the worker over it, with all that its children do."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("What lay in a queue is no message (%s: %s); it is dropped.", type(error).__name__, error)
            return True


redis.Transport.Channel = _Patient


def send(chunk_id: int, queue: Queue) -> None:
    """Wake a worker: the queue has one chunk more. A broker that is away is no error: the sweeper sends again later."""
    try:
        app.send_task(RUN_CHUNK, args=[chunk_id], queue=queue, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("The broker is away (%s); the sweeper will send chunk %s later.", error, chunk_id)


def queue_lengths() -> dict[Queue, int]:
    """Messages that wait in each queue. Raises OSError or kombu's OperationalError when the broker is away."""
    with app.connection_for_read() as connection:
        client: Any = connection.default_channel.client
        return {queue: int(client.llen(queue)) for queue in Queue}


_OF_READING = (JobKind.SEARCH, JobKind.COMPARE)
"""Jobs that a page starts to show something."""


def start_job(session: Session, *, queue: Queue, **values: Any) -> int:
    """Start a new job, with messages for its first chunks after the commit; its id. `values`: as db.jobs.create.

    Raises NotAllowed; what only reads for a page, and what reads the file of another verb, is everybody's.
    """
    kind: JobKind = values["kind"]
    is_of_own = kind not in _OF_READING and not kind.reads_file
    if is_of_own and values.get("race_id") is None:
        limits.check_running(session)
    if is_of_own and queue is Queue.ENDPOINT:
        values["cap_usd"] = access.allowed_cap(values.get("cap_usd"))
    job_id = jobs.create(session, queue=queue, rate_id=rates.for_queue(session, queue), **values)
    if is_of_own:
        made = jobs.get(session, job_id)
        about = {"kind": kind, "technique": made.technique or None, "dataset": made.dataset_id}
        access.act(session, Verb.START_JOB, made, usd=made.cap_usd, **about)
    send_ready(session, job_id, queue)
    return job_id


def send_ready(session: Session, job_id: int, queue: Queue) -> None:
    """Send messages, after the commit, for the chunks of a job that can be done now."""
    for chunk_id in chunks.to_send(session, job_id):
        after_commit(session, partial(send, chunk_id, queue))

"""The Celery tasks: ids in, one call; and how often beat sends those that nobody asks for."""

import logging
import threading
from collections.abc import Callable

from db.engine import DatabaseAway
from db.settings import settings
from db.types import Queue
from worker import lifecycle, running
from worker.app import RUN_CHUNK, app
from worker.batches import actions as batches
from worker.finetune.endpoint import state
from worker.knowledge import actions
from worker.llm.endpoint import batch_api
from worker.notifications import actions as notifications
from worker.pricing import comparison_jobs
from worker.storage import actions as storage

log = logging.getLogger(__name__)

lifecycle.install()


@app.task(name=RUN_CHUNK)  # type: ignore[untyped-decorator]
def run_chunk(sent_for: int) -> None:
    running.run_chunk(sent_for)


def every(seconds: int) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Makes a function the task `pricewright.NAME`, which beat sends to the control worker in that interval.

    The worker and beat import this file before they read the schedule (`include` of the app).
    """

    def register(run: Callable[[], None]) -> Callable[[], None]:
        task: Callable[[], None] = app.task(name=f"pricewright.{run.__name__}")(run)
        # What nobody took in time is worth nothing; without an end such messages would pile up.
        options = {"queue": Queue.CONTROL, "expires": seconds}
        entry = {"task": f"pricewright.{run.__name__}", "schedule": seconds, "options": options}
        app.conf.beat_schedule = app.conf.beat_schedule | {run.__name__: entry}
        return task

    return register


@every(settings().sweep_seconds)
def sweep() -> None:
    running.sweep()


@every(settings().sweep_seconds)
def compare() -> None:
    comparison_jobs.start_due()


@every(settings().sweep_seconds)
def settle() -> None:
    batches.settle()


@every(30)  # a knowledge base with a shorter interval of its own is looked at no more often
def refresh() -> None:
    actions.refresh_due()


def _beside(work: Callable[[], object], name: str) -> None:
    """Do what may take long in a thread, so that no sweep waits for it; not twice at once."""
    if not any(thread.name == name for thread in threading.enumerate()):
        threading.Thread(target=_guarded, args=(work, name), name=name, daemon=True).start()


def _guarded(work: Callable[[], object], name: str) -> None:
    try:
        work()
    except DatabaseAway:
        log.warning("The database is away; %s is done again later.", name)
    except Exception:
        log.exception("The %s failed.", name)


@every(15)
def notify() -> None:
    _beside(notifications.work, "telling of what happened")


@every(600)
def tidy() -> None:
    _beside(storage.tidy, "freeing of space")


@every(30)  # batches of calls take minutes to hours; one that is done wakes the chunk that waits for it
def poll() -> None:
    _beside(_poll, "looking at batches")


def _poll() -> None:
    batch_api.poll()
    state.cancel_unwanted()

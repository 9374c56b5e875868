"""The Celery tasks: ids in, one call."""

from worker import lifecycle, running
from worker.app import POLL, REFRESH, RUN_CHUNK, SWEEP, app
from worker.finetune.endpoint import state
from worker.knowledge import actions
from worker.llm.endpoint import batch_api

lifecycle.install()


@app.task(name=RUN_CHUNK)  # type: ignore[untyped-decorator]
def run_chunk(sent_for: int) -> None:
    running.run_chunk(sent_for)


@app.task(name=SWEEP)  # type: ignore[untyped-decorator]
def sweep() -> None:
    running.sweep()


@app.task(name=REFRESH)  # type: ignore[untyped-decorator]
def refresh() -> None:
    actions.refresh_due()


@app.task(name=POLL)  # type: ignore[untyped-decorator]
def poll_batches() -> None:
    batch_api.poll()
    state.cancel_unwanted()

"""The Celery tasks: ids in, one call."""

from worker import lifecycle, running
from worker.app import RUN_CHUNK, SWEEP, app

lifecycle.install()


@app.task(name=RUN_CHUNK)  # type: ignore[untyped-decorator]
def run_chunk(chunk_id: int) -> None:
    running.run_chunk(chunk_id)


@app.task(name=SWEEP)  # type: ignore[untyped-decorator]
def sweep() -> None:
    running.sweep()

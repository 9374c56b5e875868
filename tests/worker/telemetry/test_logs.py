"""A line of a log says what it is about, also as JSON; what comes and goes on a schedule writes none."""

import json
import logging

import pytest

from db.acting import acting_as
from db.types import Person, Role
from worker.server.logs import put_aside
from worker.telemetry import logs

RUN = "pricewright.run_chunk"


@pytest.fixture
def written(capsys):
    """Gives the lines that the log has written so far; puts back what was set up."""
    root = logging.getLogger()
    before = root.handlers, root.level
    quiet = [logging.getLogger(name) for name in (*logs._BOOKKEEPING, "celery.beat")]
    kept = [(log.level, list(log.filters)) for log in quiet]
    for log in quiet:  # whatever a test before this one left
        log.filters.clear()
        log.setLevel(logging.INFO)

    def written():
        return capsys.readouterr().err.splitlines()

    yield written
    root.handlers, root.level = before
    for log, (level, filters) in zip(quiet, kept, strict=True):
        log.setLevel(level)
        log.filters = filters


def test_a_line_of_json_holds_the_ids_the_person_and_the_traceback(written):
    logs.configure("cpu worker", "json")
    with logs.about(job=5), acting_as(Person("ann", Role.ANALYST)), logs.about(chunk=12):
        try:
            raise ValueError("two\nlines")
        except ValueError:
            logging.getLogger("ours").exception("It %s.", "broke")
    logging.getLogger("ours").info("After.")
    first, second = map(json.loads, written())
    assert (first["job"], first["chunk"], first["person"], first["kind"]) == (5, 12, "ann", "cpu worker")
    assert first["level"] == "ERROR"
    assert first["message"] == "It broke."
    assert "ValueError: two" in first["traceback"]
    assert second["message"] == "After."
    assert "job" not in second


def test_text_ends_with_what_it_is_about(written):
    logs.configure("cpu worker", "text")
    with logs.about(job=5, chunk=12):
        logging.getLogger("ours").warning("Slow.")
    (line,) = written()
    assert line.endswith("ours: Slow. job=5 chunk=12")


def test_schedules_write_nothing_but_their_failures(written):
    logs.configure("control worker", "text", asked_for=RUN)
    for name in ("pricewright.sweep", RUN):
        logging.getLogger("celery.worker.strategy").info("Task %(name)s received", {"name": name})
        logging.getLogger("celery.app.trace").info("Task %(name)s succeeded", {"name": name})
        logging.getLogger("celery.app.trace").error("Task %(name)s raised", {"name": name})
    logging.getLogger("celery.beat").info("Scheduler: Sending due task sweep")
    said = [line.partition(": ")[2] for line in written()]
    assert said == [
        "Task pricewright.sweep raised",
        f"Task {RUN} received",
        f"Task {RUN} succeeded",
        f"Task {RUN} raised",
    ]


def test_a_large_log_is_put_aside_while_somebody_writes(tmp_path):
    log, small = tmp_path / "control.log", tmp_path / "worker.log"
    small.write_text("little")
    with log.open("ab") as writing:
        writing.write(b"x" * (2 << 20))
        writing.flush()
        put_aside([log, small, tmp_path / "gone.log"], 0)
        assert log.stat().st_size == 2 << 20  # 0 = never
        put_aside([log, small], 1)
        writing.write(b"after")
        writing.flush()
    assert log.read_bytes() == b"after"
    assert (tmp_path / "control.log.1").stat().st_size == 2 << 20
    assert not (tmp_path / "worker.log.1").exists()

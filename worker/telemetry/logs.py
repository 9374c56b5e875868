"""Lines of a log: as text for people, or each as one JSON object for programs, with what the work is about."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

from db import acting

_ABOUT: ContextVar[dict[str, Any] | None] = ContextVar("_ABOUT", default=None)
_TEXT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s%(about)s"
_BOOKKEEPING = ("celery.worker.strategy", "celery.app.trace")


@contextmanager
def about(**ids: Any) -> Iterator[None]:
    """Lines that are written inside, in this thread, say what they are about: job=5, chunk=12."""
    token = _ABOUT.set((_ABOUT.get() or {}) | ids)
    try:
        yield
    finally:
        _ABOUT.reset(token)


def said_about() -> dict[str, Any]:
    """What the work at hand is about, with the person for whom it is."""
    person = acting.person()
    return (_ABOUT.get() or {}) | ({"person": person.name} if person else {})


class _About(logging.Filter):
    """Adds to each line what it is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        ids = said_about()
        setattr(record, "ids", ids)  # noqa: B010 - a record takes what its filters say
        record.about = "".join(f" {name}={value}" for name, value in ids.items())
        return True


class _Scheduled(logging.Filter):
    """Drops the lines that say, every few seconds, that what is done on a schedule came and went. What fails stays."""

    def __init__(self, seldom: str) -> None:
        super().__init__()
        self._seldom = seldom

    def filter(self, record: logging.LogRecord) -> bool:
        name = record.args.get("name") if isinstance(record.args, dict) else None
        return record.levelno > logging.INFO or name == self._seldom


class Json(logging.Formatter):
    """One line of JSON: time, level, kind of process, pid, logger, message, what it is about, the traceback if any."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "kind": self._kind,
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "ids", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(kind: str, how: Literal["text", "json"], *, level: int = logging.INFO, asked_for: str = "") -> None:
    """Write the log of this process to stderr, from this level on. asked_for: the task as which people's work comes; of
    other tasks only what went wrong is written."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json(kind) if how == "json" else logging.Formatter(_TEXT))
    handler.addFilter(_About())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("celery.beat").setLevel(logging.WARNING)  # a line for each task that it sends
    for name in _BOOKKEEPING:
        logging.getLogger(name).addFilter(_Scheduled(asked_for))

"""Tries a prompt that nobody saved yet, in a process of its own: what it takes there, it takes from nobody else.

The language of prompts is cut down to what ends quickly (worker/prompts/sandbox.py). Should a template get past that
all the same, it meets the limits of this process, and the page says so in a sentence.
"""

import atexit
import contextlib
import json
import os
import resource
import select
import subprocess
import sys
import threading
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from db.errors import UserError
from db.types import PromptVersion
from worker.prompts.injection import suspicious
from worker.prompts.rendering import SAMPLE, Rendered, Values, check, item_values, render

MEMORY = 1 << 30
"""Bytes that the process may take, with all that it has loaded."""
SECONDS = 10.0
"""How long a prompt may take, beside those of starting the process."""
START_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[2]
_TOO_MUCH = "The prompt takes too long or too much memory: make it shorter, with fewer filters and loops."


@dataclass(frozen=True, slots=True)
class Preview:
    """A prompt with an item in it, as it would be sent."""

    rendered: Rendered
    flag: str | None  # why the item's text looks hostile


PARTS: tuple[str, ...] = ("examples", "neighbours", "attributes", "stats")
"""What a technique may add to a product in a prompt."""


def preview(system: str, template: str, item: dict[str, str] | None, parts: Collection[str]) -> Preview:
    """A prompt with an item, or with a sample; those of PARTS that are not in `parts` are empty. Raises UserError for a
    prompt that can't be saved."""
    answer = _CHILD.ask({"system": system, "template": template, "item": item, "parts": sorted(parts)})
    return Preview(Rendered(**answer["rendered"]), answer["flag"])


def check_apart(system: str, template: str) -> None:
    """As `rendering.check`, for a prompt that nobody has tried yet. Raises UserError."""
    preview(system, template, None, PARTS)


class _Child:
    """The process, started when it is first needed and again after it ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._of = 0  # the process that started it: a fork has none

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question. Raises UserError, in the child's words or because it did not answer."""
        with self._lock:
            process = self._process
            seconds = SECONDS
            if process is None or self._of != os.getpid() or process.poll() is not None:
                process, seconds = self._start(), START_SECONDS
            assert process.stdin
            assert process.stdout
            try:
                process.stdin.write(json.dumps(question).encode() + b"\n")
                process.stdin.flush()
                is_there, _, _ = select.select([process.stdout], [], [], seconds)
                line = process.stdout.readline() if is_there else b""
            except BrokenPipeError:
                line = b""
            if not line.endswith(b"\n"):
                self.end()
                raise UserError(_TOO_MUCH)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise UserError(answer["error"])
        return answer

    def _start(self) -> "subprocess.Popen[bytes]":
        self._of = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from worker.prompts import trial; trial.serve()"],
            cwd=_ROOT,
            # Nothing of the environment is any of its business, least of all keys.
            env={name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self._process

    def end(self) -> None:
        if self._process is not None and self._of == os.getpid():
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()
        self._process = None


_CHILD = _Child()
atexit.register(_CHILD.end)


def serve() -> None:
    """What the process does: a line for each line, until there are no more."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))
    for line in sys.stdin:
        try:
            answer = _answer(**json.loads(line))
        except UserError as error:
            answer = {"error": str(error)}
        except MemoryError:
            answer = {"error": _TOO_MUCH}
        print(json.dumps(answer), flush=True)


def _answer(system: str, template: str, item: dict[str, str] | None, parts: list[str]) -> dict[str, Any]:
    check(system, template)
    values, flag = SAMPLE, None
    if item is not None:
        values = Values(**{**SAMPLE, **item_values(**item)})
        flag = suspicious("\n".join(item.values()))
    empty = {name: type(values[name])() for name in PARTS if name not in parts}  # type: ignore[literal-required]
    values = Values(**{**values, **empty})  # type: ignore[typeddict-item]
    return {"rendered": asdict(render(PromptVersion("preview", 0, system, template), values)), "flag": flag}

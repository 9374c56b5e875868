"""One batch on the accelerated clock: its lines, its states, and the two files it ends with."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fake_openai.chat import Chat
from tests.fake_openai.files import File, Files
from tests.fake_openai.settings import Batching
from tests.fake_openai.troubled import Refused
from tests.fake_openai.wire import new_id

URL = "/v1/chat/completions"
WINDOW = 86_400  # seconds that OpenAI gives a batch
MOST_LINES = 50_000
_DONE = ("completed", "failed", "expired", "cancelled")


@dataclass(slots=True)
class Batch:
    """`created` and the marks are on the server's batch clock, in seconds since the epoch."""

    id: str
    input_file_id: str
    metadata: dict[str, str] | None
    created: float
    plan: Batching  # as it was when the batch was made
    lines: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    status: str = "validating"
    marks: dict[str, float] = field(default_factory=dict)  # "in_progress_at" -> when
    output: File | None = None
    failures: File | None = None
    counts: dict[str, int] = field(default_factory=lambda: {"total": 0, "completed": 0, "failed": 0})
    used: dict[str, int] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        return self.status in _DONE

    def moved(self, now: float, chat: Chat, files: Files) -> None:
        """Brings the batch to where it is at `now`. May think for long: the lines are answered here."""
        plan, start = self.plan, self.created
        expiry = None if plan.expires_after is None else start + plan.expires_after
        began = start + plan.validating
        worked = began + plan.in_progress
        if self.is_done or now < began:
            return
        if self.errors:
            self._to("failed", "failed_at", began)
            return
        if self.status == "validating":
            self.counts["total"] = len(self.lines)
            self._to("in_progress", "in_progress_at", began)
        stopped = self.marks.get("cancelling_at")
        if stopped is not None:
            if now >= stopped + plan.finalizing:
                self._finish(_share(stopped, began, worked), "batch_cancelled", chat, files)
                self._to("cancelled", "cancelled_at", stopped + plan.finalizing)
            return
        if expiry is not None and expiry <= worked + plan.finalizing:
            if now >= expiry:
                self._finish(_share(expiry, began, worked), "batch_expired", chat, files)
                self._to("expired", "expired_at", expiry)
                return
        elif now >= worked + plan.finalizing:
            self.marks.setdefault("finalizing_at", worked)
            self._finish(1.0, "", chat, files)
            self._to("completed", "completed_at", worked + plan.finalizing)
            return
        if now >= worked:
            self._to("finalizing", "finalizing_at", worked)
        else:
            self.counts["completed"] = int(_share(now, began, worked) * len(self.lines))

    def cancel(self, now: float) -> None:
        """Raises Refused once the batch has ended."""
        if self.is_done:
            raise Refused(409, f"Cannot cancel a batch with status '{self.status}'.", code="invalid_state")
        self._to("cancelling", "cancelling_at", now)

    def _to(self, status: str, mark: str, when: float) -> None:
        self.status = status
        self.marks.setdefault(mark, when)

    def _finish(self, share: float, reason: str, chat: Chat, files: Files) -> None:
        """Answers the first `share` of the lines; the others get `reason` as their error."""
        good: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        reached = int(share * len(self.lines))
        for i, line in enumerate(self.lines):
            luck = _luck(line["custom_id"])
            base = {"id": new_id("batch_req_"), "custom_id": line["custom_id"]}
            if luck < self.plan.lost_share:
                continue
            if i >= reached:
                told = "This request could not be executed before the completion window expired."
                message = told if reason == "batch_expired" else "This request was cancelled with its batch."
                bad.append({**base, "response": None, "error": {"code": reason, "message": message}})
                continue
            status, body = self._line(line, luck, chat)
            response = {"status_code": status, "request_id": new_id("req_"), "body": body}
            (good if status == 200 else bad).append({**base, "response": response, "error": None})
        # Answers come in any order: here by their hash.
        good.sort(key=lambda line: _luck(line["custom_id"] + "order"))
        self.counts = {"total": len(self.lines), "completed": len(good), "failed": len(bad)}
        if good:
            self.output = files.put(f"{self.id}_output.jsonl", "batch_output", _jsonl(good))
        if bad:
            self.failures = files.put(f"{self.id}_error.jsonl", "batch_output", _jsonl(bad))
        usages = [line["response"]["body"]["usage"] for line in good]
        self.used = {name: sum(usage[name] for usage in usages) for name in ("prompt_tokens", "completion_tokens")}

    def _line(self, line: dict[str, Any], luck: float, chat: Chat) -> tuple[int, dict[str, Any]]:
        if luck < self.plan.lost_share + self.plan.fail_share:
            message = "The server had an error while processing your request."
            return 500, {"error": {"message": message, "type": "server_error", "param": None, "code": None}}
        try:
            return 200, chat.answer_line(line["body"])
        except Refused as refused:
            return refused.status, refused.body

    def shown(self) -> dict[str, Any]:
        """The batch object of the protocol."""
        names = ("in_progress_at", "finalizing_at", "completed_at", "failed_at", "expired_at", "cancelling_at")
        window = WINDOW if self.plan.expires_after is None else self.plan.expires_after
        tokens_in, tokens_out = self.used.get("prompt_tokens", 0), self.used.get("completion_tokens", 0)
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": URL,
            "errors": {"object": "list", "data": self.errors} if self.status == "failed" else None,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output.id if self.output else None,
            "error_file_id": self.failures.id if self.failures else None,
            "created_at": int(self.created),
            **{name: int(self.marks[name]) if name in self.marks else None for name in (*names, "cancelled_at")},
            "expires_at": int(self.created + window),
            "request_counts": self.counts,
            "metadata": self.metadata,
            "model": self.lines[0]["body"]["model"] if self.lines else None,
            "usage": {
                "input_tokens": tokens_in,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": tokens_out,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": tokens_in + tokens_out,
            },
        }


def read_lines(content: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The requests of a JSONL file, and what is wrong with it: an error per line, as a failed batch lists them."""
    lines: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    models: set[str] = set()

    def wrong(code: str, message: str, number: int, param: str | None = None) -> None:
        errors.append({"code": code, "line": number, "message": message, "param": param})

    checks: tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...] = (
        ("custom_id", lambda line: isinstance(line.get("custom_id"), str)),
        ("method", lambda line: line.get("method") == "POST"),
        ("url", lambda line: line.get("url") == URL),
        ("body", lambda line: isinstance(line.get("body"), dict) and isinstance(line["body"].get("model"), str)),
    )
    for number, raw in enumerate(content.splitlines(), 1):
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
        except ValueError:
            line = None
        if not isinstance(line, dict):
            wrong("invalid_json_line", "This line is not parseable as valid JSON.", number)
            continue
        broken = next((name for name, is_right in checks if not is_right(line)), None)
        if broken is not None:
            wrong("invalid_request", f"Missing or wrong parameter: '{broken}'.", number, broken)
            continue
        if line["custom_id"] in seen:
            wrong("duplicate_custom_id", f"The custom_id {line['custom_id']} came before.", number, "custom_id")
        if models and line["body"]["model"] not in models:
            wrong("mismatched_model", "All requests of a batch must name the same model.", number, "body.model")
        seen.add(line["custom_id"])
        models.add(line["body"]["model"])
        lines.append(line)
    if not lines and not errors:
        wrong("empty_file", "The input file has no requests.", 1)
    if len(lines) > MOST_LINES:
        wrong("too_many_requests", f"A batch has {MOST_LINES:,} requests at most.", MOST_LINES + 1)
    return lines, errors


def _share(now: float, began: float, worked: float) -> float:
    return min(1.0, max(0.0, (now - began) / (worked - began))) if worked > began else 1.0


def _luck(word: str) -> float:
    """The same number in 0..1 for the same word, so that the same lines fail in every run."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest()) / 2**64


def _jsonl(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)

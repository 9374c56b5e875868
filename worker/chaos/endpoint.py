"""A paid endpoint of our own, whose bill, answers and troubles are known: what chaos has jobs ask."""

import hashlib
import json
import re
import threading
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "known"
USD_PER_MILLION = 3  # of tokens, in and out
LATENCY_SECONDS = 0.15
SILENT_SECONDS = 12.0  # more than clients wait
_ASKED = re.compile(r"thing (\d+)x(\d+)")


def known_price(number: int) -> int:
    """The price that the endpoint gives to thing number N, in whole dollars."""
    return 1 + number * 7_919 % 90


@dataclass
class Bill:
    """What was charged: per body and per dataset (the first number in a thing's name)."""

    usd: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    paid: Counter[str] = field(default_factory=Counter)  # bodies, by hash: answers made and charged
    garbled: Counter[str] = field(default_factory=Counter)  # of them, those that nobody could read
    of_body: dict[str, str] = field(default_factory=dict)  # body's hash -> dataset

    def twice(self, dataset: str) -> int:
        """Answers that were charged again though a readable one had been charged before."""
        with_more = ((key, n - self.garbled[key]) for key, n in list(self.paid.items()) if self.of_body[key] == dataset)
        return sum(max(0, n - 1) for _, n in with_more)


class KnownEndpoint:
    """A server in threads of this process. `mode`: ok, down, slow, silent or garbage, from the next request on.

    It honours idempotency keys, as an endpoint can that sells every answer once: a request that comes again under its
    key gets the answer that was charged.
    """

    def __init__(self) -> None:
        self.mode = "ok"
        self.bill = Bill()
        self._kept: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._in_flight = 0
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, dict[str, Any]] = {}
        site = self

        class Handler(_Handler):
            endpoint = site

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, name="known-endpoint", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def is_at_rest(self) -> bool:
        return self._in_flight == 0

    # Answers

    def chat(self, raw: bytes, key: str) -> bytes | None:
        """The answer's bytes; None: the connection ends without one."""
        with self._lock:
            self._in_flight += 1
        try:
            mode = self.mode
            time.sleep({"slow": 3.0, "silent": SILENT_SECONDS}.get(mode, LATENCY_SECONDS))
            if mode in ("down", "silent") or not _is_whole(raw):
                return None  # nothing was made, so nothing is charged
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
                answer = self._sell(raw, is_garbled=mode == "garbage")
                if mode == "garbage":
                    return b"<html>\xff half an answer"
                if key:
                    self._kept[key] = answer
                return answer
        finally:
            with self._lock:
                self._in_flight -= 1

    def _sell(self, raw: bytes, *, is_garbled: bool = False, share: Decimal = Decimal(1)) -> bytes:
        body = json.loads(raw)
        answer = _completion(body)
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        dataset = _asked(body)[0]
        usage = answer["usage"]
        tokens = usage["prompt_tokens"] + usage["completion_tokens"]
        self.bill.of_body[digest] = dataset
        self.bill.paid[digest] += 1
        self.bill.garbled[digest] += is_garbled
        self.bill.usd[dataset] += Decimal(tokens * USD_PER_MILLION) / 1_000_000 * share
        return json.dumps(answer).encode()

    # Files and batches

    def keep_file(self, content: bytes) -> dict[str, Any]:
        with self._lock:
            name = f"file-{len(self._files)}"
            self._files[name] = content
        return {"id": name, "object": "file", "bytes": len(content), "created_at": 0, "filename": "b.jsonl",
                "purpose": "batch", "status": "processed"}  # fmt: skip

    def file(self, name: str) -> bytes | None:
        return self._files.get(name)

    def start_batch(self, asked: dict[str, Any], key: str) -> dict[str, Any]:
        with self._lock:
            for batch in self._batches.values():
                if key and batch["key"] == key:
                    return _shown(batch)
            name = f"batch-{len(self._batches)}"
            self._batches[name] = {"id": name, "key": key, "input": asked["input_file_id"], "at": time.monotonic(),
                                   "metadata": asked.get("metadata"), "output": None}  # fmt: skip
            return _shown(self._batches[name])

    def batch(self, name: str) -> dict[str, Any] | None:
        """A batch as it stands; two seconds after its start it is done, and charged once."""
        with self._lock:
            batch = self._batches.get(name)
            if batch is not None and batch["output"] is None and time.monotonic() - batch["at"] > 2:
                lines = []
                for line in self._files[batch["input"]].splitlines():
                    asked = json.loads(line)
                    answer = json.loads(self._sell(json.dumps(asked["body"]).encode()))
                    lines.append(
                        {"id": asked["custom_id"], "custom_id": asked["custom_id"], "error": None,
                         "response": {"status_code": 200, "request_id": "r", "body": answer}}
                    )  # fmt: skip
                output = batch["output"] = f"out-{name}"
                self._files[output] = "\n".join(map(json.dumps, lines)).encode()
            return None if batch is None else _shown(batch)

    def batches(self) -> list[dict[str, Any]]:
        with self._lock:
            return [_shown(batch) for batch in self._batches.values()]


def _is_whole(raw: bytes) -> bool:
    """Whether a request came to its end: whoever sends it may be killed meanwhile."""
    try:
        return isinstance(json.loads(raw), dict)
    except ValueError:
        return False


def _shown(batch: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": batch["id"], "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": batch["input"],
        "completion_window": "24h", "status": "completed" if batch["output"] else "in_progress", "created_at": 0,
        "output_file_id": batch["output"], "error_file_id": None, "metadata": batch["metadata"],
    }  # fmt: skip


def _asked(body: dict[str, Any]) -> tuple[str, int]:
    """The dataset and the number of the thing that a question is about."""
    said = json.dumps(body.get("messages", []))
    found = _ASKED.findall(said)
    return (found[-1][0], int(found[-1][1])) if found else ("none", 0)


def _completion(body: dict[str, Any]) -> dict[str, Any]:
    _, number = _asked(body)
    tokens_in = len(json.dumps(body.get("messages", []))) // 8
    price = str(known_price(number))
    sure = {"token": price, "logprob": -0.0001, "bytes": list(price.encode())}
    probabilities = {"content": [sure | {"top_logprobs": [sure]}], "refusal": None} if body.get("logprobs") else None
    return {
        "id": "known", "object": "chat.completion", "created": 0, "model": body.get("model", MODEL),
        "choices": [{"index": 0, "message": {"role": "assistant", "content": price}, "logprobs": probabilities,
                     "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": 2, "total_tokens": tokens_in + 2},
    }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoint: KnownEndpoint

    def handle(self) -> None:
        with suppress(OSError):  # whoever asked is gone
            super().handle()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        del format, args

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        key = self.headers.get("idempotency-key", "")
        if self.path == "/v1/chat/completions":
            self._answer(self.endpoint.chat(raw, key))
        elif self.endpoint.mode == "down":
            self._answer(None)
        elif self.path == "/v1/files":
            self._json(self.endpoint.keep_file(_uploaded(raw)))
        elif self.path == "/v1/batches":
            self._json(self.endpoint.start_batch(json.loads(raw), key))
        else:
            self._json({"error": {"message": "Nothing is here."}}, 404)

    def do_GET(self) -> None:
        place = self.path.split("?")[0]
        name = place.rsplit("/", 1)[-1]
        if self.endpoint.mode == "down":
            self._answer(None)
        elif place == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "chaos", "max_model_len": 8_192}
            self._json({"object": "list", "data": [model]})
        elif place == "/v1/batches":
            self._json({"object": "list", "data": self.endpoint.batches(), "has_more": False})
        elif place.startswith("/v1/batches/") and (batch := self.endpoint.batch(name)) is not None:
            self._json(batch)
        elif place.endswith("/content") and (content := self.endpoint.file(place.split("/")[-2])) is not None:
            self._answer(content)
        else:
            self._json({"error": {"message": "Nothing is here."}}, 404)

    def _json(self, value: Any, status: int = 200) -> None:
        self._answer(json.dumps(value).encode(), status)

    def _answer(self, content: bytes | None, status: int = 200) -> None:
        self.close_connection = content is None
        if content is None:
            return
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _uploaded(form: bytes) -> bytes:
    """The one file in a multipart form: our lines are the only ones that begin with a brace."""
    return b"\n".join(line for line in form.splitlines() if line.startswith(b'{"custom_id"'))

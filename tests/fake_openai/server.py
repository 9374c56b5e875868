"""What stands in for OpenAI in tests: a real HTTP server on this machine that speaks its protocol, troubles included.

In a test:
    with endpoint(latency_ms=20) as server:
        client = openai.OpenAI(base_url=server.base_url, api_key="any")
        server.trouble("500", "429", "ok", "drop")
        ...
        assert not server.log.repeats(paid=True)

By hand or for a benchmark: python -m tests.fake_openai.server --port 8001 --brain fast --latency-ms 300 --rps 50
"""

import argparse
import asyncio
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.fake_openai.app import Site
from tests.fake_openai.brain import Brain
from tests.fake_openai.fast import FastBrain
from tests.fake_openai.log import Entry, RequestLog
from tests.fake_openai.settings import Model, Scripted, Settings, Trouble
from tests.fake_openai.troubled import able_to_hang_up
from tests.fake_openai.tuning import Job

__all__ = ["FastBrain", "Handle", "Model", "Scripted", "Settings", "endpoint", "local_brain"]


class Handle:
    """The running server as its test sees it. `settings` may be changed at any time."""

    def __init__(self, site: Site, port: int) -> None:
        self.site, self.port = site, port
        self.root = f"http://127.0.0.1:{port}"  # what AzureOpenAI takes as azure_endpoint; /control is under it
        self.base_url = f"{self.root}/v1"

    @property
    def settings(self) -> Settings:
        return self.site.settings

    @property
    def log(self) -> RequestLog:
        return self.site.chat.log

    @property
    def requests(self) -> list[Entry]:
        """Every chat request so far, in order of arrival."""
        return list(self.log.entries)

    @property
    def tunings(self) -> list[Job]:
        """Every fine-tune that was ever created, as it was when somebody last asked for it."""
        return list(self.site.tunings.all.values())

    def trouble(self, *kinds: Trouble, times: int = 1, match: str = "") -> None:
        """The next requests (whose body contains `match`) meet these, one after another; times=-1: for ever."""
        self.settings.script.extend(Scripted(kind=kind, times=times, match=match) for kind in kinds)

    def change(self, **values: Any) -> None:
        """Settings by name; `batching` and `tuning` may be given in part."""
        self.settings.change(**values)

    def reset(self, **settings: Any) -> None:
        """As after the start, so that many tests can share one server."""
        self.site.reset()
        self.settings.change(**settings)

    def advance(self, seconds: float) -> None:
        """Moves the clock of batches and fine-tunes on."""
        self.site.batches.ahead += seconds


def local_brain(name: str = "smollm2-135m") -> Brain:
    """A packaged model that answers through transformers. Raises NotReady when it is not installed."""
    from tests.fake_openai.local import LocalBrain

    return LocalBrain(name)


@contextmanager
def endpoint(brain: Brain | None = None, *, port: int = 0, **settings: Any) -> Iterator[Handle]:
    """A running server on 127.0.0.1, in a thread of this process; keywords are fields of Settings."""
    wished = Settings()
    wished.change(**settings)
    with socket.create_server(("127.0.0.1", port), backlog=2048) as listening:
        site = Site(brain or FastBrain(), wished)
        server = _server(site)
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listening])), name="endpoint", daemon=True
        )
        thread.start()
        try:
            yield Handle(site, listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive(), "the test server did not stop"


def _server(site: Site) -> uvicorn.Server:
    """No log: scripted hang-ups would fill it with errors that are meant."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        able_to_hang_up(site.app()),
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )
    return uvicorn.Server(config)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fake_openai.server", description="An OpenAI endpoint for tests."
    )
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--brain", choices=("fast", "local"), default="fast")
    parser.add_argument("--model", default="smollm2-135m", help="packaged model of the local brain")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--rps", type=float, help="allowed chat requests per second")
    parser.add_argument("--burst", type=float, help="how many may come at once; default: one second's worth")
    parser.add_argument("--key", help="the API key that callers must send")
    parser.add_argument("--ignores", nargs="*", default=[], choices=("logprobs", "response_format", "tools"))
    wished = parser.parse_args(arguments)
    brain = local_brain(wished.model) if wished.brain == "local" else FastBrain()
    settings = Settings(
        latency_ms=wished.latency_ms, rps=wished.rps, burst=wished.burst, key=wished.key, ignores=wished.ignores
    )
    site = Site(brain, settings)
    with socket.create_server(("127.0.0.1", wished.port), backlog=2048) as listening:
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}/v1\n")
        sys.stdout.flush()
        _server(site).run(sockets=[listening])


if __name__ == "__main__":
    main()

"""An endpoint in the database that leads to the test server, and a progress that keeps what it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from db import endpoints, rates
from db.engine import begin
from db.types import Endpoint
from tests.builders import a_dataset, a_job
from tests.fake_openai.server import Handle, endpoint
from worker.llm.base import Prompt
from worker.llm.endpoint import client
from worker.progress import Pause, Trouble

DOLLAR_A_TOKEN = {"input": Decimal(1_000_000), "output": Decimal(1_000_000)}
MILLIONTHS = {"input": Decimal(1), "cached": Decimal("0.5"), "output": Decimal(2)}


class Watched:
    """Progress that remembers, with a cap of its own where one is wished."""

    def __init__(self, job_id: int | None = None, chunk_id: int | None = None, cap: Decimal | None = None) -> None:
        self.job_id, self.chunk_id, self.cap = job_id, chunk_id, cap
        self.done = 0
        self.reserved: list[Decimal] = []
        self.troubles = Trouble()

    def advance(self, n: int = 1) -> None:
        self.done += n

    def reserve(self, usd: Decimal) -> None:
        if self.cap is not None and usd > self.cap:
            raise Pause("The cap is reached.")
        self.reserved.append(usd)

    def trouble(self, what: Trouble) -> None:
        self.troubles += what


@contextmanager
def hosted(
    models: tuple[str, ...] = ("fast",), prices: dict[str, Decimal] | None = MILLIONTHS, name: str = "e", **how: Any
) -> Iterator[Handle]:
    """A running test server (`how`: its settings) that the endpoint `name` leads to."""
    fields = {key: how.pop(key) for key in ("timeout_seconds", "max_concurrency", "key_env") if key in how}
    with endpoint(**how) as server:
        with begin() as session:
            endpoints.add(session, Endpoint(name, server.base_url, **fields))
            for model in models if prices else ():
                rates.set_tariff(session, name, model, prices or {})
        try:
            yield server
        finally:
            client.stop()


def paying_jobs(count: int) -> list[int]:
    """Ids of jobs that may pay: nothing is sent for one that is not there."""
    with begin() as session:
        dataset_id = a_dataset(session)
        return [a_job(session, dataset_id) for _ in range(count)]


def some(n: int, word: str = "thing", first: int = 0) -> list[Prompt]:
    """n different questions, of rows first, first + 1, ..."""
    return [
        Prompt("What does this cost?\n", f"<product>{word} number {i}</product>\n", "Price: $", row=i)
        for i in range(first, first + n)
    ]
